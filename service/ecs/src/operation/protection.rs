//! Task protection: tasks that their service leaves alone while they work.

use std::time::Duration;

use aws_protocol::{ApiError, Context};
use aws_shape::ecs::*;
use base_id::Scope;
use jiff::Timestamp;

use crate::Ecs;
use crate::error::invalid;
use crate::model::name;
use crate::model::task::Task;
use crate::table::{self, TASKS, key};

const TASKS_PER_CALL_MAX: usize = 10;
const EXPIRES_MINUTES_DEFAULT: i32 = 120;
const EXPIRES_MINUTES_MAX: i32 = 2880;

pub(super) async fn update_task_protection(
    ecs: &Ecs,
    context: &Context,
    input: UpdateTaskProtectionRequest,
) -> Result<UpdateTaskProtectionResponse, ApiError> {
    check_count(input.tasks.len())?;
    let minutes = input.expires_in_minutes.unwrap_or(EXPIRES_MINUTES_DEFAULT);
    if !(1..=EXPIRES_MINUTES_MAX).contains(&minutes) {
        return Err(invalid(format!(
            "expiresInMinutes must be between 1 and {EXPIRES_MINUTES_MAX}."
        )));
    }
    let (scope, now) = (context.scope.clone(), ecs.clock.now());
    let until = now + Duration::from_secs(u64::from(minutes.unsigned_abs()) * 60);
    let until = input.protection_enabled.then_some(until);
    let (protected, failures) = ecs
        .store
        .write(move |tx| {
            let cluster = table::cluster(&tx.snapshot(), &scope, Some(&input.cluster))?;
            let (mut protected, mut failures) = (Vec::new(), Vec::new());
            for given in &input.tasks {
                let place = key(&scope, &format!("{}/{}", cluster.name, name::task(given)));
                let found = tx.get(TASKS, &place);
                match protectable(found.as_deref()) {
                    Ok(found) => {
                        let mut task = Task::clone(found);
                        task.protected_until = until;
                        task.version += 1;
                        protected.push(view(&task, now));
                        tx.put(TASKS, &place, task);
                    }
                    Err(reason) => failures.push(failure(&scope, &cluster.name, given, reason)),
                }
            }
            Ok::<_, ApiError>((protected, failures))
        })
        .await?;
    Ok(UpdateTaskProtectionResponse {
        protected_tasks: Some(protected),
        failures: Some(failures),
    })
}

pub(super) async fn get_task_protection(
    ecs: &Ecs,
    context: &Context,
    input: GetTaskProtectionRequest,
) -> Result<GetTaskProtectionResponse, ApiError> {
    let (scope, snapshot, now) = (&context.scope, ecs.store.snapshot(), ecs.clock.now());
    let cluster = table::cluster(&snapshot, scope, Some(&input.cluster))?;
    let (mut protected, mut failures) = (Vec::new(), Vec::new());
    let given = input.tasks.unwrap_or_default();
    if given.is_empty() {
        let all = table::tasks(&snapshot, scope, &cluster.name);
        let of_services = all.iter().filter(|task| protectable(Some(task)).is_ok());
        protected.extend(of_services.map(|task| view(task, now)));
    } else {
        check_count(given.len())?;
    }
    for given in given {
        let found = snapshot.get(
            TASKS,
            &key(scope, &format!("{}/{}", cluster.name, name::task(&given))),
        );
        match protectable(found.as_deref()) {
            Ok(task) => protected.push(view(task, now)),
            Err(reason) => failures.push(failure(scope, &cluster.name, &given, reason)),
        }
    }
    Ok(GetTaskProtectionResponse {
        protected_tasks: Some(protected),
        failures: Some(failures),
    })
}

fn check_count(count: usize) -> Result<(), ApiError> {
    match count {
        0 => Err(invalid("Tasks cannot be empty.")),
        1..=TASKS_PER_CALL_MAX => Ok(()),
        _ => Err(invalid(format!(
            "Tasks can have at most {TASKS_PER_CALL_MAX} items."
        ))),
    }
}

/// Only tasks of services that still live can be protected.
fn protectable(task: Option<&Task>) -> Result<&Task, &'static str> {
    match task {
        None => Err("MISSING"),
        Some(task) if task.service().is_none() || task.is_stopped() || task.stop.is_some() => {
            Err("TASK_NOT_VALID")
        }
        Some(task) => Ok(task),
    }
}

fn failure(scope: &Scope, cluster: &str, given: &str, reason: &str) -> Failure {
    let arn = scope.arn("ecs", &format!("task/{cluster}/{}", name::task(given)));
    Failure {
        arn: Some(arn),
        reason: Some(reason.to_owned()),
        detail: None,
    }
}

fn view(task: &Task, now: Timestamp) -> ProtectedTask {
    ProtectedTask {
        task_arn: Some(task.arn.clone()),
        protection_enabled: Some(task.is_protected(now)),
        expiration_date: task.protected_until.filter(|until| now < *until),
    }
}
