//! Who may assume a role: what its trust policy says. Pure.
//!
//! What is not understood never helps a caller: a statement that allows does not match then, one that denies does.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::document::{statements, texts};

/// Who asks to be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Such as `ecs-tasks.amazonaws.com`.
    Service(String),
    /// Whoever has a token of this identity provider, by its ARN.
    Federated(String),
    Principal {
        account: String,
        arn: String,
        /// Of a session: the role's own ARN, with its path.
        role_arn: Option<String>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question<'a> {
    pub(crate) caller: &'a Caller,
    /// Such as `sts:AssumeRole`.
    pub(crate) action: &'a str,
    /// What conditions may ask about, under names in lower case.
    pub(crate) facts: &'a BTreeMap<String, String>,
}

/// Keys of conditions whose values are known here; one that is not among the facts has no value.
const KNOWN_FACTS: [&str; 6] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:sourceaccount",
    "aws:sourcearn",
    "sts:externalid",
    "sts:rolesessionname",
];
/// Head of the keys of what tokens of workflows claim.
pub(crate) const TOKEN_CLAIM: &str = "token.actions.githubusercontent.com:";
/// Head of the keys of tags that the request has.
pub(crate) const REQUEST_TAG: &str = "aws:requesttag/";

/// Whether a trust policy lets this happen: something allows it and nothing denies it.
pub(crate) fn allows(document: &str, question: &Question) -> bool {
    let statements = statements(document).unwrap_or_default();
    let mut allowed = false;
    for statement in &statements {
        let denies = statement.get("Effect").and_then(Value::as_str) != Some("Allow");
        match (denies, matches(statement, question)) {
            (true, Some(true) | None) => return false,
            (false, Some(true)) => allowed = true,
            _ => {}
        }
    }
    allowed
}

/// Whether a statement is about the question; `None` when nobody here can tell.
fn matches(statement: &Map<String, Value>, question: &Question) -> Option<bool> {
    let principal = match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (Some(principal), None) => is_caller(principal, question.caller),
        _ => None,
    };
    let action = match (statement.get("Action"), statement.get("NotAction")) {
        (Some(actions), None) => is_action(actions, question.action),
        (None, Some(actions)) => is_action(actions, question.action).map(|it| !it),
        _ => None,
    };
    let condition = match statement.get("Condition") {
        None => Some(true),
        Some(Value::Object(condition)) => holds(condition, question.facts),
        Some(_) => None,
    };
    // One that certainly does not hold decides, whatever the others are.
    let all = [principal, action, condition];
    if all.contains(&Some(false)) {
        return Some(false);
    }
    all.into_iter().collect::<Option<Vec<bool>>>().map(|_| true)
}

fn is_action(actions: &Value, action: &str) -> Option<bool> {
    let action = action.to_ascii_lowercase();
    Some(
        texts(actions)?
            .iter()
            .any(|pattern| like(&pattern.to_ascii_lowercase(), &action)),
    )
}

fn is_caller(principal: &Value, caller: &Caller) -> Option<bool> {
    if principal.as_str() == Some("*") {
        return Some(true);
    }
    let kinds = principal.as_object()?;
    let among = |kind: &str, test: &dyn Fn(&str) -> bool| match kinds.get(kind) {
        None => Some(false),
        Some(values) => Some(texts(values)?.into_iter().any(test)),
    };
    match caller {
        Caller::Service(name) => among("Service", &|value| value == name),
        Caller::Federated(provider) => among("Federated", &|value| value == provider),
        Caller::Principal {
            account,
            arn,
            role_arn,
        } => among("AWS", &|value| {
            value == "*"
                || value == account
                || value == format!("arn:aws:iam::{account}:root")
                || value == arn
                || role_arn.as_deref() == Some(value)
        }),
    }
}

/// Whether all conditions hold.
fn holds(condition: &Map<String, Value>, facts: &BTreeMap<String, String>) -> Option<bool> {
    let mut all = Some(true);
    for (operator, tests) in condition {
        for (key, values) in tests.as_object()? {
            match one_holds(operator, &key.to_ascii_lowercase(), values, facts) {
                Some(true) => {}
                Some(false) => return Some(false),
                None => all = None,
            }
        }
    }
    all
}

fn one_holds(operator: &str, key: &str, values: &Value, facts: &BTreeMap<String, String>) -> Option<bool> {
    let is_known = KNOWN_FACTS.contains(&key) || key.starts_with(REQUEST_TAG) || key.starts_with(TOKEN_CLAIM);
    if !is_known {
        return None;
    }
    let values = texts(values)?;
    let fact = facts.get(key);
    if operator == "Null" {
        return Some(values.iter().any(|value| (*value == "true") == fact.is_none()));
    }
    let (operator, if_exists) = match operator.strip_suffix("IfExists") {
        Some(operator) => (operator, true),
        None => (operator, false),
    };
    // Every fact has one value: for one, any and all are the same, but for none.
    let (operator, if_exists) = match (
        operator.strip_prefix("ForAnyValue:"),
        operator.strip_prefix("ForAllValues:"),
    ) {
        (Some(operator), _) => (operator, if_exists),
        (_, Some(operator)) => (operator, true),
        (None, None) => (operator, if_exists),
    };
    let (test, negated): (fn(&str, &str) -> bool, bool) = match operator {
        "StringEquals" => (equal, false),
        "StringNotEquals" => (equal, true),
        "StringEqualsIgnoreCase" => (equal_without_case, false),
        "StringNotEqualsIgnoreCase" => (equal_without_case, true),
        "StringLike" | "ArnLike" | "ArnEquals" => (like, false),
        "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => (like, true),
        _ => return None,
    };
    match fact {
        None => Some(if_exists || negated),
        Some(fact) => Some(values.iter().any(|value| test(value, fact)) != negated),
    }
}

fn equal(value: &str, fact: &str) -> bool {
    value == fact
}

fn equal_without_case(value: &str, fact: &str) -> bool {
    value.eq_ignore_ascii_case(fact)
}

/// Whether a text fits a pattern with `*` (any characters) and `?` (one).
fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen) = (0, 0);
    // Where to go on when the last star has to take one more character.
    let mut back: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some('*') => {
                back = Some((at + 1, seen));
                at += 1;
            }
            Some(it) if *it == '?' || *it == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => match &mut back {
                Some((after, from)) => {
                    *from += 1;
                    (at, seen) = (*after, *from);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|it| *it == '*')
}

#[cfg(test)]
mod tests;
