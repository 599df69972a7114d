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

/// `InvalidParameterException` in the form that ECR gives it.
pub(crate) fn invalid_parameter(parameter: &str, constraint: &str) -> ApiError {
    let message = format!("Invalid parameter at '{parameter}' failed to satisfy constraint: '{constraint}'");
    ApiError::client("InvalidParameterException", message)
}

pub(crate) fn image_exists(digest: &str, tag: Option<&str>, name: &str, account: &str) -> ApiError {
    let tag = tag.map_or_else(|| "no tag".to_owned(), |tag| format!("tag '{tag}'"));
    let message = format!(
        "Image with digest '{digest}' and {tag} already exists in the repository with name '{name}' in registry with id '{account}'"
    );
    ApiError::client("ImageAlreadyExistsException", message)
}

/// The repository has no such thing as `what`.
pub(crate) fn not_set(code: &str, what: &str, name: &str, account: &str) -> ApiError {
    let message = format!(
        "{what} does not exist for the repository with name '{name}' in the registry with id '{account}'"
    );
    ApiError::client(code, message)
}

pub(crate) fn upload_not_found(id: &str, name: &str, account: &str) -> ApiError {
    let message = format!(
        "The upload with id '{id}' could not be found in the repository with name '{name}' in the registry with id '{account}'"
    );
    ApiError::client("UploadNotFoundException", message)
}

/// A member that has an effect in AWS and none here is refused, not dropped.
pub(crate) fn unsupported(what: &str) -> ApiError {
    ApiError::client(
        "InvalidParameterException",
        format!("Wharf does not serve {what} yet."),
    )
}
