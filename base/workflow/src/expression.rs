//! What stands between `${{` and `}}`. The rules are those of GitHub's own runner, down to how it writes numbers; the
//! documentation calls them "Evaluate expressions in workflows and actions".

mod evaluate;
mod function;
mod node;
mod parse;
mod token;

use base_diagnostic::Problem;

use crate::value::Value;
pub(crate) use function::Function;
pub(crate) use node::Node;
pub(crate) use token::is_name;

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
    node: Node,
}

impl Expression {
    /// Reads an expression without `${{ }}`; the span of a problem counts bytes of the text.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        Ok(Self {
            node: parse::parse(text)?,
            source: text.trim().to_owned(),
        })
    }

    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, EvaluateError> {
        evaluate::Evaluation { scope }.value(&self.node)
    }

    /// Whether it contains `success()`, `failure()`, `cancelled()` or `always()`.
    pub fn asks_status(&self) -> bool {
        let mut asks = false;
        self.node.walk(&mut |node| {
            asks |= matches!(node, Node::Call { function, .. } if function.asks_status());
        });
        asks
    }

    /// As it was written, without the blanks around it.
    pub fn source(&self) -> &str {
        &self.source
    }

    pub(crate) fn node(&self) -> &Node {
        &self.node
    }
}
