//! The nouns, as they are stored.

pub(crate) mod acl;
pub(crate) mod address;
pub(crate) mod rule;

pub(crate) mod image;
pub(crate) mod instance;
pub(crate) mod instance_type;
pub(crate) mod key_pair;
pub(crate) mod launch;
pub(crate) mod launch_template;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use acl::NetworkAcl;
pub(crate) use rule::{Peer, Rule};

/// The domain of a VPC's own names.
pub(crate) fn private_domain(region: &str) -> String {
    match region {
        "us-east-1" => "ec2.internal".to_owned(),
        other => format!("{other}.compute.internal"),
    }
}

/// A VPC's name for one of its addresses.
pub(crate) fn private_name(address: Ipv4Addr, region: &str) -> String {
    let host = address.to_string().replace('.', "-");
    format!("ip-{host}.{}", private_domain(region))
}

pub(crate) type Tags = BTreeMap<String, String>;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Vpc {
    pub(crate) id: String,
    pub(crate) range: Ipv4Net,
    pub(crate) dns_support: bool,
    pub(crate) dns_hostnames: bool,
    pub(crate) address_metrics: bool,
    pub(crate) association: String,
    /// The one that is there without being made, and used where no subnet is named.
    #[serde(default)]
    pub(crate) is_default: bool,
    pub(crate) tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subnet {
    pub(crate) id: String,
    pub(crate) vpc: String,
    pub(crate) range: Ipv4Net,
    pub(crate) zone: String,
    pub(crate) map_public_ip: bool,
    /// The address given out last, as a number inside the range: the next search begins after it, so that an address
    /// just given back rests for a while.
    pub(crate) last_host: u32,
    /// Its zone's subnet in the default VPC.
    #[serde(default)]
    pub(crate) is_default: bool,
    pub(crate) tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InternetGateway {
    pub(crate) id: String,
    pub(crate) vpc: Option<String>,
    pub(crate) tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RouteTable {
    pub(crate) id: String,
    pub(crate) vpc: String,
    /// The VPC's main table serves the subnets without a table of their own.
    pub(crate) main_association: Option<String>,
    /// Beside the local route, which every table has.
    pub(crate) routes: Vec<Route>,
    pub(crate) associations: Vec<Association>,
    pub(crate) tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Route {
    pub(crate) destination: Ipv4Net,
    /// An internet gateway or a NAT gateway, by its id.
    pub(crate) gateway: String,
}

impl Route {
    pub(crate) fn is_nat(&self) -> bool {
        self.gateway.starts_with("nat-")
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Association {
    pub(crate) id: String,
    pub(crate) subnet: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SecurityGroup {
    pub(crate) id: String,
    pub(crate) vpc: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) rules: Vec<Rule>,
    pub(crate) tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Interface {
    pub(crate) id: String,
    pub(crate) vpc: String,
    pub(crate) subnet: String,
    pub(crate) zone: String,
    pub(crate) address: Ipv4Addr,
    pub(crate) mac: String,
    pub(crate) groups: Vec<String>,
    pub(crate) description: String,
    /// The instance that it is attached to, or was made with.
    #[serde(default)]
    pub(crate) instance: Option<String>,
    /// Its place among the instance's interfaces; 0 is the primary one, which is also the only kind there is so far.
    #[serde(default)]
    pub(crate) device_index: Option<i32>,
    #[serde(default)]
    pub(crate) delete_on_termination: bool,
    #[serde(default)]
    pub(crate) public: Option<PublicAddress>,
    /// Source and destination are not checked: it may forward what is not its own.
    #[serde(default)]
    pub(crate) forwards: bool,
    /// What its maker called the request, so that it is not made twice.
    #[serde(default)]
    pub(crate) token: Option<String>,
    pub(crate) tags: Tags,
}

/// The address by which the world knows an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PublicAddress {
    pub(crate) address: Ipv4Addr,
    /// Of an elastic address; one that was given with the interface goes with it.
    pub(crate) elastic: Option<ElasticAssociation>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ElasticAssociation {
    /// `eipalloc-…`
    pub(crate) allocation: String,
    /// `eipassoc-…`
    pub(crate) association: String,
}

/// What a scope has without asking, once it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Defaults {
    /// The only set of DHCP options there is.
    pub(crate) dhcp_options: String,
}

/// An address of the cloud's pool that an account has for itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ElasticAddress {
    /// `eipalloc-…`
    pub(crate) id: String,
    pub(crate) address: Ipv4Addr,
    pub(crate) tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NatGateway {
    pub(crate) id: String,
    pub(crate) vpc: String,
    pub(crate) subnet: String,
    pub(crate) zone: String,
    pub(crate) interface: String,
    pub(crate) made: Timestamp,
    /// The network has it; told by what was observed.
    pub(crate) available: bool,
    /// Why it never came to be.
    pub(crate) failure: Option<String>,
    /// Since when it is to go. Its interface stays until the network has let it go.
    pub(crate) deleting: Option<Timestamp>,
    pub(crate) deleted: Option<Timestamp>,
    /// The addresses it had, which are told of after it has lost them.
    pub(crate) private: Option<Ipv4Addr>,
    pub(crate) public: Ipv4Addr,
    pub(crate) allocation: String,
    pub(crate) association: String,
    pub(crate) token: Option<String>,
    pub(crate) tags: Tags,
}

impl Interface {
    /// A load balancer's foot in a subnet, as AWS describes it: `ELB app/<name>/<id>`.
    pub(crate) fn is_foot(&self) -> bool {
        self.description.starts_with("ELB ")
    }

    /// The place of a NAT gateway in its subnet.
    pub(crate) fn is_nat(&self) -> bool {
        self.description.starts_with(NAT_DESCRIPTION)
    }

    pub(crate) fn public_address(&self) -> Option<Ipv4Addr> {
        self.public.as_ref().map(|public| public.address)
    }

    /// Made by another service for its own use.
    pub(crate) fn is_managed(&self) -> bool {
        self.is_foot() || self.is_nat() || self.description.starts_with("arn:aws:ecs:")
    }
}

/// How the interface of a NAT gateway describes itself; the gateway's id follows.
pub(crate) const NAT_DESCRIPTION: &str = "Interface for NAT Gateway ";
