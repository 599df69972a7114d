//! Task definitions: parsed once when registered, into what can be run; echoed as they were written.

use aws_protocol::{ApiError, Shaped as _, json};
use aws_shape::ecs as shape;
use base_id::Scope;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::container::{self, Container};
use super::{Tags, name, size};
use crate::error::{client, unsupported};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TaskDefinition {
    pub(crate) family: String,
    pub(crate) revision: u32,
    pub(crate) arn: String,
    pub(crate) registered_at: Timestamp,
    pub(crate) registered_by: String,
    pub(crate) deregistered_at: Option<Timestamp>,
    /// The request in AWS's JSON, with defaults filled in, for describing.
    pub(crate) request: String,
    pub(crate) spec: TaskSpec,
    pub(crate) tags: Tags,
}

impl TaskDefinition {
    /// `family:revision`
    pub(crate) fn label(&self) -> String {
        format!("{}:{}", self.family, self.revision)
    }

    pub(crate) fn is_active(&self) -> bool {
        self.deregistered_at.is_none()
    }
}

/// What can be run of a task definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TaskSpec {
    pub(crate) cpu_units: Option<u32>,
    pub(crate) memory_mib: Option<u32>,
    /// `awsvpc`, `bridge`, `host`, `none`.
    pub(crate) network_mode: String,
    pub(crate) fargate: bool,
    pub(crate) containers: Vec<Container>,
}

/// The request as JSON.
pub(crate) fn to_json(request: shape::RegisterTaskDefinitionRequest) -> String {
    json::write(schema(), &request.write())
}

fn schema() -> Option<&'static aws_protocol::Schema> {
    shape::SERVICE
        .operation("RegisterTaskDefinition")
        .and_then(|operation| operation.input)
}

/// # Errors
/// When the stored text cannot be read any more.
pub(crate) fn from_json(text: &str) -> Result<shape::RegisterTaskDefinitionRequest, ApiError> {
    let value = json::read(schema(), text.as_bytes(), json::Mode::Lenient)?;
    shape::RegisterTaskDefinitionRequest::read(value).map_err(ApiError::internal)
}

/// Checks a request and parses it; fills in AWS's defaults.
///
/// # Errors
/// In AWS's words.
pub(crate) fn parse(
    request: &mut shape::RegisterTaskDefinitionRequest,
    scope: &Scope,
) -> Result<TaskSpec, ApiError> {
    name::check_family(&request.family)?;
    refuse_unserved(request)?;
    if request.container_definitions.is_empty() {
        return Err(client("Container list cannot be empty."));
    }
    let compatibilities = request.requires_compatibilities.clone().unwrap_or_default();
    if let Some(unknown) = compatibilities
        .iter()
        .find(|one| matches!(one, shape::Compatibility::Other(_)))
    {
        return Err(client(format!(
            "{unknown} is not a valid compatibility: it is one of EC2, FARGATE, EXTERNAL."
        )));
    }
    let fargate = compatibilities.contains(&shape::Compatibility::Fargate);
    let mode = request
        .network_mode
        .get_or_insert(shape::NetworkMode::Bridge)
        .clone();
    if let shape::NetworkMode::Other(other) = &mode {
        return Err(client(format!(
            "Network mode '{other}' is not one of bridge, host, awsvpc, none."
        )));
    }
    let cpu_units = request.cpu.as_deref().map(size::cpu).transpose()?;
    let memory_mib = request.memory.as_deref().map(size::memory).transpose()?;
    if fargate {
        check_fargate(&mode, cpu_units, memory_mib)?;
    }
    check_platform(request.runtime_platform.as_ref())?;
    let mut containers = Vec::new();
    for definition in &mut request.container_definitions {
        let parsed = container::parse(definition, &mode, fargate, scope)?;
        containers.push(parsed);
    }
    container::check_together(&containers)?;
    let sizeless = |one: &&Container| one.memory_mib.is_none() && one.memory_reservation_mib.is_none();
    if !fargate && memory_mib.is_none() && containers.iter().any(|one| sizeless(&one)) {
        let lacking = containers
            .iter()
            .find(sizeless)
            .map_or("", |one| one.name.as_str());
        let message = format!(
            "Invalid setting for container '{lacking}'. At least one of 'memory' or 'memoryReservation' must be specified."
        );
        return Err(client(message));
    }
    Ok(TaskSpec {
        cpu_units,
        memory_mib,
        network_mode: mode.as_str().to_owned(),
        fargate,
        containers,
    })
}

fn check_fargate(mode: &shape::NetworkMode, cpu: Option<u32>, memory: Option<u32>) -> Result<(), ApiError> {
    if *mode != shape::NetworkMode::Awsvpc {
        return Err(client("Fargate only supports network mode ‘awsvpc’."));
    }
    let cpu = cpu.ok_or_else(|| client("Fargate requires that 'cpu' be defined at the task level."))?;
    let memory =
        memory.ok_or_else(|| client("Fargate requires that 'memory' be defined at the task level."))?;
    size::check_fargate(cpu, memory)
}

fn check_platform(platform: Option<&shape::RuntimePlatform>) -> Result<(), ApiError> {
    let Some(platform) = platform else { return Ok(()) };
    let here = if cfg!(target_arch = "aarch64") {
        shape::CPUArchitecture::Arm64
    } else {
        shape::CPUArchitecture::X8664
    };
    if let Some(other) = platform.cpu_architecture.as_ref().filter(|one| **one != here) {
        let message = format!(
            "runtimePlatform.cpuArchitecture is {other}, but this machine is {here}: its containers cannot run here."
        );
        return Err(client(message));
    }
    match &platform.operating_system_family {
        None | Some(shape::OSFamily::Linux) => Ok(()),
        Some(other) => Err(client(format!(
            "runtimePlatform.operatingSystemFamily is {other}, but this machine runs LINUX."
        ))),
    }
}

fn refuse_unserved(request: &shape::RegisterTaskDefinitionRequest) -> Result<(), ApiError> {
    let some = [
        (
            request.volumes.as_ref().is_some_and(|it| !it.is_empty()),
            "volumes",
        ),
        (
            request
                .placement_constraints
                .as_ref()
                .is_some_and(|it| !it.is_empty()),
            "placementConstraints",
        ),
        (request.pid_mode.is_some(), "pidMode"),
        (request.ipc_mode.is_some(), "ipcMode"),
        (request.proxy_configuration.is_some(), "proxyConfiguration"),
        (
            request
                .inference_accelerators
                .as_ref()
                .is_some_and(|it| !it.is_empty()),
            "inferenceAccelerators",
        ),
        (request.ephemeral_storage.is_some(), "ephemeralStorage"),
        (
            request.enable_fault_injection == Some(true),
            "enableFaultInjection",
        ),
    ];
    match some.into_iter().find(|(given, _)| *given) {
        Some((_, what)) => Err(unsupported(&format!("the task definition's {what}"))),
        None => Ok(()),
    }
}
