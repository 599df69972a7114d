//! ExecuteCommand: a session in which a person works inside a container.

use std::time::Duration;

use aws_protocol::{ApiError, Context};
use aws_shape::ecs::*;

use crate::Ecs;
use crate::error::invalid;
use crate::model::name;
use crate::session::Pending;
use crate::table::{self, TASKS, key};
use crate::view;

/// A session that nobody joined by then is gone.
const JOIN_WITHIN: Duration = Duration::from_secs(60);

pub(super) async fn execute_command(
    ecs: &Ecs,
    context: &Context,
    input: ExecuteCommandRequest,
) -> Result<ExecuteCommandResponse, ApiError> {
    let (scope, snapshot, now) = (&context.scope, ecs.store.snapshot(), ecs.clock.now());
    let cluster = table::cluster(&snapshot, scope, input.cluster.as_deref())?;
    if !input.interactive {
        return Err(invalid("Interactive is the only mode supported currently."));
    }
    let place = key(scope, &format!("{}/{}", cluster.name, name::task(&input.task)));
    let task = snapshot
        .get(TASKS, &place)
        .ok_or_else(|| invalid("The referenced task was not found."))?;
    let definition = table::definition_of(&snapshot, scope, &task.task_definition);
    let names: Vec<&str> = definition
        .iter()
        .flat_map(|it| &it.spec.containers)
        .map(|it| it.name.as_str())
        .collect();
    let container = match (&input.container, names[..].len()) {
        (Some(name), _) if names.contains(&name.as_str()) => name.clone(),
        (Some(_), _) => return Err(invalid("The specified container name was not found in the task.")),
        (None, 1) => names[0].to_owned(),
        (None, _) => {
            return Err(invalid(
                "The task has more than one container: specify the name of the container.",
            ));
        }
    };
    if !task.execute_command {
        return Err(invalid(
            "The execute command failed because execute command was not enabled when the task was run or the execute command agent isn’t running. Wait and try again or run a new task with execute command enabled and try again.",
        ));
    }
    let seen = view::whole_task(scope, &task, &snapshot, false);
    let this = seen
        .containers
        .into_iter()
        .flatten()
        .find(|it| it.name.as_ref() == Some(&container));
    if this.as_ref().and_then(|it| it.last_status.as_deref()) != Some("RUNNING") {
        return Err(ApiError::client(
            "TargetNotConnectedException",
            format!("The container '{container}' of the task does not run."),
        ));
    }
    let arguments = shell_words::split(&input.command)
        .ok()
        .filter(|words| !words.is_empty())
        .ok_or_else(|| invalid("The command is empty, or a quote in it is not closed."))?;
    let id = format!("ecs-execute-command-{}", ecs.ids.hex(17));
    let token = ecs.ids.hex(64);
    ecs.sessions.add(
        id.clone(),
        Pending {
            token: token.clone(),
            task: task.id.clone(),
            container: container.clone(),
            arguments,
            join_until: now + JOIN_WITHIN,
        },
        now,
    );
    Ok(ExecuteCommandResponse {
        cluster_arn: Some(view::cluster_arn(scope, &cluster.name)),
        container_arn: this.as_ref().and_then(|it| it.container_arn.clone()),
        container_name: Some(container),
        interactive: Some(true),
        session: Some(Session {
            stream_url: Some(format!("{}/v1/data-channel/{id}", ecs.neighbours.agent.sessions)),
            session_id: Some(id),
            token_value: Some(token),
        }),
        task_arn: Some(task.arn.clone()),
    })
}
