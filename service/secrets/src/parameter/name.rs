//! Names of parameters: what they may look like, and what follows them in a request.

use aws_protocol::ApiError;
use base_id::Scope;

use super::invalid;

/// Slashes in a name.
const LEVELS_MAX: usize = 15;
/// Characters of a name, with the ARN's head.
const CHARACTERS_MAX: usize = 1011;
const RULES: &str = "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can \
    consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the \
    following 3 symbols .-_";

fn is_allowed(text: &str) -> bool {
    let allowed = |it: char| it.is_ascii_alphanumeric() || "._-/".contains(it);
    text.chars().all(allowed)
}

/// Whether a new parameter may be called so.
pub(super) fn check(scope: &Scope, name: &str) -> Result<(), ApiError> {
    let bare = name.strip_prefix('/').unwrap_or(name);
    let lower = bare.to_ascii_lowercase();
    if lower.starts_with("aws") && name.starts_with('/') {
        let message = format!("No access to reserved parameter name: {name}.");
        return Err(ApiError::client("AccessDeniedException", message));
    }
    for reserved in ["aws", "ssm"] {
        if lower.starts_with(reserved) {
            return Err(invalid(format!(
                "Parameter name: can't be prefixed with \"{reserved}\" (case-insensitive)."
            )));
        }
    }
    if bare.is_empty() || !is_allowed(name) || bare.split('/').any(str::is_empty) {
        return Err(invalid(RULES));
    }
    if bare.contains('/') && !name.starts_with('/') {
        return Err(invalid("Parameter name must be a fully qualified name."));
    }
    if name.matches('/').count() > LEVELS_MAX {
        let message = format!(
            "A hierarchy can have a maximum of {LEVELS_MAX} levels. For more information, see Requirements and \
             constraints for parameter names in the AWS Systems Manager User Guide."
        );
        return Err(ApiError::client("HierarchyLevelLimitExceededException", message));
    }
    if super::arn(scope, name).chars().count() > CHARACTERS_MAX {
        return Err(invalid(format!(
            "Parameter name: the name with its ARN can have a maximum of {CHARACTERS_MAX} characters."
        )));
    }
    Ok(())
}

/// A path ends where a level ends: `/a` does not lead to `/ab`. Returned with a slash at its end.
pub(super) fn path(text: &str) -> Result<String, ApiError> {
    let bare = text.strip_prefix('/').unwrap_or_default();
    let inner = bare.strip_suffix('/').unwrap_or(bare);
    let is_root = text == "/";
    let lower = bare.to_ascii_lowercase();
    let reserved = lower.starts_with("aws") || lower.starts_with("ssm");
    if !is_root && (inner.is_empty() || !is_allowed(text) || inner.split('/').any(str::is_empty) || reserved)
    {
        return Err(invalid(
            "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward \
             slash \"/\". It can't be prefixed with \\\"aws\\\" or \\\"ssm\\\" (case-insensitive). It must use only \
             letters, numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are \
             not allowed. All sub-paths, if specified, must use the forward slash symbol \"/\". Valid example: \
             /get/parameters2-/by1./path0_.",
        ));
    }
    Ok(if is_root {
        text.to_owned()
    } else {
        format!("/{inner}/")
    })
}

/// A name in a request, and which version of it is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selected {
    /// Without its first slash where the request had an ARN, which does not tell.
    pub(super) name: String,
    pub(super) is_arn: bool,
    pub(super) selector: Selector,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Selector {
    Latest,
    Version(i64),
    Label(String),
}

impl Selector {
    /// As the answer shows it.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Latest => None,
            Self::Version(number) => Some(format!(":{number}")),
            Self::Label(label) => Some(format!(":{label}")),
        }
    }
}

/// Takes apart `name`, `name:3`, `name:label`, or an ARN in the place of the name. `None` for an ARN of elsewhere.
pub(super) fn select(scope: &Scope, text: &str) -> Result<Option<Selected>, ApiError> {
    let is_arn = text.starts_with("arn:");
    let rest = if is_arn {
        match text.strip_prefix(&scope.arn("ssm", "parameter/")) {
            Some(rest) => rest,
            None => return Ok(None),
        }
    } else {
        text
    };
    let (name, selector) = match rest.split_once(':') {
        None => (rest, Selector::Latest),
        Some((name, selector)) if !selector.is_empty() && !selector.contains(':') => {
            let is_number = selector.bytes().all(|it| it.is_ascii_digit());
            let selector = match selector.parse() {
                Ok(number) if is_number => Selector::Version(number),
                _ => Selector::Label(selector.to_owned()),
            };
            (name, selector)
        }
        Some(_) => {
            return Err(invalid(format!(
                "{text} is not of the form name, name:version or name:label."
            )));
        }
    };
    if !is_allowed(name) || name.is_empty() {
        return Err(invalid(RULES));
    }
    Ok(Some(Selected {
        name: name.to_owned(),
        is_arn,
        selector,
    }))
}

#[cfg(test)]
mod tests;
