//! What a scaling policy may say, and what it says in numbers.

use aws_protocol::{ApiError, Context, Shaped, Value, json};
use aws_shape::autoscaling::*;
use base_scaling::capacity::{self, Adjustment, Step};

use crate::Autoscaling;
use crate::error::{unsupported, validation};
use crate::model::{Kind, Policy};
use crate::plan::policy::Rule;

const GIVEN: &str = "PutScalingPolicyType";
const STEPS_MAX: usize = 20;
const ADJUSTMENTS: [&str; 3] = ["ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity"];
const AGGREGATIONS: [&str; 3] = ["Average", "Minimum", "Maximum"];

/// As it is kept.
pub(super) fn write(given: PutScalingPolicyType) -> String {
    json::write(SERVICE.shape(GIVEN), &given.write())
}

impl Policy {
    /// # Errors
    /// When what is kept is none.
    pub(crate) fn given(&self) -> Result<PutScalingPolicyType, ApiError> {
        let value: Value = json::read(SERVICE.shape(GIVEN), self.given.as_bytes(), json::Mode::Lenient)?;
        PutScalingPolicyType::read(value).map_err(ApiError::internal)
    }

    /// # Errors
    /// When what is kept is none.
    pub(crate) fn scales_in(&self) -> Result<bool, ApiError> {
        let given = self.given()?;
        let tracking = given.target_tracking_configuration;
        Ok(given.enabled != Some(false) && tracking.is_some_and(|it| it.disable_scale_in != Some(true)))
    }

    /// # Errors
    /// When what is kept is none.
    pub(crate) fn rule(&self) -> Result<Rule, ApiError> {
        let given = self.given()?;
        let least = given.min_adjustment_magnitude.or(given.min_adjustment_step);
        let adjustment = match given.adjustment_type.as_deref() {
            Some("ExactCapacity") => Adjustment::Exact,
            Some("PercentChangeInCapacity") => Adjustment::Percent(least.unwrap_or(0)),
            _ => Adjustment::Change,
        };
        let warm_up = given.estimated_instance_warmup;
        Ok(match self.kind {
            Kind::Simple => Rule::Simple {
                adjustment,
                by: given.scaling_adjustment.unwrap_or(0),
                cool_down: given.cooldown,
            },
            Kind::Step => Rule::Steps {
                adjustment,
                steps: steps(&given),
                warm_up,
            },
            Kind::Tracking => {
                let tracking = given.target_tracking_configuration.unwrap_or_default();
                Rule::Tracking {
                    target: tracking.target_value,
                    only_out: tracking.disable_scale_in == Some(true),
                    warm_up,
                }
            }
        })
    }
}

fn steps(given: &PutScalingPolicyType) -> Vec<Step> {
    let all = given.step_adjustments.iter().flatten();
    all.map(|it| Step {
        lower: it.metric_interval_lower_bound,
        upper: it.metric_interval_upper_bound,
        adjustment: it.scaling_adjustment,
    })
    .collect()
}

