//! Alarms on metrics, and what can be done to any alarm.

use aws_protocol::{ApiError, Context};
use aws_shape::cloudwatch::*;
use jiff::Timestamp;

use crate::model::{
    Alarm, Body, Event, Gap, Measure, Metric, Query, Source, State, check_period, dimensions,
};
use crate::plan::composite;
use crate::table::{self, ALARMS, STATES, alarm, alarm_arn, is_composite, key};
use crate::{CloudWatch, error, query, reconcile};

pub(super) const ACTIONS_MAX: usize = 5;
const QUERIES_MAX: usize = 20;
const SPAN_SECONDS_MAX: i64 = 86_400;
const LONG_SPAN_SECONDS_MAX: i64 = 7 * 86_400;
const HOUR_SECONDS: i64 = 3_600;
const SERVED: [&str; 4] = [
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
];
/// The id of the one query of an alarm that came as a metric.
const PLAIN_ID: &str = "m1";

pub(super) async fn put_metric_alarm(
    cloudwatch: &CloudWatch,
    context: &Context,
    input: PutMetricAlarmInput,
) -> Result<(), ApiError> {
    let metric = metric(&input)?;
    let alarm = Alarm {
        name: input.alarm_name,
        description: input.alarm_description,
        actions_enabled: input.actions_enabled.unwrap_or(true),
        ok_actions: actions("OKActions", input.ok_actions)?,
        alarm_actions: actions("AlarmActions", input.alarm_actions)?,
        insufficient_actions: actions("InsufficientDataActions", input.insufficient_data_actions)?,
        changed_at: cloudwatch.clock.now(),
        tags: input
            .tags
            .unwrap_or_default()
            .into_iter()
            .map(|it| (it.key, it.value))
            .collect(),
        body: Body::Metric(metric),
    };
    save(cloudwatch, context, alarm).await
}

fn metric(input: &PutMetricAlarmInput) -> Result<Metric, ApiError> {
    if input.threshold_metric_id.is_some() {
        return Err(error::validation(
            "Wharf serves no anomaly detection: ThresholdMetricId cannot be given.",
        ));
    }
    if input.evaluation_criteria.is_some() {
        return Err(error::validation(
            "Wharf serves no PromQL alarms: EvaluationCriteria cannot be given.",
        ));
    }
    let comparison = input
        .comparison_operator
        .as_ref()
        .map(|it| it.as_str().to_owned());
    let comparison =
        comparison.ok_or_else(|| error::missing("The parameter ComparisonOperator is required."))?;
    if !SERVED.contains(&comparison.as_str()) {
        return Err(error::validation(format!(
            "Wharf serves no anomaly detection: the ComparisonOperator {comparison} cannot be given."
        )));
    }
    let evaluation_periods = input
        .evaluation_periods
        .ok_or_else(|| error::missing("The parameter EvaluationPeriods is required."))?;
    if let Some(needed) = input.datapoints_to_alarm
        && needed > evaluation_periods
    {
        return Err(error::validation(
            "The parameter DatapointsToAlarm must be less than or equal to EvaluationPeriods.",
        ));
    }
    let missing = input.treat_missing_data.as_deref().map(|text| {
        Gap::parse(text).ok_or_else(|| {
            error::value(format!("The value {text} for parameter TreatMissingData is invalid: breaching, notBreaching, ignore and missing are known."))
        })
    });
    let (queries, is_plain) = queries(input)?;
    let period = queries.iter().filter_map(|it| match &it.source {
        Source::Measure(measure) => Some(i64::from(measure.period_seconds)),
        Source::Expression(_) => it.period_seconds.map(i64::from),
    });
    let period = period.max().unwrap_or(60);
    let span_max = if period >= HOUR_SECONDS {
        LONG_SPAN_SECONDS_MAX
    } else {
        SPAN_SECONDS_MAX
    };
    if period * i64::from(evaluation_periods) > span_max {
        return Err(error::validation(format!(
            "Metrics cannot be checked across more than {} (EvaluationPeriods * Period must be <= {span_max}).",
            if span_max == SPAN_SECONDS_MAX {
                "a day"
            } else {
                "a week"
            }
        )));
    }
    Ok(Metric {
        queries,
        is_plain,
        evaluation_periods,
        datapoints_to_alarm: input.datapoints_to_alarm,
        threshold: input
            .threshold
            .filter(|it| it.is_finite())
            .ok_or_else(|| error::missing("The parameter Threshold is required, and is a number."))?,
        comparison,
        missing: missing.transpose()?,
        low_sample_percentile: input.evaluate_low_sample_count_percentile.clone(),
    })
}

