//! Whether a message keeps to its model: required members, lengths, ranges, patterns, enumerations.

mod wording;

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use regex::Regex;

use crate::limit::VIOLATIONS_MAX;
use crate::{ApiError, Kind, Member, Protocol, Schema, ServiceSchema, Value};

/// One rule of the model that a message breaks.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    pub path: Vec<Step>,
    /// The value, as far as it may be repeated.
    pub value: Value,
    pub is_sensitive: bool,
    pub constraint: Constraint,
}

/// One step from a message down to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Member(&'static Member),
    /// Entry of a list, from 0.
    Index(usize),
    /// Key of a map.
    Key(String),
}

/// What the model demands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Constraint {
    NotNull,
    LengthAtLeast(i64),
    LengthAtMost(i64),
    ValueAtLeast(i64),
    ValueAtMost(i64),
    Pattern(&'static str),
    OneOf(&'static [&'static str]),
}

impl PartialEq for Member {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && std::ptr::eq(self.schema, other.schema)
    }
}

impl Eq for Member {}

/// All that is wrong with a value, at most [`VIOLATIONS_MAX`], in the model's order.
pub fn violations(schema: &Schema, value: &Value) -> Vec<Violation> {
    let mut checker = Checker {
        path: Vec::new(),
        found: Vec::new(),
    };
    checker.any(schema, value);
    checker.found
}

/// Most services that speak awsJson say it with the same code.
fn json_code(service: &str) -> &'static str {
    match service {
        "acm" => "ValidationException",
        "servicediscovery" => "InvalidInput",
        _ => "InvalidParameterException",
    }
}

/// Refuses an operation's input that breaks the model, in the words that the service uses for it.
///
/// # Errors
/// When there is a violation.
pub fn check(service: &ServiceSchema, schema: &Schema, value: &Value) -> Result<(), ApiError> {
    let found = violations(schema, value);
    if found.is_empty() {
        return Ok(());
    }
    Err(match service.protocol {
        Protocol::Ec2 => wording::ec2(&found),
        // ECR words it differently from every other service.
        Protocol::Json if service.name == "ecr" => wording::ecr(&found),
        Protocol::Json => wording::plain(json_code(service.name), &found),
        Protocol::Query | Protocol::Cbor => wording::plain("ValidationError", &found),
        Protocol::RestXml => wording::plain("InvalidInput", &found),
    })
}

/// A list of so many values, such as that of all instance types, is out of date whenever it is made, and no sentence can
/// hold it: the service says itself what it does not know.
const CATALOGUE_VALUES_MIN: usize = 200;

struct Checker {
    path: Vec<Step>,
    found: Vec<Violation>,
}

impl Checker {
    fn any(&mut self, schema: &Schema, value: &Value) {
        if self.found.len() >= VIOLATIONS_MAX {
            return;
        }
        match (value, &schema.kind) {
            (Value::Structure(fields), Kind::Structure(members)) => {
                for member in *members {
                    let value = fields.get(member.name);
                    self.path.push(Step::Member(member));
                    match value {
                        Some(value) => self.any(member.schema, value),
                        None if member.required => self.refuse(schema, &Value::Null, Constraint::NotNull),
                        None => {}
                    }
                    self.path.pop();
                }
            }
            (Value::List(list), Kind::List(element)) => {
                self.length(schema, list.len(), value);
                for (index, value) in list.iter().enumerate() {
                    self.path.push(Step::Index(index));
                    match value {
                        Value::Null => self.refuse(schema, value, Constraint::NotNull),
                        value => self.any(element.schema, value),
                    }
                    self.path.pop();
                }
            }
            (Value::Map(map), Kind::Map(key, element)) => {
                self.length(schema, map.len(), value);
                for (name, value) in map {
                    self.path.push(Step::Key(name.clone()));
                    self.text(key.schema, name);
                    self.any(element.schema, value);
                    self.path.pop();
                }
            }
            (Value::String(text), _) => self.text(schema, text),
            (Value::Blob(blob), _) => self.length(schema, blob.len(), value),
            (Value::Integer(number), _) => self.range(schema, *number, value),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "limits are whole, so the floor or ceiling decides"
            )]
            (Value::Float(number), _) => {
                self.range(schema, number.floor() as i64, value);
            }
            _ => {}
        }
    }

    fn text(&mut self, schema: &Schema, text: &str) {
        let value = Value::String(text.to_owned());
        let is_catalogue = schema.values.len() >= CATALOGUE_VALUES_MIN;
        if !schema.values.is_empty() && !is_catalogue && !schema.values.contains(&text) {
            self.refuse(schema, &value, Constraint::OneOf(schema.values));
        }
        self.length(schema, text.chars().count(), &value);
        if let Some(pattern) = schema.pattern
            && !matches(pattern, text)
        {
            self.refuse(schema, &value, Constraint::Pattern(pattern));
        }
    }

    fn length(&mut self, schema: &Schema, length: usize, value: &Value) {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        if let Some(min) = schema.min.filter(|min| length < *min) {
            self.refuse(schema, value, Constraint::LengthAtLeast(min));
        }
        if let Some(max) = schema.max.filter(|max| length > *max) {
            self.refuse(schema, value, Constraint::LengthAtMost(max));
        }
    }

    fn range(&mut self, schema: &Schema, number: i64, value: &Value) {
        if let Some(min) = schema.min.filter(|min| number < *min) {
            self.refuse(schema, value, Constraint::ValueAtLeast(min));
        }
        if let Some(max) = schema.max.filter(|max| number > *max) {
            self.refuse(schema, value, Constraint::ValueAtMost(max));
        }
    }

    fn refuse(&mut self, schema: &Schema, value: &Value, constraint: Constraint) {
        if self.found.len() < VIOLATIONS_MAX {
            let is_sensitive = schema.sensitive;
            let value = if is_sensitive { Value::Null } else { value.clone() };
            self.found.push(Violation {
                path: self.path.clone(),
                value,
                is_sensitive,
                constraint,
            });
        }
    }
}

/// How models written for UTF-16 say "everything beyond the first 65,536 characters".
const PAIRS: &str = r"\uD800\uDC00-\uDBFF\uDFFF";

/// Whether the whole text matches a pattern of a model.
fn matches(pattern: &'static str, text: &str) -> bool {
    /// Compiled once each; there are as many as the models have.
    static COMPILED: LazyLock<Mutex<HashMap<&'static str, Option<Regex>>>> = LazyLock::new(Mutex::default);
    let regex = {
        let mut compiled = COMPILED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        compiled
            .entry(pattern)
            .or_insert_with(|| compile(pattern))
            .clone()
    };
    regex.is_none_or(|it| it.is_match(text))
}

/// A pattern of a model for whole strings. `None` where the model uses what Rust's regular expressions lack; a
/// test sees that no served operation does.
pub fn compile(pattern: &str) -> Option<Regex> {
    let pattern = pattern.replace(PAIRS, r"\u{10000}-\u{10FFFF}");
    Regex::new(&format!("^(?:{pattern})$")).ok()
}

#[cfg(test)]
mod tests;
