//! The load balancer's view of a service's tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_protocol::{ApiError, Context};
use aws_shape::elbv2::{self, TargetHealth, TargetHealthStateEnum};

use crate::Ecs;
use crate::model::service::{LoadBalancer, Service};
use crate::model::task::Task;

/// Health by target group, address or EC2 instance, and port.
pub(super) type Health = BTreeMap<(String, String, u16), TargetHealth>;

/// The target groups in which the tasks of a service are registered, or may still be.
pub(super) fn groups(service: &Service, tasks: &[Arc<Task>]) -> BTreeSet<String> {
    let of_tasks = tasks.iter().flat_map(|task| &task.load_balancers);
    let all = service.load_balancers.iter().chain(of_tasks);
    all.map(|it| it.target_group.clone()).collect()
}

/// What these target groups say. A group that does not exist (any more) says nothing.
pub(super) async fn health(
    ecs: &Ecs,
    context: &Context,
    groups: &BTreeSet<String>,
) -> Result<Health, ApiError> {
    let mut health = Health::new();
    for target_group in groups {
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
            if let Some(port) = port {
                health.insert((target_group.clone(), target.id, port), health_of);
            }
        }
    }
    Ok(health)
}

/// Whether a load balancer still has to do with this task: serves it, or drains it.
pub(super) fn is_registered(health: &Health, task: &Task) -> bool {
    task.load_balancers.iter().any(|it| {
        state(health, task, it).is_some_and(|state| state.state != Some(TargetHealthStateEnum::Unused))
    })
}

/// What one load balancer says of a task.
pub(super) fn state<'a>(
    health: &'a Health,
    task: &Task,
    balancer: &LoadBalancer,
) -> Option<&'a TargetHealth> {
    let (id, port) = task.target(balancer)?;
    health.get(&(balancer.target_group.clone(), id, port))
}

pub(super) fn is_draining(state: &TargetHealth) -> bool {
    matches!(
        state.state,
        Some(TargetHealthStateEnum::Draining | TargetHealthStateEnum::UnhealthyDraining)
    )
}
