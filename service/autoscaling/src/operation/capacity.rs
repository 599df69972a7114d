//! How many instances a group shall have.

use aws_protocol::{ApiError, Context};
use aws_shape::autoscaling::*;
use jiff::SignedDuration;

use super::activity;
use super::group_check::number;
use crate::error::{instance_not_found, validation};
use crate::model::{Group, Stage};
use crate::plan::terminating;
use crate::table::{self, GROUPS, key, put_activities};
use crate::{Autoscaling, event};

pub(super) async fn set_desired_capacity(
    autoscaling: &Autoscaling,
    context: &Context,
    input: SetDesiredCapacityType,
) -> Result<(), ApiError> {
    let wanted = number("DesiredCapacity", input.desired_capacity)?;
    let (scope, now) = (context.scope.clone(), autoscaling.clock.now());
    autoscaling
        .store
        .write(move |tx| {
            let mut group = table::group(&tx.snapshot(), &scope, &input.auto_scaling_group_name)?;
            let (bound, word, value) = if wanted > group.max {
                (true, "above max", group.max)
            } else {
                (wanted < group.min, "below min", group.min)
            };
            if bound {
                let message = format!(
                    "New SetDesiredCapacity value {wanted} is {word} value {value} for the AutoScalingGroup."
                );
                return Err(validation(message));
            }
            let cooldown = SignedDuration::from_secs(group.cooldown_seconds.into());
            let cools = group.scaled_at.is_some_and(|at| at + cooldown > now);
            if cools && input.honor_cooldown == Some(true) {
                let message = "The Auto Scaling group is in its cooldown period and blocks this action.";
                return Err(ApiError::client("ScalingActivityInProgress", message));
            }
            if wanted != group.desired {
                group.change = event::user_set(now, group.desired, wanted);
                group.desired = wanted;
                group.moved = None;
                group.back_off = None;
                tx.put(GROUPS, &key(&scope, &group.name), group.clone());
            }
            Ok(())
        })
        .await
}

/// The desired capacity without `count` instances, if the group may become that small.
pub(super) fn decrement(group: &mut Group, count: u32) -> Result<(), ApiError> {
    let left = group.desired.checked_sub(count).filter(|left| *left >= group.min);
    group.desired = left.ok_or_else(|| {
        validation(format!(
            "Currently, desiredSize equals minSize ({}). Terminating instance without replacement will violate group's \
             min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.",
            group.min
        ))
    })?;
    Ok(())
}

pub(super) async fn terminate_instance_in_auto_scaling_group(
    autoscaling: &Autoscaling,
    context: &Context,
    input: TerminateInstanceInAutoScalingGroupType,
) -> Result<ActivityType, ApiError> {
    let (scope, now, name) = (
        context.scope.clone(),
        autoscaling.clock.now(),
        autoscaling.ids.hex(32),
    );
    autoscaling
        .store
        .write(move |tx| {
            let id = input.instance_id;
            let mut group =
                table::group_of(&tx.snapshot(), &scope, &id).ok_or_else(|| instance_not_found(&id))?;
            let count = group.count();
            let leaving = |stage| matches!(stage, Stage::Terminating | Stage::Detaching);
            if group.member(&id).is_some_and(|it| leaving(it.stage)) {
                let message = format!("Instance {id} is already being terminated");
                return Err(ApiError::client("ScalingActivityInProgress", message));
            }
            let mut shrinks = None;
            if input.should_decrement_desired_capacity {
                decrement(&mut group, 1)?;
                shrinks = Some((count, count.saturating_sub(1)));
            }
            let Some(member) = group.member(&id) else {
                return Err(instance_not_found(&id));
            };
            member.stage = Stage::Terminating;
            member.activity = name;
            member.since = now;
            let cause = event::taken_by_user(now, &id, shrinks);
            let member = member.clone();
            let told = terminating(&group.name, &member, cause, now);
            let answer = activity::shape(&scope, Some(&group), &told);
            group.scaled_at = Some(now);
            put_activities(tx, &scope, &group.name, vec![told]);
            tx.put(GROUPS, &key(&scope, &group.name), group.clone());
            Ok(ActivityType {
                activity: Some(answer),
            })
        })
        .await
}
