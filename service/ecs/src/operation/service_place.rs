//! What requests say of instances: constraints, strategies, daemons, and the role that load balancers are called with.

use aws_protocol::ApiError;
use aws_shape::ecs::{PlacementConstraint, PlacementStrategy, UpdateServiceRequest};
use base_id::Scope;

use crate::error::invalid;
use crate::model::given;
use crate::model::placement::{self, Placement};
use crate::model::service::{LoadBalancer as Balancer, Service};
use crate::model::task::Launch;

/// Fargate has no instances among which there would be a choice.
pub(super) fn placement(
    launch: Launch,
    constraints: Option<Vec<PlacementConstraint>>,
    strategies: Option<Vec<PlacementStrategy>>,
) -> Result<Placement, ApiError> {
    if launch != Launch::Ec2 && (given(&constraints) || given(&strategies)) {
        return Err(invalid(
            "Placement constraints and placement strategies are not supported with FARGATE launch type.",
        ));
    }
    Ok(Placement {
        constraints: placement::constraints(&constraints.unwrap_or_default())?,
        strategies: placement::strategies(&strategies.unwrap_or_default())?,
    })
}

/// The role with which load balancers are called, as an ARN; where the service-linked one is needed none can be named.
pub(super) fn role(
    scope: &Scope,
    given: Option<String>,
    mode: &str,
    balancers: &[Balancer],
) -> Result<Option<String>, ApiError> {
    let Some(given) = given.filter(|role| !role.is_empty()) else {
        return Ok(None);
    };
    if mode == "awsvpc" || balancers.is_empty() {
        return Err(invalid(
            "You cannot specify an IAM role for services that require a service linked role.",
        ));
    }
    Ok(Some(match given.starts_with("arn:") {
        true => given,
        false => format!(
            "arn:aws:iam::{}:role/{}",
            scope.account,
            given.trim_start_matches('/')
        ),
    }))
}

/// A daemon runs once on every instance: nobody says how many, or where best.
pub(super) fn check_daemon(old: &Service, input: &UpdateServiceRequest) -> Result<(), ApiError> {
    if old.daemon && given(&input.placement_strategy) {
        return Err(invalid(
            "The daemon scheduling strategy does not support placement strategies. Remove the placement strategy and try again",
        ));
    }
    if old.daemon && input.desired_count.is_some() {
        return Err(invalid(
            "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again",
        ));
    }
    Ok(())
}
