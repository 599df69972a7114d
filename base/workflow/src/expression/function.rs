//! The functions of expressions: their names, how many arguments they take, and what they do.

use super::evaluate::{Evaluation, TEXT_BYTES_MAX};
use super::node::Node;
use super::{EvaluateError, Status};
use crate::value::{Value, json, starts_with_ignoring_case};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Contains,
    StartsWith,
    EndsWith,
    Format,
    Join,
    ToJson,
    FromJson,
    HashFiles,
    Case,
    Success,
    Always,
    Cancelled,
    Failure,
}

impl Function {
    pub(crate) const ALL: [Self; 13] = [
        Self::Contains,
        Self::StartsWith,
        Self::EndsWith,
        Self::Format,
        Self::Join,
        Self::ToJson,
        Self::FromJson,
        Self::HashFiles,
        Self::Case,
        Self::Success,
        Self::Always,
        Self::Cancelled,
        Self::Failure,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::StartsWith => "startsWith",
            Self::EndsWith => "endsWith",
            Self::Format => "format",
            Self::Join => "join",
            Self::ToJson => "toJSON",
            Self::FromJson => "fromJSON",
            Self::HashFiles => "hashFiles",
            Self::Case => "case",
            Self::Success => "success",
            Self::Always => "always",
            Self::Cancelled => "cancelled",
            Self::Failure => "failure",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|function| function.name().eq_ignore_ascii_case(name))
    }

    /// Fewest and most arguments.
    pub(super) fn arguments(self) -> (usize, usize) {
        match self {
            Self::Contains | Self::StartsWith | Self::EndsWith => (2, 2),
            Self::Format | Self::HashFiles => (1, 255),
            Self::Join => (1, 2),
            Self::ToJson | Self::FromJson => (1, 1),
            Self::Case => (3, 255),
            Self::Success | Self::Always | Self::Cancelled | Self::Failure => (0, 0),
        }
    }

    pub(crate) fn asks_status(self) -> bool {
        matches!(
            self,
            Self::Success | Self::Always | Self::Cancelled | Self::Failure
        )
    }
}

