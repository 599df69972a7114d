//! Tasks: stopping and looking at them.

use aws_protocol::{ApiError, Context, page};
use aws_shape::ecs::*;

use super::{PAGE_ITEMS_MAX, missing};
use crate::Ecs;
use crate::error::invalid;
use crate::model::name;
use crate::model::task::{self, Launch, StopCode};
use crate::table::{self, TASKS, key};
use crate::view;

const TASKS_PER_CALL_MAX: usize = 100;

pub(super) async fn stop_task(
    ecs: &Ecs,
    context: &Context,
    input: StopTaskRequest,
) -> Result<StopTaskResponse, ApiError> {
    let (scope, now) = (context.scope.clone(), ecs.clock.now());
    let task = ecs
        .store
        .write(move |tx| {
            let cluster = table::cluster(&tx.snapshot(), &scope, input.cluster.as_deref())?;
            let place = key(&scope, &format!("{}/{}", cluster.name, name::task(&input.task)));
            let found = tx
                .get(TASKS, &place)
                .ok_or_else(|| invalid("The referenced task was not found."))?;
            let mut task = task::Task::clone(&found);
            let reason = input.reason.unwrap_or_else(|| "Task stopped by user".to_owned());
            task.order_stop(StopCode::UserInitiated, &reason, now);
            tx.put(TASKS, &place, task.clone());
            Ok::<_, ApiError>(task)
        })
        .await?;
    let task = view::whole_task(&context.scope, &task, &ecs.store.snapshot(), false);
    Ok(StopTaskResponse { task: Some(task) })
}

pub(super) async fn list_tasks(
    ecs: &Ecs,
    context: &Context,
    input: ListTasksRequest,
) -> Result<ListTasksResponse, ApiError> {
    let (scope, snapshot) = (&context.scope, ecs.store.snapshot());
    let cluster = table::cluster(&snapshot, scope, input.cluster.as_deref())?;
    let instance = match &input.container_instance {
        None => None,
        Some(given) => {
            let found = table::instance(&snapshot, scope, &cluster.name, given);
            let missing = || invalid("The referenced container instance was not found.");
            Some(found.ok_or_else(missing)?.id.clone())
        }
    };
    if let Some(given) = &input.service_name
        && table::service(&snapshot, scope, &cluster.name, given).is_none()
    {
        return Err(crate::error::service_not_found());
    }
    let stopped = match input.desired_status {
        None | Some(DesiredStatus::Running) => false,
        Some(DesiredStatus::Stopped) => true,
        // ECS never wishes a task to be pending.
        Some(_) => {
            return Ok(ListTasksResponse {
                task_arns: Some(vec![]),
                next_token: None,
            });
        }
    };
    let service = input.service_name.as_deref().map(name::service);
    let family = input.family.map(|family| format!(":task-definition/{family}:"));
    let launch = match &input.launch_type {
        None => None,
        Some(LaunchType::Fargate) => Some(Launch::Fargate),
        Some(LaunchType::External) => Some(Launch::External),
        Some(LaunchType::Ec2) => Some(Launch::Ec2),
        // Nothing runs anywhere else.
        Some(_) => {
            return Ok(ListTasksResponse {
                task_arns: Some(vec![]),
                next_token: None,
            });
        }
    };
    let wanted = |task: &task::Task| {
        (task.stop.is_some() || task.is_stopped()) == stopped
            && instance.as_ref().is_none_or(|id| task.lives_on(id))
            && launch.is_none_or(|launch| task.launch == launch)
            && service.as_deref().is_none_or(|name| task.service() == Some(name))
            && family
                .as_ref()
                .is_none_or(|family| task.task_definition.contains(family))
            && input
                .started_by
                .as_ref()
                .is_none_or(|by| task.started_by.as_ref() == Some(by))
    };
    let tasks = table::tasks(&snapshot, scope, &cluster.name);
    let arns = tasks
        .iter()
        .filter(|task| wanted(task))
        .map(|task| task.arn.clone())
        .collect();
    let (arns, next_token) = page(
        arns,
        input.max_results,
        PAGE_ITEMS_MAX,
        input.next_token.as_deref(),
    )?;
    Ok(ListTasksResponse {
        task_arns: Some(arns),
        next_token,
    })
}

pub(super) async fn describe_tasks(
    ecs: &Ecs,
    context: &Context,
    input: DescribeTasksRequest,
) -> Result<DescribeTasksResponse, ApiError> {
    let (scope, snapshot) = (&context.scope, ecs.store.snapshot());
    let cluster = table::cluster(&snapshot, scope, input.cluster.as_deref())?;
    if input.tasks.is_empty() {
        return Err(invalid("Tasks cannot be empty."));
    }
    if input.tasks.len() > TASKS_PER_CALL_MAX {
        return Err(invalid(format!(
            "Tasks can have at most {TASKS_PER_CALL_MAX} items."
        )));
    }
    let with_tags = input.include.unwrap_or_default().contains(&TaskField::Tags);
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for given in input.tasks {
        let id = name::task(&given);
        match snapshot.get(TASKS, &key(scope, &format!("{}/{id}", cluster.name))) {
            Some(task) => tasks.push(view::whole_task(scope, &task, &snapshot, with_tags)),
            None => failures.push(missing(scope.arn("ecs", &format!("task/{}/{id}", cluster.name)))),
        }
    }
    Ok(DescribeTasksResponse {
        tasks: Some(tasks),
        failures: Some(failures),
    })
}
