//! What is stored: under `<account>/<region>/<resource id>`, policies and scheduled actions with `#<name>`, activities
//! with `#<milliseconds>-<id>` behind it.

use std::sync::Arc;

use aws_protocol::ApiError;
use base_id::Scope;
use base_store::{Snapshot, Table, Transaction};

use crate::error;
use crate::model::{Activity, Policy, Schedule, Target};

pub(crate) const TARGETS: Table<Target> = Table::new("appscaling/target", 1);
pub(crate) const POLICIES: Table<Policy> = Table::new("appscaling/policy", 1);
pub(crate) const SCHEDULES: Table<Schedule> = Table::new("appscaling/scheduled_action", 1);
pub(crate) const ACTIVITIES: Table<Activity> = Table::new("appscaling/activity", 1);

/// Activities of one target that are kept.
const ACTIVITIES_MAX: usize = 200;

pub(crate) fn key(scope: &Scope, resource: &str) -> String {
    format!("{}/{resource}", scope.key())
}

pub(crate) fn sub_key(scope: &Scope, resource: &str, name: &str) -> String {
    format!("{}#{name}", key(scope, resource))
}

pub(crate) fn target(snapshot: &Snapshot, scope: &Scope, resource: &str) -> Result<Arc<Target>, ApiError> {
    let found = snapshot.get(TARGETS, &key(scope, resource));
    found.ok_or_else(|| error::no_target(resource))
}

pub(crate) fn target_arn(scope: &Scope, target: &Target) -> String {
    scope.arn(
        "application-autoscaling",
        &format!("scalable-target/{}", target.id),
    )
}

/// Writes an activity down; the oldest give way.
pub(crate) fn record(tx: &mut Transaction, scope: &Scope, activity: Activity) -> String {
    let head = sub_key(scope, &activity.resource, "");
    let place = format!(
        "{head}{:013}-{}",
        activity.started_at.as_millisecond(),
        activity.id
    );
    tx.put(ACTIVITIES, &place, activity);
    let all = tx.prefix(ACTIVITIES, &head);
    for (old, _) in all.iter().take(all.len().saturating_sub(ACTIVITIES_MAX)) {
        tx.delete(ACTIVITIES, old);
    }
    place
}
