//! What is stored beside what the name server reads.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) type Tags = BTreeMap<String, String>;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Zone {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) caller_reference: String,
    pub(crate) comment: Option<String>,
    pub(crate) private: bool,
    pub(crate) vpcs: Vec<Vpc>,
    /// VPCs of other accounts that may be associated.
    pub(crate) authorized: Vec<Vpc>,
    pub(crate) delegation_set: Option<String>,
    pub(crate) name_servers: Vec<String>,
    pub(crate) records: u64,
    /// The service that made it, and what it says about it.
    pub(crate) linked: Option<(String, String)>,
    pub(crate) tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Vpc {
    pub(crate) id: String,
    pub(crate) region: String,
}

/// What became of a change is known from what the name server has seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChangeInfo {
    pub(crate) id: String,
    pub(crate) submitted_at: Timestamp,
    pub(crate) comment: Option<String>,
    pub(crate) sequence: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DelegationSet {
    pub(crate) id: String,
    pub(crate) caller_reference: String,
    pub(crate) name_servers: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HealthCheck {
    pub(crate) id: String,
    pub(crate) caller_reference: String,
    pub(crate) version: i64,
    pub(crate) config: HealthConfig,
    pub(crate) linked: Option<(String, String)>,
    pub(crate) tags: Tags,
}

/// As it was asked for, with AWS's defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HealthConfig {
    pub(crate) kind: String,
    pub(crate) address: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) path: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) search: Option<String>,
    pub(crate) interval_seconds: Option<u32>,
    pub(crate) failure_threshold: Option<u32>,
    pub(crate) measure_latency: bool,
    pub(crate) inverted: bool,
    pub(crate) disabled: bool,
    pub(crate) health_threshold: Option<u32>,
    pub(crate) children: Vec<String>,
    pub(crate) sni: Option<bool>,
    pub(crate) regions: Vec<String>,
}
