//! What is so, in the words of the pages: read once, then only looked at.

use jiff::Timestamp;

/// Everything that home, an application's page and the drawing are made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct System {
    pub(crate) apps: Vec<App>,
    /// Tasks that belong to no service.
    pub(crate) lone_tasks: Vec<Task>,
    pub(crate) balancers: Vec<Balancer>,
    pub(crate) groups: Vec<Group>,
    pub(crate) vpcs: Vec<Vpc>,
    pub(crate) instances: Vec<Instance>,
    /// What could not be read, and why.
    pub(crate) unread: Vec<String>,
}

/// An ECS service.
#[derive(Clone, Debug, Default)]
pub(crate) struct App {
    pub(crate) cluster: String,
    pub(crate) name: String,
    pub(crate) url: Option<String>,
    /// Such as `web:7`.
    pub(crate) definition: String,
    pub(crate) images: Vec<String>,
    pub(crate) desired: i32,
    pub(crate) running: i32,
    pub(crate) pending: i32,
    pub(crate) deployments: Vec<Deployment>,
    /// Younger first, those that have stopped at the end.
    pub(crate) tasks: Vec<Task>,
    /// The newest first.
    pub(crate) events: Vec<Event>,
    /// ARNs of its target groups.
    pub(crate) groups: Vec<String>,
    pub(crate) logs: Vec<LogPlace>,
    pub(crate) grace_seconds: i32,
    /// Seconds between SIGTERM and SIGKILL, of the slowest container.
    pub(crate) stop_seconds: i32,
    pub(crate) check: Option<Check>,
}

/// A container's own health check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) interval_seconds: i32,
    pub(crate) retries: i32,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Deployment {
    pub(crate) id: String,
    /// `PRIMARY`, `ACTIVE` …
    pub(crate) status: String,
    pub(crate) definition: String,
    pub(crate) desired: i32,
    pub(crate) running: i32,
    pub(crate) pending: i32,
    pub(crate) failed: i32,
    pub(crate) rollout: String,
    pub(crate) reason: String,
    pub(crate) created: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) at: Option<Timestamp>,
    pub(crate) message: String,
}

/// Where an application's lines are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogPlace {
    pub(crate) group: String,
    pub(crate) prefix: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Task {
    pub(crate) id: String,
    /// `service:web`, `family:job` …
    pub(crate) group: String,
    pub(crate) cluster: String,
    /// Such as `web:7`.
    pub(crate) definition: String,
    pub(crate) deployment: String,
    /// `RUNNING`, `PENDING` …
    pub(crate) status: String,
    pub(crate) wanted: String,
    /// Of its containers: `HEALTHY`, `UNHEALTHY`, `UNKNOWN`.
    pub(crate) health: String,
    pub(crate) address: Option<String>,
    pub(crate) subnet: Option<String>,
    pub(crate) zone: String,
    pub(crate) host: Option<String>,
    pub(crate) created: Option<Timestamp>,
    pub(crate) started: Option<Timestamp>,
    pub(crate) stopping: Option<Timestamp>,
    pub(crate) stopped: Option<Timestamp>,
    pub(crate) reason: Option<String>,
    pub(crate) targets: Vec<Target>,
}

/// A place of a task in a target group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    /// Address or instance.
    pub(crate) id: String,
    pub(crate) group_arn: String,
    /// `healthy`, `initial`, `draining` …
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Balancer {
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) dns_name: String,
    pub(crate) url: Option<String>,
    pub(crate) state: String,
    pub(crate) scheme: String,
    pub(crate) vpc: String,
    pub(crate) listeners: Vec<Listener>,
    /// In the last full minute, if that is measured.
    pub(crate) requests: Option<f64>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Listener {
    /// Such as `HTTP:80`.
    pub(crate) title: String,
    pub(crate) groups: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) interval_seconds: i32,
    pub(crate) healthy_threshold: i32,
    pub(crate) unhealthy_threshold: i32,
    pub(crate) drain_seconds: Option<i32>,
    pub(crate) balancers: Vec<String>,
    pub(crate) targets: Vec<Target>,
}

