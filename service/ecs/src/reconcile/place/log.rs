//! Where a container's lines go.

use aws_protocol::ApiError;
use aws_shape::logs;
use base_id::Scope;
use contract::log::{Delivery, StreamId};
use contract::task::LogTarget;

use super::Failure;
use crate::Ecs;
use crate::model::container::{self, Log};
use crate::model::task::Task;

/// The log group exists, or is made when the container asks for that.
pub(super) async fn prepare(
    ecs: &Ecs,
    scope: &Scope,
    container: &container::Container,
) -> Result<(), Failure> {
    let Log::Group {
        name, region, create, ..
    } = &container.log
    else {
        return Ok(());
    };
    let context = Ecs::own_context(&Scope::new(&scope.account, region), "ecs-tasks");
    let input = logs::DescribeLogGroupsRequest {
        log_group_name_prefix: Some(name.clone()),
        ..Default::default()
    };
    let found = ecs
        .neighbours
        .logs
        .describe_log_groups(&context, input)
        .await
        .map_err(refused)?;
    if found
        .log_groups
        .into_iter()
        .flatten()
        .any(|group| group.log_group_name.as_ref() == Some(name))
    {
        return Ok(());
    }
    if !create {
        let reason = format!(
            "ResourceInitializationError: failed to validate logger args: The task cannot find the Amazon CloudWatch log group '{name}' defined in the task definition (container '{}'): ResourceNotFoundException: The specified log group does not exist.",
            container.name
        );
        return Err(Failure::Never(reason));
    }
    let input = logs::CreateLogGroupRequest {
        log_group_name: name.clone(),
        ..Default::default()
    };
    match ecs.neighbours.logs.create_log_group(&context, input).await {
        Err(error) if error.code != "ResourceAlreadyExistsException" => Err(refused(error)),
        _ => Ok(()),
    }
}

/// What CloudWatch Logs refuses now it refuses next time too.
fn refused(error: ApiError) -> Failure {
    if error.is_internal() {
        Failure::Later(error)
    } else {
        Failure::Never(format!(
            "ResourceInitializationError: failed to validate logger args: {}: {}",
            error.code, error.message
        ))
    }
}

pub(super) fn delivery(one: &container::Container) -> Delivery {
    match &one.log {
        Log::None => Delivery::default(),
        Log::Group { delivery, .. } => delivery.clone(),
    }
}

pub(super) fn target(scope: &Scope, task: &Task, one: &container::Container) -> LogTarget {
    match &one.log {
        Log::None => LogTarget::None,
        Log::Group {
            name, region, prefix, ..
        } => LogTarget::Stream(StreamId {
            scope: Scope::new(&scope.account, region).key(),
            group: name.clone(),
            stream: match prefix {
                Some(prefix) => format!("{prefix}/{}/{}", one.name, task.id),
                None => format!("{}/{}", one.name, task.id),
            },
        }),
    }
}
