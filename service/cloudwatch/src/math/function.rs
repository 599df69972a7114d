//! Functions of metric math.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::evaluate::{Given, each, evaluate};
use super::parse::Expression;
use super::{Series, Value};

/// Arguments that are words.
const WORDS: [&str; 9] = [
    "REPEAT", "LINEAR", "ASC", "DESC", "AVG", "MIN", "MAX", "SUM", "STDDEV",
];

/// Values that an expression makes from nothing.
const POINTS_MAX: i64 = 100_800;

const SERVED: [&str; 32] = [
    "ABS",
    "AVG",
    "CEIL",
    "DATE",
    "DAY",
    "DIFF",
    "DIFF_TIME",
    "EPOCH",
    "FILL",
    "FIRST",
    "FLOOR",
    "HOUR",
    "IF",
    "LAST",
    "LOG",
    "LOG10",
    "MAX",
    "METRICS",
    "METRIC_COUNT",
    "MIN",
    "MINUTE",
    "MONTH",
    "PERIOD",
    "RATE",
    "REMOVE_EMPTY",
    "RUNNING_SUM",
    "SLICE",
    "SORT",
    "STDDEV",
    "SUM",
    "TIME_SERIES",
    "YEAR",
];
/// What CloudWatch has beside these.
const UNSERVED: [&str; 6] = [
    "SEARCH",
    "ANOMALY_DETECTION_BAND",
    "INSIGHT_RULE_METRIC",
    "LAMBDA",
    "DB_PERF_INSIGHTS",
    "SERVICE_QUOTA",
];

pub(super) fn is_word(name: &str) -> bool {
    WORDS.contains(&name.to_ascii_uppercase().as_str())
}

/// # Errors
/// When there is no such function here.
pub(super) fn check(name: &str) -> Result<(), String> {
    if SERVED.contains(&name) {
        Ok(())
    } else {
        Err(unknown(name))
    }
}

fn unknown(name: &str) -> String {
    if UNSERVED.contains(&name) {
        format!("the function {name} is not served by Wharf yet")
    } else {
        format!("there is no function {name}")
    }
}

pub(super) fn call(name: &str, arguments: &[Expression], given: &Given<'_>) -> Result<Value, String> {
    let mut values = arguments
        .iter()
        .map(|it| evaluate(it, given))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter();
    let mut next = || {
        values
            .next()
            .ok_or_else(|| format!("{name} wants more arguments"))
    };
    let value = match name {
        "ABS" => each(next()?, f64::abs)?,
        "CEIL" => each(next()?, f64::ceil)?,
        "FLOOR" => each(next()?, f64::floor)?,
        "LOG" => each(next()?, f64::ln)?,
        "LOG10" => each(next()?, f64::log10)?,
        "SUM" => over(next()?, |all| all.iter().sum())?,
        "AVG" => over(next()?, average)?,
        "MIN" => over(next()?, |all| all.iter().copied().fold(f64::INFINITY, f64::min))?,
        "MAX" => over(next()?, |all| {
            all.iter().copied().fold(f64::NEG_INFINITY, f64::max)
        })?,
        "STDDEV" => over(next()?, deviation)?,
        "METRIC_COUNT" => match next()? {
            Value::Many(many) => Value::Number(many.len() as f64),
            _ => Value::Number(1.0),
        },
        "METRICS" => {
            let wanted = match values.next() {
                Some(Value::Text(text)) => text,
                _ => String::new(),
            };
            let metrics = given.metrics.iter();
            Value::Many(metrics.filter(|it| it.id.contains(&wanted)).cloned().collect())
        }
        "FIRST" | "LAST" => {
            let many = many(next()?)?;
            let found = if name == "FIRST" {
                many.into_iter().next()
            } else {
                many.into_iter().next_back()
            };
            found.map(Value::Series).ok_or("the list is empty")?
        }
        "DIFF" => along(next()?, |_, (_, a), (_, b)| b - a)?,
        "DIFF_TIME" => along(next()?, |_, (a, _), (b, _)| (b - a) as f64)?,
        "RATE" => along(next()?, |_, (at, a), (then, b)| (b - a) / (then - at) as f64)?,
        "RUNNING_SUM" => change(next()?, running_sum)?,
        "REMOVE_EMPTY" => Value::Many(
            many(next()?)?
                .into_iter()
                .filter(|it| !it.points.is_empty())
                .collect(),
        ),
        "FILL" => {
            let (series, by) = (next()?, next()?);
            fill(series, &by, given)?
        }
        "IF" => {
            let (condition, then) = (next()?, next()?);
            choose(condition, then, values.next())?
        }
        "PERIOD" => match next()? {
            Value::Series(it) => Value::Number(it.period_seconds as f64),
            _ => return Err("PERIOD wants one series".to_owned()),
        },
        "TIME_SERIES" => match next()? {
            Value::Number(it) => Value::Series(constant(it, given)),
            _ => return Err("TIME_SERIES wants a number".to_owned()),
        },
        "SORT" => {
            let (many, by, order) = (many(next()?)?, next()?, next()?);
            sort(many, &by, &order, values.next())?
        }
        "SLICE" => {
            let (many, first) = (many(next()?)?, next()?);
            slice(many, &first, values.next())?
        }
        "EPOCH" => time(next()?, |_, at| at as f64)?,
        "MINUTE" => time(next()?, |at, _| at.minute().into())?,
        "HOUR" => time(next()?, |at, _| at.hour().into())?,
        "DAY" => time(next()?, |at, _| at.weekday().to_monday_one_offset().into())?,
        "DATE" => time(next()?, |at, _| at.day().into())?,
        "MONTH" => time(next()?, |at, _| at.month().into())?,
        "YEAR" => time(next()?, |at, _| at.year().into())?,
        _ => return Err(unknown(name)),
    };
    Ok(value)
}

