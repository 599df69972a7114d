//! Service deployments and service revisions: what was rolled out when, and what became of it. They outlive the
//! deployments in their service's row, which are there only as long as they have tasks.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::service::{CircuitBreaker, Deployment, Service, Workload};
use crate::plan::rolling;

/// At most this many of a service's deployments are kept.
pub(crate) const KEPT_MAX: usize = 20;
/// And none longer than AWS keeps them.
pub(crate) const KEPT: Duration = Duration::from_secs(90 * 24 * 3600);

/// One attempt to bring a service to a revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServiceDeployment {
    pub(crate) id: String,
    /// Cluster and name of its service.
    pub(crate) service: String,
    pub(crate) created_at: Timestamp,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
    pub(crate) stopped_at: Option<Timestamp>,
    pub(crate) updated_at: Timestamp,
    pub(crate) status: Status,
    pub(crate) reason: Option<String>,
    pub(crate) target: Summary,
    /// What was there when it began.
    pub(crate) sources: Vec<Summary>,
    pub(crate) rollback: Option<Rollback>,
    pub(crate) breaker: Breaker,
    pub(crate) minimum_healthy_percent: u32,
    pub(crate) maximum_percent: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    Pending,
    InProgress,
    Successful,
    StopRequested,
    Stopped,
    RollbackRequested,
    RollbackInProgress,
    RollbackSuccessful,
    RollbackFailed,
}

/// A revision and how many tasks of it there are: now while the deployment goes on, at its end afterwards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) revision: String,
    pub(crate) requested: u32,
    pub(crate) running: u32,
    pub(crate) pending: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rollback {
    pub(crate) reason: String,
    pub(crate) started_at: Timestamp,
    /// The revision that it goes back to.
    pub(crate) revision: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Breaker {
    pub(crate) configured: Option<CircuitBreaker>,
    pub(crate) failures: u32,
    pub(crate) threshold: u32,
    /// It has opened.
    pub(crate) triggered: bool,
}

/// A workload as it was rolled out; never changes, but for digests that become known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServiceRevision {
    /// 19 digits.
    pub(crate) id: String,
    /// Cluster and name of its service.
    pub(crate) service: String,
    pub(crate) created_at: Timestamp,
    pub(crate) workload: Workload,
    pub(crate) images: Vec<Image>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Image {
    pub(crate) container: String,
    pub(crate) image: String,
    pub(crate) digest: Option<String>,
}

impl Status {
    pub(crate) fn is_over(self) -> bool {
        matches!(
            self,
            Self::Successful | Self::Stopped | Self::RollbackSuccessful | Self::RollbackFailed
        )
    }
}

/// What happens to a service deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The scheduler has taken it up.
    Begin,
    /// All tasks are those of its target, or of what it went back to.
    Complete,
    /// So many of its tasks have failed that the circuit breaker opens; what follows from that is another change.
    Open,
    /// Its tasks fail and there is nothing to go back to, or nobody wants to; a sentence says why.
    Fail(String),
    /// Its tasks fail, or its user says so, and the service goes back to a revision.
    GoBack { reason: String, revision: String },
    /// A user wants it ended as it stands, or another one takes its place.
    RequestStop(String),
    /// A user wants it undone.
    RequestRollback,
    /// The scheduler does nothing more for it.
    Stop,
}

impl ServiceDeployment {
    pub(crate) fn new(id: String, service: &Service, primary: &Deployment, at: Timestamp) -> Self {
        let old = service.deployments.iter().filter(|it| it.id != primary.id);
        let sources = old.filter(|it| !it.revision.is_empty()).map(|it| Summary {
            revision: it.revision.clone(),
            ..Summary::default()
        });
        Self {
            id,
            service: service.path(),
            created_at: at,
            started_at: None,
            finished_at: None,
            stopped_at: None,
            updated_at: at,
            status: Status::Pending,
            reason: None,
            target: Summary {
                revision: primary.revision.clone(),
                requested: service.desired,
                ..Summary::default()
            },
            sources: sources.collect(),
            rollback: None,
            breaker: Breaker::default(),
            minimum_healthy_percent: service.minimum_healthy_percent,
            maximum_percent: service.maximum_percent,
        }
    }

    /// Follows its state diagram; what cannot happen in a state leaves it as it is.
    pub(crate) fn apply(&mut self, change: Change, now: Timestamp) {
        use Status::*;
        let next = match (&change, self.status) {
            (_, status) if status.is_over() => return,
            (Change::Open, status) => status,
            (Change::Begin, Pending) => InProgress,
            (Change::Complete, Pending | InProgress) => Successful,
            (Change::Complete, RollbackInProgress) => RollbackSuccessful,
            (Change::Fail(_), Pending | InProgress | StopRequested | RollbackRequested) => Stopped,
            (Change::Fail(_), RollbackInProgress) => RollbackFailed,
            (Change::GoBack { .. }, Pending | InProgress | RollbackRequested) => RollbackInProgress,
            (Change::RequestStop(_), _) => StopRequested,
            (Change::RequestRollback, Pending | InProgress) => RollbackRequested,
            (Change::Stop, StopRequested) => Stopped,
            _ => return,
        };
        self.status = next;
        self.updated_at = now;
        match change {
            Change::Begin => self.started_at = Some(now),
            Change::Open => self.breaker.triggered = true,
            Change::Fail(reason) | Change::RequestStop(reason) => self.reason = Some(reason),
            Change::GoBack { reason, revision } => {
                self.reason = Some(reason.clone());
                self.rollback = Some(Rollback {
                    reason,
                    started_at: now,
                    revision,
                });
            }
            Change::Complete | Change::RequestRollback | Change::Stop => {}
        }
        match next {
            Stopped => (self.stopped_at, self.finished_at) = (Some(now), Some(now)),
            next if next.is_over() => self.finished_at = Some(now),
            _ => {}
        }
    }

    /// Notes what its service is like now; `counts` says for a revision how many tasks run and how many are on their way.
    pub(crate) fn note(&mut self, service: &Service, counts: impl Fn(&str) -> (u32, u32), now: Timestamp) {
        if self.status.is_over() {
            return;
        }
        let before = self.clone();
        let primary = service.primary();
        for summary in std::iter::once(&mut self.target).chain(&mut self.sources) {
            (summary.running, summary.pending) = counts(&summary.revision);
            let is_primary = primary.is_some_and(|it| it.revision == summary.revision);
            summary.requested = if is_primary {
                service.desired
            } else {
                summary.running + summary.pending
            };
        }
        self.minimum_healthy_percent = service.minimum_healthy_percent;
        self.maximum_percent = service.maximum_percent;
        self.breaker.configured = service.circuit_breaker;
        self.breaker.threshold = rolling::threshold(service.desired);
        let target = service
            .deployments
            .iter()
            .find(|it| it.revision == self.target.revision);
        if let Some(target) = target {
            // Completing a deployment forgets its failures; the record keeps them.
            self.breaker.failures = self.breaker.failures.max(target.failed_tasks);
        }
        if *self != before {
            self.updated_at = now;
        }
    }
}

impl ServiceRevision {
    /// Adds digests by container that were not known before.
    pub(crate) fn learn(&mut self, digests: &BTreeMap<String, String>) {
        for image in &mut self.images {
            if image.digest.is_none() {
                image.digest = digests.get(&image.container).cloned();
            }
        }
    }
}

#[cfg(test)]
mod tests;
