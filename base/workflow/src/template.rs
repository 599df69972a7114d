//! Texts with `${{ … }}` parts, and conditions.

use std::ops::Range;

use base_diagnostic::Problem;

use crate::expression::{EvaluateError, Expression, Scope, Status};
use crate::value::Value;

/// What a template makes is at most this long: what stands in a file is short, but contexts can be long.
const TEXT_BYTES_MAX: usize = 10 << 20;

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
    Expression {
        expression: Expression,
        /// Where it begins behind `${{`, in bytes of the text.
        start: usize,
    },
}

/// A piece of a text, before it is read.
enum Piece<'a> {
    Literal(&'a str),
    /// What is between `${{` and `}}`, and where that begins.
    Expression(&'a str, usize),
    /// From a `${{` that has no `}}`.
    Endless(usize),
}

impl Template {
    /// A text without expressions, whatever it contains.
    pub fn literal(text: impl Into<String>) -> Self {
        Self::of_value(Value::Text(text.into()))
    }

    /// A value that is known.
    pub(crate) fn of_value(value: Value) -> Self {
        Self {
            span: 0..0,
            source: value.text(),
            parts: vec![Part::Literal(value)],
        }
    }

    /// Reads a text; the span of a problem counts its bytes.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let (template, problems) = Self::parse_whole(text);
        match problems.into_iter().next() {
            None => Ok(template),
            Some(problem) => Err(problem),
        }
    }

    /// Reads as much as can be understood, with all problems.
    pub(crate) fn parse_whole(text: &str) -> (Self, Vec<Problem>) {
        let mut parts = Vec::new();
        let mut problems = Vec::new();
        for piece in pieces(text) {
            match piece {
                Piece::Literal(literal) => parts.push(Part::Literal(Value::from(literal))),
                Piece::Expression(inner, start) => match Expression::parse(inner) {
                    Ok(expression) => parts.push(Part::Expression { expression, start }),
                    Err(problem) => problems.push(shifted(problem, start, text)),
                },
                Piece::Endless(start) => {
                    let line = text[start..].lines().next().unwrap_or_default().trim_end();
                    let problem = Problem::new(start..start + line.len(), "the expression has no end");
                    problems.push(problem.hint("an expression is written `${{ … }}`"));
                }
            }
        }
        let template = Self {
            span: 0..text.len(),
            source: text.to_owned(),
            parts,
        };
        (template, problems)
    }

    /// A whole text that is an expression without `${{ }}`, as in `if:`.
    pub(crate) fn bare(text: &str) -> Result<Self, Problem> {
        let expression = Expression::parse(text)?;
        Ok(Self {
            span: 0..text.len(),
            source: text.to_owned(),
            parts: vec![Part::Expression { expression, start: 0 }],
        })
    }

    pub fn value(&self, scope: &dyn Scope) -> Result<Value, EvaluateError> {
        if let [part] = self.parts.as_slice() {
            return part.value(scope);
        }
        let mut text = String::new();
        for part in &self.parts {
            text.push_str(&part.value(scope)?.text());
            if text.len() > TEXT_BYTES_MAX {
                let message = format!("the text becomes longer than {TEXT_BYTES_MAX} bytes");
                return Err(EvaluateError::new(message));
            }
        }
        Ok(Value::Text(text))
    }

    pub fn text(&self, scope: &dyn Scope) -> Result<String, EvaluateError> {
        Ok(self.value(scope)?.text())
    }

    /// As it was written. Use `text` for what it is worth: `3.10` without quotes is the number 3.1.
    pub fn source(&self) -> &str {
        &self.source
    }

    pub fn is_literal(&self) -> bool {
        self.expressions().next().is_none()
    }

    /// The value of one without expressions.
    pub fn literal_value(&self) -> Option<Value> {
        match self.parts.as_slice() {
            [] => Some(Value::from("")),
            [Part::Literal(value)] => Some(value.clone()),
            _ => None,
        }
    }

    /// Nothing but one expression.
    pub(crate) fn is_single_expression(&self) -> bool {
        matches!(self.parts.as_slice(), [Part::Expression { .. }])
    }

    /// Every expression, and where it begins in the text.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = (&Expression, usize)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Expression { expression, start } => Some((expression, *start)),
            Part::Literal(_) => None,
        })
    }

    /// With the source and the place of the file, and the value where YAML knows a type.
    pub(crate) fn written(mut self, span: Range<usize>, source: &str) -> Self {
        self.span = span;
        source.clone_into(&mut self.source);
        self
    }
}

impl Part {
    fn value(&self, scope: &dyn Scope) -> Result<Value, EvaluateError> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Expression { expression, .. } => expression.evaluate(scope),
        }
    }
}

/// A problem of a part, as a problem of the text.
fn shifted(mut problem: Problem, start: usize, text: &str) -> Problem {
    problem.span = start + problem.span.start..start + problem.span.end;
    // `${{ }}` is best underlined whole.
    if problem.span.is_empty() {
        problem.span = start.saturating_sub(3)..(start + 2).min(text.len());
    }
    problem
}

/// An expression ends at the first `}}` that is not inside of a quoted text.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find("${{") {
        if found > 0 {
            pieces.push(Piece::Literal(&text[at..at + found]));
        }
        let start = at + found + 3;
        let Some(length) = end_of_expression(&text[start..]) else {
            pieces.push(Piece::Endless(at + found));
            return pieces;
        };
        pieces.push(Piece::Expression(&text[start..start + length], start));
        at = start + length + 2;
    }
    if at < text.len() || pieces.is_empty() {
        pieces.push(Piece::Literal(&text[at..]));
    }
    pieces
}

fn end_of_expression(text: &str) -> Option<usize> {
    let mut quoted = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'\'' => quoted = !quoted,
            b'}' if !quoted && text[at..].starts_with("}}") => return Some(at),
            _ => {}
        }
    }
    None
}

/// An `if:`. Unless it asks for the status itself, `success() &&` stands before it.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Bytes of the workflow file.
    pub span: Range<usize>,
    /// None: whatever the status is good for.
    template: Option<Template>,
    asks_status: bool,
}

impl Condition {
    /// What holds where no `if:` is written.
    pub fn always_if_success() -> Self {
        Self {
            span: 0..0,
            template: None,
            asks_status: false,
        }
    }

    pub(crate) fn of(template: Template) -> Self {
        let asks_status = template
            .expressions()
            .any(|(expression, _)| expression.asks_status());
        Self {
            span: template.span.clone(),
            asks_status,
            template: Some(template),
        }
    }

    pub fn holds(&self, scope: &dyn Scope) -> Result<bool, EvaluateError> {
        if !self.asks_status && scope.status() != Status::Success {
            return Ok(false);
        }
        match &self.template {
            None => Ok(true),
            Some(template) => Ok(template.value(scope)?.truthy()),
        }
    }

    /// Whether it contains `success()`, `failure()`, `cancelled()` or `always()`.
    pub fn asks_status(&self) -> bool {
        self.asks_status
    }

    /// As it was written; empty where it was not.
    pub fn source(&self) -> &str {
        self.template.as_ref().map_or("", Template::source)
    }
}
