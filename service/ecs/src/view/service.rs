//! How a service and its deployments look to a caller.

use aws_shape::ecs as shape;
use base_id::Scope;
use base_store::Snapshot;

use super::deployment::{deployment_arn, revision_arn};
use super::discovery::{connect, registries, resources};
use super::{cluster_arn, tags};
use crate::history::{self, Counts};
use crate::model::cluster::Strategy;
use crate::model::service::{CircuitBreaker, Deployment, LoadBalancer, Network, Rollout, Service, State};
use crate::model::task::Launch;
use crate::table;

/// Clients cannot live with an empty one: a task without a network of its own has none.
pub(crate) fn network(network: &Network) -> Option<shape::NetworkConfiguration> {
    if network.subnets.is_empty() {
        return None;
    }
    let public = if network.public_ip {
        shape::AssignPublicIp::Enabled
    } else {
        shape::AssignPublicIp::Disabled
    };
    Some(shape::NetworkConfiguration {
        awsvpc_configuration: Some(shape::AwsVpcConfiguration {
            subnets: network.subnets.clone(),
            security_groups: Some(network.groups.clone()),
            assign_public_ip: Some(public),
        }),
    })
}

pub(super) fn balancer(balancer: &LoadBalancer) -> shape::LoadBalancer {
    shape::LoadBalancer {
        target_group_arn: Some(balancer.target_group.clone()),
        container_name: Some(balancer.container.clone()),
        container_port: Some(balancer.port.into()),
        ..Default::default()
    }
}

pub(super) fn strategy(strategy: &Strategy) -> Option<Vec<shape::CapacityProviderStrategyItem>> {
    let item = |(provider, base, weight): &(String, i32, i32)| shape::CapacityProviderStrategyItem {
        capacity_provider: provider.clone(),
        base: Some(*base),
        weight: Some(*weight),
    };
    (!strategy.is_empty()).then(|| strategy.iter().map(item).collect())
}

/// A service, deployment or revision with capacity providers has no launch type.
pub(crate) fn launch_type(launch: Launch, strategy: &Strategy) -> Option<shape::LaunchType> {
    strategy.is_empty().then(|| launch_name(launch))
}

pub(super) fn launch_name(launch: Launch) -> shape::LaunchType {
    match launch {
        Launch::Fargate => shape::LaunchType::Fargate,
        Launch::External => shape::LaunchType::External,
        Launch::Ec2 => shape::LaunchType::Ec2,
    }
}

/// The platform version that LATEST stands for.
pub(super) fn platform_version(launch: Launch, given: &str) -> Option<String> {
    let version = if given == "LATEST" { "1.4.0" } else { given };
    (launch == Launch::Fargate).then(|| version.to_owned())
}

