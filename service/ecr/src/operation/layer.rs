//! Layers that come through the API instead of the registry.

use std::time::Duration;

use aws_protocol::{ApiError, Context};
use aws_shape::ecr::*;
use bytes::Bytes;
use contract::image::{BlobError, Catalog as _};

use super::push::{layer_size, tenant};
use super::token;
use crate::Ecr;
use crate::error::{invalid_parameter, upload_not_found};
use crate::table;

/// Parts that fit into a request. In AWS they are larger.
const PART_BYTES: i64 = 5 << 20;
/// How long a download URL works, as in AWS.
const URL_LIFE: Duration = Duration::from_secs(60 * 60);

pub(super) async fn batch_check_layer_availability(
    ecr: &Ecr,
    context: &Context,
    input: BatchCheckLayerAvailabilityRequest,
) -> Result<BatchCheckLayerAvailabilityResponse, ApiError> {
    let (scope, name) = (&context.scope, input.repository_name);
    table::check_registry(scope, input.registry_id.as_deref(), &name)?;
    table::repository(&ecr.store.snapshot(), scope, &name)?;
    let (mut layers, mut failures) = (Vec::new(), Vec::new());
    for digest in input.layer_digests {
        if let Err(BlobError::DigestInvalid(_)) = ecr.blobs.size(&digest).await {
            failures.push(LayerFailure {
                layer_digest: Some(digest),
                failure_code: Some(LayerFailureCode::InvalidLayerDigest),
                failure_reason: Some(
                    "Invalid parameter at 'LayerDigest' failed to satisfy constraint: not a digest"
                        .to_owned(),
                ),
            });
            continue;
        }
        let size = layer_size(ecr, &tenant(scope), &name, &digest).await?;
        layers.push(Layer {
            layer_digest: Some(digest),
            layer_availability: Some(match size {
                Some(_) => LayerAvailability::Available,
                None => LayerAvailability::Unavailable,
            }),
            layer_size: size.map(|size| size as i64),
            media_type: None,
        });
    }
    Ok(BatchCheckLayerAvailabilityResponse {
        layers: Some(layers),
        failures: Some(failures),
    })
}

pub(super) async fn initiate_layer_upload(
    ecr: &Ecr,
    context: &Context,
    input: InitiateLayerUploadRequest,
) -> Result<InitiateLayerUploadResponse, ApiError> {
    let (scope, name) = (&context.scope, input.repository_name);
    table::check_registry(scope, input.registry_id.as_deref(), &name)?;
    table::repository(&ecr.store.snapshot(), scope, &name)?;
    let id = ecr.blobs.upload_begin().await.map_err(|error| match error {
        BlobError::TooManyUploads { .. } => ApiError::client("LimitExceededException", error.to_string()),
        error => ApiError::internal(error),
    })?;
    Ok(InitiateLayerUploadResponse {
        upload_id: Some(base_id::uuid(&id)),
        part_size: Some(PART_BYTES),
    })
}

/// The store's own form of an upload's id, which is shown as a UUID.
fn plain(id: &str) -> String {
    id.replace('-', "")
}

pub(super) async fn upload_layer_part(
    ecr: &Ecr,
    context: &Context,
    input: UploadLayerPartRequest,
) -> Result<UploadLayerPartResponse, ApiError> {
    let (scope, name, id) = (&context.scope, input.repository_name, input.upload_id);
    table::check_registry(scope, input.registry_id.as_deref(), &name)?;
    table::repository(&ecr.store.snapshot(), scope, &name)?;
    let length = i64::try_from(input.layer_part_blob.len()).unwrap_or(i64::MAX);
    let first = u64::try_from(input.part_first_byte).map_err(|_| {
        invalid_parameter(
            "PartFirstByte",
            "Member must have value greater than or equal to 0",
        )
    })?;
    if input.part_last_byte.checked_sub(input.part_first_byte) != length.checked_sub(1) {
        let message = format!(
            "The layer part has {length} bytes, which is not what lies between partFirstByte {} and partLastByte {}",
            input.part_first_byte, input.part_last_byte
        );
        return Err(ApiError::client("InvalidParameterException", message));
    }
    let part = Bytes::from(input.layer_part_blob);
    match ecr.blobs.upload_append(&plain(&id), Some(first), part).await {
        Ok(size) => Ok(UploadLayerPartResponse {
            registry_id: Some(scope.account.clone()),
            repository_name: Some(name),
            upload_id: Some(id),
            last_byte_received: Some(size as i64 - 1),
        }),
        Err(BlobError::OffsetMismatch { actual, .. }) => {
            let last = actual as i64 - 1;
            let message = format!(
                "The layer part first byte '{first}' is not the one after the last valid byte received, which is '{last}'"
            );
            Err(ApiError::client("InvalidLayerPartException", message)
                .field("registryId", scope.account.clone())
                .field("repositoryName", name)
                .field("uploadId", id)
                .field("lastValidByteReceived", last))
        }
        Err(error) => Err(failed(error, &id, &name, &scope.account)),
    }
}

