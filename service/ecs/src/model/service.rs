//! Services and their deployments.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Tags;
use super::cluster::Strategy;
use super::discovery::Discovery;
use super::placement::Placement;
use super::task::Launch;
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
    #[serde(default)]
    pub(crate) discovery: Discovery,
    pub(crate) network: Network,
    pub(crate) health_check_grace_seconds: Option<u32>,
    pub(crate) created_at: Timestamp,
    pub(crate) created_by: String,
    pub(crate) platform_version: String,
    pub(crate) enable_managed_tags: bool,
    /// `NONE`, `SERVICE`, `TASK_DEFINITION`.
    pub(crate) propagate_tags: String,
    /// Capacity providers instead of a launch type; empty is the launch type FARGATE.
    #[serde(default)]
    pub(crate) strategy: Strategy,
    #[serde(default)]
    pub(crate) launch: Launch,
    #[serde(default)]
    pub(crate) placement: Placement,
    /// Name or ARN of the role with which load balancers are called; echoed.
    #[serde(default)]
    pub(crate) role: Option<String>,
    /// One task on every instance, instead of a number of them.
    #[serde(default)]
    pub(crate) daemon: bool,
    /// Whether commands may be run inside its tasks.
    #[serde(default)]
    pub(crate) execute_command: bool,
    /// Echoed; there is one machine, so its zones are never out of balance for long.
    #[serde(default)]
    pub(crate) zone_rebalancing: bool,
    /// It was asked for, not set by default.
    #[serde(default)]
    pub(crate) zone_rebalancing_asked: bool,
    pub(crate) client_token: Option<String>,
    /// What the request with the client token asked for: sent again it must ask for the same.
    #[serde(default)]
    pub(crate) asked: String,
    /// The primary deployment first.
    pub(crate) deployments: Vec<Deployment>,
    /// The latest first.
    pub(crate) events: Vec<Event>,
    /// Whether the last word was that all is as desired.
    pub(crate) steady: bool,
    /// The last sentence about why it is not, so that it is not said over and over.
    #[serde(default)]
    pub(crate) complaint: Option<Complaint>,
    /// The latest service deployment: the one that goes on, or the last one that did.
    #[serde(default)]
    pub(crate) service_deployment: Option<String>,
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
    /// Zones of the subnets, in their order, where it matters for tasks on instances.
    #[serde(default)]
    pub(crate) zones: Vec<String>,
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
    /// Where its tasks are found.
    #[serde(default)]
    pub(crate) discovery: Discovery,
    #[serde(default)]
    pub(crate) strategy: Strategy,
    #[serde(default)]
    pub(crate) launch: Launch,
    #[serde(default = "latest")]
    pub(crate) platform_version: String,
    /// The service revision that it brings; empty in rows from before there were any.
    #[serde(default)]
    pub(crate) revision: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) rollout: Rollout,
    /// It was complete once, so that one can go back to it, also while it is being gone back to.
    #[serde(default)]
    pub(crate) was_complete: bool,
    pub(crate) failed_tasks: u32,
    pub(crate) last_failure_at: Option<Timestamp>,
    /// Why the last task that failed did.
    #[serde(default)]
    pub(crate) last_failure: Option<String>,
    /// Digests of the containers' images, found once, so that all tasks of a deployment run the same bytes.
    pub(crate) digests: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Rollout {
    InProgress { reason: String },
    Completed { reason: String },
    Failed { reason: String },
}

/// A sentence that explains a wait, and when it was last said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Complaint {
    pub(crate) message: String,
    pub(crate) at: Timestamp,
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

    /// Says why it waits, once, and again when the same still holds after six hours, as AWS does.
    pub(crate) fn complain(&mut self, id: String, at: Timestamp, message: String) {
        let said = |it: &Complaint| it.message == message && it.at + COMPLAINT_REPEATED > at;
        if self.complaint.as_ref().is_some_and(said) {
            return;
        }
        self.complaint = Some(Complaint {
            message: message.clone(),
            at,
        });
        self.say(id, at, message);
    }

    /// Where it stands under its cluster: what its deployments' and revisions' keys and ARNs have in them.
    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.cluster, self.name)
    }

    pub(crate) fn primary(&self) -> Option<&Deployment> {
        self.deployments.first()
    }
}

/// A sentence that still holds is said again after this.
const COMPLAINT_REPEATED: Duration = Duration::from_secs(6 * 3600);
/// After so long without a failure the next one is the first again.
const FAILURES_FORGOTTEN: Duration = Duration::from_secs(900);

/// What a new deployment brings to its tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Workload {
    /// The task definition's ARN.
    pub(crate) task_definition: String,
    pub(crate) network: Network,
    pub(crate) load_balancers: Vec<LoadBalancer>,
    #[serde(default)]
    pub(crate) discovery: Discovery,
    pub(crate) strategy: Strategy,
    #[serde(default)]
    pub(crate) launch: Launch,
    pub(crate) platform_version: String,
}

fn latest() -> String {
    "LATEST".to_owned()
}

impl Deployment {
    /// It is known to work.
    pub(crate) fn has_worked(&self) -> bool {
        self.was_complete || matches!(self.rollout, Rollout::Completed { .. })
    }

    /// A task of it has ended by itself, or was not well; `reason` is the task's stopped reason.
    pub(crate) fn count_failure(&mut self, now: Timestamp, reason: &str) {
        let long_ago = self
            .last_failure_at
            .is_some_and(|last| last + FAILURES_FORGOTTEN < now);
        if long_ago && !matches!(self.rollout, Rollout::InProgress { .. }) {
            self.failed_tasks = 0;
        }
        self.failed_tasks += 1;
        self.last_failure_at = Some(now);
        self.last_failure = Some(reason.to_owned());
        self.updated_at = now;
    }

    /// `revision` is the number of the service revision that stands for this workload.
    pub(crate) fn new(id: String, revision: String, workload: Workload, at: Timestamp) -> Self {
        let reason = format!("ECS deployment {id} in progress.");
        Self {
            id,
            task_definition: workload.task_definition,
            network: workload.network,
            load_balancers: workload.load_balancers,
            discovery: workload.discovery,
            strategy: workload.strategy,
            launch: workload.launch,
            platform_version: workload.platform_version,
            revision,
            created_at: at,
            updated_at: at,
            rollout: Rollout::InProgress { reason },
            was_complete: false,
            failed_tasks: 0,
            last_failure_at: None,
            last_failure: None,
            digests: BTreeMap::new(),
        }
    }

    pub(crate) fn workload(&self) -> Workload {
        Workload {
            task_definition: self.task_definition.clone(),
            network: self.network.clone(),
            load_balancers: self.load_balancers.clone(),
            discovery: self.discovery.clone(),
            strategy: self.strategy.clone(),
            launch: self.launch,
            platform_version: self.platform_version.clone(),
        }
    }
}