/// # Errors
/// What is wrong with the request.
pub(super) fn kind(given: &PutScalingPolicyType) -> Result<Kind, ApiError> {
    let kind = match given.policy_type.as_deref().unwrap_or("SimpleScaling") {
        "SimpleScaling" => Kind::Simple,
        "StepScaling" => Kind::Step,
        "TargetTrackingScaling" => Kind::Tracking,
        "PredictiveScaling" => return Err(unsupported("PolicyType PredictiveScaling")),
        other => return Err(validation(format!("The policy type {other} is not valid."))),
    };
    let name = kind.name();
    let foreign = [
        ("Cooldown", given.cooldown.is_some(), kind == Kind::Simple),
        (
            "ScalingAdjustment",
            given.scaling_adjustment.is_some(),
            kind == Kind::Simple,
        ),
        (
            "StepAdjustments",
            given.step_adjustments.is_some(),
            kind == Kind::Step,
        ),
        (
            "MetricAggregationType",
            given.metric_aggregation_type.is_some(),
            kind == Kind::Step,
        ),
        (
            "AdjustmentType",
            given.adjustment_type.is_some(),
            kind != Kind::Tracking,
        ),
        (
            "EstimatedInstanceWarmup",
            given.estimated_instance_warmup.is_some(),
            kind != Kind::Simple,
        ),
        (
            "TargetTrackingConfiguration",
            given.target_tracking_configuration.is_some(),
            kind == Kind::Tracking,
        ),
        (
            "PredictiveScalingConfiguration",
            given.predictive_scaling_configuration.is_some(),
            false,
        ),
    ];
    for (parameter, is_given, belongs) in foreign {
        if is_given && !belongs {
            return Err(validation(format!(
                "{parameter} cannot be specified with PolicyType {name}."
            )));
        }
    }
    for (parameter, seconds) in [
        ("Cooldown", given.cooldown),
        ("EstimatedInstanceWarmup", given.estimated_instance_warmup),
    ] {
        if seconds.is_some_and(|it| it < 0) {
            return Err(validation(format!("{parameter} must not be negative.")));
        }
    }
    if kind == Kind::Tracking {
        return match &given.target_tracking_configuration {
            Some(_) => Ok(kind),
            None => Err(required("TargetTrackingConfiguration", kind)),
        };
    }
    adjustment(given, kind)?;
    Ok(kind)
}

fn required(parameter: &str, kind: Kind) -> ApiError {
    validation(format!(
        "{parameter} is required for policy type {}.",
        kind.name()
    ))
}

fn adjustment(given: &PutScalingPolicyType, kind: Kind) -> Result<(), ApiError> {
    let adjustment = given.adjustment_type.as_deref();
    let adjustment = adjustment.ok_or_else(|| required("AdjustmentType", kind))?;
    if !ADJUSTMENTS.contains(&adjustment) {
        return Err(validation(format!(
            "{adjustment} is not a valid value for AdjustmentType. Valid values are {}.",
            ADJUSTMENTS.join(", ")
        )));
    }
    let least = given.min_adjustment_magnitude.or(given.min_adjustment_step);
    if least.is_some() && adjustment != "PercentChangeInCapacity" {
        return Err(validation(
            "MinAdjustmentMagnitude is only supported by the adjustment type PercentChangeInCapacity.",
        ));
    }
    let mut amounts = given.scaling_adjustment.into_iter().chain(
        given
            .step_adjustments
            .iter()
            .flatten()
            .map(|it| it.scaling_adjustment),
    );
    if adjustment == "ExactCapacity" && amounts.any(|it| it < 0) {
        return Err(validation(
            "ScalingAdjustment must not be negative with the adjustment type ExactCapacity.",
        ));
    }
    if kind == Kind::Simple {
        return given
            .scaling_adjustment
            .map(drop)
            .ok_or_else(|| required("ScalingAdjustment", kind));
    }
    let aggregation = given.metric_aggregation_type.as_deref();
    if let Some(unknown) = aggregation.filter(|it| !AGGREGATIONS.contains(it)) {
        return Err(validation(format!(
            "The metric aggregation type {unknown} is not valid."
        )));
    }
    let steps = steps(given);
    if steps.is_empty() || steps.len() > STEPS_MAX {
        return Err(validation(format!(
            "StepAdjustments has between 1 and {STEPS_MAX} entries for policy type StepScaling."
        )));
    }
    capacity::check(&steps).map_err(validation)
}

pub(super) async fn describe_adjustment_types(
    _: &Autoscaling,
    _: &Context,
    _: DescribeAdjustmentTypesRequest,
) -> Result<DescribeAdjustmentTypesAnswer, ApiError> {
    let all = ADJUSTMENTS.iter().map(|it| AdjustmentType {
        adjustment_type: Some((*it).to_owned()),
    });
    Ok(DescribeAdjustmentTypesAnswer {
        adjustment_types: Some(all.collect()),
    })
}
