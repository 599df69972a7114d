//! StartTask: tasks on instances that the caller names.

use aws_protocol::{ApiError, Context};
use aws_shape::ecs::*;

use super::run_task;
use crate::Ecs;
use crate::error::invalid;

const INSTANCES_MAX: usize = 10;

pub(super) async fn start_task(
    ecs: &Ecs,
    context: &Context,
    input: StartTaskRequest,
) -> Result<StartTaskResponse, ApiError> {
    let instances = input.container_instances;
    if instances.is_empty() {
        return Err(invalid("Container Instances cannot be empty."));
    }
    if instances.len() > INSTANCES_MAX {
        return Err(invalid(format!(
            "Container Instances can have at most {INSTANCES_MAX} items."
        )));
    }
    let request = RunTaskRequest {
        cluster: input.cluster,
        count: Some(instances.len() as i32),
        launch_type: Some(LaunchType::Ec2),
        enable_ecs_managed_tags: input.enable_ecs_managed_tags,
        enable_execute_command: input.enable_execute_command,
        group: input.group,
        network_configuration: input.network_configuration,
        overrides: input.overrides,
        propagate_tags: input.propagate_tags,
        reference_id: input.reference_id,
        started_by: input.started_by,
        tags: input.tags,
        task_definition: input.task_definition,
        volume_configurations: input.volume_configurations,
        ..Default::default()
    };
    let prepared = run_task::prepare(ecs, context, request).await?;
    let (tasks, failures) = run_task::save(ecs, context, prepared, Some(instances)).await?;
    Ok(StartTaskResponse {
        tasks: Some(tasks),
        failures: Some(failures),
    })
}
