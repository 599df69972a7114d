//! What target tracking looks at: one alarm that wants more, one that wants less.

use aws_protocol::ApiError;
use aws_shape::applicationautoscaling::*;
use aws_shape::cloudwatch::{self, ComparisonOperator, Dimension, PutMetricAlarmInput};
use base_scaling::capacity::{IN_PART, PERIOD_SECONDS, PERIODS_IN, PERIODS_OUT};

use crate::error;
use crate::resource::Resource;

/// The alarms of a policy; under the names of those that it has, if it has some.
pub(super) fn alarms(
    id: &str,
    resource: &Resource,
    policy: &str,
    given: &TargetTrackingScalingPolicyConfiguration,
    known: Option<Vec<String>>,
) -> Result<Vec<PutMetricAlarmInput>, ApiError> {
    if !(given.target_value > 0.0 && given.target_value.is_finite()) {
        return Err(error::validation("TargetValue must be greater than 0."));
    }
    let known = known.unwrap_or_default();
    let name = |at: usize, kind: &str| {
        let own = || format!("TargetTracking-{}-Alarm{kind}-{id}", resource.id);
        known.get(at).cloned().unwrap_or_else(own)
    };
    let mut high = watched(resource, given)?;
    high.alarm_description = Some(format!(
        "DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy}."
    ));
    high.alarm_actions = Some(vec![policy.to_owned()]);
    let mut low = high.clone();
    high.alarm_name = name(0, "High");
    high.comparison_operator = Some(ComparisonOperator::GreaterThanThreshold);
    high.threshold = Some(given.target_value);
    high.evaluation_periods = Some(PERIODS_OUT);
    low.alarm_name = name(1, "Low");
    low.comparison_operator = Some(ComparisonOperator::LessThanThreshold);
    low.threshold = Some(given.target_value * IN_PART);
    low.evaluation_periods = Some(PERIODS_IN);
    Ok(vec![high, low])
}

fn watched(
    resource: &Resource,
    given: &TargetTrackingScalingPolicyConfiguration,
) -> Result<PutMetricAlarmInput, ApiError> {
    match (
        &given.predefined_metric_specification,
        &given.customized_metric_specification,
    ) {
        (Some(known), None) => predefined(resource, known),
        (None, Some(own)) => customized(own),
        _ => Err(error::validation(
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

fn plain(namespace: &str, name: &str, statistic: &str, dimensions: Vec<Dimension>) -> PutMetricAlarmInput {
    PutMetricAlarmInput {
        namespace: Some(namespace.to_owned()),
        metric_name: Some(name.to_owned()),
        statistic: Some(statistic.into()),
        dimensions: Some(dimensions),
        period: Some(PERIOD_SECONDS),
        ..PutMetricAlarmInput::default()
    }
}

fn predefined(
    resource: &Resource,
    known: &PredefinedMetricSpecification,
) -> Result<PutMetricAlarmInput, ApiError> {
    let service = || {
        vec![
            dimension("ClusterName", &resource.cluster),
            dimension("ServiceName", &resource.service),
        ]
    };
    let kind = known.predefined_metric_type.as_str();
    let label = known.resource_label.as_deref();
    match (kind, label) {
        ("ECSServiceAverageCPUUtilization", None) => {
            Ok(plain("AWS/ECS", "CPUUtilization", "Average", service()))
        }
        ("ECSServiceAverageMemoryUtilization", None) => {
            Ok(plain("AWS/ECS", "MemoryUtilization", "Average", service()))
        }
        ("ECSServiceAverageCPUUtilization" | "ECSServiceAverageMemoryUtilization", Some(_)) => Err(
            error::validation(format!("ResourceLabel cannot be given for {kind}.")),
        ),
        ("ALBRequestCountPerTarget", label) => {
            let group = label.and_then(|it| it.find("/targetgroup/").map(|at| &it[at + 1..]));
            let group = group.filter(|it| it.split('/').count() == 3).ok_or_else(|| {
                error::validation(
                    "ResourceLabel is required for ALBRequestCountPerTarget: app/<load balancer>/<id>/targetgroup/<target group>/<id>.",
                )
            })?;
            let dimensions = vec![dimension("TargetGroup", group)];
            Ok(plain(
                "AWS/ApplicationELB",
                "RequestCountPerTarget",
                "Sum",
                dimensions,
            ))
        }
        _ => Err(error::validation(format!(
            "The metric {kind} is not one of ECS services."
        ))),
    }
}

fn customized(own: &CustomizedMetricSpecification) -> Result<PutMetricAlarmInput, ApiError> {
    if let Some(queries) = &own.metrics {
        let queries = queries.iter().cloned().map(query).collect();
        return Ok(PutMetricAlarmInput {
            metrics: Some(queries),
            ..PutMetricAlarmInput::default()
        });
    }
    let missing =
        |name: &str| error::validation(format!("{name} is required in CustomizedMetricSpecification."));
    let dimensions = own.dimensions.clone().unwrap_or_default();
    let mut watched = plain(
        own.namespace.as_deref().ok_or_else(|| missing("Namespace"))?,
        own.metric_name.as_deref().ok_or_else(|| missing("MetricName"))?,
        own.statistic
            .as_ref()
            .ok_or_else(|| missing("Statistic"))?
            .as_str(),
        dimensions
            .iter()
            .map(|it| dimension(&it.name, &it.value))
            .collect(),
    );
    watched.unit = own.unit.as_deref().map(Into::into);
    Ok(watched)
}

fn query(given: TargetTrackingMetricDataQuery) -> cloudwatch::MetricDataQuery {
    let dimensions = |all: Option<Vec<TargetTrackingMetricDimension>>| {
        all.map(|all| all.iter().map(|it| dimension(&it.name, &it.value)).collect())
    };
    cloudwatch::MetricDataQuery {
        period: given.expression.is_some().then_some(PERIOD_SECONDS),
        id: given.id,
        expression: given.expression,
        label: given.label,
        return_data: given.return_data,
        metric_stat: given.metric_stat.map(|it| cloudwatch::MetricStat {
            metric: cloudwatch::Metric {
                namespace: it.metric.namespace,
                metric_name: it.metric.metric_name,
                dimensions: dimensions(it.metric.dimensions),
            },
            period: PERIOD_SECONDS,
            stat: it.stat,
            unit: it.unit.as_deref().map(Into::into),
        }),
        account_id: None,
    }
}
