//! ECR's errors, in AWS's words.

use aws_protocol::ApiError;

pub(crate) fn repository_not_found(name: &str, account: &str) -> ApiError {
    let message =
        format!("The repository with name '{name}' does not exist in the registry with id '{account}'");
    ApiError::client("RepositoryNotFoundException", message)
}

pub(crate) fn repository_exists(name: &str, account: &str) -> ApiError {
    let message =
        format!("The repository with name '{name}' already exists in the registry with id '{account}'");
    ApiError::client("RepositoryAlreadyExistsException", message)
}

pub(crate) fn repository_not_empty(name: &str, account: &str) -> ApiError {
    let message = format!(
        "The repository with name '{name}' in registry with id '{account}' cannot be deleted because it still contains images"
    );
    ApiError::client("RepositoryNotEmptyException", message)
}

pub(crate) fn image_not_found(what: &str, name: &str, account: &str) -> ApiError {
    let message = format!(
        "The image with imageId {what} does not exist within the repository with name '{name}' in the registry with id '{account}'"
    );
    ApiError::client("ImageNotFoundException", message)
}

/// A member that has an effect in AWS and none here is refused, not dropped.
pub(crate) fn unsupported(what: &str) -> ApiError {
    ApiError::client(
        "InvalidParameterException",
        format!("Wharf does not serve {what} yet."),
    )
}
