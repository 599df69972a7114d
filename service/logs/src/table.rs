//! What is stored, and under which key. What belongs to a group is under `<account>/<region>/<group>:<name>`; no
//! group's name contains a colon.

use base_id::Scope;
use base_store::Table;

use crate::model::{
    Group, MetricCursor, MetricFilter, QueryDefinition, Stream, SubscriptionCursor, SubscriptionFilter,
};

/// Under `<account>/<region>/<name>`.
pub(crate) const GROUPS: Table<Group> = Table::new("logs/group", 1);
/// Streams made by a call; a container's stream exists by its lines.
pub(crate) const STREAMS: Table<Stream> = Table::new("logs/stream", 1);
pub(crate) const METRIC_FILTERS: Table<MetricFilter> = Table::new("logs/metric-filter", 1);
/// How far each metric filter has counted.
pub(crate) const METRIC_CURSORS: Table<MetricCursor> = Table::new("logs/metric-cursor", 1);
pub(crate) const SUBSCRIPTION_FILTERS: Table<SubscriptionFilter> = Table::new("logs/subscription-filter", 1);
/// How far each subscription filter has delivered.
pub(crate) const SUBSCRIPTION_CURSORS: Table<SubscriptionCursor> = Table::new("logs/subscription-cursor", 1);
/// Under `<account>/<region>/<id>`.
pub(crate) const QUERY_DEFINITIONS: Table<QueryDefinition> = Table::new("logs/query-definition", 1);

pub(crate) fn group_key(scope: &Scope, name: &str) -> String {
    format!("{}/{name}", scope.key())
}

/// The head of the keys of what belongs to a group.
pub(crate) fn of_group(scope: &Scope, group: &str) -> String {
    format!("{}/{group}:", scope.key())
}