pub(super) fn platform_family(launch: Launch) -> Option<String> {
    (launch == Launch::Fargate).then(|| "Linux".to_owned())
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
    let all = history::counts(snapshot, &tasks, None);
    let of = |one: &Deployment| history::counts(snapshot, &tasks, Some(&one.id));
    let deployments = service.deployments.iter().enumerate();
    let deployments = deployments.map(|(at, one)| deployment(service, one, at == 0, of(one)));
    let revisions = service.deployments.iter().enumerate();
    let revisions = revisions
        .filter(|(_, one)| !one.revision.is_empty())
        .map(|(at, one)| shape::ServiceCurrentRevisionSummary {
            arn: Some(revision_arn(scope, &service.path(), &one.revision)),
            requested_task_count: Some(if at == 0 { service.desired as i32 } else { 0 }),
            running_task_count: Some(of(one).running as i32),
            pending_task_count: Some(of(one).pending as i32),
        });
    let current = service.service_deployment.as_ref();
    let events = service.events.iter().map(|event| shape::ServiceEvent {
        id: Some(event.id.clone()),
        created_at: Some(event.at),
        message: Some(event.message.clone()),
    });
    let active = service.state == State::Active;
    let (constraints, strategies) = service.placement.shapes();
    shape::Service {
        service_arn: Some(service.arn.clone()),
        service_name: Some(service.name.clone()),
        cluster_arn: Some(cluster_arn(scope, &service.cluster)),
        load_balancers: Some(service.load_balancers.iter().map(balancer).collect()),
        service_registries: Some(registries(&service.discovery)),
        status: Some(service.state.as_str().to_owned()),
        desired_count: Some(if active { service.desired as i32 } else { 0 }),
        running_count: Some(all.running as i32),
        pending_count: Some(all.pending as i32),
        launch_type: launch_type(service.launch, &service.strategy),
        capacity_provider_strategy: strategy(&service.strategy),
        platform_version: platform_family(service.launch).map(|_| service.platform_version.clone()),
        platform_family: platform_family(service.launch),
        role_arn: service.role.clone(),
        task_definition: service.primary().map(|it| it.task_definition.clone()),
        deployment_configuration: Some(deployment_configuration(
            service.circuit_breaker,
            service.minimum_healthy_percent,
            service.maximum_percent,
        )),
        current_service_deployment: current.map(|id| deployment_arn(scope, &service.path(), id)),
        current_service_revisions: Some(revisions.collect()),
        deployments: Some(deployments.collect()),
        events: Some(events.collect()),
        created_at: Some(service.created_at),
        created_by: Some(service.created_by.clone()),
        placement_constraints: Some(constraints),
        placement_strategy: Some(strategies),
        network_configuration: network(&service.network),
        health_check_grace_period_seconds: service.health_check_grace_seconds.map(|seconds| seconds as i32),
        scheduling_strategy: Some(match service.daemon {
            true => shape::SchedulingStrategy::Daemon,
            false => shape::SchedulingStrategy::Replica,
        }),
        deployment_controller: Some(shape::DeploymentController {
            type_: shape::DeploymentControllerType::Ecs,
        }),
        enable_ecs_managed_tags: Some(service.enable_managed_tags),
        propagate_tags: Some(service.propagate_tags.as_str().into()),
        enable_execute_command: Some(service.execute_command),
        availability_zone_rebalancing: Some(if service.zone_rebalancing {
            shape::AvailabilityZoneRebalancing::Enabled
        } else {
            shape::AvailabilityZoneRebalancing::Disabled
        }),
        resource_management_type: Some(shape::ResourceManagementType::Customer),
        tags: with_tags.then(|| tags(&service.tags)),
        ..Default::default()
    }
}

pub(super) fn deployment_configuration(
    breaker: Option<CircuitBreaker>,
    minimum_healthy_percent: u32,
    maximum_percent: u32,
) -> shape::DeploymentConfiguration {
    shape::DeploymentConfiguration {
        deployment_circuit_breaker: Some(shape::DeploymentCircuitBreaker {
            enable: breaker.is_some(),
            rollback: breaker.is_some_and(|it| it.rollback),
        }),
        maximum_percent: Some(maximum_percent as i32),
        minimum_healthy_percent: Some(minimum_healthy_percent as i32),
        strategy: Some(shape::DeploymentStrategy::Rolling),
        bake_time_in_minutes: Some(0),
        ..Default::default()
    }
}

fn deployment(
    service: &Service,
    deployment: &Deployment,
    primary: bool,
    counts: Counts,
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
        pending_count: Some(counts.pending as i32),
        running_count: Some(counts.running as i32),
        failed_tasks: Some(deployment.failed_tasks as i32),
        created_at: Some(deployment.created_at),
        updated_at: Some(deployment.updated_at),
        capacity_provider_strategy: strategy(&deployment.strategy),
        launch_type: launch_type(deployment.launch, &deployment.strategy),
        platform_version: platform_version(deployment.launch, &deployment.platform_version),
        platform_family: platform_family(deployment.launch),
        network_configuration: network(&deployment.network),
        rollout_state: Some(state),
        rollout_state_reason: Some(reason.clone()),
        service_connect_configuration: deployment.discovery.connect.as_ref().map(connect),
        service_connect_resources: deployment.discovery.connect.as_ref().map(resources),
        ..Default::default()
    }
}
