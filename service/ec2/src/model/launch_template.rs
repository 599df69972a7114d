//! Launch templates, with all their versions.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Tags;
use super::launch::Spec;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LaunchTemplate {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created_at: Timestamp,
    pub(crate) created_by: String,
    pub(crate) default_version: u64,
    /// Never given out again, even when its version is deleted.
    pub(crate) latest_version: u64,
    pub(crate) versions: BTreeMap<u64, Version>,
    /// Of the request that made it, which may be repeated.
    pub(crate) token: Option<String>,
    pub(crate) tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) description: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) created_by: String,
    pub(crate) token: Option<String>,
    pub(crate) spec: Spec,
}

impl LaunchTemplate {
    /// `$Default` and `$Latest` are the template's own words; a number is a version.
    pub(crate) fn number(&self, version: &str) -> Option<u64> {
        match version {
            "" | "$Default" => Some(self.default_version),
            "$Latest" => self.versions.keys().next_back().copied(),
            number => number.parse().ok(),
        }
    }
}
