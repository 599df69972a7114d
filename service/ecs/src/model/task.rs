//! Tasks, from the wish to the last trace.

use std::collections::BTreeMap;

use contract::network::Interface;
use contract::task::{Health, ObservedTask, TaskPhase};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Tags;
use super::service::{LoadBalancer, Network};
use super::task_definition::TaskSpec;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Task {
    /// 32 hexadecimal digits.
    pub(crate) id: String,
    pub(crate) arn: String,
    /// The cluster's name.
    pub(crate) cluster: String,
    /// The task definition's ARN.
    pub(crate) task_definition: String,
    /// `service:<name>` or `family:<family>` or what the caller said.
    pub(crate) group: String,
    /// The deployment that started it, or what the caller said.
    pub(crate) started_by: Option<String>,
    pub(crate) network: Network,
    /// Where it is registered while it runs.
    #[serde(default)]
    pub(crate) load_balancers: Vec<LoadBalancer>,
    pub(crate) overrides: Vec<Override>,
    /// Of the request that started it, so that the same request sent again is answered with the same task.
    #[serde(default)]
    pub(crate) client_token: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) stage: Stage,
    pub(crate) stop: Option<StopOrder>,
    pub(crate) tags: Tags,
    /// Raised by every change that a caller can see.
    pub(crate) version: u64,
}

/// What a caller changes in a container for one task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Override {
    pub(crate) container: String,
    pub(crate) command: Option<Vec<String>>,
    pub(crate) environment: Vec<(String, String)>,
}

/// How far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// Nothing of it exists yet.
    Provisioning,
    /// Handed to the data plane.
    Placed {
        attachment: Attachment,
        digests: BTreeMap<String, String>,
    },
    /// Nothing of it exists any more.
    Stopped {
        attachment: Option<Attachment>,
        last: Option<Box<ObservedTask>>,
        at: Timestamp,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attachment {
    pub(crate) id: String,
    pub(crate) zone: String,
    pub(crate) interface: Interface,
}

/// The wish that it ends, with what a caller will read about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StopOrder {
    pub(crate) code: StopCode,
    pub(crate) reason: String,
    pub(crate) at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StopCode {
    FailedToStart,
    EssentialContainerExited,
    UserInitiated,
    ServiceScheduler,
}

impl Task {
    /// The service it belongs to.
    pub(crate) fn service(&self) -> Option<&str> {
        self.group.strip_prefix("service:")
    }

    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self.stage, Stage::Stopped { .. })
    }

    pub(crate) fn attachment(&self) -> Option<&Attachment> {
        match &self.stage {
            Stage::Provisioning => None,
            Stage::Placed { attachment, .. } => Some(attachment),
            Stage::Stopped { attachment, .. } => attachment.as_ref(),
        }
    }

    /// Told to end, once; the first word counts.
    pub(crate) fn order_stop(&mut self, code: StopCode, reason: &str, at: Timestamp) {
        if self.stop.is_none() && !self.is_stopped() {
            self.stop = Some(StopOrder {
                code,
                reason: reason.to_owned(),
                at,
            });
            self.version += 1;
        }
    }
}

/// Names of the containers whose health is the task's: essential, and with a health check.
pub(crate) fn judges(spec: &TaskSpec) -> Vec<&str> {
    let judges = spec
        .containers
        .iter()
        .filter(|it| it.essential && it.health_check.is_some());
    judges.map(|it| it.name.as_str()).collect()
}

/// The health of a task: unhealthy when one of its judges is, healthy when all of them are.
pub(crate) fn health(seen: Option<&ObservedTask>, judges: &[&str]) -> Health {
    let of = |name: &&str| {
        let container = seen?.containers.iter().find(|one| one.name == *name)?;
        Some(container.health)
    };
    let all: Vec<Health> = judges
        .iter()
        .map(|name| of(name).unwrap_or(Health::Unknown))
        .collect();
    if all.contains(&Health::Unhealthy) {
        Health::Unhealthy
    } else if all.is_empty() || all.contains(&Health::Unknown) {
        Health::Unknown
    } else {
        Health::Healthy
    }
}

/// AWS's name for where a task is. `registered`: a load balancer still sends it requests, or drains it.
pub(crate) fn last_status(task: &Task, seen: Option<&ObservedTask>, registered: bool) -> &'static str {
    if task.is_stopped() {
        return "STOPPED";
    }
    match seen.map(|seen| seen.phase) {
        Some(TaskPhase::Stopped) => "DEPROVISIONING",
        Some(TaskPhase::Stopping) => "STOPPING",
        _ if task.stop.is_some() && registered => "DEACTIVATING",
        _ if task.stop.is_some() => "STOPPING",
        Some(TaskPhase::Running) => "RUNNING",
        Some(TaskPhase::Pending) => "PENDING",
        Some(TaskPhase::Provisioning) | None => "PROVISIONING",
    }
}
