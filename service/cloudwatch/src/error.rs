//! Errors, in CloudWatch's words.

use aws_protocol::ApiError;

pub(crate) fn value(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidParameterValue", message)
}

pub(crate) fn combination(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidParameterCombination", message)
}

pub(crate) fn missing(message: impl Into<String>) -> ApiError {
    ApiError::client("MissingParameter", message)
}

pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::client("ValidationError", message)
}

pub(crate) fn no_alarm(name: &str) -> ApiError {
    ApiError::client("ResourceNotFound", format!("Alarm {name} does not exist"))
}

pub(crate) fn token() -> ApiError {
    ApiError::client("InvalidNextToken", "The next token specified is invalid.")
}
