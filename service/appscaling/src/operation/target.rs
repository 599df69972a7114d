//! Scalable targets: what may be scaled, and within which bounds.

use aws_protocol::{ApiError, Context, page};
use aws_shape::applicationautoscaling::*;

use super::{is_served, policy};
use crate::model::{Suspended, Target};
use crate::resource::{DIMENSION, NAMESPACE, Resource};
use crate::table::{ACTIVITIES, POLICIES, SCHEDULES, TARGETS, key, sub_key, target, target_arn};
use crate::{AppScaling, error};

const PAGE_MAX: usize = 50;

pub(super) async fn register_scalable_target(
    scaling: &AppScaling,
    context: &Context,
    input: RegisterScalableTargetRequest,
) -> Result<RegisterScalableTargetResponse, ApiError> {
    let resource = Resource::parse(
        input.service_namespace.as_str(),
        &input.resource_id,
        input.scalable_dimension.as_str(),
    )?;
    let scope = context.scope.clone();
    if scaling.look(&scope, &resource).await?.is_none() {
        return Err(error::validation(format!(
            "ECS service doesn't exist: {}",
            resource.id
        )));
    }
    let (now, id) = (scaling.clock.now(), scaling.ids.hex(32));
    let arn = scaling
        .store
        .write(move |tx| {
            let place = key(&scope, &resource.id);
            let before = tx.get(TARGETS, &place);
            let min = input.min_capacity.or(before.as_ref().map(|it| it.min));
            let max = input.max_capacity.or(before.as_ref().map(|it| it.max));
            let (Some(min), Some(max)) = (min, max) else {
                return Err(error::validation(
                    "MinCapacity and MaxCapacity are required when a scalable target is registered.",
                ));
            };
            if min < 0 || max < 0 {
                return Err(error::validation(
                    "MinCapacity and MaxCapacity must not be negative.",
                ));
            }
            if min > max {
                return Err(error::validation(
                    "Maximum capacity cannot be less than minimum capacity.",
                ));
            }
            let suspended = input.suspended_state.map(|it| Suspended {
                scaling_in: it.dynamic_scaling_in_suspended.unwrap_or(false),
                scaling_out: it.dynamic_scaling_out_suspended.unwrap_or(false),
                scheduled: it.scheduled_scaling_suspended.unwrap_or(false),
            });
            let kept = before.as_deref();
            let target = Target {
                resource: resource.id,
                id: kept.map_or(id, |it| it.id.clone()),
                min,
                max,
                role: input.role_arn.or(kept.and_then(|it| it.role.clone())),
                suspended: suspended.or(kept.map(|it| it.suspended)).unwrap_or_default(),
                created_at: kept.map_or(now, |it| it.created_at),
                tags: kept.map(|it| it.tags.clone()).or(input.tags).unwrap_or_default(),
                bounds_cause: format!(
                    "minimum capacity was set to {min} and maximum capacity was set to {max}"
                ),
                last: kept.and_then(|it| it.last.clone()),
            };
            let arn = target_arn(&scope, &target);
            tx.put(TARGETS, &place, target);
            Ok(arn)
        })
        .await?;
    Ok(RegisterScalableTargetResponse {
        scalable_target_arn: Some(arn),
    })
}

pub(super) async fn describe_scalable_targets(
    scaling: &AppScaling,
    context: &Context,
    input: DescribeScalableTargetsRequest,
) -> Result<DescribeScalableTargetsResponse, ApiError> {
    let wanted = input.resource_ids.unwrap_or_default();
    let all = match is_served(&input.service_namespace) {
        true => scaling.store.snapshot().prefix(TARGETS, &key(&context.scope, "")),
        false => vec![],
    };
    let found = all.into_iter().filter(|(_, it)| wanted.is_empty() || wanted.contains(&it.resource)).map(|(_, it)| ScalableTarget {
        service_namespace: NAMESPACE.into(),
        resource_id: it.resource.clone(),
        scalable_dimension: DIMENSION.into(),
        min_capacity: it.min,
        max_capacity: it.max,
        predicted_capacity: None,
        role_arn: it.role.clone().unwrap_or_else(|| {
            format!("arn:aws:iam::{}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService", context.scope.account)
        }),
        creation_time: it.created_at,
        suspended_state: Some(SuspendedState {
            dynamic_scaling_in_suspended: Some(it.suspended.scaling_in),
            dynamic_scaling_out_suspended: Some(it.suspended.scaling_out),
            scheduled_scaling_suspended: Some(it.suspended.scheduled),
        }),
        scalable_target_arn: Some(target_arn(&context.scope, &it)),
    });
    let (targets, next_token) = page(
        found.collect(),
        input.max_results,
        PAGE_MAX,
        input.next_token.as_deref(),
    )
    .map_err(|_| ApiError::client("InvalidNextTokenException", "The next token is not valid."))?;
    Ok(DescribeScalableTargetsResponse {
        scalable_targets: Some(targets),
        next_token,
    })
}

pub(super) async fn deregister_scalable_target(
    scaling: &AppScaling,
    context: &Context,
    input: DeregisterScalableTargetRequest,
) -> Result<DeregisterScalableTargetResponse, ApiError> {
    let resource = Resource::parse(
        input.service_namespace.as_str(),
        &input.resource_id,
        input.scalable_dimension.as_str(),
    )?;
    let scope = context.scope.clone();
    let snapshot = scaling.store.snapshot();
    target(&snapshot, &scope, &resource.id)?;
    for (_, found) in snapshot.prefix(POLICIES, &sub_key(&scope, &resource.id, "")) {
        policy::remove_alarms(scaling, context, &found.alarms).await?;
    }
    scaling
        .store
        .write(move |tx| {
            let head = sub_key(&scope, &resource.id, "");
            let snapshot = tx.snapshot();
            snapshot
                .prefix(POLICIES, &head)
                .iter()
                .for_each(|(place, _)| tx.delete(POLICIES, place));
            snapshot
                .prefix(SCHEDULES, &head)
                .iter()
                .for_each(|(place, _)| tx.delete(SCHEDULES, place));
            snapshot
                .prefix(ACTIVITIES, &head)
                .iter()
                .for_each(|(place, _)| tx.delete(ACTIVITIES, place));
            tx.delete(TARGETS, &key(&scope, &resource.id));
            Ok::<_, ApiError>(())
        })
        .await?;
    Ok(DeregisterScalableTargetResponse {})
}
