//! A broken rule in the words of each service.

use super::{Constraint, Step, Violation};
use crate::limit::VIOLATION_VALUE_MAX_CHARS;
use crate::{ApiError, Value};

/// Most services: all violations in one sentence.
pub fn plain(code: &str, found: &[Violation]) -> ApiError {
    let list: Vec<String> = found
        .iter()
        .map(|it| {
            let value = match &it.value {
                Value::Null if !it.is_sensitive => "Value null".to_owned(),
                value => text(value).map_or_else(|| "Value".to_owned(), |value| format!("Value '{value}'")),
            };
            format!(
                "{value} at '{}' failed to satisfy constraint: Member must {}",
                path(it),
                demand(it.constraint)
            )
        })
        .collect();
    let plural = if list.len() == 1 { "error" } else { "errors" };
    ApiError::client(
        code,
        format!("{} validation {plural} detected: {}", list.len(), list.join("; ")),
    )
}

/// ECR: the first violation.
pub fn ecr(found: &[Violation]) -> ApiError {
    let message = found.first().map_or_else(String::new, |it| {
        let demand = match it.constraint {
            Constraint::Pattern(pattern) => format!("satisfy regular expression '{pattern}'"),
            constraint => demand(constraint),
        };
        format!(
            "Invalid parameter at '{}' failed to satisfy constraint: 'must {demand}'",
            path(it)
        )
    });
    ApiError::client("InvalidParameterException", message)
}

/// EC2: the first violation, by the parameter's name in the request.
pub fn ec2(found: &[Violation]) -> ApiError {
    let Some(it) = found.first() else {
        return ApiError::client("InvalidParameterValue", "");
    };
    let name = it
        .path
        .iter()
        .filter_map(|step| match step {
            Step::Member(member) => Some(crate::query::name(crate::Protocol::Ec2, member)),
            Step::Index(_) | Step::Key(_) => None,
        })
        .next_back()
        .unwrap_or_default();
    let value = text(&it.value).unwrap_or_default();
    match it.constraint {
        Constraint::NotNull => ApiError::client(
            "MissingParameter",
            format!("The request must contain the parameter {name}"),
        ),
        Constraint::ValueAtLeast(limit) => ApiError::client(
            "InvalidParameterValue",
            format!(
                "Value ( {value} ) for parameter {name} is invalid. Expecting a value greater than or equal to {limit}."
            ),
        ),
        Constraint::ValueAtMost(limit) => ApiError::client(
            "InvalidParameterValue",
            format!(
                "Value ( {value} ) for parameter {name} is invalid. Expecting a value less than or equal to {limit}."
            ),
        ),
        Constraint::OneOf(values) => ApiError::client(
            "InvalidParameterValue",
            format!(
                "Value ({value}) for parameter {name} is invalid. Valid values are: {}.",
                values.join(", ")
            ),
        ),
        constraint => ApiError::client(
            "InvalidParameterValue",
            format!(
                "Value ({value}) for parameter {name} is invalid. It must {}.",
                demand(constraint)
            ),
        ),
    }
}

fn demand(constraint: Constraint) -> String {
    match constraint {
        Constraint::NotNull => "not be null".to_owned(),
        Constraint::LengthAtLeast(limit) => format!("have length greater than or equal to {limit}"),
        Constraint::LengthAtMost(limit) => format!("have length less than or equal to {limit}"),
        Constraint::ValueAtLeast(limit) => format!("have value greater than or equal to {limit}"),
        Constraint::ValueAtMost(limit) => format!("have value less than or equal to {limit}"),
        Constraint::Pattern(pattern) => format!("satisfy regular expression pattern: {pattern}"),
        Constraint::OneOf(values) => format!("satisfy enum value set: [{}]", values.join(", ")),
    }
}

/// `containerDefinitions.1.member.name`: AWS counts from 1 and begins every name with a small letter.
fn path(violation: &Violation) -> String {
    let steps: Vec<String> = violation
        .path
        .iter()
        .map(|step| match step {
            Step::Member(member) => {
                let mut name = member.name.to_owned();
                if let Some(first) = name.get_mut(..1) {
                    first.make_ascii_lowercase();
                }
                name
            }
            Step::Index(index) => format!("{}.member", index + 1),
            Step::Key(key) => format!("{}.member", short(key)),
        })
        .collect();
    steps.join(".")
}

/// The value as AWS repeats it; `None` for what is not repeated.
fn text(value: &Value) -> Option<String> {
    Some(match value {
        Value::String(it) => short(it),
        Value::Integer(it) => it.to_string(),
        Value::Float(it) => it.to_string(),
        Value::Boolean(it) => it.to_string(),
        Value::List(list) => {
            let list: Vec<String> = list.iter().map(|it| text(it).unwrap_or_default()).collect();
            short(&format!("[{}]", list.join(", ")))
        }
        Value::Null
        | Value::Blob(_)
        | Value::Timestamp(_)
        | Value::Map(_)
        | Value::Structure(_)
        | Value::Events(_) => {
            return None;
        }
    })
}

fn short(text: &str) -> String {
    if text.chars().count() <= VIOLATION_VALUE_MAX_CHARS {
        return text.to_owned();
    }
    let head: String = text.chars().take(VIOLATION_VALUE_MAX_CHARS).collect();
    format!("{head}...")
}
