//! Scheduled actions run when they are due, services are kept within their bounds, activities are seen to their end.

use async_trait::async_trait;
use base_id::Scope;
use base_reconcile::{Outcome, Reconciler};
use base_scaling::schedule;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::AppScaling;
use crate::model::{self, Activity, Schedule, Target};
use crate::resource::Resource;
use crate::table::{ACTIVITIES, SCHEDULES, TARGETS, key};

const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(5);

pub struct Targets {
    scaling: AppScaling,
}

impl Targets {
    /// What wakes it.
    pub const READS: &[&str] = &[TARGETS.name, SCHEDULES.name];

    pub fn new(scaling: AppScaling) -> Self {
        Self { scaling }
    }

    /// Changes a target's bounds as its schedule says, and looks for the next time.
    async fn run_due(&self, now: Timestamp) -> Result<(), String> {
        for (place, it) in self.scaling.store.snapshot().list(SCHEDULES) {
            if it.next_at.is_none_or(|at| at > now) {
                continue;
            }
            let scope = Scope::of_key(&place);
            let next_at = next(&it, now);
            let saved = self.scaling.store.write(move |tx| {
                let home = key(&scope, &it.resource);
                if let Some(target) = tx
                    .get(TARGETS, &home)
                    .filter(|target| !target.suspended.scheduled)
                {
                    tx.put(TARGETS, &home, moved(&target, &it));
                }
                // What never comes again is removed, as in AWS.
                match next_at {
                    Some(_) => tx.put(
                        SCHEDULES,
                        &place,
                        Schedule {
                            next_at,
                            ..Schedule::clone(&it)
                        },
                    ),
                    None => tx.delete(SCHEDULES, &place),
                }
                Ok::<_, base_store::StoreError>(())
            });
            saved.await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// A service outside its bounds goes to the nearer one. Those that cannot do not keep others from it.
    async fn keep_within(&self) -> Vec<String> {
        let mut failures = Vec::new();
        for (place, target) in self.scaling.store.snapshot().list(TARGETS) {
            if let Err(failure) = self.keep_one(&Scope::of_key(&place), &target).await {
                failures.push(failure);
            }
        }
        failures
    }

    async fn keep_one(&self, scope: &Scope, target: &Target) -> Result<(), String> {
        let resource = Resource::of(&target.resource)?;
        let seen = self.scaling.look(scope, &resource).await;
        let Some(seen) = seen.map_err(|error| error.to_string())? else {
            return Ok(());
        };
        let desired = seen.desired.clamp(target.min, target.max);
        if desired != seen.desired {
            let cause = target.bounds_cause.clone();
            let changed = self
                .scaling
                .change(scope, &resource, &seen, desired, cause, None)
                .await;
            changed.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    async fn conclude(&self, now: Timestamp) -> Result<bool, String> {
        let mut is_waiting = false;
        for (place, it) in self.scaling.store.snapshot().list(ACTIVITIES) {
            if it.outcome != model::Outcome::InProgress {
                continue;
            }
            let (scope, resource) = (Scope::of_key(&place), Resource::of(&it.resource)?);
            let seen = self
                .scaling
                .look(&scope, &resource)
                .await
                .map_err(|error| error.to_string())?;
            let desired = it.desired;
            let (outcome, message) = match seen {
                Some(seen) if seen.desired == desired && seen.running == desired => (
                    model::Outcome::Successful,
                    format!(
                        "Successfully set desired count to {desired}. Change successfully fulfilled by ecs."
                    ),
                ),
                Some(seen) if seen.desired != desired => (
                    model::Outcome::Overridden,
                    format!(
                        "The desired count was set to {} before {desired} was reached.",
                        seen.desired
                    ),
                ),
                None => (
                    model::Outcome::Failed,
                    "The service does not exist any more.".to_owned(),
                ),
                Some(_) => {
                    is_waiting = true;
                    continue;
                }
            };
            let done = Activity {
                outcome,
                message,
                ended_at: Some(now),
                ..Activity::clone(&it)
            };
            let saved = self.scaling.store.write(move |tx| {
                if tx.get(ACTIVITIES, &place).is_some() {
                    tx.put(ACTIVITIES, &place, done);
                }
                Ok::<_, base_store::StoreError>(())
            });
            saved.await.map_err(|error| error.to_string())?;
        }
        Ok(is_waiting)
    }
}

fn next(it: &Schedule, now: Timestamp) -> Option<Timestamp> {
    let when = schedule::parse(&it.when).ok()?;
    let zone = TimeZone::get(it.timezone.as_deref().unwrap_or("UTC")).ok()?;
    let next = schedule::next(&when, &zone, it.start.unwrap_or(it.created_at), now)?;
    it.end.is_none_or(|end| next <= end).then_some(next)
}

fn moved(target: &Target, it: &Schedule) -> Target {
    let min = it.min.unwrap_or(target.min);
    let max = it.max.unwrap_or(target.max).max(min);
    let said = match (it.min, it.max) {
        (Some(min), Some(max)) => {
            format!("minimum capacity was set to {min} and maximum capacity was set to {max}")
        }
        (Some(min), None) => format!("minimum capacity was set to {min}"),
        (None, _) => format!("maximum capacity was set to {max}"),
    };
    Target {
        min: min.min(max),
        max,
        bounds_cause: format!("{said} by the scheduled action {}", it.name),
        ..target.clone()
    }
}

#[async_trait]
impl Reconciler for Targets {
    fn name(&self) -> &'static str {
        "application scaling targets"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let now = self.scaling.clock.now();
        self.run_due(now).await?;
        let failures = self.keep_within().await;
        let is_waiting = self.conclude(now).await?;
        if let Some(failure) = failures.into_iter().next() {
            tracing::warn!(%failure, "a service cannot be kept within its bounds");
            return now
                .checked_add(LOOK_EVERY)
                .map(Outcome::Until)
                .map_err(|error| error.to_string());
        }
        let snapshot = self.scaling.store.snapshot();
        let due = snapshot
            .list(SCHEDULES)
            .into_iter()
            .filter_map(|(_, it)| it.next_at)
            .min();
        let look = now.checked_add(LOOK_EVERY).map_err(|error| error.to_string())?;
        Ok(match due {
            _ if is_waiting => Outcome::Until(due.map_or(look, |at| at.min(look))),
            Some(at) => Outcome::Until(at),
            None => Outcome::Settled,
        })
    }
}
