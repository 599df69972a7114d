//! Scheduled actions: sizes that change by the clock.

use aws_protocol::{ApiError, Context, page};
use aws_shape::autoscaling::*;
use base_id::Scope;
use base_store::Transaction;
use jiff::Timestamp;

use super::group_check::number;
use crate::Autoscaling;
use crate::error::{bad_token, validation};
use crate::model::Schedule;
use crate::plan::schedule;
use crate::table::{self, SCHEDULES, sub_key};

const PAGE_MAX: usize = 100;
const PAGE_DEFAULT: i32 = 50;
/// That one request may carry.
const BATCH_MAX: usize = 50;

/// # Errors
/// What is wrong with it.
fn parse(
    group: &crate::model::Group,
    scope: &Scope,
    id: &str,
    given: ScheduledUpdateGroupActionRequest,
    now: Timestamp,
) -> Result<Schedule, ApiError> {
    let optional = |name, value: Option<i32>| value.map(|it| number(name, it)).transpose();
    let (min, max) = (
        optional("MinSize", given.min_size)?,
        optional("MaxSize", given.max_size)?,
    );
    let desired = optional("DesiredCapacity", given.desired_capacity)?;
    if min.is_none() && max.is_none() && desired.is_none() {
        return Err(validation(
            "At least one of MinSize, MaxSize and DesiredCapacity must be given.",
        ));
    }
    if min.zip(max).is_some_and(|(min, max)| min > max) {
        return Err(validation("MaxSize must not be less than MinSize."));
    }
    let is_below = min.zip(desired).is_some_and(|(min, desired)| desired < min);
    if is_below || max.zip(desired).is_some_and(|(max, desired)| desired > max) {
        return Err(validation("DesiredCapacity must be between MinSize and MaxSize."));
    }
    if given.recurrence.is_none() && given.start_time.is_none() {
        return Err(validation("Either StartTime or Recurrence must be given."));
    }
    if given.start_time.is_some_and(|it| it <= now) {
        return Err(validation("Given start time is in the past"));
    }
    if given
        .start_time
        .zip(given.end_time)
        .is_some_and(|(start, end)| end <= start)
    {
        return Err(validation("EndTime must be later than StartTime."));
    }
    let next = schedule::next(
        given.recurrence.as_deref(),
        given.time_zone.as_deref(),
        given.start_time,
        given.end_time,
        now,
    );
    let next_at = next.map_err(validation)?;
    let next_at = next_at.ok_or_else(|| validation("The action would never run."))?;
    let tail = format!(
        "scheduledUpdateGroupAction:{id}:autoScalingGroupName/{}:scheduledActionName/{}",
        group.name, given.scheduled_action_name
    );
    Ok(Schedule {
        arn: scope.arn("autoscaling", &tail),
        name: given.scheduled_action_name,
        group: group.name.clone(),
        group_uuid: group.uuid.clone(),
        recurrence: given.recurrence,
        time_zone: given.time_zone,
        start: given.start_time,
        end: given.end_time,
        min,
        max,
        desired,
        next_at,
    })
}

/// One that is there already keeps its ARN, and nothing else.
fn put(
    tx: &mut Transaction,
    scope: &Scope,
    group: &str,
    id: &str,
    given: ScheduledUpdateGroupActionRequest,
    now: Timestamp,
) -> Result<(), ApiError> {
    let group = table::group(&tx.snapshot(), scope, group)?;
    let row = parse(&group, scope, id, given, now)?;
    let place = sub_key(scope, &group.name, &row.name);
    let before = tx.get(SCHEDULES, &place).filter(|it| it.group_uuid == group.uuid);
    let arn = before.map_or(row.arn.clone(), |it| it.arn.clone());
    tx.put(SCHEDULES, &place, Schedule { arn, ..row });
    Ok(())
}

pub(super) async fn put_scheduled_update_group_action(
    autoscaling: &Autoscaling,
    context: &Context,
    input: PutScheduledUpdateGroupActionType,
) -> Result<(), ApiError> {
    let (scope, now, id) = (
        context.scope.clone(),
        autoscaling.clock.now(),
        autoscaling.ids.uuid(),
    );
    let given = ScheduledUpdateGroupActionRequest {
        scheduled_action_name: input.scheduled_action_name,
        // Time is what StartTime was called once.
        start_time: input.start_time.or(input.time),
        end_time: input.end_time,
        recurrence: input.recurrence,
        min_size: input.min_size,
        max_size: input.max_size,
        desired_capacity: input.desired_capacity,
        time_zone: input.time_zone,
    };
    let group = input.auto_scaling_group_name;
    autoscaling
        .store
        .write(move |tx| put(tx, &scope, &group, &id, given, now))
        .await
}

fn failed(name: String, error: ApiError) -> FailedScheduledUpdateGroupActionRequest {
    FailedScheduledUpdateGroupActionRequest {
        scheduled_action_name: name,
        error_code: Some(error.code.to_string()),
        error_message: Some(error.message),
    }
}

