//! Task definitions: parsed once when registered, into what can be run; echoed as they were written.

mod attribute;
mod fargate;
mod role;
mod volume;

use std::collections::BTreeSet;

use aws_protocol::{ApiError, Shaped as _, json};
use aws_shape::ecs as shape;
use base_id::Scope;
use contract::task::{Sharing, Volume};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::container::{self, Container, together};
use super::{Tags, name, placement, size};
use crate::error::{client, unsupported};
pub(crate) use attribute::required as required_attributes;
pub(crate) use role::parse as role;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TaskDefinition {
    pub(crate) family: String,
    pub(crate) revision: u32,
    pub(crate) arn: String,
    pub(crate) registered_at: Timestamp,
    pub(crate) registered_by: String,
    pub(crate) deregistered_at: Option<Timestamp>,
    /// It goes as soon as nothing refers to it any more.
    #[serde(default)]
    pub(crate) delete_requested_at: Option<Timestamp>,
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

    pub(crate) fn status(&self) -> shape::TaskDefinitionStatus {
        match (self.deregistered_at, self.delete_requested_at) {
            (None, _) => shape::TaskDefinitionStatus::Active,
            (Some(_), None) => shape::TaskDefinitionStatus::Inactive,
            (Some(_), Some(_)) => shape::TaskDefinitionStatus::DeleteInProgress,
        }
    }
}

/// What can be run of a task definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TaskSpec {
    pub(crate) cpu_units: Option<u32>,
    pub(crate) memory_mib: Option<u32>,
    /// `awsvpc`, `bridge`, `host`, `none`.
    pub(crate) network_mode: String,
    /// It says that it is made for Fargate.
    pub(crate) fargate: bool,
    /// Fargate could run it.
    #[serde(default)]
    pub(crate) fits_fargate: bool,
    pub(crate) containers: Vec<Container>,
    #[serde(default)]
    pub(crate) volumes: Vec<Volume>,
    #[serde(default)]
    pub(crate) processes: Sharing,
    #[serde(default)]
    pub(crate) ipc: Sharing,
    /// Room on disk for what the task writes.
    #[serde(default)]
    pub(crate) ephemeral_gib: Option<u32>,
    /// Attributes that an instance must have.
    #[serde(default)]
    pub(crate) needs: BTreeSet<String>,
    /// Expressions that must hold for an instance.
    #[serde(default)]
    pub(crate) constraints: Vec<String>,
    /// ARN of the role that the task's applications have.
    #[serde(default)]
    pub(crate) task_role: Option<String>,
    /// ARN of the role with which secrets are read.
    #[serde(default)]
    pub(crate) execution_role: Option<String>,
}

