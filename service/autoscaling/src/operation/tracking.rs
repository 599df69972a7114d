//! What target tracking looks at: one alarm that wants more, one that wants less.

use aws_protocol::ApiError;
use aws_shape::autoscaling::*;
use aws_shape::cloudwatch::{self, ComparisonOperator, Dimension, PutMetricAlarmInput};
use base_scaling::capacity::{IN_PART, PERIOD_SECONDS, PERIODS_IN, PERIODS_OUT};

use crate::error::{unsupported, validation};

/// The alarms of a policy; under the names of those that it has, if it has some.
pub(super) fn alarms(
    id: &str,
    group: &str,
    policy: &str,
    given: &TargetTrackingConfiguration,
    known: &[String],
) -> Result<Vec<PutMetricAlarmInput>, ApiError> {
    if !(given.target_value > 0.0 && given.target_value.is_finite()) {
        return Err(validation("TargetValue must be greater than 0."));
    }
    let name = |at: usize, kind: &str| {
        let own = || format!("TargetTracking-{group}-Alarm{kind}-{id}");
        known.get(at).cloned().unwrap_or_else(own)
    };
    let watched = PutMetricAlarmInput {
        alarm_description: Some(format!(
            "DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy}."
        )),
        alarm_actions: Some(vec![policy.to_owned()]),
        ..watched(group, given)?
    };
    let high = PutMetricAlarmInput {
        alarm_name: name(0, "High"),
        comparison_operator: Some(ComparisonOperator::GreaterThanThreshold),
        threshold: Some(given.target_value),
        evaluation_periods: Some(PERIODS_OUT),
        ..watched.clone()
    };
    if given.disable_scale_in == Some(true) {
        return Ok(vec![high]);
    }
    let low = PutMetricAlarmInput {
        alarm_name: name(1, "Low"),
        comparison_operator: Some(ComparisonOperator::LessThanThreshold),
        threshold: Some(given.target_value * IN_PART),
        evaluation_periods: Some(PERIODS_IN),
        ..watched
    };
    Ok(vec![high, low])
}

fn watched(group: &str, given: &TargetTrackingConfiguration) -> Result<PutMetricAlarmInput, ApiError> {
    match (
        &given.predefined_metric_specification,
        &given.customized_metric_specification,
    ) {
        (Some(known), None) => predefined(group, known),
        (None, Some(own)) => customized(own),
        _ => Err(validation(
            "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification is required.",
        )),
    }
}

fn dimension(name: &str, value: &str) -> Dimension {
    Dimension {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

fn dimensions(all: Option<&[MetricDimension]>) -> Vec<Dimension> {
    let all = all.unwrap_or_default().iter();
    all.map(|it| dimension(&it.name, &it.value)).collect()
}

fn plain(
    namespace: &str,
    name: &str,
    statistic: &str,
    period: i32,
    dimensions: Vec<Dimension>,
) -> PutMetricAlarmInput {
    PutMetricAlarmInput {
        namespace: Some(namespace.to_owned()),
        metric_name: Some(name.to_owned()),
        statistic: Some(statistic.into()),
        dimensions: Some(dimensions),
        period: Some(period),
        ..PutMetricAlarmInput::default()
    }
}

fn predefined(group: &str, known: &PredefinedMetricSpecification) -> Result<PutMetricAlarmInput, ApiError> {
    let kind = known.predefined_metric_type.as_str();
    let label = known.resource_label.as_deref();
    let of_group = |name: &str| {
        let dimensions = vec![dimension("AutoScalingGroupName", group)];
        plain("AWS/EC2", name, "Average", PERIOD_SECONDS, dimensions)
    };
    match (kind, label) {
        ("ASGAverageCPUUtilization", None) => Ok(of_group("CPUUtilization")),
        ("ASGAverageNetworkIn", None) => Ok(of_group("NetworkIn")),
        ("ASGAverageNetworkOut", None) => Ok(of_group("NetworkOut")),
        ("ALBRequestCountPerTarget", label) => {
            let found = label.and_then(|it| it.find("/targetgroup/").map(|at| &it[at + 1..]));
            let found = found.filter(|it| it.split('/').count() == 3).ok_or_else(|| {
                validation(
                    "ResourceLabel is required for ALBRequestCountPerTarget: app/<load balancer>/<id>/targetgroup/<target group>/<id>.",
                )
            })?;
            let dimensions = vec![dimension("TargetGroup", found)];
            let name = "RequestCountPerTarget";
            Ok(plain(
                "AWS/ApplicationELB",
                name,
                "Sum",
                PERIOD_SECONDS,
                dimensions,
            ))
        }
        ("ASGAverageCPUUtilization" | "ASGAverageNetworkIn" | "ASGAverageNetworkOut", Some(_)) => {
            Err(validation(format!("ResourceLabel cannot be given for {kind}.")))
        }
        _ => Err(validation(format!(
            "The predefined metric type {kind} is not valid."
        ))),
    }
}

fn customized(own: &CustomizedMetricSpecification) -> Result<PutMetricAlarmInput, ApiError> {
    if let Some(queries) = &own.metrics {
        return Ok(PutMetricAlarmInput {
            metrics: Some(queries.iter().map(query).collect()),
            ..PutMetricAlarmInput::default()
        });
    }
    let missing = |name: &str| validation(format!("{name} is required in CustomizedMetricSpecification."));
    let period = own.period.unwrap_or(PERIOD_SECONDS);
    if period != PERIOD_SECONDS {
        return Err(unsupported("CustomizedMetricSpecification.Period other than 60"));
    }
    let statistic = own.statistic.as_ref().ok_or_else(|| missing("Statistic"))?;
    Ok(PutMetricAlarmInput {
        unit: own.unit.as_deref().map(Into::into),
        ..plain(
            own.namespace.as_deref().ok_or_else(|| missing("Namespace"))?,
            own.metric_name.as_deref().ok_or_else(|| missing("MetricName"))?,
            statistic.as_str(),
            period,
            dimensions(own.dimensions.as_deref()),
        )
    })
}

fn query(given: &TargetTrackingMetricDataQuery) -> cloudwatch::MetricDataQuery {
    let period = given.period.unwrap_or(PERIOD_SECONDS);
    cloudwatch::MetricDataQuery {
        period: given.expression.is_some().then_some(period),
        id: given.id.clone(),
        expression: given.expression.clone(),
        label: given.label.clone(),
        return_data: given.return_data,
        metric_stat: given.metric_stat.as_ref().map(|it| cloudwatch::MetricStat {
            metric: cloudwatch::Metric {
                namespace: Some(it.metric.namespace.clone()),
                metric_name: Some(it.metric.metric_name.clone()),
                dimensions: Some(dimensions(it.metric.dimensions.as_deref())),
            },
            period: it.period.unwrap_or(PERIOD_SECONDS),
            stat: it.stat.clone(),
            unit: it.unit.as_deref().map(Into::into),
        }),
        account_id: None,
    }
}