impl Group {
    pub(crate) fn healthy(&self) -> usize {
        self.targets.iter().filter(|it| it.state == "healthy").count()
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Vpc {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) range: String,
    pub(crate) internet_gateway: Option<String>,
    pub(crate) subnets: Vec<Subnet>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Subnet {
    pub(crate) id: String,
    pub(crate) range: String,
    pub(crate) zone: String,
    pub(crate) is_public: bool,
    /// The NAT gateway that its route to everywhere names.
    pub(crate) leaves_by: Option<String>,
    pub(crate) nat_gateways: Vec<Nat>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Nat {
    pub(crate) id: String,
    pub(crate) state: String,
    pub(crate) address: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Instance {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) state: String,
    pub(crate) subnet: String,
    pub(crate) address: Option<String>,
    pub(crate) launched: Option<Timestamp>,
}

/// How something is, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Health {
    Bad,
    Changing,
    Good,
    Idle,
}

impl Health {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Bad => "unhealthy",
            Self::Changing => "changing",
            Self::Good => "well",
            Self::Idle => "at rest",
        }
    }

    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Changing => "changing",
            Self::Good => "good",
            Self::Idle => "idle",
        }
    }
}

impl Task {
    pub(crate) fn is_over(&self) -> bool {
        self.status == "STOPPED"
    }

    pub(crate) fn condition(&self) -> Health {
        let is = |state: &str| self.targets.iter().any(|it| it.state == state);
        if self.is_over() {
            Health::Idle
        } else if self.health == "UNHEALTHY" || is("unhealthy") {
            Health::Bad
        } else if self.status != "RUNNING" || self.wanted == "STOPPED" || is("initial") || is("draining") {
            Health::Changing
        } else {
            Health::Good
        }
    }
}

impl App {
    pub(crate) fn is_rolling(&self) -> bool {
        self.deployments.len() > 1 || self.deployments.iter().any(|it| it.rollout == "IN_PROGRESS")
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.deployments.iter().any(|it| it.rollout == "FAILED")
    }

    /// The task that has stopped last, and why.
    fn last_stop(&self) -> Option<(&str, &str)> {
        let over = self.tasks.iter().filter(|it| it.is_over());
        let last = over.max_by_key(|it| it.stopped)?;
        Some((short(&last.id), last.reason.as_deref()?))
    }

    pub(crate) fn condition(&self) -> Health {
        if self.problem().is_some() {
            Health::Bad
        } else if self.is_rolling() || self.running != self.desired {
            Health::Changing
        } else if self.desired == 0 {
            Health::Idle
        } else {
            Health::Good
        }
    }

    /// What is wrong, in one sentence.
    pub(crate) fn problem(&self) -> Option<String> {
        let failed = self.deployments.iter().find(|it| it.rollout == "FAILED");
        if let Some(failed) = failed {
            let last = self.last_stop();
            let last = last.map(|(id, reason)| format!(" Task {id}: {reason}"));
            return Some(format!(
                "A deployment has failed: {}.{}",
                failed.reason,
                last.unwrap_or_default()
            ));
        }
        let live = self.tasks.iter().filter(|it| !it.is_over());
        let unwell = live.clone().find(|it| it.condition() == Health::Bad);
        if let Some(task) = unwell {
            let target = task.targets.iter().find(|it| it.state == "unhealthy");
            let why = target.and_then(|it| it.reason.clone());
            let why = why.unwrap_or_else(|| "its container's health check fails".to_owned());
            return Some(format!("Task {} is unhealthy: {why}", short(&task.id)));
        }
        let is_failing = self
            .deployments
            .iter()
            .any(|it| it.failed > 0 && it.rollout == "IN_PROGRESS");
        let is_down = self.running == 0 && self.desired > 0 && self.pending == 0;
        if !is_failing && !is_down {
            return None;
        }
        Some(match self.last_stop() {
            Some((id, reason)) => format!("Task {id} has stopped: {reason}"),
            None => "No task is running.".to_owned(),
        })
    }
}

/// The beginning of a task's id.
pub(crate) fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}
