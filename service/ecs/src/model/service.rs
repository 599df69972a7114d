//! Services and their deployments.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Tags;
use crate::event::EVENTS_MAX;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) arn: String,
    /// The cluster's name.
    pub(crate) cluster: String,
    pub(crate) state: State,
    pub(crate) desired: u32,
    pub(crate) minimum_healthy_percent: u32,
    pub(crate) maximum_percent: u32,
    pub(crate) circuit_breaker: Option<CircuitBreaker>,
    pub(crate) load_balancers: Vec<LoadBalancer>,
    pub(crate) network: Network,
    pub(crate) health_check_grace_seconds: Option<u32>,
    pub(crate) created_at: Timestamp,
    pub(crate) created_by: String,
    pub(crate) platform_version: String,
    pub(crate) enable_managed_tags: bool,
    /// `NONE`, `SERVICE`, `TASK_DEFINITION`.
    pub(crate) propagate_tags: String,
    pub(crate) client_token: Option<String>,
    /// The primary deployment first.
    pub(crate) deployments: Vec<Deployment>,
    /// The latest first.
    pub(crate) events: Vec<Event>,
    /// Whether the last word was that all is as desired.
    pub(crate) steady: bool,
    /// When it became inactive.
    #[serde(default)]
    pub(crate) inactive_at: Option<Timestamp>,
    pub(crate) tags: Tags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    Active,
    /// Deleted, tasks still stopping.
    Draining,
    /// Gone; kept for those who ask what became of it.
    Inactive,
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
            Self::Inactive => "INACTIVE",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CircuitBreaker {
    pub(crate) rollback: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LoadBalancer {
    pub(crate) target_group: String,
    pub(crate) container: String,
    pub(crate) port: u16,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Network {
    pub(crate) subnets: Vec<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) public_ip: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deployment {
    /// `ecs-svc/` and 19 digits.
    pub(crate) id: String,
    /// The task definition's ARN.
    pub(crate) task_definition: String,
    pub(crate) network: Network,
    /// Where its tasks are registered; an older deployment keeps its own until its tasks are gone.
    #[serde(default)]
    pub(crate) load_balancers: Vec<LoadBalancer>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) rollout: Rollout,
    pub(crate) failed_tasks: u32,
    pub(crate) last_failure_at: Option<Timestamp>,
    /// Digests of the containers' images, found once, so that all tasks of a deployment run the same bytes.
    pub(crate) digests: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Rollout {
    InProgress { reason: String },
    Completed { reason: String },
    Failed { reason: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) message: String,
}

impl Service {
    /// The group of its tasks.
    pub(crate) fn group(&self) -> String {
        format!("service:{}", self.name)
    }

    pub(crate) fn say(&mut self, id: String, at: Timestamp, message: String) {
        self.events.insert(0, Event { id, at, message });
        self.events.truncate(EVENTS_MAX);
    }

    pub(crate) fn primary(&self) -> Option<&Deployment> {
        self.deployments.first()
    }
}

/// After so long without a failure the next one is the first again.
const FAILURES_FORGOTTEN: Duration = Duration::from_secs(900);

impl Deployment {
    /// A task of it has ended by itself, or was not well.
    pub(crate) fn count_failure(&mut self, now: Timestamp) {
        let long_ago = self
            .last_failure_at
            .is_some_and(|last| last + FAILURES_FORGOTTEN < now);
        if long_ago && !matches!(self.rollout, Rollout::InProgress { .. }) {
            self.failed_tasks = 0;
        }
        self.failed_tasks += 1;
        self.last_failure_at = Some(now);
        self.updated_at = now;
    }

    pub(crate) fn new(
        id: String,
        task_definition: String,
        network: Network,
        load_balancers: Vec<LoadBalancer>,
        at: Timestamp,
    ) -> Self {
        let reason = format!("ECS deployment {id} in progress.");
        Self {
            id,
            task_definition,
            network,
            load_balancers,
            created_at: at,
            updated_at: at,
            rollout: Rollout::InProgress { reason },
            failed_tasks: 0,
            last_failure_at: None,
            digests: BTreeMap::new(),
        }
    }
}
