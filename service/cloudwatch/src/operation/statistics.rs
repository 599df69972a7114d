//! GetMetricStatistics: several statistics of one metric.

use std::collections::BTreeMap;

use aws_protocol::{ApiError, Context};
use aws_shape::cloudwatch::*;
use contract::metric::{MetricQuery, Series, Summary};
use jiff::Timestamp;

use crate::model::{check_period, dimensions};
use crate::statistic::Statistic as Computed;
use crate::{CloudWatch, error};

const POINTS_MAX: i64 = 1_440;
const MINUTE_SECONDS: i64 = 60;

pub(super) async fn get_metric_statistics(
    cloudwatch: &CloudWatch,
    context: &Context,
    input: GetMetricStatisticsInput,
) -> Result<GetMetricStatisticsOutput, ApiError> {
    check_period(input.period)?;
    let wanted = input.statistics.clone().unwrap_or_default();
    let extended = input.extended_statistics.clone().unwrap_or_default();
    if wanted.is_empty() && extended.is_empty() {
        return Err(error::combination(
            "At least one of the parameters Statistics and ExtendedStatistics must be specified.",
        ));
    }
    let parsed = extended
        .iter()
        .map(|text| {
            Computed::parse(text).ok_or_else(|| {
                error::value(format!(
                    "The value {text} for parameter ExtendedStatistics is not supported."
                ))
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    if input.start_time >= input.end_time {
        return Err(error::combination(
            "The parameter StartTime must be less than the parameter EndTime.",
        ));
    }
    let period = i64::from(input.period);
    // Periods begin where the question begins, on a whole minute.
    let step = if period < MINUTE_SECONDS {
        period
    } else {
        MINUTE_SECONDS
    };
    let from = input.start_time.as_second();
    let from = from - from.rem_euclid(step);
    let to = input.end_time.as_second() + i64::from(input.end_time.subsec_nanosecond() > 0);
    let count = (to - from).max(0) as u64;
    let count = count.div_ceil(period as u64);
    if count > POINTS_MAX as u64 {
        return Err(error::combination(format!(
            "You have requested up to {count} datapoints, which exceeds the limit of 1,440. You may reduce the datapoints requested by increasing Period, or decreasing the time range."
        )));
    }
    let query = MetricQuery {
        series: Series {
            scope: context.scope.key(),
            namespace: input.namespace,
            name: input.metric_name.clone(),
            dimensions: dimensions(input.dimensions.unwrap_or_default())?,
        },
        from_seconds: from,
        to_seconds: to,
        period_seconds: step,
        unit: input.unit.map(|it| it.as_str().to_owned()),
    };
    let mut periods: BTreeMap<(i64, String), Summary> = BTreeMap::new();
    for found in cloudwatch.metrics.read(query).await.map_err(ApiError::internal)? {
        let start = from + (found.start_seconds - from).div_euclid(period) * period;
        periods
            .entry((start, found.unit))
            .or_default()
            .merge(&found.summary);
    }
    let points = periods
        .iter()
        .map(|((at, unit), summary)| point(*at, unit, summary, &wanted, &extended, &parsed));
    Ok(GetMetricStatisticsOutput {
        label: Some(input.metric_name),
        datapoints: Some(points.collect()),
    })
}

fn point(
    at: i64,
    unit: &str,
    summary: &Summary,
    wanted: &[Statistic],
    extended: &[String],
    parsed: &[Computed],
) -> Datapoint {
    let of = |statistic: Statistic, computed: Computed| {
        wanted
            .contains(&statistic)
            .then(|| computed.of(summary))
            .flatten()
    };
    let extended: BTreeMap<String, f64> = extended
        .iter()
        .zip(parsed)
        .filter_map(|(name, computed)| Some((name.clone(), computed.of(summary)?)))
        .collect();
    Datapoint {
        timestamp: Timestamp::from_second(at).ok(),
        sample_count: of(Statistic::SampleCount, Computed::SampleCount),
        average: of(Statistic::Average, Computed::Average),
        sum: of(Statistic::Sum, Computed::Sum),
        minimum: of(Statistic::Minimum, Computed::Minimum),
        maximum: of(Statistic::Maximum, Computed::Maximum),
        unit: Some(unit.into()),
        extended_statistics: (!extended.is_empty()).then_some(extended),
    }
}
