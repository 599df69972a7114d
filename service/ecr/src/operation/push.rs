//! Images that come through the API instead of the registry.

use aws_protocol::{ApiError, Context};
use aws_shape::ecr::*;
use base_id::Scope;
use bytes::Bytes;
use contract::image::{BlobError, Catalog as _, CatalogError, PutManifest, Tenant};
use contract::manifest::{Manifest, Reference};

use crate::error::{image_exists, invalid_parameter, repository_not_found};
use crate::table;
use crate::{Ecr, catalog};

pub(super) async fn put_image(
    ecr: &Ecr,
    context: &Context,
    input: PutImageRequest,
) -> Result<PutImageResponse, ApiError> {
    let scope = context.scope.clone();
    let name = input.repository_name;
    table::check_registry(&scope, input.registry_id.as_deref(), &name)?;
    table::repository(&ecr.store.snapshot(), &scope, &name)?;
    let manifest = Manifest::parse(
        input.image_manifest.as_bytes(),
        input.image_manifest_media_type.as_deref(),
    )
    .map_err(|reason| {
        invalid_parameter(
            "ImageManifest",
            &format!("Invalid JSON syntax or manifest: {reason}"),
        )
    })?;
    let size_bytes = check(ecr, &scope, &name, &manifest).await? + input.image_manifest.len() as u64;
    let digest = ecr.blobs.write(Bytes::from(input.image_manifest.clone())).await;
    let digest = digest.map_err(ApiError::internal)?;
    if input.image_digest.as_ref().is_some_and(|given| *given != digest) {
        let message =
            "The specified image digest does not match the digest that Amazon ECR calculated for the image.";
        return Err(ApiError::client("ImageDigestDoesNotMatchException", message));
    }
    let put = PutManifest {
        digest: digest.clone(),
        media_type: manifest.media_type.clone(),
        tags: input.image_tag.iter().cloned().collect(),
        blobs: manifest.blobs.into_iter().map(|blob| blob.digest).collect(),
        children: manifest.manifests.into_iter().map(|it| it.digest).collect(),
        size_bytes,
        config_media_type: manifest.artifact_type.or(manifest.config_media_type),
        subject: manifest.subject,
        at: ecr.clock.now(),
    };
    let (repository, owner) = (name.clone(), scope.clone());
    let written = ecr.store.write(move |tx| {
        let images = table::images(&tx.snapshot(), &owner, &repository);
        let same = images.iter().find(|image| image.digest == put.digest);
        if same.is_some_and(|image| put.tags.iter().all(|tag| image.tags.contains(tag))) {
            let tag = put.tags.first().map(String::as_str);
            let error = image_exists(&put.digest, tag, &repository, &owner.account);
            return Err(error);
        }
        catalog::put(tx, &owner, &repository, put).map_err(|error| answer(error, &owner))
    });
    written.await?;
    Ok(PutImageResponse {
        image: Some(Image {
            registry_id: Some(scope.account),
            repository_name: Some(name),
            image_id: Some(ImageIdentifier {
                image_digest: Some(digest),
                image_tag: input.image_tag,
            }),
            image_manifest: Some(input.image_manifest),
            image_manifest_media_type: Some(manifest.media_type),
        }),
    })
}

fn answer(error: CatalogError, scope: &Scope) -> ApiError {
    match error {
        CatalogError::RepositoryUnknown(name) => repository_not_found(&name, &scope.account),
        CatalogError::TagImmutable { .. } => {
            ApiError::client("ImageTagAlreadyExistsException", error.to_string())
        }
        error => ApiError::internal(error),
    }
}

/// Everything that the manifest refers to is in the repository; returns the bytes of its blobs.
async fn check(ecr: &Ecr, scope: &Scope, name: &str, manifest: &Manifest) -> Result<u64, ApiError> {
    let tenant = tenant(scope);
    let (mut size_bytes, mut missing) = (0, Vec::new());
    for blob in &manifest.blobs {
        match layer_size(ecr, &tenant, name, &blob.digest).await? {
            Some(size) if size == blob.size_bytes => size_bytes += size,
            None if blob.is_foreign => {}
            _ => missing.push(blob.digest.as_str()),
        }
    }
    if !missing.is_empty() {
        let message = format!(
            "The following layers do not exist in the repository with name '{name}' in the registry with id '{}', or have another size: '{}'",
            scope.account,
            missing.join("', '")
        );
        return Err(ApiError::client("LayersNotFoundException", message));
    }
    let here = |it: &&Reference| {
        let images = table::images(&ecr.store.snapshot(), scope, name);
        images.iter().any(|image| image.digest == it.digest)
    };
    if let Some(lost) = manifest.manifests.iter().find(|it| !here(it)) {
        let message = format!(
            "Images referenced in manifest list do not exist in the repository with name '{name}': '{}'",
            lost.digest
        );
        return Err(ApiError::client("ReferencedImagesNotFoundException", message));
    }
    Ok(size_bytes)
}

pub(super) fn tenant(scope: &Scope) -> Tenant {
    Tenant {
        account: scope.account.clone(),
        region: scope.region.clone(),
    }
}

/// In bytes, of a blob that is in this repository; what is no digest is not there.
pub(super) async fn layer_size(
    ecr: &Ecr,
    tenant: &Tenant,
    name: &str,
    digest: &str,
) -> Result<Option<u64>, ApiError> {
    let size = match ecr.blobs.size(digest).await {
        Ok(size) => size,
        Err(BlobError::DigestInvalid(_)) => None,
        Err(error) => return Err(ApiError::internal(error)),
    };
    Ok(match size {
        Some(size) if ecr.has_blob(tenant, name, digest).await => Some(size),
        _ => None,
    })
}
