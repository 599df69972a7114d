//! Alarms as they are shown.

use aws_protocol::{ApiError, Context, page};
use aws_shape::cloudwatch::*;

use crate::model::{Alarm, Body, Metric, Source, State, dimensions, shaped};
use crate::plan::composite;
use crate::table::{self, ALARMS, STATES, alarm_arn, is_composite, key};
use crate::{CloudWatch, error};

const PAGE_MAX: usize = 100;

pub(super) async fn describe_alarms(
    cloudwatch: &CloudWatch,
    context: &Context,
    input: DescribeAlarmsInput,
) -> Result<DescribeAlarmsOutput, ApiError> {
    if input.alarm_names.is_some() && input.alarm_name_prefix.is_some() {
        return Err(error::combination(
            "AlarmNames and AlarmNamePrefix cannot be specified together.",
        ));
    }
    let kinds = input.alarm_types.unwrap_or_else(|| vec![AlarmType::MetricAlarm]);
    let family = family(
        cloudwatch,
        context,
        input.children_of_alarm_name.as_deref(),
        input.parents_of_alarm_name.as_deref(),
    )?;
    let head = key(
        &context.scope.key(),
        input.alarm_name_prefix.as_deref().unwrap_or_default(),
    );
    let snapshot = cloudwatch.store.snapshot();
    let wanted = |alarm: &Alarm, state: &State| {
        let kind = if is_composite(alarm) {
            AlarmType::CompositeAlarm
        } else {
            AlarmType::MetricAlarm
        };
        let mut actions = alarm
            .alarm_actions
            .iter()
            .chain(&alarm.ok_actions)
            .chain(&alarm.insufficient_actions);
        (family.is_some() || kinds.contains(&kind))
            && family.as_ref().is_none_or(|names| names.contains(&alarm.name))
            && input
                .alarm_names
                .as_ref()
                .is_none_or(|names| names.contains(&alarm.name))
            && input
                .state_value
                .as_ref()
                .is_none_or(|it| it.as_str() == state.value)
            && input
                .action_prefix
                .as_ref()
                .is_none_or(|head| actions.any(|it| it.starts_with(head)))
    };
    let mut found = Vec::new();
    for (place, alarm) in snapshot.prefix(ALARMS, &head) {
        let state = snapshot
            .get(STATES, &place)
            .map_or_else(|| table::unchecked(alarm.changed_at), |it| State::clone(&it));
        if wanted(&alarm, &state) {
            found.push((alarm, state));
        }
    }
    let (found, next_token) =
        page(found, input.max_records, PAGE_MAX, input.next_token.as_deref()).map_err(|_| error::token())?;
    let (mut metric_alarms, mut composite_alarms) = (vec![], vec![]);
    for (alarm, state) in found {
        match &alarm.body {
            Body::Metric(metric) => metric_alarms.push(metric_alarm(context, &alarm, metric, &state)),
            Body::Composite(it) => composite_alarms.push(composite_alarm(context, &alarm, &it.rule, &state)),
        }
    }
    Ok(DescribeAlarmsOutput {
        composite_alarms: Some(composite_alarms),
        metric_alarms: Some(metric_alarms),
        next_token,
    })
}

/// Names of the alarms that one depends on, or that depend on one.
fn family(
    cloudwatch: &CloudWatch,
    context: &Context,
    children_of: Option<&str>,
    parents_of: Option<&str>,
) -> Result<Option<Vec<String>>, ApiError> {
    let (snapshot, scope) = (cloudwatch.store.snapshot(), context.scope.key());
    let children = |alarm: &Alarm| match &alarm.body {
        Body::Composite(it) => composite::parse(&it.rule)
            .map(|rule| {
                composite::children(&rule)
                    .into_iter()
                    .map(str::to_owned)
                    .collect()
            })
            .unwrap_or_default(),
        Body::Metric(_) => Vec::<String>::new(),
    };
    if let Some(name) = children_of {
        return Ok(Some(children(&*table::alarm(&snapshot, &scope, name)?)));
    }
    let Some(name) = parents_of else { return Ok(None) };
    let all = snapshot.prefix(ALARMS, &format!("{scope}/")).into_iter();
    let parents = all.filter(|(_, it)| children(it).iter().any(|child| child == name));
    Ok(Some(parents.map(|(_, it)| it.name.clone()).collect()))
}

fn list(actions: &[String]) -> Option<Vec<String>> {
    Some(actions.to_vec())
}

