//! What an alarm sets off, for whoever it belongs to.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An alarm has a new state, or is still in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Firing {
    /// Opaque here: account and region.
    pub scope: String,
    pub alarm: String,
    pub alarm_arn: String,
    /// What shall be done, by its ARN.
    pub action: String,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: String,
    /// A sentence.
    pub reason: String,
    /// The last number that was looked at, and what it was compared with.
    pub value: Option<f64>,
    pub threshold: Option<f64>,
    pub at: Timestamp,
}

/// Who carries actions out.
#[async_trait]
pub trait ActionTarget: Send + Sync {
    /// Whether an action of this ARN is one of its own.
    fn takes(&self, action: &str) -> bool;
    /// Says what was done. Called again every minute as long as the alarm stays in its state.
    ///
    /// # Errors
    /// Why nothing was done, in a sentence.
    async fn act(&self, firing: Firing) -> Result<String, String>;
}
