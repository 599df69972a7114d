//! Container definitions: every field is parsed here, or refused.

mod health;
mod linux;
mod log;
mod mount;
mod name;
mod port;
mod restart;
mod secret;
mod size;
pub(crate) mod together;

use std::collections::BTreeMap;

use aws_protocol::ApiError;
use aws_shape::ecs as shape;
use base_id::Scope;
use contract::task::{Condition, Dependency, HealthCheck, Linux, Mount, Names, Restart, Ulimit};
use serde::{Deserialize, Serialize};

use crate::error::{client, unsupported};
use crate::model::given;
use crate::model::name::is_valid;
pub(crate) use log::Log;
pub(crate) use port::PortMapping;
pub(crate) use secret::{Secret, Source};

type Definition = shape::ContainerDefinition;

/// Seconds a container has between SIGTERM and SIGKILL.
const STOP_TIMEOUT_SECONDS_DEFAULT: u32 = 30;
const STOP_TIMEOUT_SECONDS_MAX: i32 = 120;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) essential: bool,
    pub(crate) entry_point: Option<Vec<String>>,
    pub(crate) command: Option<Vec<String>>,
    pub(crate) environment: Vec<(String, String)>,
    /// Variables whose values are looked up when a task starts.
    #[serde(default)]
    pub(crate) secrets: Vec<Secret>,
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
    /// What of its instance leads to it; of importance on instances only.
    #[serde(default)]
    pub(crate) publish: Vec<PortMapping>,
    /// Containers that it finds by name, and the names that it has for them.
    #[serde(default)]
    pub(crate) links: Vec<(String, String)>,
    pub(crate) log: Log,
    #[serde(default)]
    pub(crate) mounts: Vec<Mount>,
    /// Containers whose mounts it has too, and whether it may only read there.
    #[serde(default)]
    pub(crate) volumes_from: Vec<(String, bool)>,
    #[serde(default)]
    pub(crate) names: Names,
    #[serde(default)]
    pub(crate) linux: Linux,
    #[serde(default)]
    pub(crate) restart: Option<Restart>,
    /// `dockerLabels`
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    /// Whether all tasks of a deployment run the same bytes of the image, however its tag moves.
    #[serde(default = "yes")]
    pub(crate) pinned: bool,
}

fn yes() -> bool {
    true
}

/// Checks one definition and parses it; fills in AWS's defaults.
///
/// # Errors
/// In AWS's words.
pub(crate) fn parse(
    definition: &mut Definition,
    mode: &shape::NetworkMode,
    scope: &Scope,
) -> Result<Container, ApiError> {
    let name = definition.name.clone().unwrap_or_default();
    if name.is_empty() {
        return Err(client("Container.name should not be null or empty."));
    }
    if !is_valid(&name) {
        return Err(client(format!(
            "Invalid container name '{name}': up to 255 letters, digits, hyphens and underscores are allowed."
        )));
    }
    let image = definition.image.clone().filter(|image| !image.is_empty());
    let image = image.ok_or_else(|| client("Container.image should not be null or empty."))?;
    refuse_unserved(definition, &name)?;
    name::check_mode(definition, mode)?;
    let publish = port::parse(definition, mode)?;
    let links = name::links(definition, &name)?;
    let stop = definition.stop_timeout;
    if stop.is_some_and(|seconds| !(0..=STOP_TIMEOUT_SECONDS_MAX).contains(&seconds)) {
        return Err(client(format!(
            "Invalid stopTimeout for container '{name}': it must be between 0 and {STOP_TIMEOUT_SECONDS_MAX} seconds."
        )));
    }
    size::check(definition, &name)?;
    definition.cpu.get_or_insert(0);
    definition.essential.get_or_insert(true);
    let environment = environment(definition)?;
    let secrets = secret::parse(definition, &environment, scope)?;
    let text = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
    let words = |value: &Option<Vec<String>>| value.clone().filter(|words| !words.is_empty());
    Ok(Container {
        essential: definition.essential.unwrap_or(true),
        entry_point: words(&definition.entry_point),
        command: words(&definition.command),
        environment,
        secrets,
        working_directory: text(&definition.working_directory),
        user: text(&definition.user),
        depends_on: after_links(health::dependencies(definition, &name)?, &links),
        start_timeout_seconds: size::positive(definition.start_timeout),
        stop_timeout_seconds: stop.map_or(STOP_TIMEOUT_SECONDS_DEFAULT, i32::unsigned_abs),
        readonly_root: definition.readonly_root_filesystem == Some(true),
        interactive: definition.interactive == Some(true),
        pseudo_terminal: definition.pseudo_terminal == Some(true),
        disable_networking: definition.disable_networking == Some(true),
        cpu_units: size::positive(definition.cpu),
        memory_mib: size::positive(definition.memory),
        memory_reservation_mib: size::positive(definition.memory_reservation),
        health_check: health::check(definition, &name)?,
        ulimits: linux::ulimits(definition, &name)?,
        ports: publish.iter().map(|it| it.container).collect(),
        publish,
        links,
        log: log::parse(definition, &name)?,
        mounts: mount::points(definition, &name)?,
        volumes_from: mount::from(definition, &name)?,
        names: name::parse(definition, &name)?,
        linux: linux::parse(definition, &name)?,
        restart: restart::parse(definition, &name)?,
        labels: definition.docker_labels.clone().unwrap_or_default(),
        pinned: pinned(definition, &name)?,
        name,
        image,
    })
}

/// Who is linked to is there first.
fn after_links(mut dependencies: Vec<Dependency>, links: &[(String, String)]) -> Vec<Dependency> {
    for (container, _) in links {
        if !dependencies.iter().any(|it| it.container == *container) {
            dependencies.push(Dependency {
                container: container.clone(),
                condition: Condition::Start,
            });
        }
    }
    dependencies
}

fn environment(definition: &mut Definition) -> Result<Vec<(String, String)>, ApiError> {
    let mut variables = Vec::new();
    for pair in definition.environment.get_or_insert_default() {
        let name = pair.name.clone().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| client("Environment variable name should not be null or empty."))?;
        if name.contains('=') || name.contains('\0') {
            return Err(client(format!(
                "The environment variable name '{name}' contains '=' or a zero byte."
            )));
        }
        variables.push((name, pair.value.clone().unwrap_or_default()));
    }
    Ok(variables)
}

fn pinned(definition: &Definition, name: &str) -> Result<bool, ApiError> {
    match &definition.version_consistency {
        None | Some(shape::VersionConsistency::Enabled) => Ok(true),
        Some(shape::VersionConsistency::Disabled) => Ok(false),
        Some(other) => Err(client(format!(
            "The versionConsistency '{other}' of container '{name}' is not one of enabled, disabled."
        ))),
    }
}

fn refuse_unserved(definition: &Definition, name: &str) -> Result<(), ApiError> {
    let some = [
        (
            definition.repository_credentials.is_some(),
            "repositoryCredentials",
        ),
        (given(&definition.environment_files), "environmentFiles"),
        (given(&definition.resource_requirements), "resourceRequirements"),
        (
            definition.firelens_configuration.is_some(),
            "firelensConfiguration",
        ),
        (given(&definition.credential_specs), "credentialSpecs"),
    ];
    match some.into_iter().find(|(given, _)| *given) {
        Some((_, what)) => Err(unsupported(&format!("{what} (container '{name}')"))),
        None => Ok(()),
    }
}
