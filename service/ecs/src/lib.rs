//! ECS: clusters, task definitions, services and tasks.
//!
//! An operation writes the wish. `reconcile/services.rs` asks `plan/rolling.rs` which tasks to start and to retire;
//! `reconcile/tasks.rs` gives each task its interface and images and hands it to the data plane; it also
//! tells the load balancer who serves. What tasks look like is what the data plane has seen.

mod error;
mod event;
mod history;
mod model;
mod operation;
mod plan;
mod reconcile;
mod table;
mod view;

pub use reconcile::{Services, Tasks};

use std::sync::Arc;

use aws_protocol::Context;
use base_clock::Clock;
use base_id::{IdSource, Scope};
use base_store::Store;

/// The other services that ECS asks, through their public interfaces.
#[derive(Clone)]
pub struct Neighbours {
    pub ec2: Arc<dyn aws_shape::ec2::Api>,
    pub ecr: Arc<dyn aws_shape::ecr::Api>,
    pub elbv2: Arc<dyn aws_shape::elbv2::Api>,
    pub logs: Arc<dyn aws_shape::logs::Api>,
    /// Host and port of the registry, the head of the names of images that ECR has.
    pub registry: String,
}

/// The service; cheap to clone.
#[derive(Clone)]
pub struct Ecs {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    neighbours: Neighbours,
}

impl Ecs {
    pub fn new(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>, neighbours: Neighbours) -> Self {
        Self {
            store,
            clock,
            ids,
            neighbours,
        }
    }

    /// As whom ECS asks other services on its own account.
    fn own_context(scope: &Scope, who: &str) -> Context {
        Context {
            scope: scope.clone(),
            request_id: who.to_owned(),
            principal_arn: "arn:aws:iam::aws:role/AWSServiceRoleForECS".to_owned(),
            access_key: String::new(),
        }
    }
}

#[cfg(test)]
mod tests;
