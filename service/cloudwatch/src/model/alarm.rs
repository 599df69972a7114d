//! Alarms: what is wished for, the state that was found, what happened, what is still to be set off.

use std::collections::BTreeMap;

use contract::alarm::Firing;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Query;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Alarm {
    pub name: String,
    pub description: Option<String>,
    pub actions_enabled: bool,
    pub ok_actions: Vec<String>,
    pub alarm_actions: Vec<String>,
    pub insufficient_actions: Vec<String>,
    pub changed_at: Timestamp,
    pub tags: BTreeMap<String, String>,
    pub body: Body,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Body {
    Metric(Metric),
    Composite(Composite),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Metric {
    /// The last one that returns data is compared. One without a name of its own came as a metric, not as queries.
    pub queries: Vec<Query>,
    pub is_plain: bool,
    /// N.
    pub evaluation_periods: i32,
    /// M, as it was given.
    pub datapoints_to_alarm: Option<i32>,
    pub threshold: f64,
    /// In AWS's words.
    pub comparison: String,
    pub missing: Option<Gap>,
    pub low_sample_percentile: Option<String>,
}

/// What a period without values counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Gap {
    Breaching,
    NotBreaching,
    Ignore,
    Missing,
}

impl Gap {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "breaching" => Self::Breaching,
            "notBreaching" => Self::NotBreaching,
            "ignore" => Self::Ignore,
            "missing" => Self::Missing,
            _ => return None,
        })
    }

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Breaching => "breaching",
            Self::NotBreaching => "notBreaching",
            Self::Ignore => "ignore",
            Self::Missing => "missing",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Composite {
    pub rule: String,
}

/// What was found; written by whoever evaluates, and by SetAlarmState.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub value: String,
    pub reason: String,
    pub reason_data: Option<String>,
    pub updated_at: Timestamp,
    pub transitioned_at: Timestamp,
    /// The number that was compared last.
    pub last_value: Option<f64>,
    /// When the actions that are repeated were set off last.
    pub acted_at: Option<Timestamp>,
}

/// An entry of an alarm's history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Event {
    pub alarm: String,
    pub is_composite: bool,
    pub at: Timestamp,
    /// `ConfigurationUpdate`, `StateUpdate` or `Action`.
    pub kind: String,
    pub summary: String,
    pub data: String,
}

/// Something to be set off that was not yet, or not with success.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub firing: Firing,
    pub is_composite: bool,
    /// What is sent to an HTTP target.
    pub message: String,
    pub attempts: u32,
    pub next_at: Timestamp,
}
