//! Tasks, from the wish to the last trace.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use contract::network::Interface;
use contract::task::{Health, ObservedTask, TaskPhase};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Tags;
use super::container::Container;
use super::discovery::{Discovery, Presence, Upstream};
use super::instance::{Lodging, Mode};
use super::placement::Placement;
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
    /// Where it is found while it runs, and whom it finds.
    #[serde(default)]
    pub(crate) discovery: Discovery,
    #[serde(default)]
    pub(crate) presence: Presence,
    /// What it reaches by aliases, once it has been placed.
    #[serde(default)]
    pub(crate) upstreams: Vec<Upstream>,
    pub(crate) overrides: Vec<Override>,
    /// What a caller changes in the task itself.
    #[serde(default)]
    pub(crate) changes: Changes,
    #[serde(default)]
    pub(crate) launch: Launch,
    #[serde(default)]
    pub(crate) capacity_provider: Option<String>,
    /// Where on the instances it may go and where best.
    #[serde(default)]
    pub(crate) placement: Placement,
    /// Its place on a container instance, once it has one.
    #[serde(default)]
    pub(crate) lodging: Option<Lodging>,
    /// People may look inside with ExecuteCommand.
    #[serde(default)]
    pub(crate) execute_command: bool,
    /// Under which its applications ask for their role's credentials; not to be guessed.
    #[serde(default)]
    pub(crate) credentials_id: Option<String>,
    /// Until then its service does not stop it.
    #[serde(default)]
    pub(crate) protected_until: Option<Timestamp>,
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
    #[serde(default)]
    pub(crate) cpu_units: Option<u32>,
    #[serde(default)]
    pub(crate) memory_mib: Option<u32>,
    #[serde(default)]
    pub(crate) memory_reservation_mib: Option<u32>,
}

/// What a caller changes in one task's size and roles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Changes {
    pub(crate) cpu_units: Option<u32>,
    pub(crate) memory_mib: Option<u32>,
    pub(crate) ephemeral_gib: Option<u32>,
    pub(crate) task_role: Option<String>,
    pub(crate) execution_role: Option<String>,
}

/// What a task or a container of it may use, with what was changed for this task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) cpu_units: Option<u32>,
    /// Hard limit.
    pub(crate) memory_mib: Option<u32>,
    /// What a container asks for.
    pub(crate) memory_reservation_mib: Option<u32>,
}

/// Where a task runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Launch {
    #[default]
    Fargate,
    /// On this machine as it is.
    External,
    /// On a container instance.
    Ec2,
}

/// How far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// Nothing of it exists yet.
    Provisioning,
    /// Handed to the data plane.
    Placed {
        /// Absent for a task without a network of its own.
        attachment: Option<Attachment>,
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
    /// Its instance went away.
    TerminationNotice,
}

impl Task {
    /// The service it belongs to.
    pub(crate) fn service(&self) -> Option<&str> {
        self.group.strip_prefix("service:")
    }

    /// The role that its applications have.
    pub(crate) fn role<'a>(&'a self, spec: &'a TaskSpec) -> Option<&'a String> {
        self.changes.task_role.as_ref().or(spec.task_role.as_ref())
    }

    /// Of the whole task; without its definition only what was changed is known.
    pub(crate) fn size(&self, spec: Option<&TaskSpec>) -> Size {
        Size {
            cpu_units: self.changes.cpu_units.or(spec.and_then(|spec| spec.cpu_units)),
            memory_mib: self.changes.memory_mib.or(spec.and_then(|spec| spec.memory_mib)),
            memory_reservation_mib: None,
        }
    }

    /// What a caller has changed in a container.
    pub(crate) fn change_of(&self, one: &Container) -> Option<&Override> {
        self.overrides.iter().find(|it| it.container == one.name)
    }

    pub(crate) fn size_of(&self, one: &Container) -> Size {
        let change = self.change_of(one);
        Size {
            cpu_units: change.and_then(|it| it.cpu_units).or(one.cpu_units),
            memory_mib: change.and_then(|it| it.memory_mib).or(one.memory_mib),
            memory_reservation_mib: change
                .and_then(|it| it.memory_reservation_mib)
                .or(one.memory_reservation_mib),
        }
    }

    /// Whether its place is on this container instance.
    pub(crate) fn lives_on(&self, instance: &str) -> bool {
        self.lodging.as_ref().is_some_and(|it| it.instance == instance)
    }

    /// Who serves for a load balancer, in its words: an address, or an EC2 instance with one of its ports.
    pub(crate) fn target(&self, balancer: &LoadBalancer) -> Option<(String, u16)> {
        match &self.lodging {
            Some(it) if it.mode != Mode::Apart => {
                let port = it.host_port(&balancer.container, balancer.port)?;
                Some((it.ec2_instance.clone(), port))
            }
            _ => {
                let address = self.attachment()?.interface.address;
                Some((address.to_string(), balancer.port))
            }
        }
    }

    /// Whether it waits for an instance that can take it.
    pub(crate) fn waits(&self) -> bool {
        self.launch == Launch::Ec2
            && self.lodging.is_none()
            && self.stop.is_none()
            && matches!(self.stage, Stage::Provisioning)
    }

    /// Where a load balancer sends its requests.
    pub(crate) fn endpoint(&self, balancer: &LoadBalancer) -> Option<(Ipv4Addr, u16)> {
        let (_, port) = self.target(balancer)?;
        match &self.lodging {
            Some(it) if it.mode != Mode::Apart => Some((it.address, port)),
            _ => Some((self.attachment()?.interface.address, port)),
        }
    }

    pub(crate) fn is_protected(&self, now: Timestamp) -> bool {
        self.protected_until.is_some_and(|until| now < until)
    }

    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self.stage, Stage::Stopped { .. })
    }

    pub(crate) fn attachment(&self) -> Option<&Attachment> {
        match &self.stage {
            Stage::Provisioning => None,
            Stage::Placed { attachment, .. } => attachment.as_ref(),
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
