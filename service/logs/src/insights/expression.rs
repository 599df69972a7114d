//! Expressions: what they are, and what they are worth.

use std::cmp::Ordering;

use regex::Regex;

use super::calendar::Period;
use super::function::Function;
use super::value::Value;

#[derive(Clone, Debug)]
pub(super) enum Expression {
    Value(Value),
    Field(String),
    /// What an aggregate has come to; in `stats` only.
    Aggregate(usize),
    Not(Box<Expression>),
    Negative(Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Compare(Comparison, Box<Expression>, Box<Expression>),
    Arithmetic(Arithmetic, Box<Expression>, Box<Expression>),
    In(Box<Expression>, Vec<Expression>),
    Like(Box<Expression>, Wanted),
    Call(Function, Vec<Expression>),
    /// The beginning of the period that a time is in, or of the next one.
    Floor(Box<Expression>, Period),
    Ceil(Box<Expression>, Period),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
}

/// What `like` looks for.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    Text(String),
    Regex(Regex),
}

/// Where fields and aggregates come from.
pub(super) trait Scope {
    fn field(&self, name: &str) -> Value;

    fn aggregate(&self, _: usize) -> Value {
        Value::Null
    }

    /// Milliseconds since 1970.
    fn now(&self) -> i64;
}

impl Expression {
    pub(super) fn value(&self, scope: &dyn Scope) -> Value {
        match self {
            Self::Value(value) => value.clone(),
            Self::Field(name) => scope.field(name),
            Self::Aggregate(at) => scope.aggregate(*at),
            Self::Not(inner) => Value::Bool(!inner.value(scope).is_true()),
            Self::Negative(inner) => inner
                .value(scope)
                .number()
                .map_or(Value::Null, |it| Value::Number(-it)),
            Self::And(one, other) => Value::Bool(one.value(scope).is_true() && other.value(scope).is_true()),
            Self::Or(one, other) => Value::Bool(one.value(scope).is_true() || other.value(scope).is_true()),
            Self::Compare(comparison, one, other) => {
                Value::Bool(comparison.holds(&one.value(scope), &other.value(scope)))
            }
            Self::Arithmetic(operator, one, other) => operator.apply(&one.value(scope), &other.value(scope)),
            Self::In(one, list) => {
                let one = one.value(scope);
                let same = |it: &Self| one.compare(&it.value(scope)) == Some(Ordering::Equal);
                Value::Bool(list.iter().any(same))
            }
            Self::Like(one, wanted) => {
                let one = one.value(scope);
                Value::Bool(!one.is_null() && wanted.is_in(&one.text()))
            }
            Self::Call(function, arguments) => {
                let arguments: Vec<Value> = arguments.iter().map(|it| it.value(scope)).collect();
                function.call(&arguments, scope.now())
            }
            Self::Floor(time, period) => moved(&time.value(scope), |ms| period.floor(ms)),
            Self::Ceil(time, period) => moved(&time.value(scope), |ms| period.ceil(ms)),
        }
    }

    /// Adds substrings that a line must have for this to be true.
    pub(super) fn required(&self, contains: &mut Vec<String>) {
        match self {
            Self::And(one, other) => {
                one.required(contains);
                other.required(contains);
            }
            Self::Like(one, Wanted::Text(text)) if !text.is_empty() => {
                if matches!(&**one, Self::Field(name) if name == "@message") {
                    contains.push(text.clone());
                }
            }
            _ => {}
        }
    }
}

fn moved(time: &Value, to: impl Fn(i64) -> i64) -> Value {
    time.time().map_or(Value::Null, |ms| Value::Time(to(ms)))
}

impl Comparison {
    /// What is not there equals nothing.
    fn holds(self, one: &Value, other: &Value) -> bool {
        let order = one.compare(other);
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order != Some(Ordering::Equal),
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => order.is_some_and(Ordering::is_le),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        }
    }
}

impl Arithmetic {
    fn apply(self, one: &Value, other: &Value) -> Value {
        let (Some(one), Some(other)) = (one.number(), other.number()) else {
            return Value::Null;
        };
        let number = match self {
            Self::Add => one + other,
            Self::Subtract => one - other,
            Self::Multiply => one * other,
            Self::Divide => one / other,
            Self::Remainder => one % other,
            Self::Power => one.powf(other),
        };
        if number.is_finite() {
            Value::Number(number)
        } else {
            Value::Null
        }
    }
}

impl Wanted {
    fn is_in(&self, text: &str) -> bool {
        match self {
            Self::Text(wanted) => text.contains(wanted.as_str()),
            Self::Regex(wanted) => wanted.is_match(text),
        }
    }
}
