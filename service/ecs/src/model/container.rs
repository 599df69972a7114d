//! Container definitions: every field is parsed here, or refused.

use aws_protocol::ApiError;
use aws_shape::ecs as shape;
use base_id::Scope;
use contract::task::{Condition, Dependency, HealthCheck, Ulimit};
use serde::{Deserialize, Serialize};

use super::name;
use crate::error::{client, unsupported};

/// Seconds a container has between SIGTERM and SIGKILL.
const STOP_TIMEOUT_SECONDS_DEFAULT: u32 = 30;
const STOP_TIMEOUT_SECONDS_MAX: i32 = 120;
/// Less than Docker gives a container.
const MEMORY_MIB_MIN: i32 = 6;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) essential: bool,
    pub(crate) entry_point: Option<Vec<String>>,
    pub(crate) command: Option<Vec<String>>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) working_directory: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) depends_on: Vec<Dependency>,
    pub(crate) start_timeout_seconds: Option<u32>,
    pub(crate) stop_timeout_seconds: u32,
    pub(crate) readonly_root: bool,
    pub(crate) interactive: bool,
    pub(crate) pseudo_terminal: bool,
    pub(crate) disable_networking: bool,
    pub(crate) cpu_units: Option<u32>,
    /// Hard limit.
    pub(crate) memory_mib: Option<u32>,
    /// What it asks for; it may use more.
    #[serde(default)]
    pub(crate) memory_reservation_mib: Option<u32>,
    pub(crate) health_check: Option<HealthCheck>,
    pub(crate) ulimits: Vec<Ulimit>,
    pub(crate) ports: Vec<u16>,
    pub(crate) log: Log,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Log {
    None,
    /// The `awslogs` driver.
    Group {
        name: String,
        region: String,
        prefix: Option<String>,
        create: bool,
    },
}

/// Checks one definition and parses it; fills in AWS's defaults.
///
/// # Errors
/// In AWS's words.
pub(crate) fn parse(
    definition: &mut shape::ContainerDefinition,
    mode: &shape::NetworkMode,
    fargate: bool,
    scope: &Scope,
) -> Result<Container, ApiError> {
    let name = definition.name.clone().unwrap_or_default();
    if name.is_empty() {
        return Err(client("Container.name should not be null or empty."));
    }
    if !name::is_valid(&name) {
        return Err(client(format!(
            "Invalid container name '{name}': up to 255 letters, digits, hyphens and underscores are allowed."
        )));
    }
    let image = definition.image.clone().filter(|image| !image.is_empty());
    let image = image.ok_or_else(|| client("Container.image should not be null or empty."))?;
    refuse_unserved(definition, &name, fargate)?;
    let ports = ports(definition, mode)?;
    let environment = definition.environment.get_or_insert_default().iter();
    let environment =
        environment.filter_map(|pair| Some((pair.name.clone()?, pair.value.clone().unwrap_or_default())));
    let environment = environment.collect();
    let stop = definition.stop_timeout;
    if stop.is_some_and(|seconds| !(0..=STOP_TIMEOUT_SECONDS_MAX).contains(&seconds)) {
        return Err(client(format!(
            "Invalid stopTimeout for container '{name}': it must be between 0 and {STOP_TIMEOUT_SECONDS_MAX} seconds."
        )));
    }
    let positive = |number: Option<i32>| {
        number
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| *number > 0)
    };
    check_size(definition, &name)?;
    definition.cpu.get_or_insert(0);
    definition.essential.get_or_insert(true);
    definition.mount_points.get_or_insert_default();
    definition.volumes_from.get_or_insert_default();
    Ok(Container {
        essential: definition.essential.unwrap_or(true),
        entry_point: definition.entry_point.clone().filter(|words| !words.is_empty()),
        command: definition.command.clone().filter(|words| !words.is_empty()),
        environment,
        working_directory: definition
            .working_directory
            .clone()
            .filter(|path| !path.is_empty()),
        user: definition.user.clone().filter(|user| !user.is_empty()),
        depends_on: dependencies(definition, &name)?,
        start_timeout_seconds: positive(definition.start_timeout),
        stop_timeout_seconds: stop.map_or(STOP_TIMEOUT_SECONDS_DEFAULT, i32::unsigned_abs),
        readonly_root: definition.readonly_root_filesystem == Some(true),
        interactive: definition.interactive == Some(true),
        pseudo_terminal: definition.pseudo_terminal == Some(true),
        disable_networking: definition.disable_networking == Some(true),
        cpu_units: positive(definition.cpu),
        memory_mib: positive(definition.memory),
        memory_reservation_mib: positive(definition.memory_reservation),
        health_check: health_check(definition, &name)?,
        ulimits: ulimits(definition),
        ports,
        log: log(definition, &name, scope)?,
        name,
        image,
    })
}

