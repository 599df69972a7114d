//! From VPC nouns to a network the data plane can build. Pure.

pub(crate) mod instance;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use contract::network::{DesiredNetwork, Foot, Peer, Protocol, Rule, SecurityGroup, Subnet};
use ipnet::Ipv4Net;

use crate::model;

/// Everything of one VPC.
pub(crate) struct Whole {
    pub(crate) vpc: model::Vpc,
    pub(crate) subnets: Vec<model::Subnet>,
    pub(crate) route_tables: Vec<model::RouteTable>,
    pub(crate) gateways: Vec<model::InternetGateway>,
    pub(crate) groups: Vec<model::SecurityGroup>,
    pub(crate) interfaces: Vec<model::Interface>,
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
            })
            .collect(),
    }
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
    let attached = |id: &str| {
        whole
            .gateways
            .iter()
            .any(|gateway| gateway.id == id && gateway.vpc.as_ref() == Some(&whole.vpc.id))
    };
    let everywhere = Ipv4Net::default();
    let outbound = table.is_some_and(|table| {
        table
            .routes
            .iter()
            .any(|route| route.destination == everywhere && attached(&route.gateway))
    });
    Subnet {
        id: subnet.id.clone(),
        range: subnet.range,
        outbound,
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
        "icmp" => Protocol::Icmp,
        _ => return None,
    };
    let peer = match &rule.peer {
        model::Peer::V4(range) => Peer::Range(*range),
        model::Peer::V6(_) => return None,
        model::Peer::Group(id) => Peer::Group(id.clone()),
    };
    Some(Rule { protocol, peer })
}
