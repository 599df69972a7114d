//! GetMetricData: several queries at once.

use aws_protocol::{ApiError, Context};
use aws_shape::cloudwatch::*;
use jiff::Timestamp;

use crate::math::Series;
use crate::model::Query;
use crate::query::{self, Span};
use crate::{CloudWatch, error};

const QUERIES_MAX: usize = 500;
const POINTS_MAX: usize = 100_800;

pub(super) async fn get_metric_data(
    cloudwatch: &CloudWatch,
    context: &Context,
    input: GetMetricDataInput,
) -> Result<GetMetricDataOutput, ApiError> {
    if input.metric_data_queries.len() > QUERIES_MAX {
        return Err(error::validation(format!(
            "The collection MetricDataQueries must not have a size greater than {QUERIES_MAX}."
        )));
    }
    if input.start_time >= input.end_time {
        return Err(error::validation(
            "The parameter StartTime must be less than the parameter EndTime.",
        ));
    }
    let queries = input
        .metric_data_queries
        .into_iter()
        .map(Query::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    query::check(&queries)?;
    let span = Span {
        from: input.start_time.as_second(),
        to: ceiling(input.end_time),
    };
    let found = query::run(&*cloudwatch.metrics, &context.scope.key(), &queries, span).await?;
    let is_ascending = input.scan_by == Some(ScanBy::TimestampAscending);
    let shown = queries
        .iter()
        .zip(found)
        .filter(|(query, _)| query.return_data != Some(false));
    let shown = shown.flat_map(|(query, all)| all.into_iter().map(|series| (query.id.clone(), series)));
    let limit = input.max_datapoints.map_or(POINTS_MAX, |it| {
        usize::try_from(it).unwrap_or(1).clamp(1, POINTS_MAX)
    });
    let start = match input.next_token.as_deref() {
        None | Some("") => 0,
        Some(token) => token
            .strip_prefix(TOKEN_HEAD)
            .and_then(|it| it.parse().ok())
            .ok_or_else(error::token)?,
    };
    let (results, next) = page(shown.collect(), is_ascending, start, limit);
    Ok(GetMetricDataOutput {
        metric_data_results: Some(results),
        next_token: next.map(|place| format!("{TOKEN_HEAD}{place}")),
        messages: Some(vec![]),
    })
}

const TOKEN_HEAD: &str = "wharf-points-";

/// A moment within a second belongs to that second.
fn ceiling(at: Timestamp) -> i64 {
    at.as_second() + i64::from(at.subsec_nanosecond() > 0)
}

/// Values beyond `start`, at most so many; and where the next ones begin.
fn page(
    all: Vec<(String, Series)>,
    is_ascending: bool,
    start: usize,
    limit: usize,
) -> (Vec<MetricDataResult>, Option<usize>) {
    let (mut skip, mut left) = (start, limit);
    let mut results = Vec::new();
    let mut is_cut = false;
    for (id, series) in all {
        let mut points: Vec<(i64, f64)> = series.points.into_iter().collect();
        if !is_ascending {
            points.reverse();
        }
        let total = points.len();
        let skipped = skip.min(total);
        skip -= skipped;
        points.drain(..skipped);
        let is_partial = points.len() > left;
        points.truncate(left);
        left -= points.len();
        is_cut |= is_partial;
        // On later pages only what was not shown before.
        if start > 0 && skipped == total {
            continue;
        }
        results.push(MetricDataResult {
            id: Some(id),
            label: Some(series.label),
            timestamps: Some(
                points
                    .iter()
                    .filter_map(|(at, _)| Timestamp::from_second(*at).ok())
                    .collect(),
            ),
            values: Some(points.iter().map(|(_, value)| *value).collect()),
            status_code: Some(if is_partial {
                StatusCode::PartialData
            } else {
                StatusCode::Complete
            }),
            messages: None,
        });
    }
    (results, is_cut.then_some(start + limit))
}
