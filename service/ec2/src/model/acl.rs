//! Network ACLs: numbered entries at the borders of subnets, which know nothing of connections.

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::Tags;

/// The number that the last entry, which denies the rest, is shown with.
pub(crate) const LAST: i32 = 32767;
/// Entries that people make are numbered up to here.
pub(crate) const NUMBER_MAX: i32 = 32766;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NetworkAcl {
    pub(crate) id: String,
    pub(crate) vpc: String,
    /// Serves the subnets that were not given another one.
    pub(crate) is_default: bool,
    /// Without the last one of each direction, which denies everything.
    pub(crate) entries: Vec<Entry>,
    pub(crate) associations: Vec<super::Association>,
    pub(crate) tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) number: i32,
    pub(crate) egress: bool,
    pub(crate) allow: bool,
    /// A protocol's number; -1 is all of them.
    pub(crate) protocol: i32,
    pub(crate) range: Ipv4Net,
    /// Of TCP and UDP.
    pub(crate) ports: Option<(u16, u16)>,
    /// Type and code of ICMP; -1 is any.
    pub(crate) icmp: Option<(i32, i32)>,
}

impl NetworkAcl {
    /// The ACL that a VPC comes with: everything passes.
    pub(crate) fn open(id: String, vpc: &str) -> Self {
        let entry = |egress| Entry {
            number: 100,
            egress,
            allow: true,
            protocol: -1,
            range: Ipv4Net::default(),
            ports: None,
            icmp: None,
        };
        Self {
            id,
            vpc: vpc.to_owned(),
            is_default: true,
            entries: vec![entry(true), entry(false)],
            associations: vec![],
            tags: Tags::new(),
        }
    }
}
