//! The roles of a task.

use aws_protocol::ApiError;
use base_id::Scope;

use crate::error::client;

/// The ARN of a role that is given by ARN or by name.
pub(crate) fn parse(given: Option<&str>, scope: &Scope) -> Result<Option<String>, ApiError> {
    let Some(given) = given.filter(|given| !given.is_empty()) else {
        return Ok(None);
    };
    let refuse = || client("Role is not valid");
    let name = |text: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-/".contains(c);
        (1..=576).contains(&text.len()) && text.chars().all(allowed) && !text.ends_with('/')
    };
    if !given.starts_with("arn:") {
        return match name(given) {
            true => Ok(Some(format!("arn:aws:iam::{}:role/{given}", scope.account))),
            false => Err(refuse()),
        };
    }
    let rest = given.strip_prefix("arn:aws:iam::").ok_or_else(refuse)?;
    let (account, role) = rest.split_once(":role/").ok_or_else(refuse)?;
    let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    if digits && name(role) {
        Ok(Some(given.to_owned()))
    } else {
        Err(refuse())
    }
}
