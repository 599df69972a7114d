//! Scheduled actions: bounds that change by the clock.

use aws_protocol::{ApiError, Context, page};
use aws_shape::applicationautoscaling::*;
use base_scaling::schedule;
use jiff::tz::TimeZone;

use super::is_served;
use crate::model::Schedule;
use crate::resource::{DIMENSION, NAMESPACE, Resource};
use crate::table::{SCHEDULES, key, sub_key, target};
use crate::{AppScaling, error};

const PAGE_MAX: usize = 50;

pub(super) async fn put_scheduled_action(
    scaling: &AppScaling,
    context: &Context,
    input: PutScheduledActionRequest,
) -> Result<PutScheduledActionResponse, ApiError> {
    let resource = Resource::parse(
        input.service_namespace.as_str(),
        &input.resource_id,
        input.scalable_dimension.as_str(),
    )?;
    let scope = context.scope.clone();
    let snapshot = scaling.store.snapshot();
    target(&snapshot, &scope, &resource.id)?;
    let place = sub_key(&scope, &resource.id, &input.scheduled_action_name);
    let before = snapshot.get(SCHEDULES, &place);
    let kept = before.as_deref();
    let text = input.schedule.or(kept.map(|it| it.when.clone()));
    let text = text.ok_or_else(|| error::validation("Schedule is required."))?;
    let when = schedule::parse(&text)
        .map_err(|cause| error::validation(format!("Schedule {text} is invalid: {cause}.")))?;
    let timezone = input.timezone.or(kept.and_then(|it| it.timezone.clone()));
    let zone = TimeZone::get(timezone.as_deref().unwrap_or("UTC")).map_err(|_| {
        error::validation(format!(
            "The timezone {} is not known.",
            timezone.clone().unwrap_or_default()
        ))
    })?;
    let action = input.scalable_target_action;
    let (min, max) = match &action {
        Some(it) => (it.min_capacity, it.max_capacity),
        None => (kept.and_then(|it| it.min), kept.and_then(|it| it.max)),
    };
    match (min, max) {
        (None, None) => {
            return Err(error::validation(
                "ScalableTargetAction has a MinCapacity or a MaxCapacity, or both.",
            ));
        }
        (Some(min), Some(max)) if min > max => {
            return Err(error::validation(
                "Maximum capacity cannot be less than minimum capacity.",
            ));
        }
        _ => {}
    }
    let now = scaling.clock.now();
    let start = input.start_time.or(kept.and_then(|it| it.start));
    let next_at = schedule::next(
        &when,
        &zone,
        start.unwrap_or(now),
        start.filter(|it| *it > now).unwrap_or(now),
    );
    if next_at.is_none() {
        return Err(error::validation(format!(
            "Schedule {text} lies in the past or never comes."
        )));
    }
    let row = Schedule {
        arn: scope.arn(
            "autoscaling",
            &format!(
                "scheduledAction:{}:resource/{NAMESPACE}/{}:scheduledActionName/{}",
                scaling.ids.uuid(),
                resource.id,
                input.scheduled_action_name
            ),
        ),
        name: input.scheduled_action_name,
        resource: resource.id,
        when: text,
        timezone,
        start,
        end: input.end_time.or(kept.and_then(|it| it.end)),
        min,
        max,
        created_at: kept.map_or(now, |it| it.created_at),
        next_at,
    };
    let row = Schedule {
        arn: kept.map_or(row.arn.clone(), |it| it.arn.clone()),
        ..row
    };
    scaling
        .store
        .write(move |tx| {
            tx.put(SCHEDULES, &place, row);
            Ok::<_, ApiError>(())
        })
        .await?;
    Ok(PutScheduledActionResponse {})
}

pub(super) async fn describe_scheduled_actions(
    scaling: &AppScaling,
    context: &Context,
    input: DescribeScheduledActionsRequest,
) -> Result<DescribeScheduledActionsResponse, ApiError> {
    let all = match is_served(&input.service_namespace) {
        true => scaling
            .store
            .snapshot()
            .prefix(SCHEDULES, &key(&context.scope, "")),
        false => vec![],
    };
    let names = input.scheduled_action_names.unwrap_or_default();
    let found = all
        .into_iter()
        .map(|(_, it)| it)
        .filter(|it| {
            input.resource_id.as_ref().is_none_or(|id| *id == it.resource)
                && (names.is_empty() || names.contains(&it.name))
        })
        .map(|it| ScheduledAction {
            scheduled_action_name: it.name.clone(),
            scheduled_action_arn: it.arn.clone(),
            service_namespace: NAMESPACE.into(),
            schedule: it.when.clone(),
            timezone: it.timezone.clone(),
            resource_id: it.resource.clone(),
            scalable_dimension: Some(DIMENSION.into()),
            start_time: it.start,
            end_time: it.end,
            scalable_target_action: Some(ScalableTargetAction {
                min_capacity: it.min,
                max_capacity: it.max,
            }),
            creation_time: it.created_at,
        });
    let (actions, next_token) = page(
        found.collect(),
        input.max_results,
        PAGE_MAX,
        input.next_token.as_deref(),
    )
    .map_err(|_| ApiError::client("InvalidNextTokenException", "The next token is not valid."))?;
    Ok(DescribeScheduledActionsResponse {
        scheduled_actions: Some(actions),
        next_token,
    })
}

pub(super) async fn delete_scheduled_action(
    scaling: &AppScaling,
    context: &Context,
    input: DeleteScheduledActionRequest,
) -> Result<DeleteScheduledActionResponse, ApiError> {
    let place = sub_key(&context.scope, &input.resource_id, &input.scheduled_action_name);
    scaling
        .store
        .write(move |tx| {
            tx.get(SCHEDULES, &place)
                .ok_or_else(|| error::no_schedule(&input.resource_id, &input.scheduled_action_name))?;
            tx.delete(SCHEDULES, &place);
            Ok::<_, ApiError>(())
        })
        .await?;
    Ok(DeleteScheduledActionResponse {})
}