fn check_batch(count: usize) -> Result<(), ApiError> {
    if count > BATCH_MAX {
        return Err(validation(format!(
            "A request may name at most {BATCH_MAX} scheduled actions."
        )));
    }
    Ok(())
}

pub(super) async fn batch_put_scheduled_update_group_action(
    autoscaling: &Autoscaling,
    context: &Context,
    input: BatchPutScheduledUpdateGroupActionType,
) -> Result<BatchPutScheduledUpdateGroupActionAnswer, ApiError> {
    let (scope, now) = (context.scope.clone(), autoscaling.clock.now());
    let given = input.scheduled_update_group_actions;
    check_batch(given.len())?;
    let group = input.auto_scaling_group_name;
    let all: Vec<_> = given.into_iter().map(|it| (autoscaling.ids.uuid(), it)).collect();
    let failures = autoscaling.store.write(move |tx| {
        table::group(&tx.snapshot(), &scope, &group)?;
        let mut failures = Vec::new();
        for (id, given) in all {
            let name = given.scheduled_action_name.clone();
            if let Err(error) = put(tx, &scope, &group, &id, given, now) {
                failures.push(failed(name, error));
            }
        }
        Ok::<_, ApiError>(failures)
    });
    Ok(BatchPutScheduledUpdateGroupActionAnswer {
        failed_scheduled_update_group_actions: Some(failures.await?),
    })
}

pub(super) async fn describe_scheduled_actions(
    autoscaling: &Autoscaling,
    context: &Context,
    input: DescribeScheduledActionsType,
) -> Result<ScheduledActionsType, ApiError> {
    let names = input.scheduled_action_names.unwrap_or_default();
    let group = input.auto_scaling_group_name.as_deref();
    let mut found = table::schedules(&autoscaling.store.snapshot(), &context.scope, group);
    found.retain(|it| {
        if !names.is_empty() {
            return names.contains(&it.name);
        }
        input.start_time.is_none_or(|start| it.next_at >= start)
            && input.end_time.is_none_or(|end| it.next_at <= end)
    });
    let limit = input.max_records.or(Some(PAGE_DEFAULT));
    let (found, next_token) = page(found, limit, PAGE_MAX, input.next_token.as_deref()).map_err(bad_token)?;
    let shapes = found.iter().map(|it| shape(it));
    Ok(ScheduledActionsType {
        scheduled_update_group_actions: Some(shapes.collect()),
        next_token,
    })
}

fn shape(it: &Schedule) -> ScheduledUpdateGroupAction {
    let size = |size: Option<u32>| size.and_then(|it| i32::try_from(it).ok());
    let start = it.start.unwrap_or(it.next_at);
    ScheduledUpdateGroupAction {
        auto_scaling_group_name: Some(it.group.clone()),
        scheduled_action_name: Some(it.name.clone()),
        scheduled_action_arn: Some(it.arn.clone()),
        time: Some(start),
        start_time: Some(start),
        end_time: it.end,
        recurrence: it.recurrence.clone(),
        min_size: size(it.min),
        max_size: size(it.max),
        desired_capacity: size(it.desired),
        time_zone: it.time_zone.clone(),
    }
}

fn delete(tx: &mut Transaction, scope: &Scope, group: &str, name: &str) -> Result<(), ApiError> {
    let place = sub_key(scope, group, name);
    if tx.get(SCHEDULES, &place).is_none() {
        return Err(validation(format!(
            "Scheduled action name not found - no scheduled action {name} of the group {group}"
        )));
    }
    tx.delete(SCHEDULES, &place);
    Ok(())
}

pub(super) async fn delete_scheduled_action(
    autoscaling: &Autoscaling,
    context: &Context,
    input: DeleteScheduledActionType,
) -> Result<(), ApiError> {
    let scope = context.scope.clone();
    autoscaling
        .store
        .write(move |tx| {
            table::group(&tx.snapshot(), &scope, &input.auto_scaling_group_name)?;
            delete(
                tx,
                &scope,
                &input.auto_scaling_group_name,
                &input.scheduled_action_name,
            )
        })
        .await
}

pub(super) async fn batch_delete_scheduled_action(
    autoscaling: &Autoscaling,
    context: &Context,
    input: BatchDeleteScheduledActionType,
) -> Result<BatchDeleteScheduledActionAnswer, ApiError> {
    let scope = context.scope.clone();
    check_batch(input.scheduled_action_names.len())?;
    let failures = autoscaling.store.write(move |tx| {
        let group = input.auto_scaling_group_name;
        table::group(&tx.snapshot(), &scope, &group)?;
        let mut failures = Vec::new();
        for name in input.scheduled_action_names {
            if let Err(error) = delete(tx, &scope, &group, &name) {
                failures.push(failed(name, error));
            }
        }
        Ok::<_, ApiError>(failures)
    });
    Ok(BatchDeleteScheduledActionAnswer {
        failed_scheduled_actions: Some(failures.await?),
    })
}
