//! Hosts: tasks whose namespace carries a bridge with containers of other tasks behind it, as Docker's default network
//! does: hidden behind the host's address on the way out, reached through published ports on the way in.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use contract::agent;
use contract::task::{BRIDGE_RANGE, BridgeEnd, Publish, Transport};
use ipnet::Ipv4Net;

use crate::link::{Veth, VethPeer};
use crate::name;
use crate::namespace::{self, Namespace};
use crate::nft::{
    Addresses, Chain, Expression, Family, Hook, Rule, Table, destination, masquerade, port_range, source,
    to_link,
};
use crate::rules::{DESTINATION_PRIORITY, LOOPBACK, SOURCE_PRIORITY, TASK_LINK, nat, one, router};
use crate::{Inner, Network, NetworkError};

/// The bridge's name in a host, as in Docker.
const BRIDGE: &str = "docker0";
/// The table that hides what is behind the bridge.
const HIDE_TABLE: &str = "wharf-bridge";
/// What names of tables with published ports begin with.
const PUBLISH_TABLE: &str = "publish-";

/// A host that stands.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub pin: PathBuf,
    pub address: Ipv4Addr,
}

impl Network {
    /// Makes an attached interface's namespace that of a host, under this name. Safe to repeat.
    ///
    /// # Errors
    /// When the interface is not attached, or the kernel refuses something.
    pub async fn open_host(&self, host: &str, interface: &str) -> Result<(), NetworkError> {
        let (host, interface) = (host.to_owned(), interface.to_owned());
        self.run(move |inner| inner.open_host(host, &interface)).await
    }

    /// Nothing can be plugged into the host any more; what was goes with its interface.
    pub fn close_host(&self, host: &str) {
        self.inner.hosts().remove(host);
    }

    /// Where a host's namespace is pinned, as long as it stands.
    pub fn host(&self, host: &str) -> Option<PathBuf> {
        self.inner.hosts().get(host).map(|host| host.pin.clone())
    }

    /// Makes a namespace behind a host's bridge and publishes its ports; returns where it is pinned. Safe to repeat.
    ///
    /// # Errors
    /// When the host is not there, or the kernel refuses something.
    pub async fn plug(&self, host: &str, id: &str, end: &BridgeEnd) -> Result<PathBuf, NetworkError> {
        let (host, id, end) = (host.to_owned(), id.to_owned(), end.clone());
        self.run(move |inner| inner.plug(&host, &id, &end)).await
    }

    /// Lets a namespace behind a bridge go; neither it nor the host need be there.
    ///
    /// # Errors
    /// When the kernel refuses something.
    pub async fn unplug(&self, host: &str, id: &str) -> Result<(), NetworkError> {
        let (host, id) = (host.to_owned(), id.to_owned());
        self.run(move |inner| inner.unplug(&host, &id)).await
    }
}

impl Inner {
    fn open_host(&self, host: String, interface: &str) -> Result<(), NetworkError> {
        let failed = |cause| NetworkError::Attach {
            interface: interface.to_owned(),
            cause,
        };
        let gone = || failed(io::Error::new(io::ErrorKind::NotFound, "it is not attached"));
        let address = self
            .tasks()
            .get(interface)
            .map(|task| task.interface.address)
            .ok_or_else(gone)?;
        let pin = self.task_pin(interface);
        let namespace = Namespace::open(&pin).map_err(failed)?;
        prepare(&namespace).map_err(failed)?;
        self.unpublish_gone(&namespace).map_err(failed)?;
        self.hosts().insert(host, Host { pin, address });
        Ok(())
    }

    /// Takes back the ports of what was unplugged while its host was not known: after a crash.
    fn unpublish_gone(&self, outside: &Namespace) -> io::Result<()> {
        let mut socket = outside.filter()?;
        // In this order: a table comes after its pin.
        let tables = Table::names(Family::Ipv4, &mut socket)?;
        let pins = namespace::pinned(&self.config.run_dir.join("netns-tasks"));
        let wanted: BTreeSet<String> = pins.iter().map(|id| publish_name(id)).collect();
        for name in tables {
            if name.starts_with(PUBLISH_TABLE) && !wanted.contains(&name) {
                Table::remove(Family::Ipv4, &name, &mut socket)?;
            }
        }
        Ok(())
    }

    fn plug(&self, host: &str, id: &str, end: &BridgeEnd) -> Result<PathBuf, NetworkError> {
        let host = self
            .hosts()
            .get(host)
            .cloned()
            .ok_or_else(|| NetworkError::Unknown(host.to_owned()))?;
        let pin = self.task_pin(id);
        let plug = || {
            let (inside, _) = self.ensure_own(&pin)?;
            let outside = Namespace::open(&host.pin)?;
            join(&outside, &inside, id, end.address)?;
            publish_table(id, host.address, end).replace(&mut outside.filter()?)
        };
        plug().map_err(|cause| NetworkError::Attach {
            interface: id.to_owned(),
            cause,
        })?;
        Ok(pin)
    }

