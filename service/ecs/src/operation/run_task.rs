//! RunTask: one-off tasks, wherever they fit.

use std::sync::Arc;

use aws_protocol::{ApiError, Context};
use aws_shape::ecs::*;
use base_id::Scope;
use base_store::Snapshot;

use super::service_check::network;
use super::service_option::{check_launch, platform};
use super::service_place::placement;
use super::tag;
use crate::error::{client, invalid, unsupported};
use crate::model::cluster::{self, Cluster, Strategy};
use crate::model::service::Network;
use crate::model::task::{self, Changes, Launch, Stage};
use crate::model::task_definition::{self, TaskDefinition as Definition};
use crate::model::{Tags, given, size};
use crate::plan::placement::Lack;
use crate::table::{self, TASKS, key};
use crate::view;
use crate::{Ecs, lodging};

const RUN_COUNT_MAX: i32 = 10;
const STARTED_BY_CHARS_MAX: usize = 128;
/// Of all overrides together, in JSON.
const OVERRIDES_CHARS_MAX: usize = 8192;

pub(super) async fn run_task(
    ecs: &Ecs,
    context: &Context,
    input: RunTaskRequest,
) -> Result<RunTaskResponse, ApiError> {
    let prepared = prepare(ecs, context, input).await?;
    let (tasks, failures) = save(ecs, context, prepared, None).await?;
    Ok(RunTaskResponse {
        tasks: Some(tasks),
        failures: Some(failures),
    })
}

/// Tasks that a request asks for, checked, and not stored yet.
pub(super) struct Prepared {
    cluster: String,
    definition: Arc<Definition>,
    rows: Vec<task::Task>,
}

pub(super) async fn prepare(
    ecs: &Ecs,
    context: &Context,
    mut input: RunTaskRequest,
) -> Result<Prepared, ApiError> {
    let (scope, snapshot, now) = (context.scope.clone(), ecs.store.snapshot(), ecs.clock.now());
    let cluster = table::cluster(&snapshot, &scope, input.cluster.as_deref())?;
    check(&input)?;
    let definition = table::definition(&snapshot, &scope, &input.task_definition)
        .map_err(|_| client("TaskDefinition not found."))?;
    if !definition.is_active() {
        return Err(client("TaskDefinition is inactive"));
    }
    let (launch, strategy, network) = place(ecs, context, &cluster, &definition, &mut input).await?;
    let constraints = input.placement_constraints.take();
    let placement = placement(launch, constraints, input.placement_strategy.take())?;
    let (changes, overrides) = overrides(input.overrides.take(), &definition, context)?;
    let tags = tags(&input, &cluster, &definition)?;
    let group = input
        .group
        .unwrap_or_else(|| format!("family:{}", definition.family));
    if group.starts_with("service:") {
        return Err(invalid("The group name must not begin with 'service:'."));
    }
    let make = |nth: i32| {
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
            discovery: Default::default(),
            presence: Default::default(),
            upstreams: vec![],
            overrides: overrides.clone(),
            changes: changes.clone(),
            launch,
            capacity_provider: cluster::provider(&strategy, nth as usize).map(str::to_owned),
            placement: placement.clone(),
            lodging: None,
            execute_command: input.enable_execute_command == Some(true),
            credentials_id: Some(ecs.ids.uuid()),
            protected_until: None,
            client_token: input.client_token.clone(),
            created_at: now,
            stage: Stage::Provisioning,
            stop: None,
            tags: tags.clone(),
            version: 1,
        }
    };
    Ok(Prepared {
        cluster: cluster.name.clone(),
        rows: (0..input.count.unwrap_or(1)).map(make).collect(),
        definition,
    })
}

/// Stores the tasks, each with its place if it needs one: on an instance of its own (`on`, one for each task), or where
/// the strategies want it. Those that fit nowhere are failures.
pub(super) async fn save(
    ecs: &Ecs,
    context: &Context,
    prepared: Prepared,
    on: Option<Vec<String>>,
) -> Result<(Vec<Task>, Vec<Failure>), ApiError> {
    let scope = context.scope.clone();
    let (rows, failures) = ecs
        .store
        .write(move |tx| {
            let Prepared {
                cluster,
                definition,
                rows,
            } = prepared;
            let snapshot = tx.snapshot();
            table::cluster(&snapshot, &scope, Some(&cluster))?;
            // The same request sent again is answered with the tasks of the first time.
            let before = of_token(&table::tasks(&snapshot, &scope, &cluster), &rows)?;
            if !before.is_empty() {
                return Ok((before, vec![]));
            }
            let (mut stored, mut failures) = (Vec::new(), Vec::new());
            for (nth, mut task) in rows.into_iter().enumerate() {
                let found = match &on {
                    Some(instances) => {
                        lodge_on(&tx.snapshot(), &scope, &mut task, &definition, &instances[nth])
                    }
                    None => lodge(&tx.snapshot(), &scope, &mut task, &definition)?,
                };
                match found {
                    Ok(()) => {
                        let place = key(&scope, &format!("{}/{}", task.cluster, task.id));
                        tx.put(TASKS, &place, task.clone());
                        stored.push(task);
                    }
                    // What one lacks the next ones lack too.
                    Err(new) if on.is_none() => {
                        failures = new;
                        break;
                    }
                    Err(new) => failures.extend(new),
                }
            }
            Ok::<_, ApiError>((stored, failures))
        })
        .await?;
    let snapshot = ecs.store.snapshot();
    let tasks = rows
        .iter()
        .map(|task| view::whole_task(&context.scope, task, &snapshot, true))
        .collect();
    Ok((tasks, failures))
}

