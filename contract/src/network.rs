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
    /// Addresses by which the world outside knows some of this network's. They leave and are reached by these alone;
    /// who has none leaves through a gateway that has one, or not at all.
    #[serde(default)]
    pub public: Vec<PublicAddress>,
    #[serde(default)]
    pub gateways: Vec<AddressGateway>,
    /// What holds for interfaces from now on, whatever held when they were attached.
    #[serde(default)]
    pub interfaces: Vec<InterfaceRules>,
    #[serde(default)]
    pub names: crate::dns::NetworkNames,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    pub id: String,
    /// The first address is the router's.
    pub range: Ipv4Net,
    /// Where packets that leave the subnet go; the longest prefix wins, and what no route knows is dropped. Other
    /// subnets of the network are always reached.
    #[serde(default)]
    pub routes: Vec<Route>,
    #[serde(default)]
    pub border: Border,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    pub destination: Ipv4Net,
    pub target: Target,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// The network itself.
    Local,
    /// The world outside, for who has a public address.
    Internet,
    /// A gateway of this network, by its id.
    Gateway(String),
    Nowhere,
}

/// A stateless packet filter at a subnet's border, not between its own hosts. The first entry that matches decides;
/// what matches none is dropped. The default lets everything pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Border {
    pub ingress: Vec<BorderEntry>,
    pub egress: Vec<BorderEntry>,
}

/// For what comes in the range is the source, for what leaves the destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BorderEntry {
    pub allow: bool,
    pub protocol: Protocol,
    pub range: Ipv4Net,
}

impl BorderEntry {
    pub const EVERYTHING: Self = Self {
        allow: true,
        protocol: Protocol::Any,
        range: Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0),
    };
}

impl Default for Border {
    fn default() -> Self {
        Self {
            ingress: vec![BorderEntry::EVERYTHING],
            egress: vec![BorderEntry::EVERYTHING],
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicAddress {
    pub public: Ipv4Addr,
    pub private: Ipv4Addr,
}

/// Gives its public address to whoever is routed to it, and lets nothing in by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressGateway {
    pub id: String,
    /// Where it stands: this subnet's routes and border hold for what passes it.
    pub subnet: String,
    pub public: Ipv4Addr,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceRules {
    pub id: String,
    pub groups: Vec<String>,
    /// May speak for and hear what is for others.
    pub forwards: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foot {
    pub subnet: String,
    pub address: Ipv4Addr,
    /// Who may reach it from inside the network: as the groups say; anybody without any.
    #[serde(default)]
    pub groups: Vec<String>,
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
    /// Of any type and code.
    Icmp,
    IcmpType {
        kind: u8,
        code: Option<u8>,
    },
    /// Another protocol, by its number.
    Other(u8),
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