fn queries(input: &PutMetricAlarmInput) -> Result<(Vec<Query>, bool), ApiError> {
    if let Some(given) = &input.metrics {
        if input.metric_name.is_some() || input.namespace.is_some() || input.period.is_some() {
            return Err(error::combination(
                "The parameters MetricName, Namespace and Period must not be specified with Metrics.",
            ));
        }
        if given.len() > QUERIES_MAX {
            return Err(error::validation(format!(
                "The collection Metrics must not have a size greater than {QUERIES_MAX}."
            )));
        }
        let queries = given
            .iter()
            .cloned()
            .map(Query::try_from)
            .collect::<Result<Vec<_>, _>>()?;
        query::check(&queries)?;
        if queries.iter().filter(|it| it.return_data != Some(false)).count() != 1 {
            return Err(error::validation(
                "Exactly one element of the metrics list should return data.",
            ));
        }
        return Ok((queries, false));
    }
    let missing = |name| error::missing(format!("The parameter {name} is required."));
    let statistic = match (&input.statistic, &input.extended_statistic) {
        (Some(it), None) => it.as_str().to_owned(),
        (None, Some(it)) => it.clone(),
        (None, None) => return Err(missing("Statistic or ExtendedStatistic")),
        (Some(_), Some(_)) => {
            return Err(error::combination(
                "Exactly one of Statistic and ExtendedStatistic must be specified.",
            ));
        }
    };
    let period_seconds = input.period.ok_or_else(|| missing("Period"))?;
    check_period(period_seconds)?;
    let measure = Measure {
        namespace: input.namespace.clone().ok_or_else(|| missing("Namespace"))?,
        name: input.metric_name.clone().ok_or_else(|| missing("MetricName"))?,
        dimensions: dimensions(input.dimensions.clone().unwrap_or_default())?,
        statistic,
        period_seconds,
        unit: input.unit.as_ref().map(|it| it.as_str().to_owned()),
    };
    measure.statistic()?;
    let query = Query {
        id: PLAIN_ID.to_owned(),
        label: None,
        return_data: Some(true),
        period_seconds: None,
        source: Source::Measure(measure),
    };
    Ok((vec![query], true))
}

/// ARNs of actions that are carried out, and addresses of HTTP targets.
pub(super) fn actions(place: &str, given: Option<Vec<String>>) -> Result<Vec<String>, ApiError> {
    let given = given.unwrap_or_default();
    if given.len() > ACTIONS_MAX {
        return Err(error::validation(format!(
            "The collection {place} must not have a size greater than {ACTIONS_MAX}."
        )));
    }
    for action in &given {
        let is_url = action.starts_with("http://") || action.starts_with("https://");
        let is_policy = action.starts_with("arn:aws:autoscaling:") && action.contains(":scalingPolicy:");
        if is_url || is_policy {
            continue;
        }
        if !action.starts_with("arn:") {
            return Err(error::validation(format!("Invalid arn syntax: {action}")));
        }
        return Err(error::validation(format!(
            "Wharf does not serve the action {action}: scaling policies, and http:// and https:// addresses that are sent a POST, are."
        )));
    }
    Ok(given)
}

/// Puts an alarm in the place of the one with its name, whose state stays.
pub(super) async fn save(
    cloudwatch: &CloudWatch,
    context: &Context,
    mut alarm: Alarm,
) -> Result<(), ApiError> {
    let (scope, id, arn) = (
        context.scope.key(),
        cloudwatch.ids.hex(8),
        alarm_arn(&context.scope, &alarm.name),
    );
    let key = key(&scope, &alarm.name);
    cloudwatch
        .store
        .write(move |tx| {
            let before = tx.get(ALARMS, &key);
            if before.as_ref().is_some_and(|it| is_composite(it) != is_composite(&alarm)) {
                return Err(error::validation(format!("The alarm {} exists and is of the other kind.", alarm.name)));
            }
            let what = if before.is_some() { "updated" } else { "created" };
            // Tags are given when an alarm is made; later TagResource changes them.
            if let Some(before) = &before {
                alarm.tags.clone_from(&before.tags);
            }
            let at = alarm.changed_at;
            let event = Event {
                alarm: alarm.name.clone(),
                is_composite: is_composite(&alarm),
                at,
                kind: "ConfigurationUpdate".to_owned(),
                summary: format!("Alarm \"{}\" {what}", alarm.name),
                data: serde_json::json!({ "version": "1.0", "type": if before.is_some() { "Update" } else { "Create" }, "alarmArn": arn }).to_string(),
            };
            table::record(tx, &scope, &id, event);
            if tx.get(STATES, &key).is_none() {
                tx.put(STATES, &key, table::unchecked(at));
            }
            tx.put(ALARMS, &key, alarm);
            Ok(())
        })
        .await
}

