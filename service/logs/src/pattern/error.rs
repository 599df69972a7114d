//! What is wrong with a pattern, and where.

use std::fmt;

use aws_protocol::ApiError;

/// A pattern that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PatternError {
    /// Which character, counted from 1.
    pub(crate) character: usize,
    pub(crate) message: String,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} (at character {} of the filter pattern)",
            self.message, self.character
        )
    }
}

impl From<PatternError> for ApiError {
    fn from(error: PatternError) -> Self {
        Self::client("InvalidParameterException", error.to_string())
    }
}
