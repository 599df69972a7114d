//! Names and ARNs: who is meant.

use aws_protocol::ApiError;
use base_id::Scope;

use crate::error::{client, invalid};

/// A cluster's name from a name or an ARN; `default` if none is given.
pub(crate) fn cluster(given: Option<&str>) -> String {
    let given = given.filter(|given| !given.is_empty()).unwrap_or("default");
    given.rsplit('/').next().unwrap_or(given).to_owned()
}

/// A service's name from a name or an ARN.
pub(crate) fn service(given: &str) -> String {
    given.rsplit('/').next().unwrap_or(given).to_owned()
}

/// A task's id from an id or an ARN.
pub(crate) fn task(given: &str) -> String {
    given.rsplit('/').next().unwrap_or(given).to_owned()
}

/// Letters, digits, hyphens and underscores, 1 to 255 of them.
pub(crate) fn is_valid(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// # Errors
/// In AWS's words for a task definition's family.
pub(crate) fn check_family(family: &str) -> Result<(), ApiError> {
    if family.is_empty() {
        return Err(client("Family cannot be null or empty."));
    }
    if family.len() > 255 {
        return Err(client("Family name should not be longer than 255 characters."));
    }
    if !is_valid(family) {
        return Err(client("Family contains invalid characters."));
    }
    Ok(())
}

/// Family and, if given, revision from `family`, `family:revision` or an ARN.
pub(crate) fn task_definition(scope: &Scope, given: &str) -> Result<(String, Option<u32>), ApiError> {
    let refuse = || invalid(format!("Invalid revision number. Number: {given}"));
    let head = scope.arn("ecs", "task-definition/");
    let name = match given.strip_prefix(&head) {
        Some(name) => name,
        None if given.starts_with("arn:") => return Err(client("Unable to describe task definition.")),
        None => given,
    };
    match name.split_once(':') {
        Some((family, revision)) => Ok((family.to_owned(), Some(revision.parse().map_err(|_| refuse())?))),
        None => Ok((name.to_owned(), None)),
    }
}
