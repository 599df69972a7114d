//! From VPC nouns to a network the data plane can build. Pure.

pub(crate) mod gateway_usage;
pub(crate) mod instance;
pub(crate) mod usage;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use contract::dns::NetworkNames;
use contract::network::{
    AddressGateway, Border, BorderEntry, DesiredNetwork, Foot, InterfaceRules, Peer, Protocol, PublicAddress,
    Route, Rule, SecurityGroup, Subnet, Target,
};

use crate::model;
use crate::model::acl::Entry;

/// Everything of one VPC.
pub(crate) struct Whole {
    pub(crate) region: String,
    pub(crate) vpc: model::Vpc,
    pub(crate) subnets: Vec<model::Subnet>,
    pub(crate) route_tables: Vec<model::RouteTable>,
    pub(crate) gateways: Vec<model::InternetGateway>,
    pub(crate) groups: Vec<model::SecurityGroup>,
    pub(crate) interfaces: Vec<model::Interface>,
    pub(crate) acls: Vec<model::NetworkAcl>,
    pub(crate) nat_gateways: Vec<model::NatGateway>,
}

impl Whole {
    /// Whether anybody needs it to stand. What is there without having been made is built when it is first used.
    pub(crate) fn is_used(&self) -> bool {
        !self.vpc.is_default || !self.interfaces.is_empty()
    }

    fn has_internet(&self) -> bool {
        let mut gateways = self.gateways.iter();
        gateways.any(|gateway| gateway.vpc.as_ref() == Some(&self.vpc.id))
    }
}

/// The network as it shall be; the generation is the caller's to set.
pub(crate) fn network(whole: &Whole) -> DesiredNetwork {
    let mut members: BTreeMap<&str, Vec<Ipv4Addr>> = BTreeMap::new();
    for interface in &whole.interfaces {
        for group in &interface.groups {
            members.entry(group).or_default().push(interface.address);
        }
    }
    let groups = whole.groups.iter().map(|group| {
        let rules = |egress| {
            group
                .rules
                .iter()
                .filter(move |rule| rule.egress == egress)
                .filter_map(rule)
                .collect()
        };
        let mut members = members.remove(group.id.as_str()).unwrap_or_default();
        members.sort_unstable();
        SecurityGroup {
            id: group.id.clone(),
            ingress: rules(false),
            egress: rules(true),
            members,
        }
    });
    let groups = groups.collect();
    let feet = whole.interfaces.iter().filter(|interface| interface.is_foot());
    DesiredNetwork {
        id: whole.vpc.id.clone(),
        generation: 0,
        ranges: vec![whole.vpc.range],
        subnets: whole
            .subnets
            .iter()
            .map(|subnet| self::subnet(whole, subnet))
            .collect(),
        groups,
        feet: feet
            .map(|foot| Foot {
                subnet: foot.subnet.clone(),
                address: foot.address,
                groups: foot.groups.clone(),
            })
            .collect(),
        public: public(whole),
        gateways: gateways(whole),
        interfaces: whole
            .interfaces
            .iter()
            .filter(|interface| !interface.is_foot() && !interface.is_nat())
            .map(|interface| InterfaceRules {
                id: interface.id.clone(),
                groups: interface.groups.clone(),
                forwards: interface.forwards,
            })
            .collect(),
        names: names(whole),
    }
}

/// Who answers names there, and which names its own addresses have.
fn names(whole: &Whole) -> NetworkNames {
    let vpc = &whole.vpc;
    let resolver = Ipv4Addr::from(u32::from(vpc.range.network()) + 2);
    NetworkNames {
        resolver: vpc.dns_support.then_some(resolver),
        region: whole.region.clone(),
        ranges: vec![vpc.range],
        domain: vpc.dns_support.then(|| model::private_domain(&whole.region)),
    }
}

/// Public addresses are those of the internet gateway: without one nobody has any.
fn public(whole: &Whole) -> Vec<PublicAddress> {
    if !whole.has_internet() {
        return Vec::new();
    }
    let known = whole.interfaces.iter().filter(|interface| !interface.is_nat());
    known
        .filter_map(|interface| {
            Some(PublicAddress {
                public: interface.public.as_ref()?.address,
                private: interface.address,
            })
        })
        .collect()
}

