//! Who goes when there are too many.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{Group, Member, Stage};

const HOUR_SECONDS: i64 = 3600;

/// The member that the group's termination policies select. Protected ones stay.
pub(crate) fn choose(group: &Group, now: Timestamp) -> Option<usize> {
    let free = |it: &Member| !it.protected && matches!(it.stage, Stage::Pending | Stage::InService);
    let mut left: Vec<usize> = (0..group.members.len())
        .filter(|index| free(&group.members[*index]))
        .collect();
    // Zones stay balanced, whatever the policy.
    let mut zones = BTreeMap::<&str, usize>::new();
    for member in group.members.iter().filter(|it| it.counts()) {
        *zones.entry(&member.zone).or_default() += 1;
    }
    let crowd = left
        .iter()
        .map(|index| zones[group.members[*index].zone.as_str()])
        .max()?;
    left.retain(|index| zones[group.members[*index].zone.as_str()] == crowd);
    let usual = ["Default".to_owned()];
    let policies = if group.policies.is_empty() {
        &usual[..]
    } else {
        &group.policies
    };
    for policy in policies {
        match policy.as_str() {
            "OldestInstance" => best(&mut left, |it| group.members[it].since),
            "NewestInstance" => best(&mut left, |it| Reverse(group.members[it].since)),
            "OldestLaunchTemplate" => best(&mut left, |it| age_of_template(group, it)),
            "ClosestToNextInstanceHour" => best(&mut left, |it| to_next_hour(&group.members[it], now)),
            "Default" => {
                best(&mut left, |it| age_of_template(group, it));
                best(&mut left, |it| to_next_hour(&group.members[it], now));
            }
            // AllocationStrategy and OldestLaunchConfiguration: all are of one kind here.
            _ => {}
        }
    }
    best(&mut left, |it| group.members[it].since);
    left.first().copied()
}

/// Only those remain for which the measure is least.
fn best<K: Ord>(left: &mut Vec<usize>, measure: impl Fn(usize) -> K) {
    if let Some(least) = left.iter().map(|it| measure(*it)).min() {
        left.retain(|it| measure(*it) == least);
    }
}

/// Another template than the group's comes before the group's own, and there the oldest version.
fn age_of_template(group: &Group, index: usize) -> (bool, u64) {
    let template = group.members[index].template.as_ref();
    let own = template.is_some_and(|it| it.id == group.template.id);
    let version = template.and_then(|it| it.version.parse().ok()).unwrap_or(0);
    (own, version)
}

fn to_next_hour(member: &Member, now: Timestamp) -> i64 {
    let age = now.duration_since(member.since).as_secs();
    HOUR_SECONDS - age.rem_euclid(HOUR_SECONDS)
}
