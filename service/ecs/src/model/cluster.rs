//! Clusters: a name under which services and tasks are grouped.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Tags;

/// Capacity providers with base and weight.
pub(crate) type Strategy = Vec<(String, i32, i32)>;

/// The capacity providers that exist: they need no instances.
pub(crate) const PROVIDERS: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];

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
    /// For requests that name neither capacity providers nor a launch type.
    #[serde(default)]
    pub(crate) default_strategy: Strategy,
    pub(crate) tags: Tags,
}