fn check_size(definition: &shape::ContainerDefinition, name: &str) -> Result<(), ApiError> {
    if definition.cpu.is_some_and(|units| units < 0) {
        return Err(client(format!("Invalid 'cpu' setting for container '{name}'.")));
    }
    for (what, mib) in [
        ("memory", definition.memory),
        ("memoryReservation", definition.memory_reservation),
    ] {
        if mib.is_some_and(|mib| mib < MEMORY_MIB_MIN) {
            return Err(client(format!(
                "Invalid '{what}' setting for container '{name}': it must be at least {MEMORY_MIB_MIN} MiB."
            )));
        }
    }
    match (definition.memory, definition.memory_reservation) {
        (Some(hard), Some(soft)) if soft > hard => Err(client(format!(
            "Invalid setting for container '{name}'. 'memory' must be greater than 'memoryReservation'."
        ))),
        _ => Ok(()),
    }
}

fn refuse_unserved(
    definition: &shape::ContainerDefinition,
    name: &str,
    fargate: bool,
) -> Result<(), ApiError> {
    if definition.privileged == Some(true) {
        return Err(if fargate {
            client("Fargate compatible task definitions do not support privileged containers")
        } else {
            unsupported(&format!("privileged containers ('{name}')"))
        });
    }
    fn given<T>(list: &Option<Vec<T>>) -> bool {
        list.as_ref().is_some_and(|list| !list.is_empty())
    }
    let some = [
        (
            definition.repository_credentials.is_some(),
            "repositoryCredentials",
        ),
        (given(&definition.links), "links"),
        (
            definition.restart_policy.as_ref().is_some_and(|it| it.enabled),
            "restartPolicy",
        ),
        (given(&definition.environment_files), "environmentFiles"),
        (given(&definition.mount_points), "mountPoints"),
        (given(&definition.volumes_from), "volumesFrom"),
        (definition.linux_parameters.is_some(), "linuxParameters"),
        (given(&definition.secrets), "secrets"),
        (definition.hostname.is_some(), "hostname"),
        (given(&definition.dns_servers), "dnsServers"),
        (given(&definition.dns_search_domains), "dnsSearchDomains"),
        (given(&definition.extra_hosts), "extraHosts"),
        (
            given(&definition.docker_security_options),
            "dockerSecurityOptions",
        ),
        (
            definition.docker_labels.as_ref().is_some_and(|it| !it.is_empty()),
            "dockerLabels",
        ),
        (given(&definition.system_controls), "systemControls"),
        (given(&definition.resource_requirements), "resourceRequirements"),
        (
            definition.firelens_configuration.is_some(),
            "firelensConfiguration",
        ),
        (given(&definition.credential_specs), "credentialSpecs"),
        (
            definition.version_consistency == Some(shape::VersionConsistency::Disabled),
            "versionConsistency disabled",
        ),
    ];
    match some.into_iter().find(|(given, _)| *given) {
        Some((_, what)) => Err(unsupported(&format!("{what} (container '{name}')"))),
        None => Ok(()),
    }
}

fn ports(
    definition: &mut shape::ContainerDefinition,
    mode: &shape::NetworkMode,
) -> Result<Vec<u16>, ApiError> {
    let mut ports = Vec::new();
    for mapping in definition.port_mappings.get_or_insert_default() {
        if mapping.container_port_range.is_some() {
            return Err(unsupported("containerPortRange"));
        }
        let port = mapping
            .container_port
            .and_then(|port| u16::try_from(port).ok())
            .filter(|port| *port > 0);
        let port = port.ok_or_else(|| client("Container ports must be between 1 and 65535."))?;
        if let Some(other) = mapping
            .protocol
            .as_ref()
            .filter(|it| matches!(it, shape::TransportProtocol::Other(_)))
        {
            return Err(client(format!(
                "Port mapping protocol '{other}' is not one of tcp, udp."
            )));
        }
        mapping.protocol.get_or_insert(shape::TransportProtocol::Tcp);
        if *mode == shape::NetworkMode::Awsvpc {
            if mapping.host_port.is_some_and(|host| host != i32::from(port)) {
                let message = "When networkMode=awsvpc, the host ports and container ports in port mappings must match.";
                return Err(client(message));
            }
            mapping.host_port = Some(port.into());
        } else {
            mapping.host_port.get_or_insert(0);
        }
        ports.push(port);
    }
    Ok(ports)
}

fn dependencies(definition: &shape::ContainerDefinition, name: &str) -> Result<Vec<Dependency>, ApiError> {
    let parse = |one: &shape::ContainerDependency| {
        if one.container_name.is_empty() {
            return Err(client(format!(
                "Container '{name}' has a dependsOn with an empty containerName."
            )));
        }
        let condition = match &one.condition {
            shape::ContainerCondition::Start => Condition::Start,
            shape::ContainerCondition::Complete => Condition::Complete,
            shape::ContainerCondition::Success => Condition::Success,
            shape::ContainerCondition::Healthy => Condition::Healthy,
            shape::ContainerCondition::Other(other) => {
                let message = format!(
                    "The dependsOn condition '{other}' of container '{name}' is not one of START, COMPLETE, SUCCESS, HEALTHY."
                );
                return Err(client(message));
            }
        };
        Ok(Dependency {
            container: one.container_name.clone(),
            condition,
        })
    };
    definition.depends_on.iter().flatten().map(parse).collect()
}

