//! Texts with `${{ … }}` parts, and conditions.

use std::ops::Range;

use base_diagnostic::Problem;

use crate::expression::{EvaluateError, Expression, Scope, Status};
use crate::value::Value;

/// A text with `${{ … }}` parts. One that is a single expression keeps the type of the expression's value; a plain
/// scalar of YAML (`true`, `5`) keeps its type too.
#[derive(Clone, Debug)]
pub struct Template {
    /// Bytes of the workflow file.
    pub span: Range<usize>,
    source: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Literal(Value),
    Expression(Expression),
}

impl Template {
    /// A text without expressions, whatever it contains.
    pub fn literal(text: impl Into<String>) -> Self {
        let source = text.into();
        Self {
            span: 0..0,
            parts: vec![Part::Literal(Value::Text(source.clone()))],
            source,
        }
    }

    pub fn parse(text: &str) -> Result<Self, Problem> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("${{") {
            if start > 0 {
                parts.push(Part::Literal(Value::from(&rest[..start])));
            }
            let Some(end) = rest[start..].find("}}") else {
                return Err(Problem::new(0..text.len(), "the expression has no end"));
            };
            parts.push(Part::Expression(Expression::parse(
                &rest[start + 3..start + end],
            )?));
            rest = &rest[start + end + 2..];
        }
        if !rest.is_empty() || parts.is_empty() {
            parts.push(Part::Literal(Value::from(rest)));
        }
        Ok(Self {
            span: 0..text.len(),
            source: text.to_owned(),
            parts,
        })
    }

    pub fn value(&self, scope: &dyn Scope) -> Result<Value, EvaluateError> {
        if let [part] = self.parts.as_slice() {
            return part.value(scope);
        }
        let mut text = String::new();
        for part in &self.parts {
            text.push_str(&part.value(scope)?.text());
        }
        Ok(Value::Text(text))
    }

    pub fn text(&self, scope: &dyn Scope) -> Result<String, EvaluateError> {
        Ok(self.value(scope)?.text())
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    pub fn is_literal(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Literal(_)))
    }
}

impl Part {
    fn value(&self, scope: &dyn Scope) -> Result<Value, EvaluateError> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Expression(expression) => expression.evaluate(scope),
        }
    }
}

/// An `if:`. Unless it asks for the status itself, `success() &&` stands before it.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Bytes of the workflow file.
    pub span: Range<usize>,
    source: String,
    /// None: whatever the status is good for.
    expression: Option<Template>,
    asks_status: bool,
}

impl Condition {
    /// What holds where no `if:` is written.
    pub fn always_if_success() -> Self {
        Self {
            span: 0..0,
            source: String::new(),
            expression: None,
            asks_status: false,
        }
    }

    pub fn holds(&self, scope: &dyn Scope) -> Result<bool, EvaluateError> {
        if !self.asks_status && scope.status() != Status::Success {
            return Ok(false);
        }
        match &self.expression {
            None => Ok(true),
            Some(expression) => Ok(expression.value(scope)?.truthy()),
        }
    }

    /// As it was written; empty where it was not.
    pub fn source(&self) -> &str {
        &self.source
    }
}