/// Finds a place for a task that needs one.
fn lodge(
    snapshot: &Snapshot,
    scope: &Scope,
    task: &mut task::Task,
    definition: &Definition,
) -> Result<Result<(), Vec<Failure>>, ApiError> {
    if task.launch != Launch::Ec2 {
        return Ok(Ok(()));
    }
    let Err(refused) = lodging::lodge(snapshot, scope, task, definition) else {
        return Ok(Ok(()));
    };
    if lodging::may_wait(snapshot, scope, task)? {
        return Ok(Ok(()));
    }
    if refused.is_empty() {
        return Err(invalid(match &task.capacity_provider {
            None => "No Container Instances were found in your cluster.",
            Some(_) => "No Container Instances were found in your capacity provider.",
        }));
    }
    let failure = |(id, lack): (String, Lack)| failure(scope, &task.cluster, &id, lack.reason());
    Ok(Err(refused.into_iter().map(failure).collect()))
}

fn lodge_on(
    snapshot: &Snapshot,
    scope: &Scope,
    task: &mut task::Task,
    definition: &Definition,
    instance: &str,
) -> Result<(), Vec<Failure>> {
    let id = instance.rsplit('/').next().unwrap_or(instance);
    let houses = lodging::houses(snapshot, scope, &task.cluster);
    let house = houses.iter().find(|it| it.instance.id == id);
    let found = match house {
        None => Err("MISSING"),
        // Whoever names an instance may also name one that drains.
        Some(house) => lodging::lodge_on(snapshot, house, task, definition).map_err(|lack| lack.reason()),
    };
    found.map_err(|reason| vec![failure(scope, &task.cluster, id, reason)])
}

fn failure(scope: &Scope, cluster: &str, id: &str, reason: &str) -> Failure {
    Failure {
        arn: Some(view::instance_arn(scope, cluster, id)),
        reason: Some(reason.to_owned()),
        detail: None,
    }
}

/// What can be said of a request alone.
fn check(input: &RunTaskRequest) -> Result<(), ApiError> {
    if !(1..=RUN_COUNT_MAX).contains(&input.count.unwrap_or(1)) {
        return Err(invalid(format!(
            "Count can not be less than 1 or more than {RUN_COUNT_MAX}."
        )));
    }
    if input
        .started_by
        .as_ref()
        .is_some_and(|by| by.chars().count() > STARTED_BY_CHARS_MAX)
    {
        return Err(invalid(format!(
            "startedBy can have at most {STARTED_BY_CHARS_MAX} characters."
        )));
    }
    if given(&input.volume_configurations) {
        return Err(unsupported("volumeConfigurations"));
    }
    Ok(())
}

/// Where the tasks shall run, and in which network.
async fn place(
    ecs: &Ecs,
    context: &Context,
    cluster: &Cluster,
    definition: &Definition,
    input: &mut RunTaskRequest,
) -> Result<(Launch, Strategy, Network), ApiError> {
    if input.launch_type != Some(LaunchType::External) {
        let (launch, strategy) = check_launch(
            input.launch_type.as_ref(),
            input.capacity_provider_strategy.as_ref(),
            cluster,
            (&ecs.store.snapshot(), &context.scope),
        )?;
        platform(launch, input.platform_version.take())?;
        let configuration = input.network_configuration.take();
        let network = network(ecs, context, definition, launch, configuration).await?;
        return Ok((launch, strategy, network));
    }
    if given(&input.capacity_provider_strategy) {
        return Err(invalid(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        ));
    }
    match definition.spec.network_mode.as_str() {
        "none" => {}
        "awsvpc" => {
            return Err(invalid("Task definition does not support launch_type EXTERNAL."));
        }
        mode => {
            return Err(unsupported(&format!(
                "the network mode {mode} for the launch type EXTERNAL; none is served"
            )));
        }
    }
    if input.network_configuration.is_some() {
        return Err(invalid(
            "Network Configuration is not valid for the given networkMode of this task definition.",
        ));
    }
    Ok((Launch::External, vec![], Network::default()))
}

