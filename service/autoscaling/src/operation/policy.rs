//! Scaling policies. What target tracking looks at is two alarms of CloudWatch, made with the policy and gone with it.

use std::sync::Arc;

use aws_protocol::{ApiError, Context, page};
use aws_shape::autoscaling::*;
use aws_shape::cloudwatch;
use base_id::Scope;

use super::{policy_check, tracking};
use crate::Autoscaling;
use crate::alarm::Caller;
use crate::error::{bad_token, validation};
use crate::model::{Kind, Policy};
use crate::plan::policy::{Call, Not};
use crate::table::{self, POLICIES, sub_key};

const PAGE_MAX: usize = 100;
const PAGE_DEFAULT: i32 = 50;

pub(super) async fn put_scaling_policy(
    autoscaling: &Autoscaling,
    context: &Context,
    input: PutScalingPolicyType,
) -> Result<PolicyARNType, ApiError> {
    let scope = &context.scope;
    let kind = policy_check::kind(&input)?;
    let snapshot = autoscaling.store.snapshot();
    let group = table::group(&snapshot, scope, &input.auto_scaling_group_name)?;
    let place = sub_key(scope, &group.name, &input.policy_name);
    let (before, orphan) = match snapshot.get(POLICIES, &place) {
        Some(row) if row.group_uuid == group.uuid => (Some(row), None),
        other => (None, other),
    };
    if let Some(orphan) = orphan {
        remove_alarms(autoscaling, scope, &orphan.alarms).await?;
    }
    if before.as_ref().is_some_and(|it| it.kind != kind) {
        return Err(validation(
            "The policy type of a scaling policy cannot be changed.",
        ));
    }
    let arn = before.as_ref().map(|it| it.arn.clone()).unwrap_or_else(|| {
        let id = autoscaling.ids.uuid();
        let tail = format!(
            "scalingPolicy:{id}:autoScalingGroupName/{}:policyName/{}",
            group.name, input.policy_name
        );
        scope.arn("autoscaling", &tail)
    });
    let alarms = match &input.target_tracking_configuration {
        Some(given) => {
            let known = before.as_ref().map(|it| it.alarms.clone()).unwrap_or_default();
            let mut alarms = tracking::alarms(&autoscaling.ids.uuid(), &group.name, &arn, given, &known)?;
            for alarm in &mut alarms {
                alarm.actions_enabled = input.enabled;
            }
            alarms
        }
        None => vec![],
    };
    let names: Vec<String> = alarms.iter().map(|it| it.alarm_name.clone()).collect();
    let policy = Policy {
        name: input.policy_name.clone(),
        group: group.name,
        group_uuid: group.uuid,
        arn: arn.clone(),
        kind,
        alarms: names.clone(),
        given: policy_check::write(input),
    };
    save(autoscaling, scope, &place, policy).await?;
    // The policy first: an alarm that calls nobody is worse than one that comes a moment later.
    for alarm in alarms {
        let cloudwatch = &autoscaling.neighbours.cloudwatch;
        let made = cloudwatch
            .put_metric_alarm(&Autoscaling::own_context(scope), alarm)
            .await;
        if let Err(error) = made {
            take_back(autoscaling, scope, place, before.as_deref(), &names).await?;
            return Err(error);
        }
    }
    let mut gone = before.map(|it| it.alarms.clone()).unwrap_or_default();
    gone.retain(|it| !names.contains(it));
    remove_alarms(autoscaling, scope, &gone).await?;
    Ok(PolicyARNType {
        policy_arn: Some(arn),
        alarms: Some(shown(scope, &names)),
    })
}

async fn save(autoscaling: &Autoscaling, scope: &Scope, place: &str, policy: Policy) -> Result<(), ApiError> {
    let (scope, place) = (scope.clone(), place.to_owned());
    autoscaling
        .store
        .write(move |tx| {
            // Deleted meanwhile.
            if !table::has_group(&tx.snapshot(), &scope, &policy.group, &policy.group_uuid) {
                return Err(crate::error::group_not_found(&policy.group));
            }
            // Made by somebody else at the same moment.
            let known = tx.get(POLICIES, &place);
            let known = known.filter(|it| it.group_uuid == policy.group_uuid);
            if known.is_some_and(|it| it.arn != policy.arn) {
                let message = "You already have a pending update to this scaling policy.";
                return Err(ApiError::client("ResourceContention", message));
            }
            tx.put(POLICIES, &place, policy);
            Ok(())
        })
        .await
}

/// The policy as it was before, for alarms that CloudWatch did not take.
async fn take_back(
    autoscaling: &Autoscaling,
    scope: &Scope,
    place: String,
    before: Option<&Policy>,
    alarms: &[String],
) -> Result<(), ApiError> {
    if before.is_none() {
        remove_alarms(autoscaling, scope, alarms).await?;
    }
    let before = before.cloned();
    autoscaling
        .store
        .write(move |tx| {
            match before {
                Some(before) => tx.put(POLICIES, &place, before),
                None => tx.delete(POLICIES, &place),
            }
            Ok::<_, ApiError>(())
        })
        .await
}

fn shown(scope: &Scope, names: &[String]) -> Vec<Alarm> {
    let all = names.iter();
    all.map(|name| Alarm {
        alarm_name: Some(name.clone()),
        alarm_arn: Some(scope.arn("cloudwatch", &format!("alarm:{name}"))),
    })
    .collect()
}

