//! Errors, in Application Auto Scaling's words.

use aws_protocol::ApiError;

use crate::resource::{DIMENSION, NAMESPACE};

pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::client("ValidationException", message)
}

fn not_found(what: &str, resource: &str) -> ApiError {
    let message = format!(
        "No {what} found for service namespace: {NAMESPACE}, resource ID: {resource}, scalable dimension: {DIMENSION}"
    );
    ApiError::client("ObjectNotFoundException", message)
}

pub(crate) fn no_target(resource: &str) -> ApiError {
    not_found("scalable target", resource)
}

pub(crate) fn no_policy(resource: &str, name: &str) -> ApiError {
    not_found(&format!("scaling policy {name}"), resource)
}

pub(crate) fn no_schedule(resource: &str, name: &str) -> ApiError {
    not_found(&format!("scheduled action {name}"), resource)
}
