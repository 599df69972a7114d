//! Auto Scaling's errors, in AWS's words.

use aws_protocol::ApiError;

pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::client("ValidationError", message)
}

pub(crate) fn group_not_found(name: &str) -> ApiError {
    validation(format!(
        "AutoScalingGroup name not found - AutoScalingGroup '{name}' not found"
    ))
}

/// A member that has an effect in AWS and none here is refused, not dropped.
pub(crate) fn unsupported(parameter: &str) -> ApiError {
    validation(format!("Wharf does not serve the parameter {parameter} yet."))
}

pub(crate) fn instance_not_found(id: &str) -> ApiError {
    validation(format!(
        "Instance Id not found - No managed instance found for instance ID: {id}"
    ))
}

pub(crate) fn bad_token(_: aws_protocol::BadToken) -> ApiError {
    ApiError::client("InvalidNextToken", "The token is invalid.")
}