fn average(all: &[f64]) -> f64 {
    all.iter().sum::<f64>() / all.len() as f64
}

fn deviation(all: &[f64]) -> f64 {
    let mean = average(all);
    (all.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / all.len() as f64).sqrt()
}

/// Of one series a number; of several a series, moment by moment.
fn over(value: Value, fold: impl Fn(&[f64]) -> f64) -> Result<Value, String> {
    match value {
        Value::Number(it) => Ok(Value::Number(fold(&[it]))),
        Value::Series(series) => {
            let all: Vec<f64> = series.points.into_values().collect();
            let found = fold(&all);
            Ok(Value::Number(if all.is_empty() || !found.is_finite() {
                f64::NAN
            } else {
                found
            }))
        }
        Value::Many(many) => {
            let period_seconds = many.iter().map(|it| it.period_seconds).max().unwrap_or(60);
            let mut moments: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
            for (at, value) in many.into_iter().flat_map(|it| it.points) {
                moments.entry(at).or_default().push(value);
            }
            let points = moments.into_iter().map(|(at, all)| (at, fold(&all))).collect();
            Ok(Value::Series(Series {
                period_seconds,
                points,
                ..Series::default()
            }))
        }
        Value::Text(text) => Err(format!("'{text}' is no number")),
    }
}

fn many(value: Value) -> Result<Vec<Series>, String> {
    match value {
        Value::Series(series) => Ok(vec![series]),
        Value::Many(many) => Ok(many),
        Value::Number(_) | Value::Text(_) => Err("a list of series is wanted".to_owned()),
    }
}

/// Every series by itself.
fn change(value: Value, one: impl Fn(Series) -> Series) -> Result<Value, String> {
    match value {
        Value::Series(series) => Ok(Value::Series(one(series))),
        Value::Many(many) => Ok(Value::Many(many.into_iter().map(one).collect())),
        Value::Number(_) | Value::Text(_) => Err("a series is wanted".to_owned()),
    }
}

/// Each value from the one before and itself; the first has none before.
fn along(value: Value, step: impl Fn(i64, (i64, f64), (i64, f64)) -> f64) -> Result<Value, String> {
    change(value, |mut series| {
        let points: Vec<(i64, f64)> = std::mem::take(&mut series.points).into_iter().collect();
        series.points = points
            .windows(2)
            .map(|pair| (pair[1].0, step(series.period_seconds, pair[0], pair[1])))
            .collect();
        series
    })
}

fn running_sum(mut series: Series) -> Series {
    let mut sum = 0.0;
    for value in series.points.values_mut() {
        sum += *value;
        *value = sum;
    }
    series
}

fn moments(period_seconds: i64, given: &Given<'_>) -> impl Iterator<Item = i64> {
    let period = period_seconds.max(1);
    let first = given.from_seconds - given.from_seconds.rem_euclid(period);
    let first = if first < given.from_seconds {
        first + period
    } else {
        first
    };
    let count = ((given.to_seconds - first).max(0) as u64)
        .div_ceil(period as u64)
        .min(POINTS_MAX as u64);
    (0..count as i64).map(move |step| first + step * period)
}

fn constant(value: f64, given: &Given<'_>) -> Series {
    Series {
        period_seconds: given.period_seconds,
        points: moments(given.period_seconds, given)
            .map(|at| (at, value))
            .collect(),
        ..Series::default()
    }
}

