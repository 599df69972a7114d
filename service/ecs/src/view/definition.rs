//! How a task definition looks to a caller.

use aws_protocol::ApiError;
use aws_shape::ecs as shape;

use crate::model::task_definition::{self, TaskDefinition};

pub(crate) fn definition(definition: &TaskDefinition) -> Result<shape::TaskDefinition, ApiError> {
    let request = task_definition::from_json(&definition.request)?;
    let mut compatibilities = vec![shape::Compatibility::Ec2];
    if definition.spec.network_mode == "awsvpc"
        && definition.spec.cpu_units.is_some()
        && definition.spec.memory_mib.is_some()
    {
        compatibilities.push(shape::Compatibility::Fargate);
    }
    let active = definition.is_active();
    Ok(shape::TaskDefinition {
        task_definition_arn: Some(definition.arn.clone()),
        container_definitions: Some(request.container_definitions),
        family: Some(definition.family.clone()),
        task_role_arn: request.task_role_arn,
        execution_role_arn: request.execution_role_arn,
        network_mode: request.network_mode,
        revision: Some(definition.revision as i32),
        volumes: Some(vec![]),
        status: Some(if active {
            shape::TaskDefinitionStatus::Active
        } else {
            shape::TaskDefinitionStatus::Inactive
        }),
        requires_attributes: Some(vec![]),
        placement_constraints: Some(vec![]),
        compatibilities: Some(compatibilities),
        runtime_platform: request.runtime_platform,
        requires_compatibilities: request.requires_compatibilities,
        cpu: definition.spec.cpu_units.map(|units| units.to_string()),
        memory: definition.spec.memory_mib.map(|mib| mib.to_string()),
        registered_at: Some(definition.registered_at),
        deregistered_at: definition.deregistered_at,
        registered_by: Some(definition.registered_by.clone()),
        ..Default::default()
    })
}