fn failed(error: BlobError, id: &str, name: &str, account: &str) -> ApiError {
    match error {
        BlobError::UploadUnknown(_) => upload_not_found(id, name, account),
        BlobError::TooLarge { .. } => ApiError::client("LimitExceededException", error.to_string()),
        error => ApiError::internal(error),
    }
}

pub(super) async fn complete_layer_upload(
    ecr: &Ecr,
    context: &Context,
    input: CompleteLayerUploadRequest,
) -> Result<CompleteLayerUploadResponse, ApiError> {
    let (scope, name, id) = (&context.scope, input.repository_name, input.upload_id);
    table::check_registry(scope, input.registry_id.as_deref(), &name)?;
    table::repository(&ecr.store.snapshot(), scope, &name)?;
    let lost = |error| failed(error, &id, &name, &scope.account);
    let size = ecr.blobs.upload_size(&plain(&id)).await.map_err(lost)?;
    if size == 0 {
        let message = format!("The upload with id '{id}' does not contain any layer parts.");
        return Err(ApiError::client("EmptyUploadException", message));
    }
    let digest = input.layer_digests.into_iter().next().unwrap_or_default();
    if layer_size(ecr, &tenant(scope), &name, &digest).await?.is_some() {
        ecr.blobs.upload_cancel(&plain(&id)).await.map_err(lost)?;
        let message = format!(
            "The image layer with digest '{digest}' already exists in the repository with name '{name}' in the registry with id '{}'",
            scope.account
        );
        return Err(ApiError::client("LayerAlreadyExistsException", message));
    }
    match ecr.blobs.upload_finish(&plain(&id), &digest).await {
        Ok(()) => {}
        Err(BlobError::DigestMismatch { .. } | BlobError::DigestInvalid(_)) => {
            let message = "The layer digest calculation performed by Amazon ECR upon receipt of the image layer does not match the digest specified.";
            return Err(ApiError::client("InvalidLayerException", message));
        }
        Err(error) => return Err(lost(error)),
    }
    let added = ecr.add_blob(&tenant(scope), &name, &digest).await;
    added.map_err(ApiError::internal)?;
    Ok(CompleteLayerUploadResponse {
        registry_id: Some(scope.account.clone()),
        repository_name: Some(name),
        upload_id: Some(id),
        layer_digest: Some(digest),
    })
}

pub(super) async fn get_download_url_for_layer(
    ecr: &Ecr,
    context: &Context,
    input: GetDownloadUrlForLayerRequest,
) -> Result<GetDownloadUrlForLayerResponse, ApiError> {
    let (scope, name, digest) = (&context.scope, input.repository_name, input.layer_digest);
    table::check_registry(scope, input.registry_id.as_deref(), &name)?;
    table::repository(&ecr.store.snapshot(), scope, &name)?;
    if layer_size(ecr, &tenant(scope), &name, &digest).await?.is_none() {
        let message = format!(
            "The layers with digest '{digest}' do not exist in the repository with name '{name}' in the registry with id '{}'",
            scope.account
        );
        return Err(ApiError::client("LayersNotFoundException", message));
    }
    let (password, _) = token::give_out(ecr, scope, URL_LIFE, true).await?;
    Ok(GetDownloadUrlForLayerResponse {
        download_url: Some(format!(
            "http://{}/v2/{name}/blobs/{digest}?token={password}",
            ecr.registry
        )),
        layer_digest: Some(digest),
    })
}
