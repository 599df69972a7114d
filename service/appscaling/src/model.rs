//! The nouns as they are stored.

use std::collections::BTreeMap;

use base_scaling::capacity::Move;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Target {
    pub resource: String,
    /// 40 hexadecimal digits, the tail of its ARN.
    pub id: String,
    pub min: i32,
    pub max: i32,
    pub role: Option<String>,
    pub suspended: Suspended,
    pub created_at: Timestamp,
    pub tags: BTreeMap<String, String>,
    /// Why its bounds are what they are; told when a service has to move because of them.
    pub bounds_cause: String,
    /// What it did last, by policies.
    #[serde(default)]
    pub last: Option<Move>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Suspended {
    pub scaling_in: bool,
    pub scaling_out: bool,
    pub scheduled: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub name: String,
    pub resource: String,
    pub arn: String,
    pub kind: Kind,
    /// As it was given, in JSON.
    pub configuration: String,
    /// Those that target tracking made: the one that wants more, the one that wants less.
    pub alarms: Vec<String>,
    pub created_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Step,
    Tracking,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Schedule {
    pub name: String,
    pub arn: String,
    pub resource: String,
    /// `at(…)`, `rate(…)` or `cron(…)`.
    pub when: String,
    pub timezone: Option<String>,
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
    pub min: Option<i32>,
    pub max: Option<i32>,
    pub created_at: Timestamp,
    /// When it is due; never again if absent.
    pub next_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Activity {
    pub id: String,
    pub resource: String,
    pub description: String,
    pub cause: String,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub outcome: Outcome,
    pub message: String,
    /// Code, and the bounds or capacities that it speaks of.
    #[serde(default)]
    pub not_scaled: Option<String>,
    /// What the service was set to, until it is there.
    pub desired: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outcome {
    InProgress,
    Successful,
    Overridden,
    Failed,
}
