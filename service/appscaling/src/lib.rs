//! Application Auto Scaling: ECS services that get more tasks and fewer, by metrics, by steps and by the clock.
//!
//! A policy of target tracking has two alarms in CloudWatch, as in AWS; an alarm calls `act`, which asks `base/scaling` how many
//! tasks there shall be, changes the service through ECS's interface and writes an activity that says why.
//! `reconcile` runs scheduled actions, keeps services within their bounds and sees activities to their end.

mod act;
mod error;
mod model;
mod operation;
mod reconcile;
mod resource;
mod table;

pub use reconcile::Targets;

use std::sync::Arc;

use base_clock::Clock;
use base_id::IdSource;
use base_store::Store;

/// The service; cheap to clone.
#[derive(Clone)]
pub struct AppScaling {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    neighbours: Neighbours,
}

/// Whom it asks.
#[derive(Clone)]
pub struct Neighbours {
    pub cloudwatch: Arc<dyn aws_shape::cloudwatch::Api>,
    pub ecs: Arc<dyn aws_shape::ecs::Api>,
}

impl AppScaling {
    pub fn new(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>, neighbours: Neighbours) -> Self {
        Self {
            store,
            clock,
            ids,
            neighbours,
        }
    }
}

#[cfg(test)]
mod tests;
