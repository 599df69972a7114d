//! CloudWatch Logs Insights: the query language, and what it makes of lines. All of it is pure; `query.rs` reads the
//! lines.
//!
//! `parse` makes a [`Query`] of a text; a [`Run`] takes lines, newest first, and has results at any time.

mod aggregate;
mod calendar;
mod error;
mod event;
mod expression;
mod extract;
mod function;
mod parse;
mod run;
mod source;
mod value;

pub(crate) use error::QueryError;
pub(crate) use event::{Event, leaves};
pub(crate) use run::Run;

use expression::Expression;
use extract::Extract;

/// Results of a query that names no limit, and the most that one may name.
pub(crate) const LIMIT_DEFAULT: usize = 10_000;
pub(crate) const LIMIT_MAX: usize = 100_000;

/// A query, ready to be run.
#[derive(Debug)]
pub(crate) struct Query {
    stages: Vec<Stage>,
    /// What the results show, in this order.
    columns: Vec<String>,
    /// Whether results are lines still, which a pointer leads to.
    is_of_lines: bool,
}

#[derive(Debug)]
enum Stage {
    /// Fields that are computed: name and expression.
    Compute(Vec<(String, Expression)>),
    Filter(Expression),
    Parse(Extract),
    Stats(Stats),
    /// Expression, and whether from the largest down.
    Sort(Vec<(Expression, bool)>),
    Dedup(Vec<Expression>),
    Limit(usize),
}

#[derive(Debug)]
struct Stats {
    aggregates: Vec<aggregate::Aggregate>,
    /// Names and expressions over aggregates and over names before them.
    columns: Vec<(String, Expression)>,
    by: Vec<(String, Expression)>,
}

impl Query {
    /// # Errors
    /// What is wrong with the query, and where.
    pub(crate) fn parse(text: &str) -> Result<Self, QueryError> {
        parse::query(text)
    }

    /// The fewest lines that a `limit` lets through.
    fn limit(&self) -> Option<usize> {
        let limits = self.stages.iter().filter_map(|stage| match stage {
            Stage::Limit(limit) => Some(*limit),
            _ => None,
        });
        limits.min()
    }

    /// Substrings that a line must have for it to matter: what the store may look for.
    pub(crate) fn contains(&self) -> Vec<String> {
        let head = self.stages.iter().take_while(|stage| {
            matches!(stage, Stage::Filter(_)) || matches!(stage, Stage::Compute(fields) if fields.iter().all(|(name, _)| name != "@message"))
        });
        let mut contains = Vec::new();
        for stage in head {
            if let Stage::Filter(filter) = stage {
                filter.required(&mut contains);
            }
        }
        contains
    }
}

#[cfg(test)]
mod tests;
