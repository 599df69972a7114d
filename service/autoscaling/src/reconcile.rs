//! Groups: what their members wait for is done, then what is seen is planned from, and the plan saved.

mod act;
mod metrics;
mod observe;
mod schedule;

pub use metrics::Metrics;
pub use schedule::Schedules;

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_protocol::ApiError;
use base_id::Scope;
use base_reconcile::{Outcome, Reconciler};
use base_store::Transaction;
use contract::route::ObservedRoutes;
use contract::task::ObservedTask;
use jiff::{SignedDuration, Timestamp};

use crate::Autoscaling;
use crate::model::{Activity, Group, Member, Stage};
use crate::plan::{self, Planned};
use crate::table::{self, ACTIVITIES, GROUPS};

/// The reconciler of groups.
pub struct Groups(Autoscaling);

/// While something moves, it is looked at again after this, as not everything that is waited for wakes.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(1);

impl Groups {
    /// What wakes it.
    pub const READS: &[&str] = &[GROUPS.name, ObservedTask::TABLE, ObservedRoutes::TABLE];

    pub fn new(autoscaling: Autoscaling) -> Self {
        Self(autoscaling)
    }

    async fn one(&self, scope: &Scope, name: &str) -> Result<Option<Timestamp>, ApiError> {
        let place = table::key(scope, name);
        let Some(before) = self.0.store.snapshot().get(GROUPS, &place) else {
            return Ok(None);
        };
        let acted = act::all(&self.0, scope, &before).await;
        // What was done is in the row now.
        let Some(group) = self.0.store.snapshot().get(GROUPS, &place) else {
            return Ok(None);
        };
        let picture = observe::picture(&self.0, scope, &group).await?;
        let (picture, unusable) = match picture {
            Ok(picture) => (picture, None),
            Err((picture, error)) => (picture, Some(error)),
        };
        let now = self.0.clock.now();
        let mut planned = plan::plan(&group, &picture, now, &mut || self.0.ids.hex(32));
        if let Some(error) = unusable {
            act::cannot_launch(&mut planned, &error, now, self.0.ids.uuid());
        }
        let due = self.save(scope, &group, planned).await?;
        acted.map(|()| due)
    }

    /// A plan is saved only if the group it was made from still stands.
    async fn save(
        &self,
        scope: &Scope,
        from: &Group,
        planned: Planned,
    ) -> Result<Option<Timestamp>, ApiError> {
        let now = self.0.clock.now();
        let (scope, from) = (scope.clone(), from.clone());
        let soon = now + LOOK_AGAIN;
        self.0
            .store
            .write(move |tx| {
                let place = table::key(&scope, &from.name);
                let stands = tx.get(GROUPS, &place).is_some_and(|row| *row == from);
                if !stands {
                    return Ok(Some(soon));
                }
                let group = planned.group;
                if group.deleting && group.members.is_empty() {
                    tx.delete(GROUPS, &place);
                    table::drop_activities(tx, &scope, &from.name);
                    return Ok(None);
                }
                tell(tx, &scope, &from.name, planned.activities);
                let due = due(&group, now);
                tx.put(GROUPS, &place, group);
                Ok(due)
            })
            .await
    }
}

/// An activity that is told again keeps its cause.
fn tell(tx: &mut Transaction, scope: &Scope, group: &str, activities: Vec<Activity>) {
    for mut activity in activities {
        if activity.cause.is_empty() {
            let rows = tx.prefix(ACTIVITIES, &table::key(scope, &format!("{group}/")));
            let known = rows.iter().find(|(_, row)| row.id == activity.id);
            activity.cause = known.map_or_else(String::new, |(_, row)| row.cause.clone());
        }
        table::put_activities(tx, scope, group, vec![activity]);
    }
}

/// When the group is to be looked at again, if nothing wakes before.
fn due(group: &Group, now: Timestamp) -> Option<Timestamp> {
    let wanted: BTreeSet<&String> = group.target_groups.iter().collect();
    let registers = |member: &Member| member.registered.iter().ne(wanted.iter().copied());
    let moving = group.members.iter().any(|it| it.stage != Stage::InService)
        || group.refreshes.last().is_some_and(|it| it.is_active())
        || (group.runs("AddToLoadBalancer") && group.members.iter().any(registers));
    let grace = SignedDuration::from_secs(group.grace_seconds.into());
    let ripe = group
        .members
        .iter()
        .filter(|_| group.elb_checks)
        .filter_map(|it| Some(it.in_service_since? + grace));
    let back_off = group.back_off.iter().map(|it| it.until);
    let later = ripe.chain(back_off).filter(|at| *at > now);
    moving.then_some(now + LOOK_AGAIN).into_iter().chain(later).min()
}

#[async_trait]
impl Reconciler for Groups {
    fn name(&self) -> &'static str {
        "autoscaling groups"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let (mut due, mut failures) = (None::<Timestamp>, Vec::new());
        for (place, group) in self.0.store.snapshot().list(GROUPS) {
            match self.one(&Scope::of_key(&place), &group.name).await {
                Ok(at) => due = [due, at].into_iter().flatten().min(),
                Err(error) => failures.push(format!("{place}: {error}")),
            }
        }
        if !failures.is_empty() {
            return Err(failures.join("; "));
        }
        Ok(due.map_or(Outcome::Settled, Outcome::Until))
    }
}
