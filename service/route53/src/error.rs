//! Route 53's errors, in AWS's words.

use aws_protocol::{ApiError, Value};

pub(crate) fn with_code(code: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::client(code, message)
}

pub(crate) fn invalid(message: impl Into<String>) -> ApiError {
    with_code("InvalidInput", message)
}

pub(crate) fn no_zone(id: &str) -> ApiError {
    with_code("NoSuchHostedZone", format!("No hosted zone found with ID: {id}"))
}

pub(crate) fn no_change(id: &str) -> ApiError {
    with_code("NoSuchChange", format!("Could not find resource with ID: {id}"))
}

pub(crate) fn no_check(id: &str) -> ApiError {
    let message = format!("A health check with id {id} does not exist.");
    with_code("NoSuchHealthCheck", message)
}

pub(crate) fn no_delegation_set(id: &str) -> ApiError {
    let message = format!("No delegation set found with ID: {id}");
    with_code("NoSuchDelegationSet", message)
}

pub(crate) fn unserved(what: &str) -> ApiError {
    invalid(format!("Wharf does not serve {what} yet."))
}

/// All that is wrong with a batch.
pub(crate) fn invalid_batch(messages: Vec<String>) -> ApiError {
    let mut error = with_code("InvalidChangeBatch", format!("[{}]", messages.join(", ")));
    let list = messages.into_iter().map(Value::String).collect();
    error.fields.insert("messages", Value::List(list));
    error
}

/// What Cloud Map has made is Cloud Map's.
pub(crate) fn managed(kind: &str, id: &str) -> ApiError {
    let message = format!(
        "The resource {kind}/{id} can only be managed through AWS Cloud Map (arn:aws:servicediscovery)"
    );
    ApiError::with_status(403, "AccessDenied", message)
}