/// NAT gateways that stand or are to stand.
fn gateways(whole: &Whole) -> Vec<AddressGateway> {
    let wanted = whole.nat_gateways.iter();
    wanted
        .filter(|gateway| gateway.deleting.is_none() && gateway.failure.is_none())
        .map(|gateway| AddressGateway {
            id: gateway.id.clone(),
            subnet: gateway.subnet.clone(),
            public: gateway.public,
        })
        .collect()
}

fn subnet(whole: &Whole, subnet: &model::Subnet) -> Subnet {
    let own = whole
        .route_tables
        .iter()
        .find(|table| table.associations.iter().any(|one| one.subnet == subnet.id));
    let table = own.or_else(|| {
        whole
            .route_tables
            .iter()
            .find(|table| table.main_association.is_some())
    });
    let local = Route {
        destination: whole.vpc.range,
        target: Target::Local,
    };
    let routes = table.into_iter().flat_map(|table| &table.routes);
    let routes = routes.map(|route| Route {
        destination: route.destination,
        target: target(whole, &route.gateway),
    });
    let mut acls = whole.acls.iter();
    let acl = acls.find(|acl| acl.associations.iter().any(|one| one.subnet == subnet.id));
    Subnet {
        id: subnet.id.clone(),
        range: subnet.range,
        routes: std::iter::once(local).chain(routes).collect(),
        border: acl.map(border).unwrap_or_default(),
    }
}

fn target(whole: &Whole, gateway: &str) -> Target {
    let mut doors = whole.gateways.iter();
    if doors.any(|door| door.id == gateway && door.vpc.as_ref() == Some(&whole.vpc.id)) {
        return Target::Internet;
    }
    let mut nats = gateways(whole).into_iter();
    match nats.find(|nat| nat.id == gateway) {
        Some(nat) => Target::Gateway(nat.id),
        None => Target::Nowhere,
    }
}

/// Entries in the order of their numbers; what none of them matches is dropped anyway.
fn border(acl: &model::NetworkAcl) -> Border {
    let mut entries: Vec<&Entry> = acl.entries.iter().collect();
    entries.sort_by_key(|entry| entry.number);
    let side = |egress| {
        let own = entries.iter().filter(|entry| entry.egress == egress);
        own.map(|entry| BorderEntry {
            allow: entry.allow,
            protocol: entry_protocol(entry),
            range: entry.range,
        })
        .collect()
    };
    Border {
        ingress: side(false),
        egress: side(true),
    }
}

fn entry_protocol(entry: &Entry) -> Protocol {
    let (from, to) = entry.ports.unwrap_or((0, u16::MAX));
    match (entry.protocol, entry.icmp) {
        (6, _) => Protocol::Tcp { from, to },
        (17, _) => Protocol::Udp { from, to },
        (1, icmp) => self::icmp(icmp),
        (other, _) => u8::try_from(other).map_or(Protocol::Any, Protocol::Other),
    }
}

/// Type and code; what is not a number of one byte means any.
fn icmp(icmp: Option<(i32, i32)>) -> Protocol {
    let Some((kind, code)) = icmp else {
        return Protocol::Icmp;
    };
    match (u8::try_from(kind), u8::try_from(code)) {
        (Ok(kind), code) => Protocol::IcmpType {
            kind,
            code: code.ok(),
        },
        _ => Protocol::Icmp,
    }
}

/// `None` for rules about IPv6, which no packet here travels over.
fn rule(rule: &model::Rule) -> Option<Rule> {
    let port = |number: Option<i32>, absent| {
        number
            .and_then(|number| u16::try_from(number).ok())
            .unwrap_or(absent)
    };
    let (from, to) = (port(rule.from, 0), port(rule.to, u16::MAX));
    let protocol = match rule.protocol.as_str() {
        "-1" => Protocol::Any,
        "tcp" => Protocol::Tcp { from, to },
        "udp" => Protocol::Udp { from, to },
        "icmp" => icmp(rule.from.zip(rule.to)),
        other => Protocol::Other(other.parse().ok()?),
    };
    let peer = match &rule.peer {
        model::Peer::V4(range) => Peer::Range(*range),
        model::Peer::V6(_) => return None,
        model::Peer::Group(id) => Peer::Group(id.clone()),
    };
    Some(Rule { protocol, peer })
}

#[cfg(test)]
mod tests;
