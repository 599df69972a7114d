//! How a task definition looks to a caller.

use std::collections::BTreeSet;

use aws_protocol::ApiError;
use aws_shape::ecs as shape;

use crate::model::task_definition::{self, TaskDefinition};

pub(crate) fn definition(definition: &TaskDefinition) -> Result<shape::TaskDefinition, ApiError> {
    let request = task_definition::from_json(&definition.request)?;
    let attributes = requires_attributes(&request).into_iter();
    let attributes = attributes.map(|name| shape::Attribute {
        name,
        ..Default::default()
    });
    Ok(shape::TaskDefinition {
        task_definition_arn: Some(definition.arn.clone()),
        requires_attributes: Some(attributes.collect()),
        container_definitions: Some(request.container_definitions),
        family: Some(definition.family.clone()),
        task_role_arn: request.task_role_arn,
        execution_role_arn: request.execution_role_arn,
        network_mode: request.network_mode,
        revision: Some(definition.revision as i32),
        volumes: Some(request.volumes.unwrap_or_default()),
        status: Some(definition.status()),
        placement_constraints: Some(vec![]),
        compatibilities: Some(definition.spec.compatibilities()),
        runtime_platform: request.runtime_platform,
        requires_compatibilities: request.requires_compatibilities,
        cpu: definition.spec.cpu_units.map(|units| units.to_string()),
        memory: definition.spec.memory_mib.map(|mib| mib.to_string()),
        registered_at: Some(definition.registered_at),
        deregistered_at: definition.deregistered_at,
        delete_requested_at: definition.delete_requested_at,
        registered_by: Some(definition.registered_by.clone()),
        pid_mode: request.pid_mode,
        ipc_mode: request.ipc_mode,
        ephemeral_storage: request.ephemeral_storage,
        enable_fault_injection: request.enable_fault_injection,
        ..Default::default()
    })
}

/// What an instance's agent must be able to do, by the names that AWS documents.
fn requires_attributes(request: &shape::RegisterTaskDefinitionRequest) -> BTreeSet<String> {
    let mut names = BTreeSet::from(["com.amazonaws.ecs.capability.docker-remote-api.1.18".to_owned()]);
    let mut need = |name: &str| names.extend([name.to_owned()]);
    if request.network_mode == Some(shape::NetworkMode::Awsvpc) {
        need("ecs.capability.task-eni");
    }
    if request.task_role_arn.is_some() {
        need(match &request.network_mode {
            Some(shape::NetworkMode::Host) => "com.amazonaws.ecs.capability.task-iam-role-network-host",
            _ => "com.amazonaws.ecs.capability.task-iam-role",
        });
    }
    if request.pid_mode.is_some() || request.ipc_mode.is_some() {
        need("ecs.capability.pid-ipc-namespace-sharing");
    }
    for container in &request.container_definitions {
        if let Some(log) = &container.log_configuration {
            need(&format!(
                "com.amazonaws.ecs.capability.logging-driver.{}",
                log.log_driver
            ));
            if request.execution_role_arn.is_some() && log.log_driver == shape::LogDriver::Awslogs {
                need("ecs.capability.execution-role-awslogs");
            }
        }
        if container
            .image
            .as_ref()
            .is_some_and(|image| image.contains(".dkr.ecr."))
        {
            need("com.amazonaws.ecs.capability.ecr-auth");
        }
        if container.privileged == Some(true) {
            need("com.amazonaws.ecs.capability.privileged-container");
        }
        if container.health_check.is_some() {
            need("ecs.capability.container-health-check");
        }
        if container.depends_on.as_ref().is_some_and(|it| !it.is_empty()) {
            need("ecs.capability.container-ordering");
        }
        for secret in container.secrets.iter().flatten() {
            need(match secret.value_from.starts_with("arn:aws:secretsmanager:") {
                true => "ecs.capability.secrets.asm.environment-variables",
                false => "ecs.capability.secrets.ssm.environment-variables",
            });
        }
    }
    names
}
