//! Metric filters: what of a group's lines is counted, and under which metric.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_protocol::{ApiError, Context, page};
use aws_shape::logs::*;

use super::{invalid, refuse_transformed};
use crate::model::{Metric, MetricCursor, MetricFilter as Stored};
use crate::pattern::{Pattern, Selector};
use crate::table::{METRIC_CURSORS, METRIC_FILTERS, SUBSCRIPTION_FILTERS, of_group};
use crate::{Logs, find_group};

const FILTERS_MAX: usize = 100;
/// Metric and subscription filters of a group with a regular expression.
const REGEX_FILTERS_MAX: usize = 5;
const DIMENSIONS_MAX: usize = 3;
const PAGE_FILTERS_MAX: usize = 50;

pub(super) async fn put_metric_filter(
    logs: &Logs,
    context: &Context,
    input: PutMetricFilterRequest,
) -> Result<(), ApiError> {
    refuse_transformed(
        input.apply_on_transformed_logs,
        input.field_selection_criteria.as_deref(),
        input.emit_system_field_dimensions.as_deref(),
    )?;
    let pattern = Pattern::parse(&input.filter_pattern)?;
    let mut transformations = input.metric_transformations;
    let transformation = transformations.pop().filter(|_| transformations.is_empty());
    let transformation =
        transformation.ok_or_else(|| invalid("A metric filter has exactly one metric transformation."))?;
    let metric = metric(&pattern, transformation)?;
    let newest = logs.lines.newest().await.map_err(ApiError::internal)?;
    let filter = Stored {
        scope: context.scope.clone(),
        group: input.log_group_name,
        name: input.filter_name,
        pattern: input.filter_pattern,
        created_ms: logs.clock.now().as_millisecond(),
        metric,
    };
    logs.store
        .write(move |tx| {
            find_group(&tx.snapshot(), &filter.scope, &filter.group)?;
            let of_group = of_group(&filter.scope, &filter.group);
            let key = format!("{of_group}{}", filter.name);
            let old = tx.get(METRIC_FILTERS, &key);
            if old.is_none() && tx.prefix(METRIC_FILTERS, &of_group).len() >= FILTERS_MAX {
                return Err(ApiError::client(
                    "LimitExceededException",
                    "Resource limit exceeded.",
                ));
            }
            if pattern.has_regex() {
                check_regexes(&tx.snapshot(), &of_group, &key)?;
            }
            // What came before a filter is not counted.
            if old.is_none() {
                let cursor = MetricCursor {
                    after: newest,
                    ..Default::default()
                };
                tx.put(METRIC_CURSORS, &key, cursor);
            }
            let created_ms = old.map_or(filter.created_ms, |it| it.created_ms);
            tx.put(METRIC_FILTERS, &key, Stored { created_ms, ..filter });
            Ok(())
        })
        .await
}

/// Regular expressions cost; a group has few, `key` not counted.
pub(super) fn check_regexes(
    snapshot: &base_store::Snapshot,
    of_group: &str,
    key: &str,
) -> Result<(), ApiError> {
    let metric = snapshot.prefix(METRIC_FILTERS, of_group);
    let metric = metric.into_iter().map(|(key, it)| (key, it.pattern.clone()));
    let others = snapshot.prefix(SUBSCRIPTION_FILTERS, of_group);
    let others = others.into_iter().map(|(key, it)| (key, it.pattern.clone()));
    let has_regex = |(other, pattern): &(_, String)| {
        *other != *key && Pattern::parse(pattern).is_ok_and(|pattern| pattern.has_regex())
    };
    if metric.chain(others).filter(has_regex).count() >= REGEX_FILTERS_MAX {
        let message = format!(
            "Resource limit exceeded: a log group has at most {REGEX_FILTERS_MAX} filter patterns with regular expressions."
        );
        return Err(ApiError::client("LimitExceededException", message));
    }
    Ok(())
}

fn metric(pattern: &Pattern, transformation: MetricTransformation) -> Result<Metric, ApiError> {
    let dimensions = transformation.dimensions.unwrap_or_default();
    if dimensions.len() > DIMENSIONS_MAX {
        return Err(invalid(format!(
            "Invalid metric transformation: at most {DIMENSIONS_MAX} dimensions can be set"
        )));
    }
    if !dimensions.is_empty() && transformation.default_value.is_some() {
        return Err(invalid(
            "Invalid metric transformation: default value must not be set if dimensions are set",
        ));
    }
    for source in dimensions.values() {
        check_source(pattern, source)?;
    }
    let value = transformation.metric_value;
    if value.starts_with('$') {
        check_source(pattern, &value)?;
    } else if !value.parse().is_ok_and(f64::is_finite) {
        return Err(invalid(format!(
            "Invalid metric transformation: metricValue '{value}' is neither a number nor a field such as $.latency or $latency"
        )));
    }
    let unit = transformation.unit.map(|it| it.to_string());
    Ok(Metric {
        namespace: transformation.metric_namespace,
        name: transformation.metric_name,
        value,
        default_value: transformation.default_value,
        dimensions,
        unit,
    })
}

