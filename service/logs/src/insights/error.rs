//! What is wrong with a query, and where.

use std::fmt;

use aws_protocol::ApiError;
use aws_shape::logs::{QueryCompileError, QueryCompileErrorLocation};

/// A query that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueryError {
    /// Characters from the query's beginning.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// From 1.
    pub(crate) line: usize,
    /// In its line, from 1.
    pub(crate) position: usize,
    pub(crate) message: String,
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at line {} and position {}",
            self.message, self.line, self.position
        )
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        let message = error.to_string();
        let place = |at: usize| i32::try_from(at).ok();
        let compile = QueryCompileError {
            location: Some(QueryCompileErrorLocation {
                start_char_offset: place(error.start),
                end_char_offset: place(error.end),
            }),
            message: Some(message.clone()),
        };
        Self::client("MalformedQueryException", message).field("queryCompileError", compile)
    }
}
