//! ELB's errors, in AWS's words.

use aws_protocol::ApiError;

pub(crate) fn load_balancer_not_found(which: &str) -> ApiError {
    ApiError::client(
        "LoadBalancerNotFound",
        format!("Load balancers '[{which}]' not found"),
    )
}

pub(crate) fn target_group_not_found(which: &str) -> ApiError {
    ApiError::client(
        "TargetGroupNotFound",
        format!("Target groups '[{which}]' not found"),
    )
}

pub(crate) fn listener_not_found(which: &str) -> ApiError {
    ApiError::client("ListenerNotFound", format!("Listeners '[{which}]' not found"))
}

pub(crate) fn in_use(arn: &str) -> ApiError {
    let message = format!("Target group '{arn}' is currently in use by a listener or a rule");
    ApiError::client("ResourceInUse", message)
}

pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::client("ValidationError", message)
}

pub(crate) fn configuration(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidConfigurationRequest", message)
}

/// What has an effect in AWS and none here is refused, not dropped.
pub(crate) fn unsupported(what: &str) -> ApiError {
    ApiError::client(
        "OperationNotPermitted",
        format!("Wharf does not serve {what} yet."),
    )
}
