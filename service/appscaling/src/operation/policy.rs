//! Scaling policies. What target tracking looks at is two alarms of CloudWatch, made with the policy and gone with it.

use aws_protocol::{ApiError, Context, Shaped, Value, json, page};
use aws_shape::applicationautoscaling::*;
use aws_shape::cloudwatch;
use base_scaling::capacity::{self, Step};

use super::{is_served, tracking};
use crate::model::{Kind, Policy};
use crate::resource::{DIMENSION, NAMESPACE, Resource, own_context};
use crate::table::{POLICIES, key, sub_key, target};
use crate::{AppScaling, error};

const PAGE_MAX: usize = 50;
const STEPS_MAX: usize = 20;

/// A configuration as it is kept.
fn write(shape: &str, configuration: impl Shaped) -> String {
    json::write(SERVICE.shape(shape), &configuration.write())
}

fn read<T: Shaped>(shape: &str, text: &str) -> Result<T, ApiError> {
    let value: Value = json::read(SERVICE.shape(shape), text.as_bytes(), json::Mode::Lenient)?;
    T::read(value).map_err(ApiError::internal)
}

const TRACKING: &str = "TargetTrackingScalingPolicyConfiguration";
const STEP: &str = "StepScalingPolicyConfiguration";

impl Policy {
    /// # Errors
    /// When what is kept is none.
    pub(crate) fn tracking(&self) -> Result<TargetTrackingScalingPolicyConfiguration, ApiError> {
        read(TRACKING, &self.configuration)
    }

    /// # Errors
    /// When what is kept is none.
    pub(crate) fn step(&self) -> Result<StepScalingPolicyConfiguration, ApiError> {
        read(STEP, &self.configuration)
    }
}

pub(super) async fn put_scaling_policy(
    scaling: &AppScaling,
    context: &Context,
    input: PutScalingPolicyRequest,
) -> Result<PutScalingPolicyResponse, ApiError> {
    let resource = Resource::parse(
        input.service_namespace.as_str(),
        &input.resource_id,
        input.scalable_dimension.as_str(),
    )?;
    let scope = context.scope.clone();
    let snapshot = scaling.store.snapshot();
    target(&snapshot, &scope, &resource.id)?;
    let place = sub_key(&scope, &resource.id, &input.policy_name);
    let before = snapshot.get(POLICIES, &place);
    let kind = match input.policy_type.as_ref().map(PolicyType::as_str) {
        Some("TargetTrackingScaling") => Kind::Tracking,
        Some("StepScaling") => Kind::Step,
        None => before.as_ref().map_or(Kind::Step, |it| it.kind),
        Some(other) => {
            return Err(error::validation(format!(
                "Wharf does not serve policies of the type {other}."
            )));
        }
    };
    if before.as_ref().is_some_and(|it| it.kind != kind) {
        return Err(error::validation(
            "The type of a scaling policy cannot be changed.",
        ));
    }
    let arn = before.as_ref().map(|it| it.arn.clone()).unwrap_or_else(|| {
        let id = scaling.ids.uuid();
        scope.arn(
            "autoscaling",
            &format!(
                "scalingPolicy:{id}:resource/{NAMESPACE}/{}:policyName/{}",
                resource.id, input.policy_name
            ),
        )
    });
    let (configuration, alarms) = match kind {
        Kind::Tracking => {
            let given = input.target_tracking_scaling_policy_configuration.ok_or_else(|| {
                error::validation("TargetTrackingScalingPolicyConfiguration is required for a policy of the type TargetTrackingScaling.")
            })?;
            let known = before
                .as_ref()
                .map(|it| it.alarms.clone())
                .filter(|it| !it.is_empty());
            let alarms = tracking::alarms(&scaling.ids.uuid(), &resource, &arn, &given, known)?;
            (write(TRACKING, given), alarms)
        }
        Kind::Step => {
            let given = input.step_scaling_policy_configuration.ok_or_else(|| {
                error::validation(
                    "StepScalingPolicyConfiguration is required for a policy of the type StepScaling.",
                )
            })?;
            check(&given)?;
            (write(STEP, given), vec![])
        }
    };
    let names: Vec<String> = alarms.iter().map(|it| it.alarm_name.clone()).collect();
    let policy = Policy {
        name: input.policy_name,
        resource: resource.id.clone(),
        arn: arn.clone(),
        kind,
        configuration,
        alarms: names.clone(),
        created_at: before
            .as_ref()
            .map_or_else(|| scaling.clock.now(), |it| it.created_at),
    };
    let home = key(&scope, &resource.id);
    let kept = place.clone();
    scaling
        .store
        .write(move |tx| {
            // Deregistered meanwhile.
            if tx.get(crate::table::TARGETS, &home).is_none() {
                return Err(error::no_target(&policy.resource));
            }
            tx.put(POLICIES, &place, policy);
            Ok(())
        })
        .await?;
    // The policy first: an alarm that calls nobody is worse than one that comes a moment later.
    for alarm in alarms {
        let made = scaling
            .neighbours
            .cloudwatch
            .put_metric_alarm(&own_context(&scope), alarm)
            .await;
        if let Err(error) = made {
            take_back(scaling, context, &kept, before.as_deref(), &names).await?;
            return Err(error);
        }
    }
    let gone: Vec<String> = before
        .map(|it| it.alarms.clone())
        .unwrap_or_default()
        .into_iter()
        .filter(|it| !names.contains(it))
        .collect();
    remove_alarms(scaling, context, &gone).await?;
    Ok(PutScalingPolicyResponse {
        policy_arn: arn,
        alarms: Some(shown(context, &names)),
    })
}