fn fill(value: Value, by: &Value, given: &Given<'_>) -> Result<Value, String> {
    if !matches!(by, Value::Number(_) | Value::Series(_))
        && !matches!(by, Value::Text(word) if word == "REPEAT" || word == "LINEAR")
    {
        return Err("FILL wants a number, a series, REPEAT or LINEAR".to_owned());
    }
    change(value, |mut series| {
        let known = series.points.clone();
        for at in moments(series.period_seconds, given) {
            let before = known.range(..at).next_back();
            let after = known.range(at..).next();
            let filled = match by {
                Value::Number(it) => Some(*it),
                Value::Series(other) => other.points.get(&at).copied(),
                Value::Text(word) if word == "REPEAT" => before.map(|(_, it)| *it),
                _ => match (before, after) {
                    (Some((from, a)), Some((to, b))) => {
                        Some(a + (b - a) * (at - from) as f64 / (to - from) as f64)
                    }
                    _ => None,
                },
            };
            if let Some(filled) = filled {
                series.points.entry(at).or_insert(filled);
            }
        }
        series
    })
}

/// `IF(condition, then, otherwise)`, moment by moment; without `otherwise` what is not true is left out.
fn choose(condition: Value, then: Value, otherwise: Option<Value>) -> Result<Value, String> {
    let at = |value: &Value, at: i64| match value {
        Value::Number(it) => Some(*it),
        Value::Series(series) => series.points.get(&at).copied(),
        Value::Many(_) | Value::Text(_) => None,
    };
    let of = match (&condition, &then, &otherwise) {
        (Value::Series(series), _, _)
        | (_, Value::Series(series), _)
        | (_, _, Some(Value::Series(series))) => series.clone(),
        (Value::Number(it), then, otherwise) => {
            let chosen = if *it == 0.0 {
                otherwise.clone()
            } else {
                Some(then.clone())
            };
            return Ok(chosen.unwrap_or(Value::Number(f64::NAN)));
        }
        _ => return Err("IF wants numbers and series".to_owned()),
    };
    let mut times: Vec<i64> = of.points.keys().copied().collect();
    if let (Value::Number(_), Some(Value::Series(other))) = (&condition, &otherwise) {
        times.extend(other.points.keys());
        times.sort_unstable();
        times.dedup();
    }
    let points = times.into_iter().filter_map(|moment| {
        let is_true = at(&condition, moment)? != 0.0;
        let value = if is_true {
            at(&then, moment)
        } else {
            otherwise.as_ref().and_then(|it| at(it, moment))
        };
        Some((moment, value?))
    });
    Ok(Value::Series(Series {
        period_seconds: of.period_seconds,
        points: points.collect(),
        ..Series::default()
    }))
}

fn sort(mut many: Vec<Series>, by: &Value, order: &Value, count: Option<Value>) -> Result<Value, String> {
    let (Value::Text(by), Value::Text(order)) = (by, order) else {
        return Err("SORT wants a function (AVG, MIN, MAX or SUM) and ASC or DESC".to_owned());
    };
    let score = |series: &Series| {
        let all: Vec<f64> = series.points.values().copied().collect();
        match by.as_str() {
            "MIN" => all.iter().copied().fold(f64::INFINITY, f64::min),
            "MAX" => all.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            "SUM" => all.iter().sum(),
            _ => average(&all),
        }
    };
    many.sort_by(|a, b| score(a).total_cmp(&score(b)));
    if order == "DESC" {
        many.reverse();
    }
    if let Some(Value::Number(count)) = count {
        many.truncate(place(count));
    }
    Ok(Value::Many(many))
}

fn slice(many: Vec<Series>, first: &Value, end: Option<Value>) -> Result<Value, String> {
    let Value::Number(first) = first else {
        return Err("SLICE wants a number to begin at".to_owned());
    };
    let mut rest = many.into_iter().skip(place(*first));
    match end {
        None => rest
            .next()
            .map(Value::Series)
            .ok_or_else(|| "there is no such place in the list".to_owned()),
        Some(Value::Number(end)) => Ok(Value::Many(
            rest.take(place(end).saturating_sub(place(*first))).collect(),
        )),
        Some(_) => Err("SLICE wants a number to end at".to_owned()),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place in a list"
)]
fn place(number: f64) -> usize {
    number.max(0.0) as usize
}

fn time(value: Value, part: impl Fn(DateTime, i64) -> f64) -> Result<Value, String> {
    change(value, |mut series| {
        for (at, value) in &mut series.points {
            let moment = Timestamp::from_second(*at).unwrap_or(Timestamp::UNIX_EPOCH);
            *value = part(moment.to_zoned(TimeZone::UTC).datetime(), *at);
        }
        series
    })
}
