//! Clusters: a name under which services and tasks are grouped.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Tags;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cluster {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) created_at: Timestamp,
    /// Deleted; kept for those who ask what became of it.
    pub(crate) inactive: bool,
    /// `containerInsights` and what it was set to.
    pub(crate) settings: Vec<(String, String)>,
    #[serde(default)]
    pub(crate) capacity_providers: Vec<String>,
    /// Providers with base and weight, for requests that name neither these nor a launch type.
    #[serde(default)]
    pub(crate) default_strategy: Vec<(String, i32, i32)>,
    pub(crate) tags: Tags,
}
