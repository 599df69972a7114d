//! How a task definition looks to a caller.

use aws_protocol::ApiError;
use aws_shape::ecs as shape;

use crate::model::task_definition::{self, TaskDefinition};

/// The request that it was made by.
pub(crate) fn definition_request(
    definition: &TaskDefinition,
) -> Result<shape::RegisterTaskDefinitionRequest, ApiError> {
    task_definition::from_json(&definition.request)
}

pub(crate) fn definition(definition: &TaskDefinition) -> Result<shape::TaskDefinition, ApiError> {
    let request = task_definition::from_json(&definition.request)?;
    let attributes = task_definition::required_attributes(&request).into_iter();
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
        placement_constraints: Some(request.placement_constraints.unwrap_or_default()),
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
