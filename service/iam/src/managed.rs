//! Policies that AWS manages: those that ECS and the services around it use, with AWS's own documents.

use std::sync::LazyLock;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// Name, path, version, times and document of each, by name.
const DATA: &str = include_str!("../data/managed.json");
const ARN_HEAD: &str = "arn:aws:iam::aws:policy";

#[derive(Deserialize)]
pub(crate) struct Managed {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) version: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    document: Value,
}

static ALL: LazyLock<Vec<Managed>> =
    LazyLock::new(|| serde_json::from_str(DATA).expect("the list that is built in is well-formed"));

impl Managed {
    pub(crate) fn arn(&self) -> String {
        format!("{ARN_HEAD}{}{}", self.path, self.name)
    }

    /// Stable, and of the form that ids of policies have.
    pub(crate) fn id(&self) -> String {
        let hash = self.name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        format!("ANPA{hash:017X}")
    }

    pub(crate) fn document(&self) -> String {
        self.document.to_string()
    }
}

pub(crate) fn all() -> &'static [Managed] {
    &ALL
}

pub(crate) fn find(arn: &str) -> Option<&'static Managed> {
    ALL.iter().find(|policy| policy.arn() == arn)
}
