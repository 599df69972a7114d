//! ECS: clusters, task definitions, services and tasks.
//!
//! An operation writes the wish. `reconcile/services.rs` asks `plan/rolling.rs` which tasks to start and to retire;
//! `reconcile/tasks.rs` gives each task its interface and images and hands it to the data plane; it also
//! tells the load balancer who serves. What tasks look like is what the data plane has seen.

mod error;
mod event;
mod history;
mod lodging;
mod metadata;
mod model;
mod operation;
mod plan;
mod reconcile;
mod session;
mod table;
mod view;

pub use metadata::TaskRole;
pub use reconcile::{Capacity, Connections, Definitions, Instances, Metrics, Services, Tasks};

use std::sync::Arc;

use aws_protocol::Context;
use base_clock::Clock;
use base_id::{IdSource, Scope};
use base_store::Store;

/// The other services that ECS asks, through their public interfaces.
#[derive(Clone)]
pub struct Neighbours {
    pub autoscaling: Arc<dyn aws_shape::autoscaling::Api>,
    pub ec2: Arc<dyn aws_shape::ec2::Api>,
    pub ecr: Arc<dyn aws_shape::ecr::Api>,
    pub elbv2: Arc<dyn aws_shape::elbv2::Api>,
    pub logs: Arc<dyn aws_shape::logs::Api>,
    pub names: Arc<dyn aws_shape::servicediscovery::Api>,
    pub secrets: Arc<dyn aws_shape::secretsmanager::Api>,
    pub parameters: Arc<dyn aws_shape::ssm::Api>,
    /// Host and port of the registry, the head of the names of images that ECR has.
    pub registry: String,
    /// Host of the URL at which tasks find their metadata and credentials, and that of the AWS APIs.
    pub agent: Agent,
}

/// What every task can reach, whatever its network.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Such as `http://169.254.170.2`: metadata and credentials.
    pub metadata: String,
    /// Such as `http://169.254.170.2:4566`: the AWS APIs.
    pub endpoint: String,
    /// Such as `ws://127.0.0.1:4566`: sessions of ExecuteCommand, for people outside.
    pub sessions: String,
}

/// The service; cheap to clone.
#[derive(Clone)]
pub struct Ecs {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    neighbours: Neighbours,
    sessions: Arc<session::Sessions>,
}

impl Ecs {
    pub fn new(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>, neighbours: Neighbours) -> Self {
        Self {
            store,
            clock,
            ids,
            neighbours,
            sessions: Arc::default(),
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

/// Sessions that ExecuteCommand has opened.
impl contract::exec::Sessions for Ecs {
    fn join(&self, session: &str, token: &str) -> Option<contract::exec::ExecRequest> {
        self.sessions.join(session, token, self.clock.now())
    }
}

#[cfg(test)]
mod tests;