fn health_check(
    definition: &shape::ContainerDefinition,
    name: &str,
) -> Result<Option<HealthCheck>, ApiError> {
    let Some(check) = &definition.health_check else {
        return Ok(None);
    };
    if check
        .command
        .first()
        .is_none_or(|kind| !["CMD", "CMD-SHELL", "NONE"].contains(&kind.as_str()))
    {
        return Err(client(format!(
            "The health check command of container '{name}' must begin with CMD or CMD-SHELL."
        )));
    }
    if check.command[0] == "NONE" {
        return Ok(None);
    }
    let within = |value: Option<i32>, default: u32, least: i32, most: i32, what: &str| match value {
        None => Ok(default),
        Some(value) if (least..=most).contains(&value) => Ok(value.unsigned_abs()),
        Some(value) => Err(client(format!(
            "Health check {what} {value} of container '{name}' must be between {least} and {most}."
        ))),
    };
    Ok(Some(HealthCheck {
        command: check.command.clone(),
        interval_seconds: within(check.interval, 30, 5, 300, "interval")?,
        timeout_seconds: within(check.timeout, 5, 2, 120, "timeout")?,
        retries: within(check.retries, 3, 1, 10, "retries")?,
        start_period_seconds: within(check.start_period, 0, 0, 300, "startPeriod")?,
    }))
}

fn ulimits(definition: &shape::ContainerDefinition) -> Vec<Ulimit> {
    let parse = |one: &shape::Ulimit| Ulimit {
        name: one.name.as_str().to_owned(),
        // -1 is unlimited.
        soft: u64::try_from(one.soft_limit).unwrap_or(u64::MAX),
        hard: u64::try_from(one.hard_limit).unwrap_or(u64::MAX),
    };
    definition.ulimits.iter().flatten().map(parse).collect()
}

fn log(definition: &shape::ContainerDefinition, name: &str, scope: &Scope) -> Result<Log, ApiError> {
    let Some(configuration) = &definition.log_configuration else {
        return Ok(Log::None);
    };
    match &configuration.log_driver {
        shape::LogDriver::Awslogs => {}
        shape::LogDriver::JsonFile => return Ok(Log::None),
        other => {
            return Err(unsupported(&format!(
                "the log driver {other} (container '{name}')"
            )));
        }
    }
    if configuration
        .secret_options
        .as_ref()
        .is_some_and(|it| !it.is_empty())
    {
        return Err(unsupported("secretOptions"));
    }
    let mut options = configuration.options.clone().unwrap_or_default();
    let group = options.remove("awslogs-group");
    let group =
        group.ok_or_else(|| client("Log driver awslogs requires options: awslogs-group, awslogs-region"))?;
    let region = options
        .remove("awslogs-region")
        .unwrap_or_else(|| scope.region.clone());
    let prefix = options.remove("awslogs-stream-prefix");
    let create = options
        .remove("awslogs-create-group")
        .is_some_and(|value| value == "true");
    // Blocking and non-blocking differ only when the store cannot keep up; the spool on disk stands between.
    options.remove("mode");
    options.remove("max-buffer-size");
    match options.keys().next() {
        Some(other) => Err(unsupported(&format!(
            "the log option {other} (container '{name}')"
        ))),
        None => Ok(Log::Group {
            name: group,
            region,
            prefix,
            create,
        }),
    }
}

/// What only shows when all containers are seen together.
///
/// # Errors
/// In AWS's words.
pub(crate) fn check_together(containers: &[Container]) -> Result<(), ApiError> {
    for (at, container) in containers.iter().enumerate() {
        if containers[..at].iter().any(|other| other.name == container.name) {
            return Err(client(format!(
                "Container.name '{}' is used by more than one container.",
                container.name
            )));
        }
        for dependency in &container.depends_on {
            let Some(other) = containers.iter().find(|other| other.name == dependency.container) else {
                let message = format!(
                    "Container '{}' depends on container '{}', which the task definition does not have.",
                    container.name, dependency.container
                );
                return Err(client(message));
            };
            if dependency.condition == Condition::Healthy && other.health_check.is_none() {
                let message = format!(
                    "Container '{}' waits for '{}' to be HEALTHY, but that has no health check.",
                    container.name, other.name
                );
                return Err(client(message));
            }
        }
    }
    if !containers.iter().any(|container| container.essential) {
        return Err(client("Task definition does not have any essential containers."));
    }
    check_acyclic(containers)
}

fn check_acyclic(containers: &[Container]) -> Result<(), ApiError> {
    let mut started: Vec<&str> = Vec::new();
    loop {
        let ready = |one: &&Container| {
            !started.contains(&one.name.as_str())
                && one
                    .depends_on
                    .iter()
                    .all(|dependency| started.contains(&dependency.container.as_str()))
        };
        match containers.iter().find(ready) {
            Some(next) => started.push(&next.name),
            None if started.len() == containers.len() => return Ok(()),
            None => return Err(client("Container dependencies form a cycle.")),
        }
    }
}
