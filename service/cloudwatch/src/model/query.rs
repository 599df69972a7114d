//! What is asked of metrics: a statistic of one, or an expression over others.

use aws_protocol::ApiError;
use aws_shape::cloudwatch as shape;
use contract::metric::Series;
use serde::{Deserialize, Serialize};

use crate::error;
use crate::statistic::Statistic;

/// Periods below a minute.
const SHORT_PERIODS_SECONDS: [i32; 5] = [1, 5, 10, 20, 30];
const DAY_SECONDS: i32 = 86_400;
const DIMENSIONS_MAX: usize = 30;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Query {
    pub id: String,
    pub label: Option<String>,
    pub return_data: Option<bool>,
    pub period_seconds: Option<i32>,
    pub source: Source,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Source {
    Measure(Measure),
    Expression(String),
}

/// A statistic of a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measure {
    pub namespace: String,
    pub name: String,
    /// By name, ascending.
    pub dimensions: Vec<(String, String)>,
    pub statistic: String,
    pub period_seconds: i32,
    pub unit: Option<String>,
}

impl Measure {
    pub(crate) fn series(&self, scope: &str) -> Series {
        Series {
            scope: scope.to_owned(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            dimensions: self.dimensions.clone(),
        }
    }

    /// # Errors
    /// When it is none that CloudWatch knows.
    pub(crate) fn statistic(&self) -> Result<Statistic, ApiError> {
        Statistic::parse(&self.statistic).ok_or_else(|| {
            error::value(format!(
                "The value {} for parameter Stat is not supported.",
                self.statistic
            ))
        })
    }
}

impl TryFrom<shape::MetricDataQuery> for Query {
    type Error = ApiError;

    fn try_from(given: shape::MetricDataQuery) -> Result<Self, ApiError> {
        let id = given.id;
        if !id.starts_with(|c: char| c.is_ascii_lowercase())
            || id.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        {
            return Err(error::validation(format!(
                "The value {id} for parameter MetricDataQueries.member.Id is invalid: it begins with a lower-case letter and has letters, numbers and underscores."
            )));
        }
        if let Some(period) = given.period {
            check_period(period)?;
        }
        let source = match (given.metric_stat, given.expression) {
            (Some(stat), None) => Source::Measure(measure(stat)?),
            (None, Some(expression)) => Source::Expression(expression),
            _ => {
                return Err(error::validation(format!(
                    "Exactly one of MetricStat and Expression must be given for the query {id}."
                )));
            }
        };
        Ok(Self {
            id,
            label: given.label,
            return_data: given.return_data,
            period_seconds: given.period,
            source,
        })
    }
}

fn measure(stat: shape::MetricStat) -> Result<Measure, ApiError> {
    check_period(stat.period)?;
    let measure = Measure {
        namespace: stat
            .metric
            .namespace
            .ok_or_else(|| error::missing("The parameter Namespace is required."))?,
        name: stat
            .metric
            .metric_name
            .ok_or_else(|| error::missing("The parameter MetricName is required."))?,
        dimensions: dimensions(stat.metric.dimensions.unwrap_or_default())?,
        statistic: stat.stat,
        period_seconds: stat.period,
        unit: stat.unit.map(|it| it.as_str().to_owned()),
    };
    measure.statistic()?;
    Ok(measure)
}

impl From<Query> for shape::MetricDataQuery {
    fn from(query: Query) -> Self {
        let (metric_stat, expression) = match query.source {
            Source::Measure(measure) => (Some(measure.into()), None),
            Source::Expression(expression) => (None, Some(expression)),
        };
        Self {
            id: query.id,
            metric_stat,
            expression,
            label: query.label,
            return_data: query.return_data,
            period: query.period_seconds,
            account_id: None,
        }
    }
}

impl From<Measure> for shape::MetricStat {
    fn from(measure: Measure) -> Self {
        Self {
            metric: shape::Metric {
                namespace: Some(measure.namespace),
                metric_name: Some(measure.name),
                dimensions: Some(shaped(measure.dimensions)),
            },
            period: measure.period_seconds,
            stat: measure.statistic,
            unit: measure.unit.map(|it| it.as_str().into()),
        }
    }
}

/// # Errors
/// When it is none that metrics can be asked for.
pub(crate) fn check_period(period: i32) -> Result<(), ApiError> {
    if SHORT_PERIODS_SECONDS.contains(&period)
        || (period > 0 && period % 60 == 0 && period <= DAY_SECONDS * 30)
    {
        return Ok(());
    }
    Err(error::value(
        "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.",
    ))
}

/// # Errors
/// When there are too many, or one twice.
pub(crate) fn dimensions(given: Vec<shape::Dimension>) -> Result<Vec<(String, String)>, ApiError> {
    if given.len() > DIMENSIONS_MAX {
        return Err(error::validation(format!(
            "The collection Dimensions must not have a size greater than {DIMENSIONS_MAX}."
        )));
    }
    let mut found: Vec<(String, String)> = given.into_iter().map(|it| (it.name, it.value)).collect();
    found.sort();
    if let Some(pair) = found.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(error::value(format!(
            "The parameter Dimensions has the name {} twice.",
            pair[0].0
        )));
    }
    Ok(found)
}

pub(crate) fn shaped(dimensions: Vec<(String, String)>) -> Vec<shape::Dimension> {
    let all = dimensions.into_iter();
    all.map(|(name, value)| shape::Dimension { name, value })
        .collect()
}
