//! Metric math: expressions over series of numbers.

mod evaluate;
mod function;
mod parse;
mod token;

use std::collections::BTreeMap;

pub(crate) use evaluate::{Given, check, evaluate};
pub(crate) use parse::{Expression, parse};

/// Numbers by the second at which their period begins.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Series {
    /// The id of the query that it came from; empty for what was computed.
    pub id: String,
    pub label: String,
    pub period_seconds: i64,
    pub points: BTreeMap<i64, f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Number(f64),
    Series(Series),
    Many(Vec<Series>),
    /// The argument of a function, such as `REPEAT`.
    Text(String),
}

#[cfg(test)]
mod tests;
