//! Values from those who measure.

use aws_protocol::{ApiError, Context};
use aws_shape::cloudwatch::*;
use contract::metric::{Datum, Series, Summary};

use crate::model::dimensions;
use crate::{CloudWatch, error};

const DATA_MAX: usize = 1_000;
const VALUES_MAX: usize = 150;
const AGE_SECONDS_MAX: i64 = 14 * 24 * 60 * 60;
const FUTURE_SECONDS_MAX: i64 = 2 * 60 * 60;
/// Least and greatest magnitude, as AWS documents them.
const MAGNITUDE_MIN: f64 = 8.515_920e-109;
const MAGNITUDE_MAX: f64 = 1.174_271e108;

pub(super) async fn put_metric_data(
    cloudwatch: &CloudWatch,
    context: &Context,
    input: PutMetricDataInput,
) -> Result<(), ApiError> {
    if input.namespace.starts_with("AWS/") {
        return Err(error::value(
            "The value AWS/ for parameter Namespace is invalid: namespaces that begin with AWS/ are AWS's own.",
        ));
    }
    let of_entities = input.entity_metric_data.unwrap_or_default().into_iter();
    let of_entities = of_entities.flat_map(|it| it.metric_data.unwrap_or_default());
    let given: Vec<MetricDatum> = input
        .metric_data
        .unwrap_or_default()
        .into_iter()
        .chain(of_entities)
        .collect();
    if given.is_empty() {
        return Err(error::missing("The parameter MetricData is required."));
    }
    if given.len() > DATA_MAX {
        return Err(error::validation(format!(
            "The collection MetricData must not have a size greater than {DATA_MAX}."
        )));
    }
    let now = cloudwatch.clock.now().as_second();
    let data = given
        .into_iter()
        .enumerate()
        .map(|(index, datum)| {
            let place = format!("MetricData.member.{}", index + 1);
            read(&context.scope.key(), &input.namespace, &place, now, datum)
        })
        .collect::<Result<Vec<_>, _>>()?;
    cloudwatch.metrics.put(data).await.map_err(ApiError::internal)
}

fn read(scope: &str, namespace: &str, place: &str, now: i64, given: MetricDatum) -> Result<Datum, ApiError> {
    let at_seconds = given.timestamp.map_or(now, |it| it.as_second());
    if at_seconds < now - AGE_SECONDS_MAX {
        return Err(error::value(format!(
            "The parameter {place}.Timestamp must be a value in the past two weeks."
        )));
    }
    if at_seconds > now + FUTURE_SECONDS_MAX {
        return Err(error::value(format!(
            "The parameter {place}.Timestamp must be at most two hours in the future."
        )));
    }
    let is_high_resolution = match given.storage_resolution {
        None | Some(60) => false,
        Some(1) => true,
        Some(_) => {
            return Err(error::value(format!(
                "The parameter {place}.StorageResolution must be 1 or 60."
            )));
        }
    };
    Ok(Datum {
        series: Series {
            scope: scope.to_owned(),
            namespace: namespace.to_owned(),
            name: given.metric_name,
            dimensions: dimensions(given.dimensions.unwrap_or_default())?,
        },
        at_seconds,
        unit: given
            .unit
            .map_or_else(|| "None".to_owned(), |it| it.as_str().to_owned()),
        is_high_resolution,
        summary: summary(
            place,
            given.value,
            given.statistic_values,
            given.values,
            given.counts,
        )?,
    })
}

fn summary(
    place: &str,
    value: Option<f64>,
    statistics: Option<StatisticSet>,
    values: Option<Vec<f64>>,
    counts: Option<Vec<f64>>,
) -> Result<Summary, ApiError> {
    match (value, statistics, values) {
        (Some(value), None, None) => {
            check(&format!("{place}.Value"), value)?;
            Ok(Summary::of(value, 1.0))
        }
        (None, Some(set), None) => {
            let StatisticSet {
                sample_count,
                sum,
                minimum,
                maximum,
            } = set;
            for number in [sample_count, sum, minimum, maximum] {
                check(&format!("{place}.StatisticValues"), number)?;
            }
            if sample_count <= 0.0 || minimum > maximum {
                return Err(error::value(format!(
                    "The parameter {place}.StatisticValues wants a SampleCount above 0 and a Minimum that is not above the Maximum."
                )));
            }
            // Of one value, or of equal ones, the distribution is known.
            if minimum == maximum {
                return Ok(Summary::of(minimum, sample_count));
            }
            Ok(Summary {
                count: sample_count,
                sum,
                min: minimum,
                max: maximum,
                ..Summary::default()
            })
        }
        (None, None, Some(values)) if !values.is_empty() => {
            if values.len() > VALUES_MAX {
                return Err(error::value(format!(
                    "The parameter {place}.Values has more than {VALUES_MAX} values."
                )));
            }
            let counts = counts.unwrap_or_else(|| vec![1.0; values.len()]);
            if counts.len() != values.len() {
                return Err(error::value(format!(
                    "The parameters {place}.Values and {place}.Counts must be of the same length."
                )));
            }
            let mut all = Summary::default();
            for (value, count) in values.into_iter().zip(counts) {
                check(&format!("{place}.Values"), value)?;
                check(&format!("{place}.Counts"), count)?;
                if count <= 0.0 {
                    return Err(error::value(format!(
                        "The parameter {place}.Counts wants numbers above 0."
                    )));
                }
                all.merge(&Summary::of(value, count));
            }
            Ok(all)
        }
        (None, None, _) => Err(error::missing(format!(
            "At least one of the parameters {place}.Value, {place}.Values and {place}.StatisticValues is required."
        ))),
        _ => Err(error::combination(format!(
            "The parameters {place}.Value, {place}.Values and {place}.StatisticValues are mutually exclusive and you have specified more than one."
        ))),
    }
}

fn check(place: &str, value: f64) -> Result<(), ApiError> {
    let magnitude = value.abs();
    if value == 0.0 || (MAGNITUDE_MIN..=MAGNITUDE_MAX).contains(&magnitude) {
        return Ok(());
    }
    Err(error::value(format!(
        "The value {value} for parameter {place} is invalid: NaN, infinities and numbers beyond 2^-360 and 2^360 are not taken."
    )))
}
