//! Alarms are looked at every few seconds; what they set off is carried out; what is old is removed.

mod actions;
mod alarms;
mod upkeep;

pub use actions::Actions;
pub use alarms::Alarms;
pub use upkeep::Upkeep;

use base_id::{IdSource, Scope};
use base_store::Transaction;
use contract::alarm::Firing;
use jiff::Timestamp;
use serde_json::json;

use crate::model::{Alarm, Body, Event, Pending, State};
use crate::plan::metric::{ALARM, OK};
use crate::table::{self, PENDING, STATES, alarm_arn, is_composite, key};

/// An alarm is found in a state: written down, and if it is a new one told and set off.
pub(crate) fn enter(
    tx: &mut Transaction,
    scope: &Scope,
    alarm: &Alarm,
    mut found: State,
    now: Timestamp,
    ids: &dyn IdSource,
) {
    let (home, place) = (scope.key(), key(&scope.key(), &alarm.name));
    let before = tx
        .get(STATES, &place)
        .map_or_else(|| table::unchecked(now), |it| State::clone(&it));
    if before.value == found.value {
        found.transitioned_at = before.transitioned_at;
        found.acted_at = before.acted_at;
        tx.put(STATES, &place, found);
        return;
    }
    let event = Event {
        alarm: alarm.name.clone(),
        is_composite: is_composite(alarm),
        at: now,
        kind: "StateUpdate".to_owned(),
        summary: format!("Alarm updated from {} to {}", before.value, found.value),
        data: json!({
            "version": "1.0",
            "oldState": { "stateValue": before.value, "stateReason": before.reason },
            "newState": { "stateValue": found.value, "stateReason": found.reason },
        })
        .to_string(),
    };
    table::record(tx, &home, &ids.hex(8), event);
    found.acted_at = Some(now);
    for action in actions_of(alarm, &found.value) {
        set_off(tx, scope, alarm, &found, &before.value, action, now, ids);
    }
    tx.put(STATES, &place, found);
}

/// What an alarm sets off in a state.
pub(crate) fn actions_of<'a>(alarm: &'a Alarm, state: &str) -> &'a [String] {
    match state {
        _ if !alarm.actions_enabled => &[],
        ALARM => &alarm.alarm_actions,
        OK => &alarm.ok_actions,
        _ => &alarm.insufficient_actions,
    }
}

#[expect(clippy::too_many_arguments, reason = "what an action is told of")]
pub(crate) fn set_off(
    tx: &mut Transaction,
    scope: &Scope,
    alarm: &Alarm,
    state: &State,
    before: &str,
    action: &str,
    now: Timestamp,
    ids: &dyn IdSource,
) {
    let threshold = match &alarm.body {
        Body::Metric(metric) => Some(metric.threshold),
        Body::Composite(_) => None,
    };
    let pending = Pending {
        firing: Firing {
            scope: scope.key(),
            alarm: alarm.name.clone(),
            alarm_arn: alarm_arn(scope, &alarm.name),
            action: action.to_owned(),
            state: state.value.clone(),
            reason: state.reason.clone(),
            value: state.last_value,
            threshold,
            at: now,
        },
        is_composite: is_composite(alarm),
        message: message(scope, alarm, state, before, now),
        attempts: 0,
        next_at: now,
    };
    tx.put(
        PENDING,
        &format!("{}/{:013}-{}", scope.key(), now.as_millisecond(), ids.hex(8)),
        pending,
    );
}

/// As subscribers of an alarm's topic get it.
fn message(scope: &Scope, alarm: &Alarm, state: &State, before: &str, now: Timestamp) -> String {
    let trigger = match &alarm.body {
        Body::Metric(metric) => json!({
            "Metrics": metric.queries.iter().map(|it| json!({ "Id": it.id, "Source": it.source })).collect::<Vec<_>>(),
            "EvaluationPeriods": metric.evaluation_periods,
            "DatapointsToAlarm": metric.datapoints_to_alarm,
            "ComparisonOperator": metric.comparison,
            "Threshold": metric.threshold,
            "TreatMissingData": metric.missing.map_or("missing", |it| it.text()),
        }),
        Body::Composite(it) => json!({ "AlarmRule": it.rule }),
    };
    json!({
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": scope.account,
        "Region": scope.region,
        "AlarmArn": alarm_arn(scope, &alarm.name),
        "NewStateValue": state.value,
        "NewStateReason": state.reason,
        "OldStateValue": before,
        "StateChangeTime": now.to_string(),
        "Trigger": trigger,
    })
    .to_string()
}
