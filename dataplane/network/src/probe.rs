//! Whether this machine's kernel can do what private networks need, by trying it in a namespace that goes away.

use std::io;

use crate::link::{Links, Veth, VethPeer};
use crate::namespace::Namespace;
use crate::nft::{Chain, Family, Hook, Kind, Rule, Table, ct_established, masquerade};

/// What was tried, and what came of it.
#[derive(Debug)]
pub struct Probe {
    pub namespaces: io::Result<()>,
    /// Bridges and pairs of links.
    pub links: io::Result<()>,
    /// Packet filter with connection tracking and translation.
    pub filter: io::Result<()>,
}

/// Tries everything. Blocks for some milliseconds.
pub fn probe() -> Probe {
    let mut probe = Probe {
        namespaces: Ok(()),
        links: not_tried(),
        filter: not_tried(),
    };
    let tried = std::thread::scope(|scope| {
        scope
            .spawn(|| -> io::Result<(io::Result<()>, io::Result<()>)> {
                nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET)?;
                Ok((try_links(), try_filter()))
            })
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the attempt has panicked")))
    });
    match tried {
        Ok((links, filter)) => (probe.links, probe.filter) = (links, filter),
        Err(error) => probe.namespaces = Err(error),
    }
    probe
}

fn not_tried() -> io::Result<()> {
    Err(io::Error::other(
        "not tried, as there is no namespace to try it in",
    ))
}

fn try_links() -> io::Result<()> {
    let here = Namespace::current()?;
    let mut links = Links::here()?;
    let bridge = links.ensure_bridge("bridge", "probe", [2, 0, 0, 0, 0, 1])?;
    links.add_veth(&Veth {
        name: "one",
        alias: "probe",
        bridge: Some(bridge),
        peer: VethPeer {
            name: "other",
            namespace: here.descriptor(),
            mac: None,
        },
    })
}

fn try_filter() -> io::Result<()> {
    let chain = |name, kind, hook, priority, rules| Chain {
        name,
        kind,
        hook,
        priority,
        rules,
    };
    let table = Table {
        family: Family::Inet,
        name: "probe".to_owned(),
        sets: [("set".to_owned(), vec![std::net::Ipv4Addr::LOCALHOST])].into(),
        maps: std::collections::BTreeMap::new(),
        counters: vec!["count"],
        branches: Vec::new(),
        chains: vec![
            chain(
                "in",
                Kind::Filter,
                Hook::Input,
                0,
                vec![Rule::when([ct_established()]).count("count").accept()],
            ),
            chain(
                "out",
                Kind::Nat,
                Hook::Postrouting,
                100,
                vec![Rule::when([masquerade()])],
            ),
        ],
    };
    table.replace(&mut crate::netlink::Socket::filter()?)
}