impl Evaluation<'_> {
    pub(super) fn call(&self, function: Function, arguments: &[Node]) -> Result<Value, EvaluateError> {
        let value = match (function, arguments) {
            (Function::Contains, [whole, part]) => self.contains(whole, part)?.into(),
            (Function::StartsWith, [whole, part]) => self
                .texts(whole, part)?
                .is_some_and(|(whole, part)| starts_with_ignoring_case(whole.chars(), part.chars()))
                .into(),
            (Function::EndsWith, [whole, part]) => self
                .texts(whole, part)?
                .is_some_and(|(whole, part)| {
                    starts_with_ignoring_case(whole.chars().rev(), part.chars().rev())
                })
                .into(),
            (Function::Format, [format, rest @ ..]) => self.format(format, rest)?.into(),
            (Function::Join, [list, rest @ ..]) => self.join(list, rest.first())?.into(),
            (Function::ToJson, [value]) => bounded(json::pretty(&self.value(value)?))?.into(),
            (Function::FromJson, [text]) => json::parse(&self.value(text)?.text()).map_err(|why| {
                EvaluateError::new(format!("fromJSON was given a text that is no JSON: {why}"))
            })?,
            (Function::HashFiles, patterns) => {
                let patterns: Result<Vec<_>, _> = patterns
                    .iter()
                    .map(|pattern| Ok(self.value(pattern)?.text()))
                    .collect();
                let hash = self.scope.hash_files(&patterns?);
                hash.map_err(|why| EvaluateError::new(format!("hashFiles failed: {why}")))?
                    .into()
            }
            (Function::Case, [cases @ .., otherwise]) => self.case(cases, otherwise)?,
            (Function::Always, _) => true.into(),
            (Function::Success, _) => (self.scope.status() == Status::Success).into(),
            (Function::Failure, _) => (self.scope.status() == Status::Failure).into(),
            (Function::Cancelled, _) => (self.scope.status() == Status::Cancelled).into(),
            // The parser has counted the arguments.
            (function, _) => {
                let message = format!("{} was given the wrong number of arguments", function.name());
                return Err(EvaluateError::new(message));
            }
        };
        Ok(value)
    }

    /// Two texts, or none where one is a list or a mapping.
    fn texts(&self, left: &Node, right: &Node) -> Result<Option<(String, String)>, EvaluateError> {
        let (left, right) = (self.value(left)?, self.value(right)?);
        Ok((left.is_primitive() && right.is_primitive()).then(|| (left.text(), right.text())))
    }

    fn contains(&self, whole: &Node, part: &Node) -> Result<bool, EvaluateError> {
        let (whole, part) = (self.value(whole)?, self.value(part)?);
        Ok(match whole {
            Value::List(items) => items.iter().any(|item| part.loosely_equals(item)),
            Value::Map(_) => false,
            whole if part.is_primitive() => whole.folded().contains(&part.folded()),
            _ => false,
        })
    }

    fn join(&self, list: &Node, separator: Option<&Node>) -> Result<String, EvaluateError> {
        let separator = match separator {
            None => ",".to_owned(),
            Some(node) => Some(self.value(node)?)
                .filter(Value::is_primitive)
                .map_or_else(|| ",".to_owned(), |value| value.text()),
        };
        match self.value(list)? {
            Value::List(items) => {
                let mut joined = String::new();
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        joined.push_str(&separator);
                    }
                    joined = bounded(joined + &item.text())?;
                }
                Ok(joined)
            }
            Value::Map(_) => Ok(String::new()),
            value => Ok(value.text()),
        }
    }

    fn case(&self, cases: &[Node], otherwise: &Node) -> Result<Value, EvaluateError> {
        for pair in cases.chunks_exact(2) {
            match self.value(&pair[0])? {
                Value::Bool(true) => return self.value(&pair[1]),
                Value::Bool(false) => {}
                _ => {
                    return Err(EvaluateError::new(
                        "a condition of `case` is neither true nor false",
                    ));
                }
            }
        }
        self.value(otherwise)
    }

    /// `{0}` is the first argument; `{{` and `}}` are braces.
    fn format(&self, format: &Node, arguments: &[Node]) -> Result<String, EvaluateError> {
        let format = self.value(format)?.text();
        let wrong = |why: &str| EvaluateError::new(format!("the format '{format}' {why}"));
        let mut known: Vec<Option<String>> = vec![None; arguments.len()];
        let mut out = String::new();
        let mut rest = format.as_str();
        while let Some(at) = rest.find(['{', '}']) {
            out.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(behind) = rest.strip_prefix(brace) {
                out.push_str(brace);
                rest = behind;
                continue;
            }
            if brace == "}" {
                return Err(wrong(
                    "has a `}` that nothing opens; a brace itself is written `}}`",
                ));
            }
            let end = rest
                .find('}')
                .ok_or_else(|| wrong("has a `{` that nothing closes; a brace itself is written `{{`"))?;
            let digits = &rest[..end];
            if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return Err(wrong(
                    "has braces without a number; a brace itself is written `{{`",
                ));
            }
            let index: usize = digits.parse().unwrap_or(usize::MAX);
            let argument = arguments.get(index).ok_or_else(|| {
                wrong(&format!(
                    "asks for {{{digits}}}, which is not among its arguments"
                ))
            })?;
            if known[index].is_none() {
                known[index] = Some(self.value(argument)?.text());
            }
            out = bounded(out + known[index].as_deref().unwrap_or_default())?;
            rest = &rest[end + 1..];
        }
        out.push_str(rest);
        bounded(out)
    }
}

/// A text, or the refusal of one that is too long.
pub(super) fn bounded(text: String) -> Result<String, EvaluateError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(EvaluateError::new(format!(
            "the expression makes a text of more than {TEXT_BYTES_MAX} bytes"
        )));
    }
    Ok(text)
}
