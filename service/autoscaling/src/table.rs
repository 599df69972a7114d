//! What is stored: groups under `<account>/<region>/<name>`, activities under
//! `<account>/<region>/<group>/<start in milliseconds>-<id>`, policies and scheduled actions under
//! `<account>/<region>/<group>/<name>`. The last two may outlive their group for a moment; nobody is shown them then.

use std::sync::Arc;

use base_id::Scope;
use base_store::{Snapshot, Table, Transaction};

use aws_protocol::ApiError;

use crate::error::group_not_found;
use crate::model::{Activity, Group, Policy, Schedule};

pub(crate) const GROUPS: Table<Group> = Table::new("autoscaling/group", 1);
pub(crate) const ACTIVITIES: Table<Activity> = Table::new("autoscaling/activity", 1);
pub(crate) const POLICIES: Table<Policy> = Table::new("autoscaling/policy", 1);
pub(crate) const SCHEDULES: Table<Schedule> = Table::new("autoscaling/scheduled_action", 1);

/// Of each group; older ones are forgotten.
const ACTIVITIES_MAX: usize = 200;

pub(crate) fn key(scope: &Scope, name: &str) -> String {
    format!("{}/{name}", scope.key())
}

pub(crate) fn group(snapshot: &Snapshot, scope: &Scope, name: &str) -> Result<Group, ApiError> {
    let found = snapshot
        .get(GROUPS, &key(scope, name))
        .filter(|it| it.name == name);
    found
        .map(|row| Group::clone(&row))
        .ok_or_else(|| group_not_found(name))
}

pub(crate) fn groups(snapshot: &Snapshot, scope: &Scope) -> Vec<Arc<Group>> {
    let rows = snapshot.prefix(GROUPS, &key(scope, ""));
    rows.into_iter().map(|(_, row)| row).collect()
}

/// The group that this instance belongs to.
pub(crate) fn group_of(snapshot: &Snapshot, scope: &Scope, instance: &str) -> Option<Group> {
    let mine = |group: &Group| {
        group
            .members
            .iter()
            .any(|it| it.instance.as_deref() == Some(instance))
    };
    let mut all = groups(snapshot, scope).into_iter();
    all.find(|group| mine(group)).map(|group| Group::clone(&group))
}

pub(crate) fn sub_key(scope: &Scope, group: &str, name: &str) -> String {
    key(scope, &format!("{group}/{name}"))
}

/// Whether the group that it was made for is still there.
pub(crate) fn has_group(snapshot: &Snapshot, scope: &Scope, name: &str, uuid: &str) -> bool {
    let found = snapshot.get(GROUPS, &key(scope, name));
    found.is_some_and(|it| it.uuid == uuid && !it.deleting)
}

/// Where all of a group are; of all groups if none is named.
fn head(scope: &Scope, group: Option<&str>) -> String {
    group.map_or_else(|| key(scope, ""), |it| sub_key(scope, it, ""))
}

pub(crate) fn policies(snapshot: &Snapshot, scope: &Scope, group: Option<&str>) -> Vec<Arc<Policy>> {
    let rows = snapshot.prefix(POLICIES, &head(scope, group)).into_iter();
    rows.map(|(_, row)| row)
        .filter(|it| has_group(snapshot, scope, &it.group, &it.group_uuid))
        .collect()
}

pub(crate) fn schedules(snapshot: &Snapshot, scope: &Scope, group: Option<&str>) -> Vec<Arc<Schedule>> {
    let rows = snapshot.prefix(SCHEDULES, &head(scope, group)).into_iter();
    rows.map(|(_, row)| row)
        .filter(|it| has_group(snapshot, scope, &it.group, &it.group_uuid))
        .collect()
}

fn activity_key(scope: &Scope, activity: &Activity) -> String {
    let start = activity.started_at.as_millisecond();
    key(scope, &format!("{}/{start:015}-{}", activity.group, activity.id))
}

pub(crate) fn activities(snapshot: &Snapshot, scope: &Scope, group: &str) -> Vec<Arc<Activity>> {
    let rows = snapshot.prefix(ACTIVITIES, &key(scope, &format!("{group}/")));
    rows.into_iter().map(|(_, row)| row).collect()
}

/// Writes activities down; the oldest go when there are too many.
pub(crate) fn put_activities(tx: &mut Transaction, scope: &Scope, group: &str, new: Vec<Activity>) {
    for activity in new {
        tx.put(ACTIVITIES, &activity_key(scope, &activity), activity);
    }
    let rows = tx.prefix(ACTIVITIES, &key(scope, &format!("{group}/")));
    let surplus = rows.len().saturating_sub(ACTIVITIES_MAX);
    for (place, _) in rows.into_iter().take(surplus) {
        tx.delete(ACTIVITIES, &place);
    }
}

pub(crate) fn drop_activities(tx: &mut Transaction, scope: &Scope, group: &str) {
    for (place, _) in tx.prefix(ACTIVITIES, &key(scope, &format!("{group}/"))) {
        tx.delete(ACTIVITIES, &place);
    }
}
