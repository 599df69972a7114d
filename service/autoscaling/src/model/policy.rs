//! What changes a group's capacity without a user: policies, which alarms call, and the clock.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub(crate) name: String,
    pub(crate) group: String,
    /// A group of the same name that is made later has none of these.
    pub(crate) group_uuid: String,
    pub(crate) arn: String,
    pub(crate) kind: Kind,
    /// As it was given, in JSON.
    pub(crate) given: String,
    /// Those that target tracking made: the one that wants more, the one that wants less.
    pub(crate) alarms: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Simple,
    Step,
    Tracking,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Simple => "SimpleScaling",
            Self::Step => "StepScaling",
            Self::Tracking => "TargetTrackingScaling",
        }
    }
}

/// A scheduled action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Schedule {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) group_uuid: String,
    pub(crate) arn: String,
    /// The five fields of a crontab; once without them.
    pub(crate) recurrence: Option<String>,
    pub(crate) time_zone: Option<String>,
    pub(crate) start: Option<Timestamp>,
    pub(crate) end: Option<Timestamp>,
    pub(crate) min: Option<u32>,
    pub(crate) max: Option<u32>,
    pub(crate) desired: Option<u32>,
    /// When it is due.
    pub(crate) next_at: Timestamp,
}
