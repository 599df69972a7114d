//! Measured values in series: who measured what, of what, when; and how many values make a number.

mod summary;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use summary::{Summary, bucket, bucket_value};

/// What is measured, of what. `scope` keeps tenants apart (account and region), and is opaque here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Series {
    pub scope: String,
    pub namespace: String,
    pub name: String,
    /// By name, ascending.
    pub dimensions: Vec<(String, String)>,
}

/// Values of one series that belong to one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Datum {
    pub series: Series,
    /// Seconds since 1970. Of a standard one only the minute counts.
    pub at_seconds: i64,
    pub unit: String,
    /// Kept by the second for a while; otherwise by the minute.
    pub is_high_resolution: bool,
    pub summary: Summary,
}

/// Which values of a series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetricQuery {
    pub series: Series,
    /// From this second on (included), since 1970.
    pub from_seconds: i64,
    /// Up to this second (not included).
    pub to_seconds: i64,
    pub period_seconds: i64,
    /// Only values of this unit; all if absent.
    pub unit: Option<String>,
}

/// The values of one period, of one unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Period {
    /// When it began, seconds since 1970.
    pub start_seconds: i64,
    pub unit: String,
    pub summary: Summary,
}

/// A series that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenSeries {
    pub series: Series,
    /// Its last value, seconds since 1970.
    pub last_seconds: i64,
}

#[async_trait]
pub trait MetricStore: Send + Sync {
    /// Durable when it returns.
    async fn put(&self, data: Vec<Datum>) -> Result<(), MetricError>;
    /// The same, and in the same step what the measurer wants to remember under a name.
    async fn put_marked(&self, data: Vec<Datum>, name: &str, mark: String) -> Result<(), MetricError>;
    /// What was remembered last.
    async fn mark(&self, name: &str) -> Result<Option<String>, MetricError>;
    /// Periods that have values, by time, then by unit. A period begins where its length divides the seconds since 1970.
    async fn read(&self, query: MetricQuery) -> Result<Vec<Period>, MetricError>;
    /// Series of a scope, in a namespace if one is given, with a name if one is given; by namespace, name and dimensions.
    async fn list(
        &self,
        scope: &str,
        namespace: Option<&str>,
        name: Option<&str>,
    ) -> Result<Vec<SeenSeries>, MetricError>;
    /// Rolls up what has become old, and removes what is older than anything is kept.
    async fn tidy(&self, now_seconds: i64) -> Result<(), MetricError>;
    /// Removes everything.
    async fn clear(&self) -> Result<(), MetricError>;
}

#[derive(Debug, thiserror::Error)]
#[error("metric store: {0}")]
pub struct MetricError(pub String);