impl TaskSpec {
    /// The launch types that can run it.
    pub(crate) fn compatibilities(&self) -> Vec<shape::Compatibility> {
        let mut all = Vec::new();
        if self.network_mode != "awsvpc" {
            all.push(shape::Compatibility::External);
        }
        all.push(shape::Compatibility::Ec2);
        if self.fits_fargate {
            all.push(shape::Compatibility::Fargate);
        }
        all
    }
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

const CONTAINERS_MAX: usize = 10;

/// Checks a request and parses it; fills in AWS's defaults.
///
/// # Errors
/// In AWS's words.
pub(crate) fn parse(
    request: &mut shape::RegisterTaskDefinitionRequest,
    scope: &Scope,
) -> Result<TaskSpec, ApiError> {
    name::check_family(&request.family)?;
    if request.container_definitions.is_empty() {
        return Err(client("Container list cannot be empty."));
    }
    if request.container_definitions.len() > CONTAINERS_MAX {
        return Err(client("Too many containers."));
    }
    let fargate = compatibilities(request)?.contains(&shape::Compatibility::Fargate);
    let mode = network_mode(request)?;
    let size = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let cpu_units = size(&request.cpu).as_deref().map(size::cpu).transpose()?;
    let memory_mib = size(&request.memory).as_deref().map(size::memory).transpose()?;
    let fits = fargate::check(request, &mode, cpu_units, memory_mib);
    if fargate {
        fits.clone()?;
    }
    refuse_unserved(request)?;
    check_platform(request.runtime_platform.as_ref())?;
    let volumes = volume::parse(request, scope)?;
    let mut containers = Vec::new();
    for definition in &mut request.container_definitions {
        containers.push(container::parse(definition, &mode, scope)?);
    }
    together::check(&containers)?;
    check_ports(request)?;
    volume::check_mounts(&volumes, &containers)?;
    check_sizes(&containers, cpu_units, memory_mib)?;
    let execution_role = role::parse(request.execution_role_arn.as_deref(), scope)?;
    if execution_role.is_none() && containers.iter().any(|one| !one.secrets.is_empty()) {
        return Err(client(
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
        ));
    }
    Ok(TaskSpec {
        cpu_units,
        memory_mib,
        network_mode: mode.as_str().to_owned(),
        fargate,
        fits_fargate: fits.is_ok(),
        containers,
        needs: required_attributes(request),
        constraints: constraints(request)?,
        volumes,
        processes: processes(request)?,
        ipc: ipc(request)?,
        ephemeral_gib: request
            .ephemeral_storage
            .as_ref()
            .map(|it| it.size_in_gi_b.unsigned_abs()),
        task_role: role::parse(request.task_role_arn.as_deref(), scope)?,
        execution_role,
    })
}

fn compatibilities(
    request: &shape::RegisterTaskDefinitionRequest,
) -> Result<Vec<shape::Compatibility>, ApiError> {
    let given = request.requires_compatibilities.clone().unwrap_or_default();
    match given
        .iter()
        .find(|one| matches!(one, shape::Compatibility::Other(_)))
    {
        Some(unknown) => Err(client(format!(
            "{unknown} is not a valid compatibility: it is one of EC2, FARGATE, EXTERNAL."
        ))),
        None => Ok(given),
    }
}

fn network_mode(request: &mut shape::RegisterTaskDefinitionRequest) -> Result<shape::NetworkMode, ApiError> {
    let mode = request
        .network_mode
        .get_or_insert(shape::NetworkMode::Bridge)
        .clone();
    match mode {
        shape::NetworkMode::Other(other) => Err(client(format!(
            "Network mode '{other}' is not one of bridge, host, awsvpc, none."
        ))),
        mode => Ok(mode),
    }
}

fn processes(request: &shape::RegisterTaskDefinitionRequest) -> Result<Sharing, ApiError> {
    match &request.pid_mode {
        None => Ok(Sharing::Container),
        Some(shape::PidMode::Task) => Ok(Sharing::Task),
        Some(shape::PidMode::Host) => Ok(Sharing::Host),
        Some(other) => Err(client(format!("pidMode '{other}' is not one of host, task."))),
    }
}

fn ipc(request: &shape::RegisterTaskDefinitionRequest) -> Result<Sharing, ApiError> {
    match &request.ipc_mode {
        None | Some(shape::IpcMode::None) => Ok(Sharing::Container),
        Some(shape::IpcMode::Task) => Ok(Sharing::Task),
        Some(shape::IpcMode::Host) => Ok(Sharing::Host),
        Some(other) => Err(client(format!(
            "ipcMode '{other}' is not one of host, task, none."
        ))),
    }
}

/// Each container has a size, or the task has one; and together the containers stay below the task's.
fn check_sizes(containers: &[Container], cpu: Option<u32>, memory: Option<u32>) -> Result<(), ApiError> {
    let sizeless = |one: &&Container| one.memory_mib.is_none() && one.memory_reservation_mib.is_none();
    if let (None, Some(lacking)) = (memory, containers.iter().find(sizeless)) {
        return Err(client(format!(
            "Invalid setting for container '{}'. At least one of 'memory' or 'memoryReservation' must be specified.",
            lacking.name
        )));
    }
    let units: u64 = containers
        .iter()
        .filter_map(|one| one.cpu_units)
        .map(u64::from)
        .sum();
    if cpu.is_some_and(|task| units > task.into()) {
        return Err(client(
            "The total CPU units of containers exceeds the task's 'cpu'.",
        ));
    }
    // What it asks for, not what it may grow to.
    let asked = |one: &Container| one.memory_reservation_mib.or(one.memory_mib);
    let mib: u64 = containers.iter().filter_map(asked).map(u64::from).sum();
    if let Some(task) = memory {
        if mib > task.into() {
            return Err(client(
                "The total memory of containers exceeds the task's 'memory'.",
            ));
        }
        if let Some(large) = containers.iter().find(|one| one.memory_mib > Some(task)) {
            return Err(client(format!(
                "Invalid setting for container '{}'. 'memory' must not be greater than the task's 'memory'.",
                large.name
            )));
        }
    }
    Ok(())
}

/// The names of port mappings are unique in a task definition.
fn check_ports(request: &shape::RegisterTaskDefinitionRequest) -> Result<(), ApiError> {
    let mut names: Vec<&String> = Vec::new();
    for mapping in request
        .container_definitions
        .iter()
        .filter_map(|one| one.port_mappings.as_ref())
        .flatten()
    {
        let Some(name) = &mapping.name else { continue };
        if names.contains(&name) {
            return Err(client(format!(
                "The port mapping name '{name}' is used more than once; port mapping names must be unique in a task definition."
            )));
        }
        names.push(name);
    }
    Ok(())
}

const CONSTRAINTS_MAX: usize = 10;

fn constraints(request: &shape::RegisterTaskDefinitionRequest) -> Result<Vec<String>, ApiError> {
    let given = request.placement_constraints.as_deref().unwrap_or_default();
    if given.len() > CONSTRAINTS_MAX {
        return Err(client(format!(
            "Task definitions can have at most {CONSTRAINTS_MAX} placement constraints."
        )));
    }
    let one = |it: &shape::TaskDefinitionPlacementConstraint| {
        if it.type_ != Some(shape::TaskDefinitionPlacementConstraintType::MemberOf) {
            return Err(client("Placement constraint type should be one of [memberOf]"));
        }
        let text = it.expression.clone().unwrap_or_default();
        placement::expression(&text).map_err(|error| client(error.message))?;
        Ok(text)
    };
    given.iter().map(one).collect()
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
        (request.proxy_configuration.is_some(), "proxyConfiguration"),
        (
            request
                .inference_accelerators
                .as_ref()
                .is_some_and(|it| !it.is_empty()),
            "inferenceAccelerators",
        ),
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

#[cfg(test)]
mod tests;