    fn unplug(&self, host: &str, id: &str) -> Result<(), NetworkError> {
        let host = self.hosts().get(host).cloned();
        if let Some(outside) = host.and_then(|host| Namespace::open(&host.pin).ok()) {
            Table::remove(Family::Ipv4, &publish_name(id), &mut outside.filter()?)?;
            outside.links()?.remove(&name::bridge_port_name(id))?;
        }
        namespace::unpin(&self.task_pin(id));
        Ok(())
    }
}

/// Makes the inside of a host: forwarding, the bridge, and the agent's address for what lives there.
fn prepare(namespace: &Namespace) -> io::Result<()> {
    namespace.set(&[("ipv4/ip_forward", "1")])?;
    let mut links = namespace.links()?;
    let bridge = links.ensure_bridge(BRIDGE, BRIDGE, name::router_mac(BRIDGE))?;
    links.set_addresses(bridge, &[(router(BRIDGE_RANGE), BRIDGE_RANGE.prefix_len())])?;
    if let Some(lo) = links.find("lo")? {
        links.set_addresses(lo.index, &[(Ipv4Addr::LOCALHOST, 8), (agent::ADDRESS, 32)])?;
    }
    // Published ports answer under the host's own 127.0.0.1 too.
    namespace.set(&[("ipv4/conf/docker0/route_localnet", "1")])?;
    hide_table().replace(&mut namespace.filter()?)
}

fn join(outside: &Namespace, inside: &Namespace, id: &str, address: Ipv4Addr) -> io::Result<()> {
    let (mut inner, mut outer) = (inside.links()?, outside.links()?);
    let name = name::bridge_port_name(id);
    let missing = || io::Error::new(io::ErrorKind::NotFound, "the host has no bridge");
    let bridge = outer.find(BRIDGE)?.ok_or_else(missing)?;
    match (inner.find(TASK_LINK)?, outer.find(&name)?) {
        (Some(_), Some(port)) => outer.set_bridge(&port, bridge.index)?,
        _ => {
            // One end without the other is left of a crash.
            inner.remove(TASK_LINK)?;
            outer.remove(&name)?;
            outer.add_veth(&Veth {
                name: &name,
                alias: id,
                bridge: Some(bridge.index),
                peer: VethPeer {
                    name: TASK_LINK,
                    namespace: inside.descriptor(),
                    mac: None,
                },
            })?;
        }
    }
    let gone = || io::Error::other("the container's link has gone");
    let link = inner.find(TASK_LINK)?.ok_or_else(gone)?;
    inner.set_addresses(link.index, &[(address, BRIDGE_RANGE.prefix_len())])?;
    inner.raise(TASK_LINK)?;
    outer.await_passing(&name)?;
    inner.set_default_route(link.index, router(BRIDGE_RANGE))
}

fn table(name: String, chains: Vec<Chain>) -> Table {
    Table {
        family: Family::Ipv4,
        name,
        sets: BTreeMap::new(),
        maps: BTreeMap::new(),
        counters: vec![],
        branches: vec![],
        chains,
    }
}

/// Who is behind the bridge is seen from outside, and by its neighbours through published ports, as the host.
fn hide_table() -> Table {
    let from =
        |range: Ipv4Net, link| Rule::when([source(&Addresses::In(range)), to_link(link), masquerade()]);
    let rules = vec![
        from(BRIDGE_RANGE, TASK_LINK),
        from(BRIDGE_RANGE, BRIDGE),
        from(LOOPBACK, BRIDGE),
    ];
    table(
        HIDE_TABLE.to_owned(),
        vec![nat("postrouting", Hook::Postrouting, SOURCE_PRIORITY, rules)],
    )
}

fn publish_name(id: &str) -> String {
    format!("{PUBLISH_TABLE}{}", name::bridge_port_name(id))
}

fn to_port(publish: Publish) -> Vec<Expression> {
    let protocol = match publish.protocol {
        Transport::Tcp => libc::IPPROTO_TCP,
        Transport::Udp => libc::IPPROTO_UDP,
    };
    port_range(protocol, publish.host_port, publish.host_port)
}

/// The published ports of one container: a table of its own, so that it comes and goes without its neighbours'.
fn publish_table(id: &str, host: Ipv4Addr, end: &BridgeEnd) -> Table {
    let leading = |addresses: &[Ipv4Addr]| {
        let mut rules = Vec::new();
        for publish in &end.publish {
            for &address in addresses {
                let there = Rule::when([destination(&one(address)), to_port(*publish)]);
                rules.push(there.destination_to_port(end.address, publish.container_port));
            }
        }
        rules
    };
    table(
        publish_name(id),
        vec![
            nat(
                "prerouting",
                Hook::Prerouting,
                DESTINATION_PRIORITY,
                leading(&[host]),
            ),
            nat(
                "output",
                Hook::Output,
                DESTINATION_PRIORITY,
                leading(&[host, Ipv4Addr::LOCALHOST]),
            ),
        ],
    )
}
