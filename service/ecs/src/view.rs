//! How stored things look to a caller.

use aws_protocol::ApiError;
use aws_shape::ecs as shape;
use base_id::Scope;
use base_store::Snapshot;
use contract::task::{ContainerPhase, Health, ObservedContainer, ObservedTask, TaskPhase};

use crate::model::Tags;
use crate::model::cluster::Cluster;
use crate::model::service::{Deployment, LoadBalancer, Network, Rollout, Service, State};
use crate::model::task::{self, Stage, StopCode, Task};
use crate::model::task_definition::{self, TaskDefinition};
use crate::table::{self, SERVICES};

pub(crate) fn tags(tags: &Tags) -> Vec<shape::Tag> {
    tags.iter()
        .map(|(key, value)| shape::Tag {
            key: Some(key.clone()),
            value: Some(value.clone()),
        })
        .collect()
}

pub(crate) fn cluster_arn(scope: &Scope, name: &str) -> String {
    scope.arn("ecs", &format!("cluster/{name}"))
}

/// A task's observation: the present one, or the last one.
pub(crate) fn seen(snapshot: &Snapshot, task: &Task) -> Option<ObservedTask> {
    match &task.stage {
        Stage::Stopped { last, .. } => last.as_deref().cloned(),
        _ => table::observed(snapshot, task).map(|seen| ObservedTask::clone(&seen)),
    }
}

pub(crate) fn cluster(
    scope: &Scope,
    cluster: &Cluster,
    snapshot: &Snapshot,
    include: &[shape::ClusterField],
) -> shape::Cluster {
    let tasks = table::tasks(snapshot, scope, &cluster.name);
    let is = |task: &Task, running: bool| {
        let phase = seen(snapshot, task).map(|seen| seen.phase);
        !task.is_stopped() && (phase == Some(TaskPhase::Running)) == running && task.stop.is_none()
    };
    let services = snapshot.prefix(SERVICES, &table::key(scope, &format!("{}/", cluster.name)));
    let settings = cluster
        .settings
        .iter()
        .map(|(name, value)| shape::ClusterSetting {
            name: Some(name.as_str().into()),
            value: Some(value.clone()),
        });
    let strategy = cluster.default_strategy.iter();
    let strategy = strategy.map(|(provider, base, weight)| shape::CapacityProviderStrategyItem {
        capacity_provider: provider.clone(),
        base: Some(*base),
        weight: Some(*weight),
    });
    let wanted = |field: shape::ClusterField| include.contains(&field);
    shape::Cluster {
        cluster_arn: Some(cluster.arn.clone()),
        cluster_name: Some(cluster.name.clone()),
        status: Some(if cluster.inactive { "INACTIVE" } else { "ACTIVE" }.to_owned()),
        registered_container_instances_count: Some(0),
        running_tasks_count: Some(tasks.iter().filter(|task| is(task, true)).count() as i32),
        pending_tasks_count: Some(tasks.iter().filter(|task| is(task, false)).count() as i32),
        active_services_count: Some(
            services
                .iter()
                .filter(|(_, it)| it.state == State::Active)
                .count() as i32,
        ),
        statistics: Some(vec![]),
        tags: Some(if wanted(shape::ClusterField::Tags) {
            tags(&cluster.tags)
        } else {
            vec![]
        }),
        settings: Some(if wanted(shape::ClusterField::Settings) {
            settings.collect()
        } else {
            vec![]
        }),
        capacity_providers: Some(cluster.capacity_providers.clone()),
        default_capacity_provider_strategy: Some(strategy.collect()),
        ..Default::default()
    }
}

pub(crate) fn definition(definition: &TaskDefinition) -> Result<shape::TaskDefinition, ApiError> {
    let request = task_definition::from_json(&definition.request)?;
    let mut compatibilities = vec![shape::Compatibility::Ec2];
    if definition.spec.network_mode == "awsvpc"
        && definition.spec.cpu_units.is_some()
        && definition.spec.memory_mib.is_some()
    {
        compatibilities.push(shape::Compatibility::Fargate);
    }
    let active = definition.is_active();
    Ok(shape::TaskDefinition {
        task_definition_arn: Some(definition.arn.clone()),
        container_definitions: Some(request.container_definitions),
        family: Some(definition.family.clone()),
        task_role_arn: request.task_role_arn,
        execution_role_arn: request.execution_role_arn,
        network_mode: request.network_mode,
        revision: Some(definition.revision as i32),
        volumes: Some(vec![]),
        status: Some(if active {
            shape::TaskDefinitionStatus::Active
        } else {
            shape::TaskDefinitionStatus::Inactive
        }),
        requires_attributes: Some(vec![]),
        placement_constraints: Some(vec![]),
        compatibilities: Some(compatibilities),
        runtime_platform: request.runtime_platform,
        requires_compatibilities: request.requires_compatibilities,
        cpu: definition.spec.cpu_units.map(|units| units.to_string()),
        memory: definition.spec.memory_mib.map(|mib| mib.to_string()),
        registered_at: Some(definition.registered_at),
        deregistered_at: definition.deregistered_at,
        registered_by: Some(definition.registered_by.clone()),
        ..Default::default()
    })
}

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

