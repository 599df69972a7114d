//! Secrets Manager. An id in a request is a name, an ARN, or an ARN without its six random characters.

mod change;
mod list;
mod password;
mod removal;
mod stage;
mod tag;
mod value;

pub(crate) use removal::remove;

use std::sync::Arc;

use aws_protocol::{ApiError, operations};
use aws_shape::secretsmanager::*;
use base_id::Scope;
use base_store::Snapshot;

use crate::{SECRETS, Secrets, model};

/// The version that is read unless another one is asked for, the one before it, and the one to come.
const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";

operations! { Secrets as Api:
    create_secret(CreateSecretRequest) -> CreateSecretResponse = change;
    put_secret_value(PutSecretValueRequest) -> PutSecretValueResponse = change;
    update_secret(UpdateSecretRequest) -> UpdateSecretResponse = change;
    get_secret_value(GetSecretValueRequest) -> GetSecretValueResponse = value;
    batch_get_secret_value(BatchGetSecretValueRequest) -> BatchGetSecretValueResponse = value;
    describe_secret(DescribeSecretRequest) -> DescribeSecretResponse = list;
    list_secrets(ListSecretsRequest) -> ListSecretsResponse = list;
    list_secret_version_ids(ListSecretVersionIdsRequest) -> ListSecretVersionIdsResponse = list;
    get_resource_policy(GetResourcePolicyRequest) -> GetResourcePolicyResponse = list;
    update_secret_version_stage(UpdateSecretVersionStageRequest) -> UpdateSecretVersionStageResponse = stage;
    delete_secret(DeleteSecretRequest) -> DeleteSecretResponse = removal;
    restore_secret(RestoreSecretRequest) -> RestoreSecretResponse = removal;
    get_random_password(GetRandomPasswordRequest) -> GetRandomPasswordResponse = password;
    tag_resource(TagResourceRequest) -> () = tag;
    untag_resource(UntagResourceRequest) -> () = tag;
}

fn key(scope: &Scope, name: &str) -> String {
    format!("{}/{name}", scope.key())
}

/// Where a version's value is stored; also what it is bound to.
fn place(key: &str, version: &str) -> String {
    format!("{key}:{version}")
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidParameterException", message)
}

fn refused(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidRequestException", message)
}

fn missing() -> ApiError {
    ApiError::client(
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret.",
    )
}

fn bad_token(_: aws_protocol::BadToken) -> ApiError {
    ApiError::client("InvalidNextTokenException", "The NextToken value is invalid.")
}

/// The secret that an id means, and its key.
fn find(snapshot: &Snapshot, scope: &Scope, id: &str) -> Result<(String, Arc<model::Secret>), ApiError> {
    let get = |name: &str| {
        let key = key(scope, name);
        snapshot.get(SECRETS, &key).map(|secret| (key, secret))
    };
    let Some(name) = id.strip_prefix(&scope.arn("secretsmanager", "secret:")) else {
        return get(id).ok_or_else(missing);
    };
    let whole = name.rsplit_once('-').and_then(|(name, _)| get(name));
    whole
        .filter(|(_, secret)| secret.arn == id)
        .or_else(|| get(name))
        .ok_or_else(missing)
}

/// Like [`find`], for operations that a secret on its way out refuses.
fn find_living(
    snapshot: &Snapshot,
    scope: &Scope,
    id: &str,
) -> Result<(String, Arc<model::Secret>), ApiError> {
    let (key, secret) = find(snapshot, scope, id)?;
    if secret.deletion_at.is_some() {
        return Err(refused(
            "You can't perform this operation on the secret because it was marked for deletion.",
        ));
    }
    Ok((key, secret))
}

fn tags(tags: Vec<Tag>) -> Result<Vec<(String, String)>, ApiError> {
    tags.into_iter()
        .map(|tag| match (tag.key, tag.value.unwrap_or_default()) {
            (Some(key), _) if key.to_ascii_lowercase().starts_with("aws:") => Err(invalid(
                "Tag keys can't begin with aws: because that prefix is reserved for AWS.",
            )),
            (Some(key), value) => Ok((key, value)),
            (None, _) => Err(invalid("A tag needs a key.")),
        })
        .collect()
}