pub(super) async fn delete_alarms(
    cloudwatch: &CloudWatch,
    context: &Context,
    input: DeleteAlarmsInput,
) -> Result<(), ApiError> {
    let scope = context.scope.key();
    cloudwatch
        .store
        .write(move |tx| {
            let snapshot = tx.snapshot();
            for name in &input.alarm_names {
                alarm(&snapshot, &scope, name)?;
            }
            for (_, other) in snapshot.prefix(ALARMS, &format!("{scope}/")) {
                if input.alarm_names.contains(&other.name) {
                    continue;
                }
                let Body::Composite(it) = &other.body else {
                    continue;
                };
                let Ok(rule) = composite::parse(&it.rule) else {
                    continue;
                };
                if let Some(name) = composite::children(&rule)
                    .into_iter()
                    .find(|it| input.alarm_names.iter().any(|name| name == it))
                {
                    return Err(error::validation(format!(
                        "The alarm {name} cannot be deleted: the composite alarm {} depends on it.",
                        other.name
                    )));
                }
            }
            for name in &input.alarm_names {
                tx.delete(ALARMS, &key(&scope, name));
                tx.delete(STATES, &key(&scope, name));
            }
            Ok(())
        })
        .await
}

pub(super) async fn set_alarm_state(
    cloudwatch: &CloudWatch,
    context: &Context,
    input: SetAlarmStateInput,
) -> Result<(), ApiError> {
    if let Some(data) = &input.state_reason_data
        && serde_json::from_str::<serde_json::Value>(data).is_err()
    {
        return Err(ApiError::client(
            "InvalidFormat",
            "TheStateReasonData parameter is not valid JSON",
        ));
    }
    let (scope, now, ids) = (
        context.scope.clone(),
        cloudwatch.clock.now(),
        cloudwatch.ids.clone(),
    );
    cloudwatch
        .store
        .write(move |tx| {
            let alarm = alarm(&tx.snapshot(), &scope.key(), &input.alarm_name)?;
            let found = State {
                value: input.state_value.as_str().to_owned(),
                reason: input.state_reason,
                reason_data: input.state_reason_data,
                ..table::unchecked(now)
            };
            reconcile::enter(tx, &scope, &alarm, found, now, &*ids);
            Ok(())
        })
        .await
}

pub(super) async fn enable_alarm_actions(
    cloudwatch: &CloudWatch,
    context: &Context,
    input: EnableAlarmActionsInput,
) -> Result<(), ApiError> {
    switch(cloudwatch, context, input.alarm_names, true).await
}

pub(super) async fn disable_alarm_actions(
    cloudwatch: &CloudWatch,
    context: &Context,
    input: DisableAlarmActionsInput,
) -> Result<(), ApiError> {
    switch(cloudwatch, context, input.alarm_names, false).await
}

/// Alarms that are not there are left out, as AWS does.
async fn switch(
    cloudwatch: &CloudWatch,
    context: &Context,
    names: Vec<String>,
    on: bool,
) -> Result<(), ApiError> {
    let (scope, now): (_, Timestamp) = (context.scope.key(), cloudwatch.clock.now());
    cloudwatch
        .store
        .write(move |tx| {
            for name in names {
                let key = key(&scope, &name);
                if let Some(found) = tx.get(ALARMS, &key) {
                    tx.put(
                        ALARMS,
                        &key,
                        Alarm {
                            actions_enabled: on,
                            changed_at: now,
                            ..Alarm::clone(&found)
                        },
                    );
                }
            }
            Ok(())
        })
        .await
}
