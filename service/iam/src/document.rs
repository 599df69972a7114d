//! Policy documents: whether a text is one, and what its statements say.

use aws_protocol::ApiError;
use serde_json::{Map, Value};

const VERSIONS: [&str; 2] = ["2012-10-17", "2008-10-17"];
const STATEMENT_KEYS: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

fn malformed(message: impl Into<String>) -> ApiError {
    ApiError::client("MalformedPolicyDocument", message)
}

/// The statements of a document, one or several.
pub(crate) fn statements(text: &str) -> Result<Vec<Map<String, Value>>, ApiError> {
    let document: Value =
        serde_json::from_str(text).map_err(|_| malformed("This policy contains invalid Json"))?;
    let Value::Object(mut document) = document else {
        return Err(malformed("Syntax errors in policy."));
    };
    if document
        .keys()
        .any(|key| !["Version", "Id", "Statement"].contains(&key.as_str()))
    {
        return Err(malformed("Syntax errors in policy."));
    }
    match document.get("Version").map(Value::as_str) {
        None => {}
        Some(Some(version)) if VERSIONS.contains(&version) => {}
        Some(_) => return Err(malformed("The policy must contain a valid version string.")),
    }
    let list = match document.remove("Statement") {
        Some(Value::Array(list)) => list,
        Some(one @ Value::Object(_)) => vec![one],
        _ => return Err(malformed("Syntax errors in policy.")),
    };
    let objects = list.into_iter().map(|one| match one {
        Value::Object(statement) => Ok(statement),
        _ => Err(malformed("Syntax errors in policy.")),
    });
    let found: Vec<_> = objects.collect::<Result<_, _>>()?;
    if found.is_empty() {
        return Err(malformed("Syntax errors in policy."));
    }
    Ok(found)
}

/// One text or several; `None` when it is neither.
pub(crate) fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(one) => Some(vec![one]),
        Value::Array(list) => list.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

fn check_statement(statement: &Map<String, Value>) -> Result<(), ApiError> {
    if statement
        .keys()
        .any(|key| !STATEMENT_KEYS.contains(&key.as_str()))
    {
        return Err(malformed("Syntax errors in policy."));
    }
    if !matches!(
        statement.get("Effect").and_then(Value::as_str),
        Some("Allow" | "Deny")
    ) {
        return Err(malformed("Syntax errors in policy."));
    }
    let actions = ["Action", "NotAction"].map(|key| statement.get(key));
    let actions = match actions {
        [Some(actions), None] | [None, Some(actions)] => texts(actions),
        [None, None] => return Err(malformed("Policy statement must contain actions.")),
        [Some(_), Some(_)] => None,
    };
    let actions = actions.ok_or_else(|| malformed("Syntax errors in policy."))?;
    if actions
        .iter()
        .any(|action| *action != "*" && !action.contains(':'))
    {
        return Err(malformed(
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ));
    }
    match statement.get("Condition") {
        None | Some(Value::Object(_)) => Ok(()),
        Some(_) => Err(malformed("Syntax errors in policy.")),
    }
}

/// Whether a text says what its holder may do.
pub(crate) fn check_permissions(text: &str) -> Result<(), ApiError> {
    for statement in statements(text)? {
        check_statement(&statement)?;
        if statement.contains_key("Principal") || statement.contains_key("NotPrincipal") {
            return Err(malformed("Policy document should not specify a principal."));
        }
        let resources = ["Resource", "NotResource"].map(|key| statement.get(key));
        let fits = match resources {
            [Some(resources), None] | [None, Some(resources)] => texts(resources).is_some(),
            [None, None] => return Err(malformed("Policy statement must contain resources.")),
            [Some(_), Some(_)] => false,
        };
        if !fits {
            return Err(malformed("Syntax errors in policy."));
        }
    }
    Ok(())
}

/// Whether a text says who may assume a role.
pub(crate) fn check_trust(text: &str) -> Result<(), ApiError> {
    for statement in statements(text)? {
        check_statement(&statement)?;
        for field in ["Resource", "NotResource"] {
            if statement.contains_key(field) {
                return Err(malformed(format!("Has prohibited field {field}")));
            }
        }
        let principals = ["Principal", "NotPrincipal"].map(|key| statement.get(key));
        let principal = match principals {
            [Some(principal), None] | [None, Some(principal)] => principal,
            [None, None] => return Err(malformed("Missing required field Principal")),
            [Some(_), Some(_)] => return Err(malformed("Syntax errors in policy.")),
        };
        check_principal(principal)?;
        let actions = statement.get("Action").and_then(texts).unwrap_or_default();
        let foreign = actions
            .iter()
            .any(|action| *action != "*" && !action.to_ascii_lowercase().starts_with("sts:"));
        if foreign {
            return Err(malformed(
                "AssumeRole policy may only specify STS AssumeRole actions.",
            ));
        }
    }
    Ok(())
}

fn check_principal(principal: &Value) -> Result<(), ApiError> {
    let Value::Object(kinds) = principal else {
        return match principal.as_str() {
            Some("*") => Ok(()),
            _ => Err(malformed("Invalid principal in policy.")),
        };
    };
    for (kind, values) in kinds {
        let known = ["AWS", "Service", "Federated", "CanonicalUser"].contains(&kind.as_str());
        let values = texts(values).filter(|values| known && !values.is_empty());
        for value in values.ok_or_else(|| malformed("Invalid principal in policy."))? {
            let is_account = value.len() == 12 && value.bytes().all(|it| it.is_ascii_digit());
            let fits = match kind.as_str() {
                "AWS" => value == "*" || is_account || value.starts_with("arn:aws:"),
                "Service" => value.contains('.'),
                _ => true,
            };
            if !fits {
                return Err(malformed(format!(
                    "Invalid principal in policy: \"{kind}\":\"{value}\""
                )));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
