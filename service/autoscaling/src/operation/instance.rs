//! The instances of a group: protection, health, coming and leaving.

use aws_protocol::{ApiError, Context};
use aws_shape::autoscaling::*;
use aws_shape::ec2;

use super::{activity, capacity};
use crate::error::{instance_not_found, validation};
use crate::model::{self, ActivityStatus, Member, Stage};
use crate::plan::{details, terminating};
use crate::table::{self, GROUPS, key, put_activities};
use crate::{Autoscaling, event};

pub(super) async fn set_instance_protection(
    autoscaling: &Autoscaling,
    context: &Context,
    input: SetInstanceProtectionQuery,
) -> Result<SetInstanceProtectionAnswer, ApiError> {
    let scope = context.scope.clone();
    autoscaling
        .store
        .write(move |tx| {
            let mut group = table::group(&tx.snapshot(), &scope, &input.auto_scaling_group_name)?;
            for id in &input.instance_ids {
                let name = group.name.clone();
                let member = group.member(id).ok_or_else(|| {
                    validation(format!(
                        "The instance {id} is not part of Auto Scaling group {name}."
                    ))
                })?;
                if !member.counts() {
                    let message =
                        format!("The instance {id} is not in InService or EnteringStandby or Standby.");
                    return Err(validation(message));
                }
                member.protected = input.protected_from_scale_in;
            }
            tx.put(GROUPS, &key(&scope, &group.name), group.clone());
            Ok(SetInstanceProtectionAnswer {})
        })
        .await
}

pub(super) async fn set_instance_health(
    autoscaling: &Autoscaling,
    context: &Context,
    input: SetInstanceHealthQuery,
) -> Result<(), ApiError> {
    let ill = match input.health_status.as_str() {
        "Healthy" => false,
        "Unhealthy" => true,
        other => {
            let message = format!("Valid instance health states are: [Healthy, Unhealthy], not {other}");
            return Err(validation(message));
        }
    };
    let (scope, now) = (context.scope.clone(), autoscaling.clock.now());
    autoscaling
        .store
        .write(move |tx| {
            let id = input.instance_id;
            let mut group =
                table::group_of(&tx.snapshot(), &scope, &id).ok_or_else(|| instance_not_found(&id))?;
            let grace = jiff::SignedDuration::from_secs(group.grace_seconds.into());
            let Some(member) = group.member(&id) else {
                return Err(instance_not_found(&id));
            };
            // Unless it is told not to, the call has no effect on an instance that has just come.
            let young = member.in_service_since.is_none_or(|since| since + grace > now);
            if ill && young && input.should_respect_grace_period != Some(false) {
                return Ok(());
            }
            member.unhealthy = ill.then(|| "a user health-check".to_owned());
            tx.put(GROUPS, &key(&scope, &group.name), group.clone());
            Ok(())
        })
        .await
}

pub(super) async fn attach_instances(
    autoscaling: &Autoscaling,
    context: &Context,
    input: AttachInstancesQuery,
) -> Result<(), ApiError> {
    let ids = input.instance_ids.filter(|it| !it.is_empty());
    let ids = ids.ok_or_else(|| validation("At least one instance id is required."))?;
    let found = running(autoscaling, context, &ids).await?;
    let (scope, now) = (context.scope.clone(), autoscaling.clock.now());
    let names: Vec<(String, String)> = ids
        .iter()
        .map(|_| (autoscaling.ids.hex(32), autoscaling.ids.hex(32)))
        .collect();
    autoscaling
        .store
        .write(move |tx| {
            let snapshot = tx.snapshot();
            let mut group = table::group(&snapshot, &scope, &input.auto_scaling_group_name)?;
            if let Some(taken) = ids.iter().find(|id| table::group_of(&snapshot, &scope, id).is_some()) {
                let message = format!("Instance {taken} is already part of an Auto Scaling group.");
                return Err(validation(message));
            }
            let after = group.desired + ids.len() as u32;
            if after > group.max {
                let message = format!(
                    "AutoScalingGroup {} has min-size={}, max-size={}, and desired-size={}. To attach {} instance(s), \
                     update the AutoScalingGroup sizes appropriately.",
                    group.name,
                    group.min,
                    group.max,
                    group.desired,
                    ids.len()
                );
                return Err(validation(message));
            }
            let cause = event::attached(now, &ids.join(", "), group.desired, after);
            for (instance, (token, name)) in found.into_iter().zip(names) {
                let member = adopt(instance, token, name, now);
                let told = model::Activity {
                    id: member.activity.clone(),
                    group: group.name.clone(),
                    description: format!(
                        "Attaching an existing EC2 instance: {}",
                        member.instance.as_deref().unwrap_or_default()
                    ),
                    cause: cause.clone(),
                    started_at: now,
                    ended_at: Some(now),
                    status: ActivityStatus::Successful,
                    message: None,
                    details: details(&member),
                };
                put_activities(tx, &scope, &group.name, vec![told]);
                group.members.push(member);
            }
            (group.desired, group.change) = (after, String::new());
            tx.put(GROUPS, &key(&scope, &group.name), group.clone());
            Ok(())
        })
        .await
}

