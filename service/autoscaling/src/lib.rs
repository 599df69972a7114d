//! Auto Scaling groups: as many instances as desired, replaced when they die, spread over zones.
//!
//! An operation, a policy that an alarm calls, or a scheduled action changes the group. `reconcile` carries out what the group's members wait for (launching, registering
//! with load balancers, terminating), and asks `plan` what is to change next.

mod alarm;
mod error;
mod event;
mod model;
mod operation;
mod plan;
mod reconcile;
mod table;

pub use reconcile::{Groups, Metrics, Schedules};

use std::sync::Arc;

use aws_protocol::Context;
use aws_shape::{cloudwatch, ec2, elbv2};
use base_clock::Clock;
use base_id::{IdSource, Scope};
use base_store::Store;

/// The services that a group asks for things.
#[derive(Clone)]
pub struct Neighbours {
    pub cloudwatch: Arc<dyn cloudwatch::Api>,
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

    /// As whom it asks other services on its own account.
    fn own_context(scope: &Scope) -> Context {
        Context {
            scope: scope.clone(),
            request_id: "autoscaling".to_owned(),
            principal_arn: "arn:aws:iam::aws:role/AWSServiceRoleForAutoScaling".to_owned(),
            access_key: String::new(),
        }
    }
}

#[cfg(test)]
mod tests;