/// Where in a line a value is: only a pattern that names parts of a line can say.
fn check_source(pattern: &Pattern, source: &str) -> Result<(), ApiError> {
    let wrong = |why: &str| {
        Err(invalid(format!(
            "Invalid metric transformation: '{source}' {why}"
        )))
    };
    if !pattern.is_structured() {
        return wrong("needs a JSON or space-delimited filter pattern");
    }
    match pattern.field_names() {
        Some(names) => match source.strip_prefix('$') {
            Some(name) if names.contains(&name) || name.parse::<usize>().is_ok() => Ok(()),
            _ => wrong("is not a field of the filter pattern"),
        },
        None => match Selector::parse(source) {
            Ok(_) => Ok(()),
            Err(_) => wrong("is not a property selector"),
        },
    }
}

pub(super) async fn describe_metric_filters(
    logs: &Logs,
    context: &Context,
    input: DescribeMetricFiltersRequest,
) -> Result<DescribeMetricFiltersResponse, ApiError> {
    let (scope, snapshot) = (&context.scope, logs.store.snapshot());
    if input.metric_name.is_some() != input.metric_namespace.is_some() {
        return Err(invalid(
            "metricName and metricNamespace must be specified together.",
        ));
    }
    let head = match &input.log_group_name {
        Some(group) => {
            find_group(&snapshot, scope, group)?;
            of_group(scope, group)
        }
        None => format!("{}/", scope.key()),
    };
    let prefix = input.filter_name_prefix.unwrap_or_default();
    let is = |wanted: &Option<String>, found: &String| wanted.as_ref().is_none_or(|it| it == found);
    let found = snapshot.prefix(METRIC_FILTERS, &head);
    let found = found.into_iter().map(|(_, row)| row).filter(|row| {
        row.name.starts_with(&prefix)
            && is(&input.metric_name, &row.metric.name)
            && is(&input.metric_namespace, &row.metric.namespace)
    });
    let (found, next_token) = page(
        found.collect(),
        input.limit,
        PAGE_FILTERS_MAX,
        input.next_token.as_deref(),
    )?;
    Ok(DescribeMetricFiltersResponse {
        metric_filters: Some(found.into_iter().map(shape).collect()),
        next_token,
    })
}

fn shape(filter: Arc<Stored>) -> MetricFilter {
    let metric = filter.metric.clone();
    let some = |dimensions: BTreeMap<_, _>| (!dimensions.is_empty()).then_some(dimensions);
    MetricFilter {
        filter_name: Some(filter.name.clone()),
        filter_pattern: Some(filter.pattern.clone()),
        creation_time: Some(filter.created_ms),
        log_group_name: Some(filter.group.clone()),
        metric_transformations: Some(vec![MetricTransformation {
            metric_name: metric.name,
            metric_namespace: metric.namespace,
            metric_value: metric.value,
            default_value: metric.default_value,
            dimensions: some(metric.dimensions),
            unit: metric.unit.map(StandardUnit::from),
        }]),
        apply_on_transformed_logs: Some(false),
        ..Default::default()
    }
}

pub(super) async fn delete_metric_filter(
    logs: &Logs,
    context: &Context,
    input: DeleteMetricFilterRequest,
) -> Result<(), ApiError> {
    let scope = context.scope.clone();
    logs.store
        .write(move |tx| {
            find_group(&tx.snapshot(), &scope, &input.log_group_name)?;
            let key = format!("{}{}", of_group(&scope, &input.log_group_name), input.filter_name);
            if tx.get(METRIC_FILTERS, &key).is_none() {
                let message = "The specified metric filter does not exist.";
                return Err(ApiError::client("ResourceNotFoundException", message));
            }
            tx.delete(METRIC_FILTERS, &key);
            tx.delete(METRIC_CURSORS, &key);
            Ok(())
        })
        .await
}

pub(super) async fn test_metric_filter(
    _: &Logs,
    _: &Context,
    input: TestMetricFilterRequest,
) -> Result<TestMetricFilterResponse, ApiError> {
    let pattern = Pattern::parse(&input.filter_pattern)?;
    let matches = input
        .log_event_messages
        .into_iter()
        .zip(1..)
        .filter_map(|(line, number)| {
            let matched = pattern.read(&line)?;
            Some(MetricFilterMatchRecord {
                event_number: Some(number),
                extracted_values: Some(pattern.extracted(&matched)),
                event_message: Some(line),
            })
        });
    Ok(TestMetricFilterResponse {
        matches: Some(matches.collect()),
    })
}
