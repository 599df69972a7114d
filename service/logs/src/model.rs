//! Groups and streams, as they are stored.

use std::collections::BTreeMap;

use base_id::Scope;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) created_ms: i64,
    pub(crate) retention_days: Option<i32>,
    pub(crate) tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stream {
    pub(crate) name: String,
    pub(crate) created_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MetricFilter {
    pub(crate) scope: Scope,
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) pattern: String,
    pub(crate) created_ms: i64,
    pub(crate) metric: Metric,
}

/// What a match publishes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Metric {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// A number, or `$.field`, or `$field`.
    pub(crate) value: String,
    /// For a minute in which lines came and none matched.
    #[serde(default)]
    pub(crate) default_value: Option<f64>,
    /// Names, and where in a line their values are.
    #[serde(default)]
    pub(crate) dimensions: BTreeMap<String, String>,
    /// As AWS writes it.
    #[serde(default)]
    pub(crate) unit: Option<String>,
}

/// How far a metric filter has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MetricCursor {
    /// The last line that was counted, or looked at in vain.
    pub(crate) after: u64,
    /// The minute of the last line, while nothing in it has matched.
    #[serde(default)]
    pub(crate) idle_minute_ms: Option<i64>,
    /// The last minute in which something matched.
    #[serde(default)]
    pub(crate) matched_minute_ms: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SubscriptionFilter {
    pub(crate) scope: Scope,
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) pattern: String,
    pub(crate) created_ms: i64,
    /// An `http://` or `https://` URL.
    pub(crate) destination: String,
    #[serde(default)]
    pub(crate) role_arn: Option<String>,
    #[serde(default)]
    pub(crate) random: bool,
}

/// How far a subscription filter has delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SubscriptionCursor {
    /// The last line that was delivered, or did not match.
    pub(crate) after: u64,
    /// Since when the target has refused what comes next.
    #[serde(default)]
    pub(crate) failing_since_ms: Option<i64>,
    /// Tries that failed in a row.
    #[serde(default)]
    pub(crate) failures: u32,
    /// Not to be tried before.
    #[serde(default)]
    pub(crate) next_try_ms: Option<i64>,
}

/// A query that somebody has saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QueryDefinition {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) groups: Vec<String>,
    pub(crate) changed_ms: i64,
}
