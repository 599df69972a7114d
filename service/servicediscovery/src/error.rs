//! Cloud Map's errors, in AWS's words.

use aws_protocol::ApiError;

use crate::model::OperationKind;

pub(crate) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidInput", message)
}

/// All problems at once.
pub(crate) fn refuse(problems: Vec<String>) -> Result<(), ApiError> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(invalid(problems.join(" ")))
}

pub(crate) fn bad_token(_: aws_protocol::BadToken) -> ApiError {
    invalid("The specified NextToken is not valid.")
}

pub(crate) fn namespace_not_found() -> ApiError {
    ApiError::client("NamespaceNotFound", "No namespace exists with the specified ID.")
}

pub(crate) fn service_not_found() -> ApiError {
    ApiError::client("ServiceNotFound", "No service exists with the specified ID.")
}

pub(crate) fn instance_not_found() -> ApiError {
    let message = "No instance exists with the specified ID, or the instance was recently registered, and information \
                   about the instance hasn't propagated yet.";
    ApiError::client("InstanceNotFound", message)
}

pub(crate) fn operation_not_found() -> ApiError {
    ApiError::client("OperationNotFound", "No operation exists with the specified ID.")
}

pub(crate) fn custom_health_not_found() -> ApiError {
    let message = "The health check for the instance that is specified by ServiceId and InstanceId is not a custom \
                   health check.";
    ApiError::client("CustomHealthNotFound", message)
}

pub(crate) fn resource_not_found() -> ApiError {
    ApiError::client(
        "ResourceNotFoundException",
        "The operation can't be completed because the resource was not found.",
    )
}

pub(crate) fn namespace_exists(id: &str, creator_request_id: &str) -> ApiError {
    let message = "The namespace that you're trying to create already exists.";
    ApiError::client("NamespaceAlreadyExists", message)
        .field("CreatorRequestId", creator_request_id.to_owned())
        .field("NamespaceId", id.to_owned())
}

pub(crate) fn service_exists(id: &str, arn: String, creator_request_id: &str) -> ApiError {
    ApiError::client("ServiceAlreadyExists", "Service already exists.")
        .field("CreatorRequestId", creator_request_id.to_owned())
        .field("ServiceId", id.to_owned())
        .field("ServiceArn", arn)
}

pub(crate) fn duplicate(kind: OperationKind, id: &str) -> ApiError {
    let message = format!(
        "Another operation of type {} and id {id} is in progress",
        kind.name()
    );
    ApiError::client("DuplicateRequest", message).field("DuplicateOperationId", id.to_owned())
}

pub(crate) fn in_use(message: &str) -> ApiError {
    ApiError::client("ResourceInUse", message)
}

pub(crate) fn limit(message: impl Into<String>) -> ApiError {
    ApiError::client("ResourceLimitExceeded", message)
}

pub(crate) fn too_many_tags(arn: String) -> ApiError {
    let message = "The list of tags on the resource is over the quota. The maximum number of tags that can be applied \
                   to a resource is 50.";
    ApiError::client("TooManyTagsException", message).field("ResourceName", arn)
}
