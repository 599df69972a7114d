//! Capacity providers that are Auto Scaling groups.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Tags;
use super::instance::Amount;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Provider {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) group_arn: String,
    pub(crate) group: String,
    pub(crate) scaling: Scaling,
    /// Instances with tasks are protected from scale-in, those without are not.
    pub(crate) protection: bool,
    /// Instances take no tasks any more before they go.
    pub(crate) draining: bool,
    /// It was changed once.
    pub(crate) updated: bool,
    /// Since when its reservation has been below the target.
    #[serde(default)]
    pub(crate) low_since: Option<Timestamp>,
    /// What one of its instances has: known once one has registered.
    #[serde(default)]
    pub(crate) size: Option<Amount>,
    /// The attributes of that one.
    #[serde(default)]
    pub(crate) attributes: BTreeMap<String, Option<String>>,
    pub(crate) tags: Tags,
}

/// Who decides how many instances there are; numbers are absent where nobody named them and nothing follows from them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scaling {
    pub(crate) enabled: bool,
    pub(crate) target: Option<u32>,
    pub(crate) step_least: Option<u32>,
    pub(crate) step_most: Option<u32>,
    pub(crate) warmup_seconds: Option<u32>,
}

impl Scaling {
    pub(crate) const TARGET_DEFAULT: u32 = 100;
    pub(crate) const STEP_LEAST_DEFAULT: u32 = 1;
    pub(crate) const STEP_MOST_DEFAULT: u32 = 10_000;
    pub(crate) const WARMUP_SECONDS_DEFAULT: u32 = 300;
}
