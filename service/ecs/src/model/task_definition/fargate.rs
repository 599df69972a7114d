//! What Fargate runs, and what it refuses.

use aws_protocol::ApiError;
use aws_shape::ecs as shape;

use crate::error::client;
use crate::model::{given, size};

const EPHEMERAL_GIB_MIN: i32 = 21;
const EPHEMERAL_GIB_MAX: i32 = 200;

/// # Errors
/// In AWS's words: the first thing because of which Fargate could not run this task definition.
pub(super) fn check(
    request: &shape::RegisterTaskDefinitionRequest,
    mode: &shape::NetworkMode,
    cpu: Option<u32>,
    memory: Option<u32>,
) -> Result<(), ApiError> {
    if *mode != shape::NetworkMode::Awsvpc {
        return Err(client("Fargate only supports network mode ‘awsvpc’."));
    }
    let cpu = cpu.ok_or_else(|| client("Fargate requires that 'cpu' be defined at the task level."))?;
    let memory =
        memory.ok_or_else(|| client("Fargate requires that 'memory' be defined at the task level."))?;
    size::check_fargate(cpu, memory)?;
    if let Some(storage) = &request.ephemeral_storage
        && !(EPHEMERAL_GIB_MIN..=EPHEMERAL_GIB_MAX).contains(&storage.size_in_gi_b)
    {
        return Err(client(format!(
            "Invalid setting for ephemeral storage. Size must be between {EPHEMERAL_GIB_MIN} GiB and {EPHEMERAL_GIB_MAX} GiB."
        )));
    }
    if request
        .ipc_mode
        .as_ref()
        .is_some_and(|mode| *mode != shape::IpcMode::None)
    {
        return Err(client(
            "Tasks using the Fargate launch type do not support ipcMode.",
        ));
    }
    if request.pid_mode == Some(shape::PidMode::Host) {
        return Err(client(
            "Tasks using the Fargate launch type do not support pidMode 'host'.",
        ));
    }
    if given(&request.placement_constraints) {
        return Err(not_supported("constraints"));
    }
    for volume in request.volumes.iter().flatten() {
        if volume.docker_volume_configuration.is_some() {
            return Err(not_supported("dockerVolumeConfiguration"));
        }
        let path = volume.host.as_ref().and_then(|host| host.source_path.as_ref());
        if path.is_some_and(|path| !path.is_empty()) {
            return Err(not_supported("sourcePath"));
        }
    }
    request.container_definitions.iter().try_for_each(container)
}

fn container(one: &shape::ContainerDefinition) -> Result<(), ApiError> {
    let linux = one.linux_parameters.as_ref();
    let of_linux = |which: fn(&shape::LinuxParameters) -> bool| linux.is_some_and(which);
    let gpu = one
        .resource_requirements
        .iter()
        .flatten()
        .any(|it| it.type_ == shape::ResourceType::Gpu);
    let refused = [
        (one.privileged == Some(true), "privileged"),
        (given(&one.docker_security_options), "dockerSecurityOptions"),
        (of_linux(|it| given(&it.devices)), "devices"),
        (of_linux(|it| it.shared_memory_size.is_some()), "sharedMemorySize"),
        (of_linux(|it| given(&it.tmpfs)), "tmpfs"),
        (of_linux(|it| it.max_swap.is_some()), "maxSwap"),
        (of_linux(|it| it.swappiness.is_some()), "swappiness"),
        (gpu, "GPU"),
    ];
    if let Some((_, what)) = refused.into_iter().find(|(refused, _)| *refused) {
        return Err(not_supported(what));
    }
    let added = linux.and_then(|it| it.capabilities.as_ref()?.add.as_ref());
    if let Some(other) = added.into_iter().flatten().find(|name| *name != "SYS_PTRACE") {
        return Err(client(format!(
            "Fargate compatible task definitions do not support adding the capability {other}: only SYS_PTRACE can be added."
        )));
    }
    let driver = one.log_configuration.as_ref().map(|it| &it.log_driver);
    match driver {
        None | Some(shape::LogDriver::Awslogs | shape::LogDriver::Splunk | shape::LogDriver::Awsfirelens) => {
            Ok(())
        }
        Some(other) => Err(client(format!(
            "Fargate compatible task definitions do not support the log driver {other}: it is one of awslogs, splunk, awsfirelens."
        ))),
    }
}

fn not_supported(what: &str) -> ApiError {
    client(format!(
        "Fargate compatible task definitions do not support {what}"
    ))
}
