//! What only shows when all containers of a task definition are seen together.

use aws_protocol::ApiError;
use contract::task::Condition;

use super::Container;
use crate::error::client;

/// # Errors
/// In AWS's words.
pub(crate) fn check(containers: &[Container]) -> Result<(), ApiError> {
    for (at, container) in containers.iter().enumerate() {
        if containers[..at].iter().any(|other| other.name == container.name) {
            return Err(client(format!(
                "Container.name '{}' is used by more than one container.",
                container.name
            )));
        }
        for (source, _) in &container.volumes_from {
            if !containers.iter().any(|other| other.name == *source) {
                return Err(client(format!(
                    "Container '{}' mounts volumes from container '{source}', which the task definition does not have.",
                    container.name
                )));
            }
        }
        for (linked, _) in &container.links {
            if !containers.iter().any(|other| other.name == *linked) {
                return Err(client(format!(
                    "Container '{}' is linked to container '{linked}', which the task definition does not have.",
                    container.name
                )));
            }
        }
        for dependency in &container.depends_on {
            if dependency.container == container.name {
                return Err(client(format!(
                    "Container '{}' cannot depend on itself.",
                    container.name
                )));
            }
            let Some(other) = containers.iter().find(|other| other.name == dependency.container) else {
                let message = format!(
                    "Container '{}' depends on container '{}', which the task definition does not have.",
                    container.name, dependency.container
                );
                return Err(client(message));
            };
            if matches!(dependency.condition, Condition::Complete | Condition::Success) && other.essential {
                return Err(client(
                    "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container.",
                ));
            }
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
