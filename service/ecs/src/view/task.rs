//! How a task looks to a caller: what is wished, and what the data plane and the load balancer have seen of it.

use aws_shape::ecs as shape;
use base_id::Scope;
use base_store::Snapshot;
use contract::task::{ContainerPhase, Health, ObservedContainer, ObservedTask, Transport};

use super::service::launch_name;
use super::{cluster_arn, seen, tags};
use crate::model::task::{self, Launch, Stage, StopCode, Task};
use crate::model::task_definition::{TaskDefinition, TaskSpec};
use crate::table;

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
        StopCode::TerminationNotice => shape::TaskStopCode::TerminationNotice,
    });
    let stopped_at = match &task.stage {
        Stage::Stopped { at, .. } => Some(seen.and_then(|seen| seen.stopped_at).unwrap_or(*at)),
        _ => None,
    };
    let spec = definition.map(|it| &it.spec);
    let size = task.size(spec);
    let fargate = task.launch == Launch::Fargate;
    let containers = spec.map(|spec| {
        spec.containers
            .iter()
            .map(|one| container(scope, task, one, seen))
            .collect()
    });
    shape::Task {
        attachments: Some(attachment(task, status).into_iter().collect()),
        attributes: Some(vec![shape::Attribute {
            name: "ecs.cpu-architecture".to_owned(),
            value: Some(ARCHITECTURE.to_owned()),
            ..Default::default()
        }]),
        availability_zone: match &task.lodging {
            Some(lodging) => Some(lodging.zone.clone()),
            None => task.attachment().map(|it| it.zone.clone()),
        },
        cluster_arn: Some(cluster_arn(scope, &task.cluster)),
        connectivity: seen.map(|_| shape::Connectivity::Connected),
        connectivity_at: seen.and_then(|seen| seen.pull_started_at),
        containers,
        cpu: size.cpu_units.map(|units| units.to_string()),
        memory: size.memory_mib.map(|mib| mib.to_string()),
        ephemeral_storage: ephemeral(task, spec).map(|size_in_gi_b| shape::EphemeralStorage { size_in_gi_b }),
        fargate_ephemeral_storage: ephemeral(task, spec).map(|gib| shape::TaskEphemeralStorage {
            size_in_gi_b: Some(gib),
            ..Default::default()
        }),
        created_at: Some(task.created_at),
        desired_status: Some(
            if stop.is_some() || task.is_stopped() {
                "STOPPED"
            } else {
                "RUNNING"
            }
            .to_owned(),
        ),
        enable_execute_command: Some(task.execute_command),
        execution_stopped_at: seen.and_then(|seen| seen.stopped_at),
        group: Some(task.group.clone()),
        health_status: Some(health_of(task::health(
            seen,
            &spec.map(task::judges).unwrap_or_default(),
        ))),
        last_status: Some(status.to_owned()),
        capacity_provider_name: task.capacity_provider.clone(),
        container_instance_arn: task
            .lodging
            .as_ref()
            .map(|it| super::instance_arn(scope, &task.cluster, &it.instance)),
        launch_type: Some(launch_name(task.launch)),
        overrides: Some(overrides(task)),
        platform_version: fargate.then(|| "1.4.0".to_owned()),
        platform_family: fargate.then(|| "Linux".to_owned()),
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

/// As images name this machine's kind of processor, in ECS's words.
const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") {
    "arm64"
} else {
    "x86_64"
};
/// What Fargate gives a task that asks for nothing.
const EPHEMERAL_GIB_DEFAULT: u32 = 20;

fn ephemeral(task: &Task, spec: Option<&TaskSpec>) -> Option<i32> {
    let asked = task
        .changes
        .ephemeral_gib
        .or(spec.and_then(|spec| spec.ephemeral_gib));
    (task.launch == Launch::Fargate).then(|| asked.unwrap_or(EPHEMERAL_GIB_DEFAULT) as i32)
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
        cpu: one.cpu_units.map(|units| units as i32),
        memory: one.memory_mib.map(|mib| mib as i32),
        memory_reservation: one.memory_reservation_mib.map(|mib| mib as i32),
        ..Default::default()
    };
    let changes = &task.changes;
    shape::TaskOverride {
        cpu: changes.cpu_units.map(|units| units.to_string()),
        memory: changes.memory_mib.map(|mib| mib.to_string()),
        task_role_arn: changes.task_role.clone(),
        execution_role_arn: changes.execution_role.clone(),
        ephemeral_storage: changes.ephemeral_gib.map(|gib| shape::EphemeralStorage {
            size_in_gi_b: gib as i32,
        }),
        container_overrides: Some(task.overrides.iter().map(container).collect()),
        inference_accelerator_overrides: Some(vec![]),
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
    let size = task.size_of(one);
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
        reason: seen.and_then(reason),
        network_bindings: Some(bindings(task, one, status)),
        network_interfaces: Some(interface.into_iter().collect()),
        health_status: Some(health_of(seen.map_or(Health::Unknown, |it| it.health))),
        cpu: Some(size.cpu_units.unwrap_or(0).to_string()),
        memory: size.memory_mib.map(|mib| mib.to_string()),
        memory_reservation: size.memory_reservation_mib.map(|mib| mib.to_string()),
        managed_agents: task.execute_command.then(|| vec![agent(seen)]),
        ..Default::default()
    }
}

/// The ports of the instance that lead to a container, as long as it is there.
fn bindings(
    task: &Task,
    one: &crate::model::container::Container,
    status: &str,
) -> Vec<shape::NetworkBinding> {
    let ports = task.lodging.as_ref().and_then(|it| it.publish.get(&one.name));
    let there = ports.into_iter().flatten().filter(|_| status == "RUNNING");
    there
        .map(|it| shape::NetworkBinding {
            bind_ip: Some("0.0.0.0".to_owned()),
            container_port: Some(it.container_port.into()),
            host_port: Some(it.host_port.into()),
            protocol: Some(match it.protocol {
                Transport::Tcp => shape::TransportProtocol::Tcp,
                Transport::Udp => shape::TransportProtocol::Udp,
            }),
            ..Default::default()
        })
        .collect()
}

/// What could not be given as asked is told as long as there is nothing worse.
fn reason(seen: &ObservedContainer) -> Option<String> {
    let notes = (!seen.notes.is_empty()).then(|| seen.notes.join("; "));
    seen.reason.clone().or(notes)
}

/// What lets people look inside; it runs as long as the container does.
fn agent(seen: Option<&ObservedContainer>) -> shape::ManagedAgent {
    let status = match seen.map(|seen| seen.phase) {
        Some(ContainerPhase::Running) => "RUNNING",
        Some(ContainerPhase::Stopped) => "STOPPED",
        Some(ContainerPhase::Pending) | None => "PENDING",
    };
    shape::ManagedAgent {
        name: Some(shape::ManagedAgentName::ExecuteCommandAgent),
        last_status: Some(status.to_owned()),
        last_started_at: seen.and_then(|seen| seen.started_at),
        reason: None,
    }
}

/// Whether a load balancer still has to do with a task, from what the proxy has seen.
pub(crate) fn is_registered(snapshot: &Snapshot, task: &Task) -> bool {
    let routes = snapshot.get(table::ROUTES, contract::route::RouteTable::KEY);
    routes.is_some_and(|routes| {
        routes.targets.iter().any(|target| {
            task.load_balancers.iter().any(|it| {
                it.target_group == target.target_group
                    && task.endpoint(it) == Some((target.address, target.port))
            })
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
