//! SSM's Parameter Store.

mod describe;
mod filter;
mod label;
mod name;
mod public;
mod put;
mod read;
mod reference;
mod remove;
mod tag;

use aws_protocol::{ApiError, BadToken, operations};
use aws_shape::ssm::*;
use base_id::Scope;

use crate::{PARAMETER_VALUES, Secrets, model};

operations! { Secrets as Api:
    put_parameter(PutParameterRequest) -> PutParameterResult = put;
    get_parameter(GetParameterRequest) -> GetParameterResult = read;
    get_parameters(GetParametersRequest) -> GetParametersResult = read;
    get_parameters_by_path(GetParametersByPathRequest) -> GetParametersByPathResult = read;
    get_parameter_history(GetParameterHistoryRequest) -> GetParameterHistoryResult = describe;
    describe_parameters(DescribeParametersRequest) -> DescribeParametersResult = describe;
    label_parameter_version(LabelParameterVersionRequest) -> LabelParameterVersionResult = label;
    unlabel_parameter_version(UnlabelParameterVersionRequest) -> UnlabelParameterVersionResult = label;
    delete_parameter(DeleteParameterRequest) -> DeleteParameterResult = remove;
    delete_parameters(DeleteParametersRequest) -> DeleteParametersResult = remove;
    add_tags_to_resource(AddTagsToResourceRequest) -> AddTagsToResourceResult = tag;
    remove_tags_from_resource(RemoveTagsFromResourceRequest) -> RemoveTagsFromResourceResult = tag;
    list_tags_for_resource(ListTagsForResourceRequest) -> ListTagsForResourceResult = tag;
}

/// What a parameter is named under in the store; see `PARAMETERS`.
fn key(scope: &Scope, name: &str) -> String {
    format!("{}/{}", scope.key(), name.strip_prefix('/').unwrap_or(name))
}

/// Where a version's value is stored; also what it is bound to.
fn place(key: &str, version: i64) -> String {
    format!("{key}:{version}")
}

fn arn(scope: &Scope, name: &str) -> String {
    let name = name.strip_prefix('/').unwrap_or(name);
    scope.arn("ssm", &format!("parameter/{name}"))
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::client("ValidationException", message)
}

fn missing(name: &str) -> ApiError {
    ApiError::client("ParameterNotFound", format!("Parameter {name} not found."))
}

fn bad_token(_: BadToken) -> ApiError {
    ApiError::client("InvalidNextToken", "The specified token is not valid.")
}

fn kind(kind: model::Kind) -> ParameterType {
    match kind {
        model::Kind::Text => ParameterType::String,
        model::Kind::List => ParameterType::StringList,
        model::Kind::Secure => ParameterType::SecureString,
    }
}

fn tier(tier: model::Tier) -> ParameterTier {
    match tier {
        model::Tier::Standard => ParameterTier::Standard,
        model::Tier::Advanced => ParameterTier::Advanced,
    }
}

/// The only type of data beside images and integrations, which are not served.
const DATA_TYPE: &str = "text";

/// A version's value: in clear, or the ciphertext of a secure string that nobody asked to decrypt.
fn value(
    secrets: &Secrets,
    snapshot: &base_store::Snapshot,
    key: &str,
    version: &model::ParameterVersion,
    decrypt: bool,
) -> Result<String, ApiError> {
    let place = place(key, version.number);
    let unreadable = || {
        ApiError::client(
            "InvalidKeyId",
            "The value cannot be decrypted with this cloud's key.",
        )
    };
    let sealed = snapshot.get(PARAMETER_VALUES, &place).ok_or_else(unreadable)?;
    if version.kind == model::Kind::Secure && !decrypt {
        return Ok(sealed.0.clone());
    }
    let bytes = secrets.key.open(&place, &sealed.0).ok_or_else(unreadable)?;
    String::from_utf8(bytes).map_err(ApiError::internal)
}
