//! ACM's errors, in AWS's words.

use aws_protocol::ApiError;

pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::client("ValidationException", message)
}

pub(crate) fn invalid_parameter(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidParameterException", message)
}

/// A member that has an effect in AWS and none here is refused, not dropped.
pub(crate) fn unsupported(what: &str) -> ApiError {
    invalid_parameter(format!("Wharf does not serve {what} yet."))
}

pub(crate) fn invalid_arn(arn: &str) -> ApiError {
    ApiError::client("InvalidArnException", format!("Invalid arn: {arn}"))
}

pub(crate) fn not_found(arn: &str) -> ApiError {
    ApiError::client(
        "ResourceNotFoundException",
        format!("Could not find certificate {arn}."),
    )
}

pub(crate) fn in_progress() -> ApiError {
    let message =
        "The certificate request is in process and the certificate in your account has not yet been issued.";
    ApiError::client("RequestInProgressException", message)
}

pub(crate) fn in_use(arn: &str, account: &str) -> ApiError {
    ApiError::client(
        "ResourceInUseException",
        format!("Certificate {arn} in account {account} is in use."),
    )
}

pub(crate) fn limit(message: impl Into<String>) -> ApiError {
    ApiError::client("LimitExceededException", message)
}

pub(crate) fn too_many_tags() -> ApiError {
    let message = "The request contains too many tags. Try the request again with fewer tags.";
    ApiError::client("TooManyTagsException", message)
}

pub(crate) fn invalid_tag(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidTagException", message)
}
