//! A container as the data plane is to run it.

use base_id::Scope;
use contract::image::ImageRef;
use contract::task::{Container, Mount, Names, Root, runtime_id};

use super::log;
use crate::Ecs;
use crate::model::container;
use crate::model::task::{Launch, Task};
use crate::model::task_definition::TaskDefinition;

/// What was found out about one container before its task starts.
#[derive(Default)]
pub(super) struct Found {
    pub(super) digest: Option<String>,
    pub(super) secrets: Vec<(String, String)>,
}

pub(super) fn desired(
    ecs: &Ecs,
    scope: &Scope,
    task: &Task,
    definition: &TaskDefinition,
    index: usize,
    found: &Found,
) -> Container {
    let one = &definition.spec.containers[index];
    let (changed, size) = (task.change_of(one), task.size_of(one));
    let mut environment = given(ecs, scope, task, definition, index);
    environment.extend(one.environment.clone());
    environment.extend(found.secrets.clone());
    environment.extend(changed.into_iter().flat_map(|it| it.environment.clone()));
    Container {
        name: one.name.clone(),
        image: ImageRef {
            name: one.image.clone(),
            digest: found.digest.clone(),
        },
        root: Root::Image,
        entry_point: one.entry_point.clone(),
        command: changed
            .and_then(|it| it.command.clone())
            .or_else(|| one.command.clone()),
        environment,
        working_directory: one.working_directory.clone(),
        user: one.user.clone(),
        essential: one.essential,
        depends_on: one.depends_on.clone(),
        start_timeout_seconds: one.start_timeout_seconds,
        stop_timeout_seconds: one.stop_timeout_seconds,
        readonly_root: one.readonly_root,
        interactive: one.interactive,
        pseudo_terminal: one.pseudo_terminal,
        disable_networking: one.disable_networking,
        cpu_units: size.cpu_units,
        memory_mib: size.memory_mib,
        health_check: one.health_check.clone(),
        ulimits: one.ulimits.clone(),
        ports: one.ports.clone(),
        log: log::target(scope, task, one),
        delivery: log::delivery(one),
        memory_reservation_mib: size.memory_reservation_mib,
        mounts: mounts(one, &definition.spec.containers),
        names: names(task, one),
        linux: one.linux.clone(),
        restart: one.restart.clone(),
    }
}

/// What ECS sets, before what the definition says.
fn given(
    ecs: &Ecs,
    scope: &Scope,
    task: &Task,
    definition: &TaskDefinition,
    index: usize,
) -> Vec<(String, String)> {
    let mut variables = vec![
        ("AWS_DEFAULT_REGION", scope.region.clone()),
        ("AWS_REGION", scope.region.clone()),
    ];
    // Without a network there is nobody to ask.
    if task.launch != Launch::External && definition.spec.network_mode != "none" {
        let agent = &ecs.neighbours.agent;
        let id = runtime_id(&task.id, index);
        let platform = match task.launch {
            Launch::Ec2 => "AWS_ECS_EC2",
            Launch::Fargate | Launch::External => "AWS_ECS_FARGATE",
        };
        variables.extend([
            ("AWS_EXECUTION_ENV", platform.to_owned()),
            ("AWS_ENDPOINT_URL", agent.endpoint.clone()),
            // Clients put `data-` before the host when they discover instances; so it becomes a user's name instead.
            (
                "AWS_ENDPOINT_URL_SERVICEDISCOVERY",
                agent.endpoint.replacen("://", "://@", 1),
            ),
            (
                "ECS_CONTAINER_METADATA_URI",
                format!("{}/v3/{id}", agent.metadata),
            ),
            (
                "ECS_CONTAINER_METADATA_URI_V4",
                format!("{}/v4/{id}", agent.metadata),
            ),
            ("ECS_AGENT_URI", format!("{}/api/{id}", agent.metadata)),
        ]);
        if let (Some(_), Some(credentials)) = (task.role(&definition.spec), &task.credentials_id) {
            variables.push((
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                format!("/v2/credentials/{credentials}"),
            ));
        }
    }
    let own = |(name, value): (&str, String)| (name.to_owned(), value);
    variables.into_iter().map(own).collect()
}

/// What it was told, and where on the instance's bridge the containers are that it is linked to.
fn names(task: &Task, one: &container::Container) -> Names {
    let mut names = one.names.clone();
    for upstream in &task.upstreams {
        let line = (upstream.name.clone(), upstream.address.to_string());
        if !names.hosts.contains(&line) {
            names.hosts.push(line);
        }
    }
    let Some(lodging) = &task.lodging else {
        return names;
    };
    for (linked, alias) in &one.links {
        let Some(address) = lodging.addresses.get(linked) else {
            continue;
        };
        names.hosts.push((alias.clone(), address.to_string()));
        if linked != alias {
            names.hosts.push((linked.clone(), address.to_string()));
        }
    }
    names
}

/// Its own mounts, and those of the containers whose volumes it takes over; its own come first.
fn mounts(one: &container::Container, all: &[container::Container]) -> Vec<Mount> {
    let mut mounts = one.mounts.clone();
    let mut waiting: Vec<(&str, bool)> = taken(one).collect();
    let mut visited = vec![one.name.as_str()];
    while let Some((source, readonly)) = waiting.pop() {
        let Some(source) = all.iter().find(|it| it.name == source) else {
            continue;
        };
        if visited.contains(&source.name.as_str()) {
            continue;
        }
        visited.push(&source.name);
        for mount in &source.mounts {
            if !mounts.iter().any(|it| it.path == mount.path) {
                mounts.push(Mount {
                    readonly: mount.readonly || readonly,
                    ..mount.clone()
                });
            }
        }
        waiting.extend(taken(source).map(|(name, own)| (name, own || readonly)));
    }
    mounts
}

fn taken(one: &container::Container) -> impl Iterator<Item = (&str, bool)> {
    one.volumes_from
        .iter()
        .map(|(name, readonly)| (name.as_str(), *readonly))
}
