//! Answering queries: statistics from the metric store, expressions over them.

use std::collections::{BTreeMap, BTreeSet};

use aws_protocol::ApiError;
use contract::metric::{MetricQuery, MetricStore, Summary};

use crate::error;
use crate::math::{self, Expression, Given, Series, Value};
use crate::model::{Measure, Query, Source};

/// Which time is asked about, in seconds since 1970; the end does not belong to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub from: i64,
    pub to: i64,
}

/// Checks what can be checked before anything is read.
///
/// # Errors
/// In CloudWatch's words.
pub(crate) fn check(queries: &[Query]) -> Result<(), ApiError> {
    let mut ids = BTreeSet::new();
    for query in queries {
        if !ids.insert(&query.id) {
            return Err(error::validation(format!(
                "The value {} for parameter MetricDataQueries.member.Id is not unique.",
                query.id
            )));
        }
        if let Source::Expression(text) = &query.source {
            let expression = math::parse(text).map_err(|cause| bad_expression(&query.id, &cause))?;
            let known = |name: &str| queries.iter().any(|it| it.id == name);
            math::check(&expression, &known).map_err(|cause| bad_expression(&query.id, &cause))?;
        }
    }
    order(queries).map(drop)
}

fn bad_expression(id: &str, cause: &str) -> ApiError {
    error::validation(format!("Error in expression '{id}': {cause}."))
}

/// The series of each query, in the order of the queries; a query of a number has one value for each period.
///
/// # Errors
/// When an expression comes to nothing, or the store cannot be read.
pub(crate) async fn run(
    store: &dyn MetricStore,
    scope: &str,
    queries: &[Query],
    span: Span,
) -> Result<Vec<Vec<Series>>, ApiError> {
    let order = order(queries)?;
    let mut values: BTreeMap<String, Value> = BTreeMap::new();
    let mut metrics = Vec::new();
    for query in queries {
        if let Source::Measure(measure) = &query.source {
            let mut series = read(store, scope, measure, span).await?;
            series.id.clone_from(&query.id);
            metrics.push(series.clone());
            values.insert(query.id.clone(), Value::Series(series));
        }
    }
    let periods = metrics.iter().map(|it| it.period_seconds);
    let finest = periods.max().unwrap_or(60);
    for index in order {
        let query = &queries[index];
        let Source::Expression(text) = &query.source else {
            continue;
        };
        let expression = math::parse(text).map_err(|cause| bad_expression(&query.id, &cause))?;
        let given = Given {
            values: &values,
            metrics: &metrics,
            from_seconds: span.from,
            to_seconds: span.to,
            period_seconds: query.period_seconds.map_or(finest, i64::from),
        };
        let value = math::evaluate(&expression, &given).map_err(|cause| bad_expression(&query.id, &cause))?;
        values.insert(query.id.clone(), value);
    }
    Ok(queries
        .iter()
        .map(|query| finished(query, values.remove(&query.id), span, finest))
        .collect())
}

fn finished(query: &Query, value: Option<Value>, span: Span, period_seconds: i64) -> Vec<Series> {
    let mut found = match value {
        Some(Value::Series(series)) => vec![series],
        Some(Value::Many(many)) => many,
        Some(Value::Number(number)) if number.is_finite() => {
            let first = span.from - span.from.rem_euclid(period_seconds);
            let points = BTreeMap::from([(first.max(span.from), number)]);
            vec![Series {
                period_seconds,
                points,
                ..Series::default()
            }]
        }
        _ => vec![Series {
            period_seconds,
            ..Series::default()
        }],
    };
    let is_one = found.len() == 1;
    for series in &mut found {
        let own = match &query.source {
            Source::Measure(measure) => measure.name.clone(),
            Source::Expression(_) => query.id.clone(),
        };
        let is_whole = matches!(query.source, Source::Expression(_)) && is_one;
        if series.label.is_empty() || query.label.is_some() || is_whole {
            series.label = query.label.clone().unwrap_or(own);
        }
    }
    found
}

async fn read(
    store: &dyn MetricStore,
    scope: &str,
    measure: &Measure,
    span: Span,
) -> Result<Series, ApiError> {
    let statistic = measure.statistic()?;
    let period_seconds = i64::from(measure.period_seconds);
    let from_seconds = span.from - span.from.rem_euclid(period_seconds);
    let query = MetricQuery {
        series: measure.series(scope),
        from_seconds: if from_seconds < span.from {
            from_seconds + period_seconds
        } else {
            from_seconds
        },
        to_seconds: span.to,
        period_seconds,
        unit: measure.unit.clone(),
    };
    let found = store.read(query).await.map_err(ApiError::internal)?;
    let mut summaries: BTreeMap<i64, Summary> = BTreeMap::new();
    for period in found {
        summaries
            .entry(period.start_seconds)
            .or_default()
            .merge(&period.summary);
    }
    let values = summaries.into_iter();
    Ok(Series {
        label: measure.name.clone(),
        period_seconds,
        points: values
            .filter_map(|(at, summary)| Some((at, statistic.of(&summary)?)))
            .collect(),
        ..Series::default()
    })
}

/// Places of the queries so that each comes after those it refers to.
fn order(queries: &[Query]) -> Result<Vec<usize>, ApiError> {
    let mut found = Vec::new();
    let mut state = vec![0_u8; queries.len()];
    for index in 0..queries.len() {
        visit(queries, index, &mut state, &mut found)?;
    }
    Ok(found)
}

fn visit(queries: &[Query], index: usize, state: &mut [u8], found: &mut Vec<usize>) -> Result<(), ApiError> {
    let query = &queries[index];
    match state[index] {
        2 => return Ok(()),
        1 => return Err(bad_expression(&query.id, "it refers to itself")),
        _ => state[index] = 1,
    }
    if let Source::Expression(text) = &query.source {
        let expression = math::parse(text).map_err(|cause| bad_expression(&query.id, &cause))?;
        let mut names = BTreeSet::new();
        names_in(&expression, &mut names);
        for other in queries
            .iter()
            .enumerate()
            .filter(|(_, it)| names.contains(it.id.as_str()))
            .map(|(at, _)| at)
        {
            visit(queries, other, state, found)?;
        }
    }
    state[index] = 2;
    found.push(index);
    Ok(())
}

fn names_in<'a>(expression: &'a Expression, into: &mut BTreeSet<&'a str>) {
    match expression {
        Expression::Number(_) | Expression::Text(_) => {}
        Expression::Name(name) => drop(into.insert(name)),
        Expression::List(all) | Expression::Call(_, all) => all.iter().for_each(|it| names_in(it, into)),
        Expression::Negative(inner) | Expression::Not(inner) => names_in(inner, into),
        Expression::Binary(_, left, right) => {
            names_in(left, into);
            names_in(right, into);
        }
    }
}
