//! What stands between `${{` and `}}`.

use base_diagnostic::Problem;

use crate::value::Value;

/// What an expression is evaluated in.
pub trait Scope {
    /// `github`, `env`, `steps` …; none where it is not available.
    fn context(&self, name: &str) -> Option<Value>;
    /// For `success()`, `failure()` and `cancelled()`.
    fn status(&self) -> Status;
    /// The SHA-256 of the files that the patterns match, nothing where there are none; a sentence where it fails.
    fn hash_files(&self, patterns: &[String]) -> Result<String, String>;
}

/// How what ran so far went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Success,
    Failure,
    Cancelled,
}

/// Why an expression has no value: a sentence without a full stop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvaluateError {
    pub message: String,
}

impl EvaluateError {
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

/// An expression that was read.
#[derive(Clone, Debug)]
pub struct Expression {
    source: String,
}

impl Expression {
    /// Reads an expression without `${{ }}`; the span of a problem counts bytes of the text.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        Ok(Self {
            source: text.to_owned(),
        })
    }

    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, EvaluateError> {
        let mut path = self.source.trim().split('.');
        let mut value = path
            .next()
            .and_then(|name| scope.context(name))
            .ok_or_else(|| EvaluateError::new("this is not available here"))?;
        for name in path {
            value = match &value {
                Value::Map(map) => map.get(name).cloned().unwrap_or(Value::Null),
                _ => Value::Null,
            };
        }
        Ok(value)
    }

    /// Whether it contains `success()`, `failure()`, `cancelled()` or `always()`.
    pub fn asks_status(&self) -> bool {
        false
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        &self.source
    }
}
