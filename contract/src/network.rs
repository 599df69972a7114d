//! Private networks: an address range with subnets, interfaces in them, and rules on what may pass.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

/// A private network as it shall be. Ranges of different networks may overlap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesiredNetwork {
    /// Unique on this machine, at most 32 bytes of `[a-z0-9-]`.
    pub id: String,
    pub generation: u64,
    pub ranges: Vec<Ipv4Net>,
    pub subnets: Vec<Subnet>,
    pub groups: Vec<SecurityGroup>,
    /// Addresses that belong to no task but to this network itself: a load balancer's feet in its subnets.
    pub feet: Vec<Foot>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    pub id: String,
    /// The first address is the router's.
    pub range: Ipv4Net,
    /// Whether packets may leave for the world outside (masqueraded).
    pub outbound: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foot {
    pub subnet: String,
    pub address: Ipv4Addr,
}

/// A stateful packet filter: what no rule allows is dropped; answers to what was allowed pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    pub id: String,
    pub ingress: Vec<Rule>,
    pub egress: Vec<Rule>,
    /// Addresses of all interfaces that are in this group: what a rule that names the group as peer means.
    pub members: Vec<Ipv4Addr>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    pub protocol: Protocol,
    pub peer: Peer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protocol {
    Any,
    /// Destination ports, both ends included.
    Tcp {
        from: u16,
        to: u16,
    },
    Udp {
        from: u16,
        to: u16,
    },
    Icmp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Peer {
    Range(Ipv4Net),
    Group(String),
}

/// A task's network interface: an own network namespace with one veth into its subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    pub id: String,
    pub network: String,
    pub subnet: String,
    pub address: Ipv4Addr,
    /// `aa:bb:cc:dd:ee:ff`
    pub mac: String,
    pub groups: Vec<String>,
}

/// A network as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedNetwork {
    pub id: String,
    pub generation: u64,
    /// `None` when it stands as desired, else a sentence that says what failed.
    pub failure: Option<String>,
}

impl DesiredNetwork {
    /// Name of the table, keyed by network id.
    pub const TABLE: &'static str = "dataplane/desired_network";
}

impl ObservedNetwork {
    /// Name of the table, keyed by network id.
    pub const TABLE: &'static str = "dataplane/observed_network";
}
