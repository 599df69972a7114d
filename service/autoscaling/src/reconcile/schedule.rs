//! Scheduled actions run when they are due; what a group that is gone leaves behind is removed, its policies' alarms first.

use std::sync::Arc;

use async_trait::async_trait;
use base_id::Scope;
use base_reconcile::{Outcome, Reconciler};
use base_store::{StoreError, Transaction};
use jiff::{SignedDuration, Timestamp};

use crate::Autoscaling;
use crate::model::{Activity, ActivityStatus, Group, Schedule};
use crate::operation::policy;
use crate::plan::schedule;
use crate::table::{self, GROUPS, POLICIES, SCHEDULES};

const SWEEP_AGAIN: SignedDuration = SignedDuration::from_secs(60);

/// The reconciler of scheduled actions.
pub struct Schedules(Autoscaling);

impl Schedules {
    /// What wakes it.
    pub const READS: &[&str] = &[GROUPS.name, POLICIES.name, SCHEDULES.name];

    pub fn new(autoscaling: Autoscaling) -> Self {
        Self(autoscaling)
    }

    /// Removes the policies of groups that are gone. One whose alarms stay, as somebody else's alarm depends on them, stays
    /// as well, and does not keep others; true if there is one.
    async fn sweep(&self) -> Result<bool, String> {
        let snapshot = self.0.store.snapshot();
        let mut is_kept = false;
        for (place, it) in snapshot.list(POLICIES) {
            let scope = Scope::of_key(&place);
            if table::has_group(&snapshot, &scope, &it.group, &it.group_uuid) {
                continue;
            }
            if let Err(error) = policy::remove_alarms(&self.0, &scope, &it.alarms).await {
                tracing::warn!(policy = it.arn, %error, "alarms of a policy that is gone cannot be removed");
                is_kept = true;
                continue;
            }
            let gone = self.0.store.write(move |tx| {
                // A group of the same name may have one of the same name by now.
                if tx.get(POLICIES, &place).is_some_and(|row| row.arn == it.arn) {
                    tx.delete(POLICIES, &place);
                }
                Ok::<_, StoreError>(())
            });
            gone.await.map_err(|error| error.to_string())?;
        }
        Ok(is_kept)
    }

    /// Runs what is due; the next time, if there is one.
    async fn run_due(&self, now: Timestamp) -> Result<Option<Timestamp>, String> {
        let mut due = None::<Timestamp>;
        let snapshot = self.0.store.snapshot();
        let mut all = snapshot.list(SCHEDULES);
        // After a time away, what was due last has the last word.
        all.sort_by_cached_key(|(_, it)| schedule::latest(it, now));
        for (place, it) in all {
            let scope = Scope::of_key(&place);
            let is_orphan = !table::has_group(&snapshot, &scope, &it.group, &it.group_uuid);
            if !is_orphan && it.next_at > now {
                due = Some(due.map_or(it.next_at, |other| other.min(it.next_at)));
                continue;
            }
            let id = self.0.ids.uuid();
            let ran = self.0.store.write(move |tx| {
                run(tx, &scope, &place, &it, id, now);
                Ok::<_, StoreError>(())
            });
            ran.await.map_err(|error| error.to_string())?;
        }
        Ok(due)
    }
}

/// What is no longer as it was seen is left to the next look.
fn run(tx: &mut Transaction, scope: &Scope, place: &str, seen: &Arc<Schedule>, id: String, now: Timestamp) {
    let Some(row) = tx.get(SCHEDULES, place).filter(|row| row == seen) else {
        return;
    };
    let home = table::key(scope, &row.group);
    let group = tx.get(GROUPS, &home);
    let group = group.filter(|it| it.uuid == row.group_uuid && !it.deleting);
    if let Some(group) = group.as_ref().filter(|it| it.runs("ScheduledActions")) {
        match schedule::run(group, &row, now) {
            Ok(group) => tx.put(GROUPS, &home, group),
            Err(why) => {
                let told = failed(group, &row, id, why, now);
                table::put_activities(tx, scope, &group.name, vec![told]);
            }
        }
    }
    // What never comes again is removed.
    match schedule::after(&row, now).filter(|_| group.is_some()) {
        Some(next_at) => {
            let row = Schedule::clone(&row);
            tx.put(SCHEDULES, place, Schedule { next_at, ..row });
        }
        None => tx.delete(SCHEDULES, place),
    }
}

fn failed(group: &Group, action: &Schedule, id: String, why: String, now: Timestamp) -> Activity {
    Activity {
        id,
        group: group.name.clone(),
        description: format!("Executing the scheduled action {}", action.name),
        cause: crate::event::scheduled(now, &action.name, &[]),
        started_at: now,
        ended_at: Some(now),
        status: ActivityStatus::Failed,
        message: Some(why),
        details: "{}".to_owned(),
    }
}

#[async_trait]
impl Reconciler for Schedules {
    fn name(&self) -> &'static str {
        "autoscaling schedules"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let now = self.0.clock.now();
        let due = self.run_due(now).await?;
        let again = self.sweep().await?.then(|| now + SWEEP_AGAIN);
        let due = due.into_iter().chain(again).min();
        Ok(due.map_or(Outcome::Settled, Outcome::Until))
    }
}