fn shape(scope: &Scope, it: &Policy) -> Result<ScalingPolicy, ApiError> {
    let given = it.given()?;
    let aggregation = (it.kind == Kind::Step).then(|| "Average".to_owned());
    Ok(ScalingPolicy {
        auto_scaling_group_name: Some(it.group.clone()),
        policy_name: Some(it.name.clone()),
        policy_arn: Some(it.arn.clone()),
        policy_type: Some(it.kind.name().to_owned()),
        adjustment_type: given.adjustment_type,
        min_adjustment_step: given.min_adjustment_step,
        min_adjustment_magnitude: given.min_adjustment_magnitude,
        scaling_adjustment: given.scaling_adjustment,
        cooldown: given.cooldown,
        step_adjustments: Some(given.step_adjustments.unwrap_or_default()),
        metric_aggregation_type: given.metric_aggregation_type.or(aggregation),
        estimated_instance_warmup: given.estimated_instance_warmup,
        alarms: Some(shown(scope, &it.alarms)),
        target_tracking_configuration: given.target_tracking_configuration,
        enabled: Some(given.enabled.unwrap_or(true)),
        predictive_scaling_configuration: None,
    })
}

pub(super) async fn describe_policies(
    autoscaling: &Autoscaling,
    context: &Context,
    input: DescribePoliciesType,
) -> Result<PoliciesType, ApiError> {
    let names = input.policy_names.unwrap_or_default();
    let kinds = input.policy_types.unwrap_or_default();
    let group = input.auto_scaling_group_name.as_deref();
    let mut found = table::policies(&autoscaling.store.snapshot(), &context.scope, group);
    found.retain(|it| {
        (names.is_empty() || names.contains(&it.name) || names.contains(&it.arn))
            && (kinds.is_empty() || kinds.iter().any(|kind| kind == it.kind.name()))
    });
    let limit = input.max_records.or(Some(PAGE_DEFAULT));
    let (found, next_token) = page(found, limit, PAGE_MAX, input.next_token.as_deref()).map_err(bad_token)?;
    let shapes = found.iter().map(|it| shape(&context.scope, it));
    Ok(PoliciesType {
        scaling_policies: Some(shapes.collect::<Result<_, _>>()?),
        next_token,
    })
}

/// By its name and its group's, or by its ARN.
fn named(
    autoscaling: &Autoscaling,
    scope: &Scope,
    group: Option<&str>,
    name: &str,
) -> Result<Arc<Policy>, ApiError> {
    let snapshot = autoscaling.store.snapshot();
    if let Some(group) = group {
        table::group(&snapshot, scope, group)?;
    } else if !name.starts_with("arn:") {
        return Err(validation(
            "AutoScalingGroupName is required unless PolicyName is the ARN of a policy.",
        ));
    }
    let mut all = table::policies(&snapshot, scope, group).into_iter();
    all.find(|it| it.arn == name || (group.is_some() && it.name == name))
        .ok_or_else(|| validation(format!("Cannot find policy {name}.")))
}

pub(super) async fn delete_policy(
    autoscaling: &Autoscaling,
    context: &Context,
    input: DeletePolicyType,
) -> Result<(), ApiError> {
    let scope = &context.scope;
    let group = input.auto_scaling_group_name.as_deref();
    let policy = named(autoscaling, scope, group, &input.policy_name)?;
    remove_alarms(autoscaling, scope, &policy.alarms).await?;
    let place = sub_key(scope, &policy.group, &policy.name);
    autoscaling
        .store
        .write(move |tx| {
            tx.delete(POLICIES, &place);
            Ok::<_, ApiError>(())
        })
        .await
}

/// Those that somebody has deleted already are left out.
pub(crate) async fn remove_alarms(
    autoscaling: &Autoscaling,
    scope: &Scope,
    names: &[String],
) -> Result<(), ApiError> {
    for name in names {
        let input = cloudwatch::DeleteAlarmsInput {
            alarm_names: vec![name.clone()],
        };
        let cloudwatch = &autoscaling.neighbours.cloudwatch;
        match cloudwatch
            .delete_alarms(&Autoscaling::own_context(scope), input)
            .await
        {
            Err(error) if error.code != "ResourceNotFound" => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

pub(super) async fn execute_policy(
    autoscaling: &Autoscaling,
    context: &Context,
    input: ExecutePolicyType,
) -> Result<(), ApiError> {
    let scope = &context.scope;
    let group = input.auto_scaling_group_name.as_deref();
    let policy = named(autoscaling, scope, group, &input.policy_name)?;
    let call = match policy.kind {
        Kind::Tracking => {
            return Err(validation(
                "Policies of the type TargetTrackingScaling cannot be executed.",
            ));
        }
        Kind::Simple if input.honor_cooldown != Some(true) => Call::AtOnce,
        Kind::Step if input.metric_value.is_none() || input.breach_threshold.is_none() => {
            return Err(validation(
                "MetricValue and BreachThreshold are required for policies of the type StepScaling.",
            ));
        }
        _ => Call::Of {
            value: input.metric_value,
            threshold: input.breach_threshold,
        },
    };
    let done = autoscaling.apply(scope, &policy, call, Caller::User).await?;
    match done {
        Err(Not::Ever(why)) => Err(validation(why)),
        Err(Not::Yet(why)) if input.honor_cooldown == Some(true) => {
            Err(ApiError::client("ScalingActivityInProgress", why))
        }
        _ => Ok(()),
    }
}
