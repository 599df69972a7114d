//! Cloud Map: names for the parts of an application, answered over DNS and over the API.
//!
//! An operation writes down what it wants together with its own record, and tries it at once. `reconcile` finishes
//! what could not be finished then; either way it is `converge` that does the work.

mod converge;
mod error;
mod model;
mod operation;
mod plan;
mod reconcile;
mod table;
mod zone;

pub use reconcile::Operations;

use std::sync::Arc;

use aws_shape::{ec2, route53};
use base_clock::Clock;
use base_id::IdSource;
use base_store::Store;

use crate::converge::Turns;

/// The services that Cloud Map asks for things.
#[derive(Clone)]
pub struct Neighbours {
    pub route53: Arc<dyn route53::Api>,
    pub ec2: Arc<dyn ec2::Api>,
}

/// The service; cheap to clone.
#[derive(Clone)]
pub struct ServiceDiscovery {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    neighbours: Neighbours,
    turns: Turns,
}

impl ServiceDiscovery {
    pub fn new(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>, neighbours: Neighbours) -> Self {
        Self {
            store,
            clock,
            ids,
            neighbours,
            turns: Turns::default(),
        }
    }
}

#[cfg(test)]
mod tests;