/// A task with what the data plane and the load balancer have to do with it.
pub(crate) fn task(
    scope: &Scope,
    task: &Task,
    definition: Option<&TaskDefinition>,
    seen: Option<&ObservedTask>,
    registered: bool,
    with_tags: bool,
) -> shape::Task {
    let status = task::last_status(task, seen, registered);
    let stop = task.stop.as_ref();
    let code = stop.map(|stop| match stop.code {
        StopCode::FailedToStart => shape::TaskStopCode::TaskFailedToStart,
        StopCode::EssentialContainerExited => shape::TaskStopCode::EssentialContainerExited,
        StopCode::UserInitiated => shape::TaskStopCode::UserInitiated,
        StopCode::ServiceScheduler => shape::TaskStopCode::ServiceSchedulerInitiated,
    });
    let stopped_at = match &task.stage {
        Stage::Stopped { at, .. } => Some(seen.and_then(|seen| seen.stopped_at).unwrap_or(*at)),
        _ => None,
    };
    let spec = definition.map(|it| &it.spec);
    let containers = spec.map(|spec| {
        spec.containers
            .iter()
            .map(|one| container(scope, task, one, seen))
            .collect()
    });
    shape::Task {
        attachments: Some(attachment(task, status).into_iter().collect()),
        attributes: Some(vec![]),
        availability_zone: task.attachment().map(|it| it.zone.clone()),
        cluster_arn: Some(cluster_arn(scope, &task.cluster)),
        connectivity: seen.map(|_| shape::Connectivity::Connected),
        connectivity_at: seen.and_then(|seen| seen.pull_started_at),
        containers,
        cpu: spec
            .and_then(|spec| spec.cpu_units)
            .map(|units| units.to_string()),
        memory: spec.and_then(|spec| spec.memory_mib).map(|mib| mib.to_string()),
        created_at: Some(task.created_at),
        desired_status: Some(
            if stop.is_some() || task.is_stopped() {
                "STOPPED"
            } else {
                "RUNNING"
            }
            .to_owned(),
        ),
        enable_execute_command: Some(false),
        execution_stopped_at: seen.and_then(|seen| seen.stopped_at),
        group: Some(task.group.clone()),
        health_status: Some(health_of(task::health(
            seen,
            &spec.map(task::judges).unwrap_or_default(),
        ))),
        last_status: Some(status.to_owned()),
        launch_type: Some(shape::LaunchType::Fargate),
        overrides: Some(overrides(task)),
        platform_version: Some("1.4.0".to_owned()),
        platform_family: Some("Linux".to_owned()),
        pull_started_at: seen.and_then(|seen| seen.pull_started_at),
        pull_stopped_at: seen.and_then(|seen| seen.pull_stopped_at),
        started_at: seen.and_then(|seen| seen.started_at),
        started_by: task.started_by.clone(),
        stop_code: code,
        stopped_reason: stop.map(|stop| stop.reason.clone()),
        stopping_at: stop.map(|stop| stop.at),
        stopped_at,
        tags: Some(if with_tags { tags(&task.tags) } else { vec![] }),
        task_arn: Some(task.arn.clone()),
        task_definition_arn: Some(task.task_definition.clone()),
        version: Some(task.version as i64),
        ..Default::default()
    }
}

fn attachment(task: &Task, status: &str) -> Option<shape::Attachment> {
    let attachment = task.attachment()?;
    let detail = |name: &str, value: &str| shape::KeyValuePair {
        name: Some(name.into()),
        value: Some(value.into()),
    };
    let interface = &attachment.interface;
    let state = match status {
        "STOPPED" => "DELETED",
        "PROVISIONING" => "PRECREATED",
        _ => "ATTACHED",
    };
    Some(shape::Attachment {
        id: Some(attachment.id.clone()),
        type_: Some("ElasticNetworkInterface".to_owned()),
        status: Some(state.to_owned()),
        details: Some(vec![
            detail("subnetId", &interface.subnet),
            detail("networkInterfaceId", &interface.id),
            detail("macAddress", &interface.mac),
            detail("privateIPv4Address", &interface.address.to_string()),
        ]),
    })
}

