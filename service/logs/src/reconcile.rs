//! What goes on behind the operations: retention, metric filters, subscription filters.

mod metrics;
mod subscriptions;

pub use metrics::MetricFilters;
pub use subscriptions::Subscriptions;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base_clock::Clock;
use base_reconcile::{Outcome, Reconciler};
use base_store::Store;
use contract::log::LogStore;

use crate::DAY_MS;
use crate::table::GROUPS;

const LOOK_EVERY: Duration = Duration::from_secs(600);

/// Lines older than their group wants to keep are removed.
pub struct Retention {
    store: Store,
    clock: Arc<dyn Clock>,
    lines: Arc<dyn LogStore>,
}

impl Retention {
    /// What wakes it.
    pub const READS: &[&str] = &[GROUPS.name];

    pub fn new(store: Store, clock: Arc<dyn Clock>, lines: Arc<dyn LogStore>) -> Self {
        Self { store, clock, lines }
    }
}

#[async_trait]
impl Reconciler for Retention {
    fn name(&self) -> &'static str {
        "logs retention"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let now = self.clock.now();
        for (key, group) in self.store.snapshot().list(GROUPS) {
            let Some(days) = group.retention_days else {
                continue;
            };
            let scope = key.strip_suffix(&format!("/{}", group.name)).unwrap_or_default();
            let before = now.as_millisecond() - i64::from(days) * DAY_MS;
            self.lines
                .expire(scope, &group.name, before)
                .await
                .map_err(|error| error.to_string())?;
        }
        Ok(Outcome::Until(now + LOOK_EVERY))
    }
}
