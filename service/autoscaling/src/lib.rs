//! Auto Scaling groups: as many instances as desired, replaced when they die, spread over zones.

use std::sync::Arc;

use aws_shape::{autoscaling, ec2, elbv2};
use base_clock::Clock;
use base_id::IdSource;
use base_store::Store;

/// The services that a group asks for things.
#[derive(Clone)]
pub struct Neighbours {
    pub ec2: Arc<dyn ec2::Api>,
    pub elbv2: Arc<dyn elbv2::Api>,
}

/// The service; cheap to clone.
#[derive(Clone)]
pub struct Autoscaling {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    neighbours: Neighbours,
}

impl Autoscaling {
    pub fn new(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>, neighbours: Neighbours) -> Self {
        Self {
            store,
            clock,
            ids,
            neighbours,
        }
    }
}

impl autoscaling::Api for Autoscaling {}
