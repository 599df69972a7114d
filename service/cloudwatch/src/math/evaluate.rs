//! What an expression comes to.

use std::collections::BTreeMap;

use super::function;
use super::parse::{Expression, Operator};
use super::{Series, Value};

/// What an expression may refer to.
pub(crate) struct Given<'a> {
    /// Results of other queries, by id.
    pub values: &'a BTreeMap<String, Value>,
    /// All metrics among them, as `METRICS()` gives them.
    pub metrics: &'a [Series],
    pub from_seconds: i64,
    pub to_seconds: i64,
    /// Of what is made here from nothing.
    pub period_seconds: i64,
}

/// Series in one list, so that lists of lists cost little.
const SERIES_MAX: usize = 500;

/// # Errors
/// Why it comes to nothing, in a sentence.
pub(crate) fn evaluate(expression: &Expression, given: &Given<'_>) -> Result<Value, String> {
    match expression {
        Expression::Number(it) => Ok(Value::Number(*it)),
        Expression::Text(it) => Ok(Value::Text(it.clone())),
        Expression::Name(name) => match given.values.get(name) {
            Some(value) => Ok(value.clone()),
            None if function::is_word(name) => Ok(Value::Text(name.to_ascii_uppercase())),
            None => Err(format!("the id {name} is not the id of another query")),
        },
        Expression::List(list) => {
            let mut all = Vec::new();
            for item in list {
                match evaluate(item, given)? {
                    Value::Series(series) => all.push(series),
                    Value::Many(many) => all.extend(many),
                    Value::Number(_) | Value::Text(_) => return Err("a list holds series only".to_owned()),
                }
                if all.len() > SERIES_MAX {
                    return Err(format!("a list has more than {SERIES_MAX} series"));
                }
            }
            Ok(Value::Many(all))
        }
        Expression::Negative(inner) => each(evaluate(inner, given)?, |it| -it),
        Expression::Not(inner) => each(evaluate(inner, given)?, |it| f64::from(u8::from(it == 0.0))),
        Expression::Binary(operator, left, right) => {
            combine(evaluate(left, given)?, evaluate(right, given)?, |a, b| {
                apply(*operator, a, b)
            })
        }
        Expression::Call(name, arguments) => function::call(name, arguments, given),
    }
}

/// Whether all that is named is known.
///
/// # Errors
/// What is not, in a sentence.
pub(crate) fn check(expression: &Expression, is_id: &impl Fn(&str) -> bool) -> Result<(), String> {
    match expression {
        Expression::Number(_) | Expression::Text(_) => Ok(()),
        Expression::Name(name) if is_id(name) || function::is_word(name) => Ok(()),
        Expression::Name(name) => Err(format!("the id {name} is not the id of another query")),
        Expression::Call(name, arguments) => {
            function::check(name)?;
            arguments.iter().try_for_each(|it| check(it, is_id))
        }
        Expression::List(all) => all.iter().try_for_each(|it| check(it, is_id)),
        Expression::Negative(inner) | Expression::Not(inner) => check(inner, is_id),
        Expression::Binary(_, left, right) => {
            check(left, is_id)?;
            check(right, is_id)
        }
    }
}

fn apply(operator: Operator, a: f64, b: f64) -> f64 {
    let truth = |it: bool| f64::from(u8::from(it));
    match operator {
        Operator::Or => truth(a != 0.0 || b != 0.0),
        Operator::And => truth(a != 0.0 && b != 0.0),
        Operator::Equal => truth(a == b),
        Operator::NotEqual => truth(a != b),
        Operator::Less => truth(a < b),
        Operator::LessOrEqual => truth(a <= b),
        Operator::Greater => truth(a > b),
        Operator::GreaterOrEqual => truth(a >= b),
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
        Operator::Power => a.powf(b),
    }
}

/// Every number by itself.
pub(super) fn each(value: Value, change: impl Fn(f64) -> f64) -> Result<Value, String> {
    let one = |mut series: Series| {
        series.points.values_mut().for_each(|it| *it = change(*it));
        finite(series)
    };
    match value {
        Value::Number(it) => Ok(Value::Number(change(it))),
        Value::Series(series) => Ok(Value::Series(one(series))),
        Value::Many(many) => Ok(Value::Many(many.into_iter().map(one).collect())),
        Value::Text(text) => Err(format!("'{text}' is no number")),
    }
}

/// Numbers of the same moments; a moment that one side lacks is left out.
pub(super) fn combine(
    left: Value,
    right: Value,
    both: impl Fn(f64, f64) -> f64 + Copy,
) -> Result<Value, String> {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => Ok(Value::Number(both(a, b))),
        (Value::Number(a), right) => each(right, |b| both(a, b)),
        (left, Value::Number(b)) => each(left, |a| both(a, b)),
        (Value::Series(a), Value::Series(b)) => Ok(Value::Series(pair(a, &b, both))),
        (Value::Series(a), Value::Many(many)) => Ok(Value::Many(
            many.into_iter().map(|b| pair(b, &a, |b, a| both(a, b))).collect(),
        )),
        (Value::Many(many), Value::Series(b)) => {
            Ok(Value::Many(many.into_iter().map(|a| pair(a, &b, both)).collect()))
        }
        (Value::Many(a), Value::Many(b)) if a.len() == b.len() => Ok(Value::Many(
            a.into_iter().zip(&b).map(|(a, b)| pair(a, b, both)).collect(),
        )),
        (Value::Many(_), Value::Many(_)) => Err("the two lists have different lengths".to_owned()),
        (Value::Text(text), _) | (_, Value::Text(text)) => Err(format!("'{text}' is no number")),
    }
}

fn pair(mut a: Series, b: &Series, both: impl Fn(f64, f64) -> f64) -> Series {
    let points = std::mem::take(&mut a.points);
    a.points = points
        .into_iter()
        .filter_map(|(at, value)| Some((at, both(value, *b.points.get(&at)?))))
        .collect();
    a.period_seconds = a.period_seconds.max(b.period_seconds);
    finite(a)
}

/// What cannot be computed, such as a division by 0, is no value.
fn finite(mut series: Series) -> Series {
    series.points.retain(|_, it| it.is_finite());
    series.id = String::new();
    series
}
