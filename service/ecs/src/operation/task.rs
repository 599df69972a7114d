//! Tasks: running, stopping, looking at them.

use aws_protocol::{ApiError, Context, page};
use aws_shape::ecs::*;

use super::service_check::network;
use super::service_option::{check_launch, platform};
use super::{PAGE_ITEMS_MAX, missing};
use crate::Ecs;
use crate::error::{client, invalid, unsupported};
use crate::model::task::{self, Stage, StopCode};
use crate::model::{Tags, name};
use crate::table::{self, TASKS, key};
use crate::view;

const TASKS_PER_CALL_MAX: usize = 100;
const RUN_COUNT_MAX: i32 = 10;

pub(super) async fn run_task(
    ecs: &Ecs,
    context: &Context,
    input: RunTaskRequest,
) -> Result<RunTaskResponse, ApiError> {
    let (scope, snapshot, now) = (context.scope.clone(), ecs.store.snapshot(), ecs.clock.now());
    let cluster = table::cluster(&snapshot, &scope, input.cluster.as_deref())?;
    platform(input.platform_version)?;
    let count = input.count.unwrap_or(1);
    if !(1..=RUN_COUNT_MAX).contains(&count) {
        return Err(invalid(format!(
            "Count can not be less than 1 or more than {RUN_COUNT_MAX}."
        )));
    }
    let some = |list: bool, what: &str| if list { Err(unsupported(what)) } else { Ok(()) };
    some(
        input
            .volume_configurations
            .as_ref()
            .is_some_and(|it| !it.is_empty()),
        "volumeConfigurations",
    )?;
    some(
        input
            .placement_constraints
            .as_ref()
            .is_some_and(|it| !it.is_empty()),
        "placementConstraints",
    )?;
    some(
        input.placement_strategy.as_ref().is_some_and(|it| !it.is_empty()),
        "placementStrategy",
    )?;
    some(input.enable_execute_command == Some(true), "enableExecuteCommand")?;
    check_launch(
        input.launch_type.as_ref(),
        input.capacity_provider_strategy.as_ref(),
        &cluster,
    )?;
    let definition = table::definition(&snapshot, &scope, &input.task_definition)
        .map_err(|_| client("TaskDefinition not found."))?;
    if !definition.is_active() {
        return Err(client("TaskDefinition is inactive"));
    }
    let network = network(ecs, context, &definition, input.network_configuration).await?;
    let names: Vec<&String> = definition.spec.containers.iter().map(|it| &it.name).collect();
    let overrides = overrides(input.overrides, &names)?;
    let mut tags = match input.propagate_tags {
        Some(PropagateTags::TaskDefinition) => {
            let own = table::tags(input.tags);
            definition.tags.clone().into_iter().chain(own).collect::<Tags>()
        }
        _ => table::tags(input.tags),
    };
    if input.enable_ecs_managed_tags == Some(true) {
        tags.insert("aws:ecs:clusterName".to_owned(), cluster.name.clone());
    }
    let group = input
        .group
        .unwrap_or_else(|| format!("family:{}", definition.family));
    if group.starts_with("service:") {
        return Err(invalid("The group name must not begin with 'service:'."));
    }
    let make = |_| {
        let id = ecs.ids.hex(32);
        task::Task {
            arn: scope.arn("ecs", &format!("task/{}/{id}", cluster.name)),
            id,
            cluster: cluster.name.clone(),
            task_definition: definition.arn.clone(),
            group: group.clone(),
            started_by: input.started_by.clone(),
            network: network.clone(),
            load_balancers: vec![],
            overrides: overrides.clone(),
            client_token: input.client_token.clone(),
            created_at: now,
            stage: Stage::Provisioning,
            stop: None,
            tags: tags.clone(),
            version: 1,
        }
    };
    let tasks: Vec<task::Task> = (0..count).map(make).collect();
    let (rows, place) = (tasks, scope.clone());
    let tasks = ecs
        .store
        .write(move |tx| {
            let snapshot = tx.snapshot();
            for task in &rows {
                table::cluster(&snapshot, &place, Some(&task.cluster))?;
            }
            // The same request sent again is answered with the tasks of the first time.
            let before = of_token(&table::tasks(&snapshot, &place, &cluster.name), &rows)?;
            if !before.is_empty() {
                return Ok(before);
            }
            for task in rows.clone() {
                tx.put(
                    TASKS,
                    &key(&place, &format!("{}/{}", task.cluster, task.id)),
                    task,
                );
            }
            Ok::<_, ApiError>(rows)
        })
        .await?;
    let snapshot = ecs.store.snapshot();
    let tasks = tasks
        .iter()
        .map(|task| view::whole_task(&scope, task, &snapshot, true))
        .collect();
    Ok(RunTaskResponse {
        tasks: Some(tasks),
        failures: Some(vec![]),
    })
}

/// Tasks that were started with the client token of these.
fn of_token(all: &[std::sync::Arc<task::Task>], new: &[task::Task]) -> Result<Vec<task::Task>, ApiError> {
    let Some((first, token)) = new.first().and_then(|it| Some((it, it.client_token.as_ref()?))) else {
        return Ok(vec![]);
    };
    let mut before = Vec::new();
    for task in all.iter().filter(|it| it.client_token.as_ref() == Some(token)) {
        let same = (&task.task_definition, &task.network, &task.overrides)
            == (&first.task_definition, &first.network, &first.overrides);
        if !same {
            let message = "The clientToken was used before, with other parameters.";
            return Err(ApiError::client("ConflictException", message));
        }
        before.push(task::Task::clone(task));
    }
    Ok(before)
}

fn overrides(given: Option<TaskOverride>, names: &[&String]) -> Result<Vec<task::Override>, ApiError> {
    let given = given.unwrap_or_default();
    let has = [
        (
            given.cpu.is_some() || given.memory.is_some(),
            "overrides of task cpu and memory",
        ),
        (given.ephemeral_storage.is_some(), "overrides of ephemeralStorage"),
        (
            given.execution_role_arn.is_some() || given.task_role_arn.is_some(),
            "overrides of roles",
        ),
    ];
    if let Some((_, what)) = has.iter().find(|(given, _)| *given) {
        return Err(unsupported(what));
    }
    let parse = |one: ContainerOverride| {
        let container = one.name.unwrap_or_default();
        if !names.contains(&&container) {
            return Err(invalid(format!(
                "Override for container named {container} is not a container in the TaskDefinition."
            )));
        }
        if one.cpu.is_some() || one.memory.is_some() || one.memory_reservation.is_some() {
            return Err(unsupported("overrides of container cpu and memory"));
        }
        if one.environment_files.is_some_and(|it| !it.is_empty())
            || one.resource_requirements.is_some_and(|it| !it.is_empty())
        {
            return Err(unsupported(
                "overrides of environmentFiles and resourceRequirements",
            ));
        }
        let environment = one.environment.into_iter().flatten();
        let environment = environment.filter_map(|pair| Some((pair.name?, pair.value.unwrap_or_default())));
        Ok(task::Override {
            container,
            command: one.command,
            environment: environment.collect(),
        })
    };
    given
        .container_overrides
        .into_iter()
        .flatten()
        .map(parse)
        .collect()
}

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
    if input.container_instance.is_some() {
        return Err(invalid("The referenced container instance was not found."));
    }
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
    let fargate = input.launch_type.is_none_or(|it| it == LaunchType::Fargate);
    let wanted = |task: &task::Task| {
        (task.stop.is_some() || task.is_stopped()) == stopped
            && fargate
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