fn tags(input: &RunTaskRequest, cluster: &Cluster, definition: &Definition) -> Result<Tags, ApiError> {
    let own = tag::parse(input.tags.clone())?;
    let mut tags = match &input.propagate_tags {
        Some(PropagateTags::TaskDefinition) => definition.tags.clone().into_iter().chain(own).collect(),
        None | Some(PropagateTags::None) => own,
        Some(_) => {
            return Err(invalid(
                "Tags can only be propagated from the task definition when a task is run on its own.",
            ));
        }
    };
    if input.enable_ecs_managed_tags == Some(true) {
        tags.insert("aws:ecs:clusterName".to_owned(), cluster.name.clone());
    }
    Ok(tags)
}

/// Tasks that were started with the client token of these.
fn of_token(all: &[std::sync::Arc<task::Task>], new: &[task::Task]) -> Result<Vec<task::Task>, ApiError> {
    let Some((first, token)) = new.first().and_then(|it| Some((it, it.client_token.as_ref()?))) else {
        return Ok(vec![]);
    };
    let mut before = Vec::new();
    for task in all.iter().filter(|it| it.client_token.as_ref() == Some(token)) {
        let what = |it: &task::Task| {
            (
                it.task_definition.clone(),
                it.network.clone(),
                it.overrides.clone(),
                it.changes.clone(),
                it.launch,
            )
        };
        if what(task) != what(first) {
            let message = "The clientToken was used before, with other parameters.";
            return Err(ApiError::client("ConflictException", message));
        }
        before.push(task::Task::clone(task));
    }
    Ok(before)
}

fn overrides(
    given: Option<TaskOverride>,
    definition: &Definition,
    context: &Context,
) -> Result<(Changes, Vec<task::Override>), ApiError> {
    let given = given.unwrap_or_default();
    let length: usize = given.container_overrides.iter().flatten().map(length).sum();
    if length > OVERRIDES_CHARS_MAX {
        return Err(invalid(format!(
            "Container Overrides length must be at most {OVERRIDES_CHARS_MAX}"
        )));
    }
    if given
        .inference_accelerator_overrides
        .as_ref()
        .is_some_and(|it| !it.is_empty())
    {
        return Err(unsupported("inferenceAcceleratorOverrides"));
    }
    let role = |arn: Option<&str>| task_definition::role(arn, &context.scope);
    let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let changes = Changes {
        cpu_units: text(&given.cpu).as_deref().map(size::cpu).transpose()?,
        memory_mib: text(&given.memory).as_deref().map(size::memory).transpose()?,
        ephemeral_gib: given.ephemeral_storage.map(|it| it.size_in_gi_b.unsigned_abs()),
        task_role: role(given.task_role_arn.as_deref())?,
        execution_role: role(given.execution_role_arn.as_deref())?,
    };
    let spec = &definition.spec;
    if spec.fits_fargate && (changes.cpu_units.is_some() || changes.memory_mib.is_some()) {
        let cpu = changes.cpu_units.or(spec.cpu_units).unwrap_or_default();
        size::check_fargate(cpu, changes.memory_mib.or(spec.memory_mib).unwrap_or_default())?;
    }
    let containers = given.container_overrides.into_iter().flatten();
    let overrides = containers
        .map(|one| container_override(one, definition))
        .collect::<Result<_, _>>()?;
    Ok((changes, overrides))
}

fn length(one: &ContainerOverride) -> usize {
    let words = one.command.iter().flatten().map(String::len).sum::<usize>();
    let pairs = one.environment.iter().flatten();
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    words
        + pairs
            .map(|pair| text(&pair.name) + text(&pair.value))
            .sum::<usize>()
}

fn container_override(one: ContainerOverride, definition: &Definition) -> Result<task::Override, ApiError> {
    let container = one.name.unwrap_or_default();
    if !definition.spec.containers.iter().any(|it| it.name == container) {
        return Err(invalid(format!(
            "Override for container named {container} is not a container in the TaskDefinition."
        )));
    }
    if one.environment_files.is_some_and(|it| !it.is_empty())
        || one.resource_requirements.is_some_and(|it| !it.is_empty())
    {
        return Err(unsupported(
            "overrides of environmentFiles and resourceRequirements",
        ));
    }
    let amount = |value: Option<i32>, what: &str| match value {
        None => Ok(None),
        Some(value) => u32::try_from(value)
            .map(Some)
            .map_err(|_| invalid(format!("Invalid '{what}' override for container '{container}'."))),
    };
    let (cpu_units, memory_mib) = (amount(one.cpu, "cpu")?, amount(one.memory, "memory")?);
    let memory_reservation_mib = amount(one.memory_reservation, "memoryReservation")?;
    let environment = one.environment.into_iter().flatten();
    let environment = environment.filter_map(|pair| Some((pair.name?, pair.value.unwrap_or_default())));
    Ok(task::Override {
        command: one.command,
        environment: environment.collect(),
        cpu_units,
        memory_mib,
        memory_reservation_mib,
        container,
    })
}
