//! CloudWatch Logs: groups, streams, events. The lines themselves are in the log store.

mod delivery;
mod follow;
mod insights;
mod model;
mod operation;
mod pattern;
mod pointer;
mod query;
mod reader;
mod reconcile;
mod table;

pub use delivery::{Deliver, Http};
pub use follow::follow;
pub use reconcile::{MetricFilters, Retention, Subscriptions};

use std::sync::Arc;

use aws_protocol::ApiError;
use base_clock::Clock;
use base_id::{IdSource, RandomIds, Scope};
use base_store::{Snapshot, Store};
use contract::log::LogStore;
use tokio::sync::Semaphore;

use crate::model::Group;
use crate::query::Queries;
use crate::table::{GROUPS, group_key};

/// Live Tail sessions at a time.
const SESSIONS_MAX: usize = 15;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The service; cheap to clone.
#[derive(Clone)]
pub struct Logs {
    store: Store,
    clock: Arc<dyn Clock>,
    lines: Arc<dyn LogStore>,
    delivery: Arc<dyn Deliver>,
    ids: Arc<dyn IdSource>,
    queries: Arc<Queries>,
    /// One for each Live Tail session that may go on.
    sessions: Arc<Semaphore>,
}

impl Logs {
    pub fn new(store: Store, clock: Arc<dyn Clock>, lines: Arc<dyn LogStore>) -> Self {
        Self {
            store,
            clock,
            lines,
            delivery: Arc::new(Http::default()),
            ids: Arc::new(RandomIds),
            queries: Arc::default(),
            sessions: Arc::new(Semaphore::new(SESSIONS_MAX)),
        }
    }

    /// Another way to reach the targets of subscription filters.
    #[must_use]
    pub fn with_delivery(mut self, delivery: Arc<dyn Deliver>) -> Self {
        self.delivery = delivery;
        self
    }
}

fn find_group(snapshot: &Snapshot, scope: &Scope, name: &str) -> Result<Arc<Group>, ApiError> {
    snapshot.get(GROUPS, &group_key(scope, name)).ok_or_else(|| {
        ApiError::client(
            "ResourceNotFoundException",
            "The specified log group does not exist.",
        )
    })
}

#[cfg(test)]
mod tests;
