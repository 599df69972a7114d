//! The nouns as they are stored.

mod alarm;
mod query;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use alarm::{Alarm, Body, Composite, Event, Gap, Metric, Pending, State};
pub(crate) use query::{Measure, Query, Source, check_period, dimensions, shaped};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Dashboard {
    pub name: String,
    pub body: String,
    pub changed_at: Timestamp,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}
