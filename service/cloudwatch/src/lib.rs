//! CloudWatch: metrics, what can be computed from them, alarms, dashboards. The values themselves are in the metric store.
//!
//! `query` answers what somebody wants to know of metrics, with `math` for expressions; `reconcile/alarms` asks the same
//! every few seconds and hands what an alarm sets off to `reconcile/actions`.

mod error;
mod math;
mod model;
mod operation;
mod plan;
mod query;
mod reconcile;
mod statistic;
mod table;

pub use reconcile::{Actions, Alarms, Upkeep};

use std::sync::Arc;

use base_clock::Clock;
use base_id::IdSource;
use base_store::Store;
use contract::metric::MetricStore;

/// The service; cheap to clone.
#[derive(Clone)]
pub struct CloudWatch {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    metrics: Arc<dyn MetricStore>,
}

impl CloudWatch {
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        metrics: Arc<dyn MetricStore>,
    ) -> Self {
        Self {
            store,
            clock,
            ids,
            metrics,
        }
    }
}

#[cfg(test)]
mod tests;
