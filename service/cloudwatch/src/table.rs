//! What is stored: everything under `<account>/<region>/…`.

use std::sync::Arc;

use aws_protocol::ApiError;
use base_id::Scope;
use base_store::{Snapshot, Table, Transaction};
use jiff::Timestamp;

use crate::error;
use crate::model::{Alarm, Body, Dashboard, Event, Pending, State};

pub(crate) const ALARMS: Table<Alarm> = Table::new("cloudwatch/alarm", 1);
pub(crate) const STATES: Table<State> = Table::new("cloudwatch/alarm_state", 1);
/// Under `<account>/<region>/<milliseconds>-<id>`.
pub(crate) const HISTORY: Table<Event> = Table::new("cloudwatch/alarm_history", 1);
pub(crate) const PENDING: Table<Pending> = Table::new("cloudwatch/alarm_action", 1);
pub(crate) const DASHBOARDS: Table<Dashboard> = Table::new("cloudwatch/dashboard", 1);

pub(crate) fn key(scope: &str, name: &str) -> String {
    format!("{scope}/{name}")
}

pub(crate) fn alarm_arn(scope: &Scope, name: &str) -> String {
    scope.arn("cloudwatch", &format!("alarm:{name}"))
}

pub(crate) fn dashboard_arn(scope: &Scope, name: &str) -> String {
    format!("arn:aws:cloudwatch::{}:dashboard/{name}", scope.account)
}

pub(crate) fn alarm(snapshot: &Snapshot, scope: &str, name: &str) -> Result<Arc<Alarm>, ApiError> {
    snapshot
        .get(ALARMS, &key(scope, name))
        .ok_or_else(|| error::no_alarm(name))
}

/// The state of an alarm that nobody has looked at yet.
pub(crate) fn unchecked(at: Timestamp) -> State {
    State {
        value: "INSUFFICIENT_DATA".to_owned(),
        reason: "Unchecked: Initial alarm creation".to_owned(),
        reason_data: None,
        updated_at: at,
        transitioned_at: at,
        last_value: None,
        acted_at: None,
    }
}

/// Writes into an alarm's history.
pub(crate) fn record(tx: &mut Transaction, scope: &str, id: &str, event: Event) {
    let key = format!("{scope}/{:013}-{id}", event.at.as_millisecond());
    tx.put(HISTORY, &key, event);
}

pub(crate) fn is_composite(alarm: &Alarm) -> bool {
    matches!(alarm.body, Body::Composite(_))
}
