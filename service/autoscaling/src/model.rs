//! Groups as they are stored, with the instances that belong to them.

mod policy;

pub(crate) use policy::{Kind, Policy, Schedule};

use std::collections::{BTreeMap, BTreeSet};

use base_scaling::capacity::Move;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// Part of its ARN.
    pub(crate) uuid: String,
    pub(crate) created_at: Timestamp,
    pub(crate) template: Template,
    pub(crate) min: u32,
    pub(crate) max: u32,
    pub(crate) desired: u32,
    pub(crate) cooldown_seconds: u32,
    /// Subnet and zone, in the order in which they were given.
    pub(crate) subnets: Vec<(String, String)>,
    pub(crate) target_groups: Vec<String>,
    /// Beside EC2's own, which cannot be switched off.
    pub(crate) elb_checks: bool,
    pub(crate) grace_seconds: u32,
    pub(crate) policies: Vec<String>,
    pub(crate) protect_new: bool,
    pub(crate) warmup_seconds: Option<u32>,
    pub(crate) service_role: Option<String>,
    pub(crate) context: Option<String>,
    pub(crate) metrics: BTreeSet<String>,
    /// Process and why.
    pub(crate) suspended: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, Tag>,
    pub(crate) members: Vec<Member>,
    /// Deleted with force: it goes when its last member has gone.
    pub(crate) deleting: bool,
    /// The sentence on the last change of the desired capacity.
    pub(crate) change: String,
    pub(crate) scaled_at: Option<Timestamp>,
    /// So many of the instances to be launched stand for unhealthy ones.
    pub(crate) replacing: u32,
    pub(crate) back_off: Option<BackOff>,
    /// The last is the one that may be under way.
    pub(crate) refreshes: Vec<Refresh>,
    /// What a policy did last.
    #[serde(default)]
    pub(crate) moved: Option<Move>,
    /// When all that it wanted was in service.
    #[serde(default)]
    pub(crate) settled_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Template {
    pub(crate) id: String,
    pub(crate) name: String,
    /// As it was given: a number, `$Latest` or `$Default`.
    pub(crate) version: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tag {
    pub(crate) value: String,
    pub(crate) propagate: bool,
}

/// Launches fail: the next is tried later, and later again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BackOff {
    pub(crate) failures: u32,
    pub(crate) until: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    /// Of its launch, written down before: however often it is repeated, one instance comes of it.
    pub(crate) token: String,
    pub(crate) instance: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) image: Option<String>,
    pub(crate) subnet: String,
    pub(crate) zone: String,
    /// With the number of its version.
    pub(crate) template: Option<Template>,
    /// What the instance is launched with.
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) stage: Stage,
    pub(crate) protected: bool,
    /// Set by a user: a sentence on why it is not healthy.
    pub(crate) unhealthy: Option<String>,
    pub(crate) since: Timestamp,
    pub(crate) in_service_since: Option<Timestamp>,
    /// Target groups that were told of it.
    pub(crate) registered: BTreeSet<String>,
    /// The activity that its launch or its end is.
    pub(crate) activity: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// Its launch is decided; whether it was done is not known.
    Launching,
    Pending,
    InService,
    Terminating,
    /// Leaves the group and lives on.
    Detaching,
}

impl Member {
    /// Counts towards the desired capacity.
    pub(crate) fn counts(&self) -> bool {
        matches!(self.stage, Stage::Launching | Stage::Pending | Stage::InService)
    }

    pub(crate) fn lifecycle(&self) -> &'static str {
        match self.stage {
            Stage::Launching | Stage::Pending => "Pending",
            Stage::InService => "InService",
            Stage::Terminating => "Terminating",
            Stage::Detaching => "Detaching",
        }
    }
}

impl Group {
    pub(crate) fn count(&self) -> usize {
        self.members.iter().filter(|it| it.counts()).count()
    }

    pub(crate) fn runs(&self, process: &str) -> bool {
        !self.suspended.contains_key(process)
    }

    pub(crate) fn member(&mut self, instance: &str) -> Option<&mut Member> {
        self.members
            .iter_mut()
            .find(|it| it.instance.as_deref() == Some(instance))
    }

    pub(crate) fn refresh(&mut self) -> Option<&mut Refresh> {
        self.refreshes.last_mut().filter(|it| it.is_active())
    }
}

/// All members are replaced, a few at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refresh {
    pub(crate) id: String,
    pub(crate) status: RefreshStatus,
    pub(crate) reason: Option<String>,
    pub(crate) started_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) min_healthy_percent: u32,
    pub(crate) warmup_seconds: Option<u32>,
    pub(crate) skip_matching: bool,
    pub(crate) protected: Protected,
    pub(crate) template: Option<Template>,
    /// How many there were to replace.
    pub(crate) total: u32,
    pub(crate) left: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RefreshStatus {
    Pending,
    InProgress,
    Successful,
    Cancelling,
    Cancelled,
    Failed,
}

/// What becomes of members that are protected from scale-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Protected {
    Refresh,
    Ignore,
    Wait,
}

impl Refresh {
    pub(crate) fn is_active(&self) -> bool {
        matches!(
            self.status,
            RefreshStatus::Pending | RefreshStatus::InProgress | RefreshStatus::Cancelling
        )
    }
}

/// Something that was done, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Activity {
    pub(crate) id: String,
    pub(crate) group: String,
    pub(crate) description: String,
    pub(crate) cause: String,
    pub(crate) started_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) status: ActivityStatus,
    pub(crate) message: Option<String>,
    /// JSON.
    pub(crate) details: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ActivityStatus {
    PreInService,
    InProgress,
    WaitingForDraining,
    Successful,
    Failed,
    Cancelled,
}
