//! What passes a network's gateways, counted by the kernel: a table of its own for each gateway, as that of the network is
//! replaced as a whole and would begin to count anew.

use std::collections::BTreeMap;
use std::io;

use contract::network::DesiredNetwork;
use contract::usage::GatewayUsage;

use crate::name::gateway_mark;
use crate::nft::{
    Chain, Count, Family, Hook, Kind, Rule, TCP_ACK, TCP_SYN, Table, ct_marked, from_link, handshake, to_link,
};
use crate::rules::UPLINK;

const TABLES: &str = "wharf_gateway_";
/// After the network's own table has let a packet pass and has marked its connection.
const PRIORITY: i32 = 10;
const SENT: &str = "sent";
const RECEIVED: &str = "received";
const ATTEMPTED: &str = "attempted";
const ESTABLISHED: &str = "established";

fn table(gateway: &str) -> Table {
    let through = || ct_marked(gateway_mark(gateway));
    let rules = vec![
        Rule::when([to_link(UPLINK), through()]).count(SENT),
        Rule::when([from_link(UPLINK), through()]).count(RECEIVED),
        Rule::when([to_link(UPLINK), through(), handshake(TCP_SYN)]).count(ATTEMPTED),
        Rule::when([from_link(UPLINK), through(), handshake(TCP_SYN | TCP_ACK)]).count(ESTABLISHED),
    ];
    Table {
        family: Family::Ipv4,
        name: format!("{TABLES}{gateway}"),
        sets: BTreeMap::new(),
        maps: BTreeMap::new(),
        counters: vec![SENT, RECEIVED, ATTEMPTED, ESTABLISHED],
        branches: vec![],
        chains: vec![Chain {
            name: "forward",
            kind: Kind::Filter,
            hook: Hook::Forward,
            priority: PRIORITY,
            rules,
        }],
    }
}

/// Counts for the gateways that there are; those that count already go on.
pub(crate) fn apply(desired: &DesiredNetwork, socket: &mut crate::netlink::Socket) -> io::Result<()> {
    let there = Table::names(Family::Ipv4, socket)?;
    let wanted: Vec<Table> = desired.gateways.iter().map(|it| table(&it.id)).collect();
    for name in there.iter().filter(|name| name.starts_with(TABLES)) {
        if !wanted.iter().any(|it| it.name == *name) {
            Table::remove(Family::Ipv4, name, socket)?;
        }
    }
    for table in wanted.iter().filter(|it| !there.contains(&it.name)) {
        table.replace(socket)?;
    }
    Ok(())
}

/// By gateway.
pub(crate) fn read(socket: &mut crate::netlink::Socket) -> io::Result<BTreeMap<String, GatewayUsage>> {
    let mut found: BTreeMap<String, GatewayUsage> = BTreeMap::new();
    for ((table, counter), Count { bytes, packets }) in Table::counts(Family::Ipv4, socket)? {
        let Some(gateway) = table.strip_prefix(TABLES) else {
            continue;
        };
        let usage = found.entry(gateway.to_owned()).or_default();
        match counter.as_str() {
            SENT => (usage.sent_bytes, usage.sent_packets) = (bytes, packets),
            RECEIVED => (usage.received_bytes, usage.received_packets) = (bytes, packets),
            ATTEMPTED => usage.attempted_connections = packets,
            ESTABLISHED => usage.established_connections = packets,
            _ => {}
        }
    }
    Ok(found)
}