fn metric_alarm(context: &Context, alarm: &Alarm, metric: &Metric, state: &State) -> MetricAlarm {
    let mut shown = MetricAlarm {
        alarm_name: Some(alarm.name.clone()),
        alarm_arn: Some(alarm_arn(&context.scope, &alarm.name)),
        alarm_description: alarm.description.clone(),
        alarm_configuration_updated_timestamp: Some(alarm.changed_at),
        actions_enabled: Some(alarm.actions_enabled),
        ok_actions: list(&alarm.ok_actions),
        alarm_actions: list(&alarm.alarm_actions),
        insufficient_data_actions: list(&alarm.insufficient_actions),
        state_value: Some(state.value.as_str().into()),
        state_reason: Some(state.reason.clone()),
        state_reason_data: state.reason_data.clone(),
        state_updated_timestamp: Some(state.updated_at),
        state_transitioned_timestamp: Some(state.transitioned_at),
        evaluation_periods: Some(metric.evaluation_periods),
        datapoints_to_alarm: metric.datapoints_to_alarm,
        threshold: Some(metric.threshold),
        comparison_operator: Some(metric.comparison.as_str().into()),
        treat_missing_data: metric.missing.map(|it| it.text().to_owned()),
        evaluate_low_sample_count_percentile: metric.low_sample_percentile.clone(),
        ..MetricAlarm::default()
    };
    match metric.queries.first().map(|it| &it.source) {
        Some(Source::Measure(measure)) if metric.is_plain => {
            shown.metric_name = Some(measure.name.clone());
            shown.namespace = Some(measure.namespace.clone());
            shown.dimensions = Some(shaped(measure.dimensions.clone()));
            shown.period = Some(measure.period_seconds);
            shown.unit = measure.unit.as_deref().map(Into::into);
            match measure.statistic.as_str() {
                "SampleCount" | "Average" | "Sum" | "Minimum" | "Maximum" => {
                    shown.statistic = Some(measure.statistic.as_str().into());
                }
                _ => shown.extended_statistic = Some(measure.statistic.clone()),
            }
        }
        _ => {
            shown.dimensions = Some(vec![]);
            shown.metrics = Some(metric.queries.iter().cloned().map(Into::into).collect());
        }
    }
    shown
}

fn composite_alarm(context: &Context, alarm: &Alarm, rule: &str, state: &State) -> CompositeAlarm {
    CompositeAlarm {
        actions_enabled: Some(alarm.actions_enabled),
        alarm_actions: list(&alarm.alarm_actions),
        alarm_arn: Some(alarm_arn(&context.scope, &alarm.name)),
        alarm_configuration_updated_timestamp: Some(alarm.changed_at),
        alarm_description: alarm.description.clone(),
        alarm_name: Some(alarm.name.clone()),
        alarm_rule: Some(rule.to_owned()),
        insufficient_data_actions: list(&alarm.insufficient_actions),
        ok_actions: list(&alarm.ok_actions),
        state_reason: Some(state.reason.clone()),
        state_reason_data: state.reason_data.clone(),
        state_updated_timestamp: Some(state.updated_at),
        state_transitioned_timestamp: Some(state.transitioned_at),
        state_value: Some(state.value.as_str().into()),
        ..CompositeAlarm::default()
    }
}

pub(super) async fn describe_alarms_for_metric(
    cloudwatch: &CloudWatch,
    context: &Context,
    input: DescribeAlarmsForMetricInput,
) -> Result<DescribeAlarmsForMetricOutput, ApiError> {
    let wanted = dimensions(input.dimensions.unwrap_or_default())?;
    let statistic = input
        .statistic
        .map(|it| it.as_str().to_owned())
        .or(input.extended_statistic);
    let snapshot = cloudwatch.store.snapshot();
    let all = snapshot.prefix(ALARMS, &key(&context.scope.key(), ""));
    let found = all.into_iter().filter_map(|(place, alarm)| {
        let Body::Metric(metric) = &alarm.body else {
            return None;
        };
        let fits = metric.queries.iter().any(|query| match &query.source {
            Source::Measure(it) => {
                it.name == input.metric_name
                    && it.namespace == input.namespace
                    && it.dimensions == wanted
                    && statistic.as_ref().is_none_or(|wanted| *wanted == it.statistic)
                    && input.period.is_none_or(|wanted| wanted == it.period_seconds)
                    && input
                        .unit
                        .as_ref()
                        .is_none_or(|wanted| it.unit.as_deref() == Some(wanted.as_str()))
            }
            Source::Expression(_) => false,
        });
        let state = snapshot
            .get(STATES, &place)
            .map_or_else(|| table::unchecked(alarm.changed_at), |it| State::clone(&it));
        fits.then(|| metric_alarm(context, &alarm, metric, &state))
    });
    Ok(DescribeAlarmsForMetricOutput {
        metric_alarms: Some(found.collect()),
    })
}
