//! A private network inside its namespace: a bridge per subnet, routing between them, and the way out.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;

use contract::agent;
use contract::network::{DesiredNetwork, Interface, Subnet};

use crate::host::Host;
use crate::link::{Veth, VethPeer};
use crate::meter;
use crate::name::{bridge_name, router_mac, task_link_name};
use crate::namespace::Namespace;
use crate::router;
use crate::rules::{self, TASK_LINK};

/// Makes a network's inside as desired.
pub(crate) fn apply(desired: &DesiredNetwork, inside: &Namespace, host: &Host) -> io::Result<()> {
    inside.set(&[("ipv4/ip_forward", "1"), ("ipv6/conf/all/disable_ipv6", "1")])?;
    let mut links = inside.links()?;
    let mut wanted = BTreeMap::new();
    for subnet in &desired.subnets {
        let name = bridge_name(&subnet.id);
        let index = links.ensure_bridge(&name, &subnet.id, router_mac(&subnet.id))?;
        links.set_addresses(index, &bridge_addresses(desired, subnet))?;
        wanted.insert(name, index);
    }
    for link in links.all()? {
        if link.name.starts_with("br") && !wanted.contains_key(&link.name) {
            links.remove(&link.name)?;
        }
    }
    // The resolver's address and the agent's belong to the network as a whole.
    if let Some(lo) = links.find("lo")? {
        let mut addresses = vec![
            (Ipv4Addr::LOCALHOST, 8),
            (agent::ADDRESS, 32),
            (agent::HOST_ADDRESS, 32),
        ];
        addresses.extend(rules::resolver(desired).map(|resolver| (resolver, 32)));
        links.set_addresses(lo.index, &addresses)?;
    }
    // Nothing comes in by the way out before the table stands that says what may.
    let link = host.ensure_uplink(&desired.id, inside)?;
    router::network_table(desired).replace(&mut inside.filter()?)?;
    meter::apply(desired, &mut inside.filter()?)?;
    let gateways = desired.gateways.iter().map(|gateway| gateway.public);
    let public = desired
        .public
        .iter()
        .map(|pair| pair.public)
        .chain(gateways)
        .collect();
    host.reach(&link, &public)
}

fn bridge_addresses(desired: &DesiredNetwork, subnet: &Subnet) -> Vec<(Ipv4Addr, u8)> {
    let feet = desired
        .feet
        .iter()
        .filter(|foot| foot.subnet == subnet.id)
        .map(|foot| (foot.address, 32));
    std::iter::once((rules::router(subnet.range), subnet.range.prefix_len()))
        .chain(feet)
        .collect()
}

/// Joins a task's namespace to its subnet. The task's packet filter must stand already.
pub(crate) fn attach(
    desired: &DesiredNetwork,
    interface: &Interface,
    network: &Namespace,
    task: &Namespace,
) -> io::Result<()> {
    let subnet = desired
        .subnets
        .iter()
        .find(|subnet| subnet.id == interface.subnet)
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                format!("subnet {} is not in network {}", interface.subnet, desired.id),
            )
        })?;
    let mut inner = task.links()?;
    let mut outer = network.links()?;
    let name = task_link_name(&interface.id);
    let bridge = outer.find(&bridge_name(&subnet.id))?.ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::NotFound,
            format!("subnet {} has not been made", subnet.id),
        )
    })?;
    match (inner.find(TASK_LINK)?, outer.find(&name)?) {
        (Some(_), Some(port)) => outer.set_bridge(&port, bridge.index)?,
        _ => {
            // One end without the other is left of a crash, or of a network that was made anew.
            inner.remove(TASK_LINK)?;
            outer.remove(&name)?;
            let mac = parse_mac(&interface.mac);
            outer.add_veth(&Veth {
                name: &name,
                alias: &interface.id,
                bridge: Some(bridge.index),
                peer: VethPeer {
                    name: TASK_LINK,
                    namespace: task.descriptor(),
                    mac,
                },
            })?;
        }
    }
    let link = inner
        .find(TASK_LINK)?
        .ok_or_else(|| io::Error::other("the task's link has gone"))?;
    inner.set_addresses(link.index, &[(interface.address, subnet.range.prefix_len())])?;
    inner.raise(TASK_LINK)?;
    outer.await_passing(&name)?;
    outer.await_passing(&bridge.name)?;
    inner.set_default_route(link.index, rules::router(subnet.range))
}

fn parse_mac(text: &str) -> Option<[u8; 6]> {
    let mut bytes = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut bytes {
        *byte = u8::from_str_radix(parts.next()?, 16).ok()?;
    }
    parts.next().is_none().then_some(bytes)
}
