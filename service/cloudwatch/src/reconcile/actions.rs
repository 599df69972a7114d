//! Carries out what alarms have set off: at least once, and told in the alarm's history.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base_reconcile::{Outcome, Reconciler};
use contract::alarm::ActionTarget;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::CloudWatch;
use crate::model::{Event, Pending};
use crate::table::{self, PENDING};
use base_id::Scope;

const HTTP_LIMIT: Duration = Duration::from_secs(5);
const ATTEMPTS_MAX: u32 = 5;
const RETRY_AFTER_SECONDS: i64 = 2;

pub struct Actions {
    cloudwatch: CloudWatch,
    targets: Vec<Arc<dyn ActionTarget>>,
    http: reqwest::Client,
}

impl Actions {
    /// What wakes it.
    pub const READS: &[&str] = &[PENDING.name];

    pub fn new(cloudwatch: CloudWatch, targets: Vec<Arc<dyn ActionTarget>>, http: reqwest::Client) -> Self {
        Self {
            cloudwatch,
            targets,
            http,
        }
    }

    async fn perform(&self, pending: &Pending) -> Result<String, String> {
        let action = &pending.firing.action;
        if action.starts_with("http") {
            return self.post(action, &pending.message).await;
        }
        let target = self.targets.iter().find(|it| it.takes(action));
        let target = target.ok_or_else(|| "There is no such scaling policy.".to_owned())?;
        target.act(pending.firing.clone()).await
    }

    async fn post(&self, address: &str, message: &str) -> Result<String, String> {
        let request = self
            .http
            .post(address)
            .header("content-type", "application/json")
            .body(message.to_owned())
            .timeout(HTTP_LIMIT);
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let status = answer.status();
        if status.is_success() {
            Ok(format!("HTTP {status}"))
        } else {
            Err(format!("HTTP {status}"))
        }
    }

    async fn settle(
        &self,
        place: String,
        pending: Pending,
        result: Result<String, String>,
    ) -> Result<(), String> {
        let now = self.cloudwatch.clock.now();
        let id = self.cloudwatch.ids.hex(8);
        let is_http = pending.firing.action.starts_with("http");
        let saved = self.cloudwatch.store.write(move |tx| {
            let attempts = pending.attempts + 1;
            if result.is_err() && is_http && attempts < ATTEMPTS_MAX {
                let pause = SignedDuration::from_secs(RETRY_AFTER_SECONDS << pending.attempts);
                let next_at = now.checked_add(pause).unwrap_or(now);
                tx.put(
                    PENDING,
                    &place,
                    Pending {
                        attempts,
                        next_at,
                        ..pending
                    },
                );
                return Ok::<_, base_store::StoreError>(());
            }
            let firing = &pending.firing;
            let (verb, told) = match &result {
                Ok(told) => ("Successfully executed", told),
                Err(told) => ("Failed to execute", told),
            };
            let event = Event {
                alarm: firing.alarm.clone(),
                is_composite: pending.is_composite,
                at: now,
                kind: "Action".to_owned(),
                summary: format!("{verb} action {}", firing.action),
                data: json!({
                    "actionState": if result.is_ok() { "Succeeded" } else { "Failed" },
                    "stateUpdateTimestamp": firing.at.as_millisecond(),
                    "notificationResource": firing.action,
                    "message": told,
                    "error": result.as_ref().err(),
                })
                .to_string(),
            };
            let home = Scope::of_key(&place).key();
            table::record(tx, &home, &id, event);
            tx.delete(PENDING, &place);
            Ok(())
        });
        saved.await.map_err(|error| error.to_string())
    }
}

#[async_trait]
impl Reconciler for Actions {
    fn name(&self) -> &'static str {
        "cloudwatch actions"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let mut pending = self.cloudwatch.store.snapshot().list(PENDING);
        // Scaling does not wait for addresses that do not answer.
        pending.sort_by_key(|(_, it)| it.firing.action.starts_with("http"));
        let now = self.cloudwatch.clock.now();
        let mut next: Option<Timestamp> = None;
        let mut did = false;
        for (place, it) in pending {
            if it.next_at > now {
                next = Some(next.map_or(it.next_at, |other| other.min(it.next_at)));
                continue;
            }
            let result = self.perform(&it).await;
            self.settle(place, Pending::clone(&it), result).await?;
            did = true;
            // What came meanwhile may be scaling.
            if it.firing.action.starts_with("http") {
                break;
            }
        }
        Ok(match next {
            _ if did => Outcome::Again,
            Some(at) => Outcome::Until(at),
            None => Outcome::Settled,
        })
    }
}
