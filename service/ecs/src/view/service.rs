//! How a service and its deployments look to a caller.

use aws_shape::ecs as shape;
use base_id::Scope;
use base_store::Snapshot;
use contract::task::TaskPhase;

use super::{cluster_arn, seen, tags};
use crate::model::service::{Deployment, LoadBalancer, Network, Rollout, Service, State};
use crate::model::task::Task;
use crate::table;

pub(crate) fn network(network: &Network) -> shape::NetworkConfiguration {
    let public = if network.public_ip {
        shape::AssignPublicIp::Enabled
    } else {
        shape::AssignPublicIp::Disabled
    };
    shape::NetworkConfiguration {
        awsvpc_configuration: Some(shape::AwsVpcConfiguration {
            subnets: network.subnets.clone(),
            security_groups: Some(network.groups.clone()),
            assign_public_ip: Some(public),
        }),
    }
}

fn balancer(balancer: &LoadBalancer) -> shape::LoadBalancer {
    shape::LoadBalancer {
        target_group_arn: Some(balancer.target_group.clone()),
        container_name: Some(balancer.container.clone()),
        container_port: Some(balancer.port.into()),
        ..Default::default()
    }
}

/// Numbers of tasks, as far as they have come.
#[derive(Default)]
struct Counts {
    running: i32,
    pending: i32,
}

fn counts(snapshot: &Snapshot, tasks: &[std::sync::Arc<Task>], deployment: Option<&str>) -> Counts {
    let mut counts = Counts::default();
    for task in tasks
        .iter()
        .filter(|task| deployment.is_none_or(|id| task.started_by.as_deref() == Some(id)))
    {
        if task.is_stopped() {
            continue;
        }
        match seen(snapshot, task).map(|seen| seen.phase) {
            Some(TaskPhase::Running) => counts.running += 1,
            Some(TaskPhase::Stopping | TaskPhase::Stopped) => {}
            _ if task.stop.is_some() => {}
            _ => counts.pending += 1,
        }
    }
    counts
}

pub(crate) fn service(
    scope: &Scope,
    service: &Service,
    snapshot: &Snapshot,
    with_tags: bool,
) -> shape::Service {
    let tasks: Vec<_> = table::tasks(snapshot, scope, &service.cluster)
        .into_iter()
        .filter(|task| task.service() == Some(&service.name))
        .collect();
    let all = counts(snapshot, &tasks, None);
    let deployments = service.deployments.iter().enumerate();
    let deployments = deployments
        .map(|(at, one)| deployment(service, one, at == 0, &counts(snapshot, &tasks, Some(&one.id))));
    let events = service.events.iter().map(|event| shape::ServiceEvent {
        id: Some(event.id.clone()),
        created_at: Some(event.at),
        message: Some(event.message.clone()),
    });
    let active = service.state == State::Active;
    shape::Service {
        service_arn: Some(service.arn.clone()),
        service_name: Some(service.name.clone()),
        cluster_arn: Some(cluster_arn(scope, &service.cluster)),
        load_balancers: Some(service.load_balancers.iter().map(balancer).collect()),
        service_registries: Some(vec![]),
        status: Some(service.state.as_str().to_owned()),
        desired_count: Some(if active { service.desired as i32 } else { 0 }),
        running_count: Some(all.running),
        pending_count: Some(all.pending),
        launch_type: Some(shape::LaunchType::Fargate),
        platform_version: Some(service.platform_version.clone()),
        platform_family: Some("Linux".to_owned()),
        task_definition: service.primary().map(|it| it.task_definition.clone()),
        deployment_configuration: Some(deployment_configuration(service)),
        deployments: Some(deployments.collect()),
        events: Some(events.collect()),
        created_at: Some(service.created_at),
        created_by: Some(service.created_by.clone()),
        placement_constraints: Some(vec![]),
        placement_strategy: Some(vec![]),
        network_configuration: Some(network(&service.network)),
        health_check_grace_period_seconds: service.health_check_grace_seconds.map(|seconds| seconds as i32),
        scheduling_strategy: Some(shape::SchedulingStrategy::Replica),
        deployment_controller: Some(shape::DeploymentController {
            type_: shape::DeploymentControllerType::Ecs,
        }),
        enable_ecs_managed_tags: Some(service.enable_managed_tags),
        propagate_tags: Some(service.propagate_tags.as_str().into()),
        enable_execute_command: Some(false),
        availability_zone_rebalancing: Some(shape::AvailabilityZoneRebalancing::Disabled),
        tags: with_tags.then(|| tags(&service.tags)),
        ..Default::default()
    }
}

fn deployment_configuration(service: &Service) -> shape::DeploymentConfiguration {
    shape::DeploymentConfiguration {
        deployment_circuit_breaker: Some(shape::DeploymentCircuitBreaker {
            enable: service.circuit_breaker.is_some(),
            rollback: service.circuit_breaker.is_some_and(|it| it.rollback),
        }),
        maximum_percent: Some(service.maximum_percent as i32),
        minimum_healthy_percent: Some(service.minimum_healthy_percent as i32),
        strategy: Some(shape::DeploymentStrategy::Rolling),
        ..Default::default()
    }
}

fn deployment(
    service: &Service,
    deployment: &Deployment,
    primary: bool,
    counts: &Counts,
) -> shape::Deployment {
    let (state, reason) = match &deployment.rollout {
        Rollout::InProgress { reason } => (shape::DeploymentRolloutState::InProgress, reason),
        Rollout::Completed { reason } => (shape::DeploymentRolloutState::Completed, reason),
        Rollout::Failed { reason } => (shape::DeploymentRolloutState::Failed, reason),
    };
    shape::Deployment {
        id: Some(deployment.id.clone()),
        status: Some(if primary { "PRIMARY" } else { "ACTIVE" }.to_owned()),
        task_definition: Some(deployment.task_definition.clone()),
        desired_count: Some(if primary { service.desired as i32 } else { 0 }),
        pending_count: Some(counts.pending),
        running_count: Some(counts.running),
        failed_tasks: Some(deployment.failed_tasks as i32),
        created_at: Some(deployment.created_at),
        updated_at: Some(deployment.updated_at),
        launch_type: Some(shape::LaunchType::Fargate),
        platform_version: Some("1.4.0".to_owned()),
        platform_family: Some("Linux".to_owned()),
        network_configuration: Some(network(&deployment.network)),
        rollout_state: Some(state),
        rollout_state_reason: Some(reason.clone()),
        ..Default::default()
    }
}