/// The policy as it was before, for alarms that CloudWatch did not take.
async fn take_back(
    scaling: &AppScaling,
    context: &Context,
    place: &str,
    before: Option<&Policy>,
    alarms: &[String],
) -> Result<(), ApiError> {
    if before.is_none() {
        remove_alarms(scaling, context, alarms).await?;
    }
    let (place, before) = (place.to_owned(), before.cloned());
    scaling
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

fn shown(context: &Context, names: &[String]) -> Vec<Alarm> {
    let all = names.iter();
    all.map(|name| Alarm {
        alarm_name: name.clone(),
        alarm_arn: context.scope.arn("cloudwatch", &format!("alarm:{name}")),
    })
    .collect()
}

fn check(given: &StepScalingPolicyConfiguration) -> Result<(), ApiError> {
    let steps = given.step_adjustments.as_deref().unwrap_or_default();
    if given.adjustment_type.is_none() {
        return Err(error::validation(
            "AdjustmentType is required in StepScalingPolicyConfiguration.",
        ));
    }
    if steps.is_empty() || steps.len() > STEPS_MAX {
        return Err(error::validation(format!(
            "StepAdjustments has between 1 and {STEPS_MAX} entries."
        )));
    }
    capacity::check(&self::steps(given)).map_err(error::validation)
}

/// As they are reckoned with.
pub(crate) fn steps(given: &StepScalingPolicyConfiguration) -> Vec<Step> {
    let all = given.step_adjustments.iter().flatten();
    all.map(|it| Step {
        lower: it.metric_interval_lower_bound,
        upper: it.metric_interval_upper_bound,
        adjustment: it.scaling_adjustment,
    })
    .collect()
}

pub(super) async fn describe_scaling_policies(
    scaling: &AppScaling,
    context: &Context,
    input: DescribeScalingPoliciesRequest,
) -> Result<DescribeScalingPoliciesResponse, ApiError> {
    let all = match is_served(&input.service_namespace) {
        true => scaling
            .store
            .snapshot()
            .prefix(POLICIES, &key(&context.scope, "")),
        false => vec![],
    };
    let names = input.policy_names.unwrap_or_default();
    let found = all
        .into_iter()
        .map(|(_, it)| it)
        .filter(|it| {
            input.resource_id.as_ref().is_none_or(|id| *id == it.resource)
                && (names.is_empty() || names.contains(&it.name))
        })
        .map(|it| {
            Ok(ScalingPolicy {
                policy_arn: it.arn.clone(),
                policy_name: it.name.clone(),
                service_namespace: NAMESPACE.into(),
                resource_id: it.resource.clone(),
                scalable_dimension: DIMENSION.into(),
                policy_type: if it.kind == Kind::Step {
                    "StepScaling"
                } else {
                    "TargetTrackingScaling"
                }
                .into(),
                step_scaling_policy_configuration: (it.kind == Kind::Step).then(|| it.step()).transpose()?,
                target_tracking_scaling_policy_configuration: (it.kind == Kind::Tracking)
                    .then(|| it.tracking())
                    .transpose()?,
                predictive_scaling_policy_configuration: None,
                alarms: Some(shown(context, &it.alarms)),
                creation_time: it.created_at,
            })
        })
        .collect::<Result<Vec<_>, ApiError>>()?;
    let (policies, next_token) = page(found, input.max_results, PAGE_MAX, input.next_token.as_deref())
        .map_err(|_| ApiError::client("InvalidNextTokenException", "The next token is not valid."))?;
    Ok(DescribeScalingPoliciesResponse {
        scaling_policies: Some(policies),
        next_token,
    })
}

pub(super) async fn delete_scaling_policy(
    scaling: &AppScaling,
    context: &Context,
    input: DeleteScalingPolicyRequest,
) -> Result<DeleteScalingPolicyResponse, ApiError> {
    let resource = Resource::parse(
        input.service_namespace.as_str(),
        &input.resource_id,
        input.scalable_dimension.as_str(),
    )?;
    let place = sub_key(&context.scope, &resource.id, &input.policy_name);
    let found = scaling.store.snapshot().get(POLICIES, &place);
    let found = found.ok_or_else(|| error::no_policy(&resource.id, &input.policy_name))?;
    remove_alarms(scaling, context, &found.alarms).await?;
    scaling
        .store
        .write(move |tx| {
            tx.delete(POLICIES, &place);
            Ok::<_, ApiError>(())
        })
        .await?;
    Ok(DeleteScalingPolicyResponse {})
}

/// Those that somebody has deleted already are left out.
pub(crate) async fn remove_alarms(
    scaling: &AppScaling,
    context: &Context,
    names: &[String],
) -> Result<(), ApiError> {
    for name in names {
        let input = cloudwatch::DeleteAlarmsInput {
            alarm_names: vec![name.clone()],
        };
        match scaling
            .neighbours
            .cloudwatch
            .delete_alarms(&own_context(&context.scope), input)
            .await
        {
            Err(error) if error.code != "ResourceNotFound" => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
