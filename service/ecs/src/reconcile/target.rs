//! The load balancer's view of a service's tasks.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use aws_protocol::{ApiError, Context};
use aws_shape::elbv2::{self, TargetHealth, TargetHealthStateEnum};

use crate::Ecs;
use crate::model::service::{LoadBalancer, Service};

/// Health by target group, address and port.
pub(super) type Health = BTreeMap<(String, Ipv4Addr, u16), TargetHealth>;

/// What the target groups of a service say. A group that does not exist (any more) says nothing.
pub(super) async fn health(ecs: &Ecs, context: &Context, service: &Service) -> Result<Health, ApiError> {
    let mut health = Health::new();
    for LoadBalancer { target_group, .. } in &service.load_balancers {
        let input = elbv2::DescribeTargetHealthInput {
            target_group_arn: target_group.clone(),
            ..Default::default()
        };
        let answer = match ecs.neighbours.elbv2.describe_target_health(context, input).await {
            Ok(answer) => answer,
            Err(error) if error.code == "TargetGroupNotFound" => continue,
            Err(error) => return Err(error),
        };
        for description in answer.target_health_descriptions.into_iter().flatten() {
            let (Some(target), Some(health_of)) = (description.target, description.target_health) else {
                continue;
            };
            let port = target.port.and_then(|port| u16::try_from(port).ok());
            if let (Ok(address), Some(port)) = (target.id.parse(), port) {
                health.insert((target_group.clone(), address, port), health_of);
            }
        }
    }
    Ok(health)
}

/// Whether a load balancer still has to do with this address: serves it, or drains it.
pub(super) fn is_registered(health: &Health, address: Ipv4Addr) -> bool {
    health
        .iter()
        .any(|((_, one, _), state)| *one == address && state.state != Some(TargetHealthStateEnum::Unused))
}

pub(super) fn is_draining(state: &TargetHealth) -> bool {
    matches!(
        state.state,
        Some(TargetHealthStateEnum::Draining | TargetHealthStateEnum::UnhealthyDraining)
    )
}
