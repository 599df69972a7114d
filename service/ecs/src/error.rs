//! ECS's errors, in AWS's words.

use aws_protocol::ApiError;

pub(crate) fn cluster_not_found() -> ApiError {
    ApiError::client("ClusterNotFoundException", "Cluster not found.")
}

pub(crate) fn service_not_found() -> ApiError {
    ApiError::client("ServiceNotFoundException", "Service not found.")
}

pub(crate) fn service_not_active() -> ApiError {
    ApiError::client("ServiceNotActiveException", "Service was not ACTIVE.")
}

pub(crate) fn client(message: impl Into<String>) -> ApiError {
    ApiError::client("ClientException", message)
}

pub(crate) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidParameterException", message)
}

pub(crate) fn with_code(code: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::client(code, message)
}

/// What has an effect in AWS and none here is refused, not dropped.
pub(crate) fn unsupported(what: &str) -> ApiError {
    client(format!("Wharf does not serve {what} yet."))
}
