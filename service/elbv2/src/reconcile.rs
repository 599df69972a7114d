//! Making load balancers stand, and telling the proxy what to serve.

mod balancers;
mod metrics;
mod routes;
mod targets;

pub use balancers::Balancers;
pub use metrics::Metrics;
pub use routes::Routes;
pub use targets::Targets;

use aws_protocol::Context;
use base_id::Scope;

/// As whom the service asks others on its own account.
fn own_context(scope: &Scope) -> Context {
    Context {
        scope: scope.clone(),
        request_id: "elbv2-reconcilers".to_owned(),
        principal_arn: "arn:aws:iam::aws:role/elasticloadbalancing.amazonaws.com".to_owned(),
        access_key: String::new(),
    }
}