fn overrides(task: &Task) -> shape::TaskOverride {
    let container = |one: &task::Override| shape::ContainerOverride {
        name: Some(one.container.clone()),
        command: one.command.clone(),
        environment: (!one.environment.is_empty()).then(|| {
            let pair = |(name, value): &(String, String)| shape::KeyValuePair {
                name: Some(name.clone()),
                value: Some(value.clone()),
            };
            one.environment.iter().map(pair).collect()
        }),
        ..Default::default()
    };
    shape::TaskOverride {
        container_overrides: Some(task.overrides.iter().map(container).collect()),
        inference_accelerator_overrides: Some(vec![]),
        ..Default::default()
    }
}

fn health_of(health: Health) -> shape::HealthStatus {
    match health {
        Health::Healthy => shape::HealthStatus::Healthy,
        Health::Unhealthy => shape::HealthStatus::Unhealthy,
        Health::Unknown => shape::HealthStatus::Unknown,
    }
}

fn container(
    scope: &Scope,
    task: &Task,
    one: &crate::model::container::Container,
    seen: Option<&ObservedTask>,
) -> shape::Container {
    let seen = seen.and_then(|seen| seen.containers.iter().find(|it| it.name == one.name));
    let status = match (seen.map(|it| it.phase), task.is_stopped()) {
        (Some(ContainerPhase::Running), false) => "RUNNING",
        (Some(ContainerPhase::Stopped), _) | (_, true) => "STOPPED",
        _ => "PENDING",
    };
    let interface = task.attachment().map(|attachment| shape::NetworkInterface {
        attachment_id: Some(attachment.id.clone()),
        private_ipv4_address: Some(attachment.interface.address.to_string()),
        ipv6_address: None,
    });
    let digest = match &task.stage {
        Stage::Placed { digests, .. } => digests.get(&one.name).cloned(),
        _ => None,
    };
    let tail = format!("{}-{}", &task.id[..task.id.len().min(12)], one.name);
    shape::Container {
        container_arn: Some(scope.arn("ecs", &format!("container/{}/{}/{tail}", task.cluster, task.id))),
        task_arn: Some(task.arn.clone()),
        name: Some(one.name.clone()),
        image: Some(one.image.clone()),
        image_digest: seen.and_then(|it| it.image_digest.clone()).or(digest),
        runtime_id: seen.map(|it| it.runtime_id.clone()),
        last_status: Some(status.to_owned()),
        exit_code: seen.and_then(|it| it.exit_code),
        reason: seen.and_then(|it: &ObservedContainer| it.reason.clone()),
        network_bindings: Some(vec![]),
        network_interfaces: Some(interface.into_iter().collect()),
        health_status: Some(health_of(seen.map_or(Health::Unknown, |it| it.health))),
        cpu: Some(one.cpu_units.unwrap_or(0).to_string()),
        memory: one.memory_mib.map(|mib| mib.to_string()),
        memory_reservation: one.memory_reservation_mib.map(|mib| mib.to_string()),
        ..Default::default()
    }
}

/// Whether a load balancer still has to do with a task, from what the proxy has seen.
pub(crate) fn is_registered(snapshot: &Snapshot, task: &Task) -> bool {
    let Some(attachment) = task.attachment() else {
        return false;
    };
    let routes = snapshot.get(table::ROUTES, contract::route::RouteTable::KEY);
    routes.is_some_and(|routes| {
        routes.targets.iter().any(|target| {
            target.address == attachment.interface.address
                && task
                    .load_balancers
                    .iter()
                    .any(|it| it.target_group == target.target_group)
        })
    })
}

/// The task with everything that is known about it.
pub(crate) fn whole_task(scope: &Scope, task: &Task, snapshot: &Snapshot, with_tags: bool) -> shape::Task {
    let definition = table::definition_of(snapshot, scope, &task.task_definition);
    let seen = seen(snapshot, task);
    self::task(
        scope,
        task,
        definition.as_deref(),
        seen.as_ref(),
        is_registered(snapshot, task),
        with_tags,
    )
}