async fn running(
    autoscaling: &Autoscaling,
    context: &Context,
    ids: &[String],
) -> Result<Vec<ec2::Instance>, ApiError> {
    let describe = ec2::DescribeInstancesRequest {
        instance_ids: Some(ids.to_vec()),
        ..Default::default()
    };
    let answer = autoscaling
        .neighbours
        .ec2
        .describe_instances(context, describe)
        .await;
    let answer = answer.map_err(|error| {
        if error.is_internal() {
            error
        } else {
            validation(error.message)
        }
    })?;
    let reservations = answer.reservations.into_iter().flatten();
    let found: Vec<_> = reservations
        .flat_map(|it| it.instances.into_iter().flatten())
        .collect();
    let runs = |it: &ec2::Instance| {
        let state = it.state.as_ref().and_then(|it| it.name.as_ref());
        state == Some(&ec2::InstanceStateName::Running)
    };
    if let Some(other) = found.iter().find(|it| !runs(it)) {
        let id = other.instance_id.as_deref().unwrap_or_default();
        return Err(validation(format!(
            "Invalid Instance ID(s): [{id}] specified: not in the running state."
        )));
    }
    Ok(found)
}

fn adopt(instance: ec2::Instance, token: String, activity: String, now: jiff::Timestamp) -> Member {
    let placement = instance.placement.unwrap_or_default();
    Member {
        token,
        instance: instance.instance_id,
        kind: instance.instance_type.map(|it| it.as_str().to_owned()),
        image: instance.image_id,
        subnet: instance.subnet_id.unwrap_or_default(),
        zone: placement.availability_zone.unwrap_or_default(),
        template: None,
        tags: Default::default(),
        stage: Stage::InService,
        protected: false,
        unhealthy: None,
        since: now,
        in_service_since: Some(now),
        registered: Default::default(),
        activity,
    }
}

pub(super) async fn detach_instances(
    autoscaling: &Autoscaling,
    context: &Context,
    input: DetachInstancesQuery,
) -> Result<DetachInstancesAnswer, ApiError> {
    let ids = input.instance_ids.filter(|it| !it.is_empty());
    let ids = ids.ok_or_else(|| validation("At least one instance id is required."))?;
    let (scope, now) = (context.scope.clone(), autoscaling.clock.now());
    let names: Vec<String> = ids.iter().map(|_| autoscaling.ids.hex(32)).collect();
    autoscaling
        .store
        .write(move |tx| {
            let mut group = table::group(&tx.snapshot(), &scope, &input.auto_scaling_group_name)?;
            if input.should_decrement_desired_capacity {
                capacity::decrement(&mut group, ids.len() as u32)?;
            }
            let mut answer = Vec::new();
            for (id, name) in ids.iter().zip(names) {
                let group_name = group.name.clone();
                let member = group.member(id).filter(|it| it.stage == Stage::InService);
                let member = member.ok_or_else(|| {
                    let message =
                        format!("The instance {id} is not part of Auto Scaling group {group_name}.");
                    validation(message)
                })?;
                member.stage = Stage::Detaching;
                member.activity = name;
                member.since = now;
                let told = model::Activity {
                    description: format!("Detaching EC2 instance: {id}"),
                    ..terminating(&group_name, member, event::detached(now, id), now)
                };
                answer.push(activity::shape(&scope, Some(&group), &told));
                put_activities(tx, &scope, &group_name, vec![told]);
            }
            tx.put(GROUPS, &key(&scope, &group.name), group.clone());
            Ok(DetachInstancesAnswer {
                activities: Some(answer),
            })
        })
        .await
}
