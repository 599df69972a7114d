//! Images of a repository.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_protocol::{ApiError, Context, page};
use aws_shape::ecr::*;
use base_id::Scope;
use contract::image::BlobError;
use contract::manifest::MANIFEST_BYTES_MAX;
use serde::Deserialize;

use crate::Ecr;
use crate::error::image_not_found;
use crate::model;
use crate::table::{self, IMAGES, image_key};

const PAGE_IMAGES_MAX: usize = 1000;
const PAGE_IMAGES_DEFAULT: i32 = 100;
const PAGE_REFERRERS_MAX: usize = 50;
const PAGE_REFERRERS_DEFAULT: i32 = 50;

pub(super) fn names(image: &model::Image, id: &ImageIdentifier) -> bool {
    let by_tag = id.image_tag.as_ref().is_none_or(|tag| image.tags.contains(tag));
    let by_digest = id
        .image_digest
        .as_ref()
        .is_none_or(|digest| image.digest == *digest);
    by_tag && by_digest && (id.image_tag.is_some() || id.image_digest.is_some())
}

fn wanted(image: &model::Image, status: Option<&TagStatus>) -> bool {
    match status {
        Some(TagStatus::Tagged) => !image.tags.is_empty(),
        Some(TagStatus::Untagged) => image.tags.is_empty(),
        _ => true,
    }
}

/// No image is ever archived here.
fn is_active(wanted: Option<&ImageStatusFilter>) -> bool {
    matches!(
        wanted,
        None | Some(ImageStatusFilter::Active | ImageStatusFilter::Any)
    )
}

pub(super) async fn describe_images(
    ecr: &Ecr,
    context: &Context,
    input: DescribeImagesRequest,
) -> Result<DescribeImagesResponse, ApiError> {
    let (scope, snapshot) = (&context.scope, ecr.store.snapshot());
    let repository = input.repository_name;
    table::check_registry(scope, input.registry_id.as_deref(), &repository)?;
    table::repository(&snapshot, scope, &repository)?;
    let mut images = table::images(&snapshot, scope, &repository);
    if let Some(ids) = &input.image_ids {
        for id in ids {
            if !images.iter().any(|image| names(image, id)) {
                return Err(image_not_found(&written(id), &repository, &scope.account));
            }
        }
        images.retain(|image| ids.iter().any(|id| names(image, id)));
    }
    let status = input
        .filter
        .as_ref()
        .and_then(|filter| filter.tag_status.as_ref());
    images.retain(|image| wanted(image, status));
    let kept = input
        .filter
        .as_ref()
        .and_then(|filter| filter.image_status.as_ref());
    if !is_active(kept) {
        images.clear();
    }
    let details = images
        .iter()
        .map(|image| detail(image, scope, &repository))
        .collect();
    let limit = input.max_results.or(Some(PAGE_IMAGES_DEFAULT));
    let (image_details, next_token) = page(details, limit, PAGE_IMAGES_MAX, input.next_token.as_deref())?;
    Ok(DescribeImagesResponse {
        image_details: Some(image_details),
        next_token,
    })
}

/// As AWS writes an image's id in a sentence.
pub(super) fn written(id: &ImageIdentifier) -> String {
    let part = |value: &Option<String>| value.as_ref().map_or("null".to_owned(), |it| format!("'{it}'"));
    format!(
        "{{imageDigest:{}, imageTag:{}}}",
        part(&id.image_digest),
        part(&id.image_tag)
    )
}

fn detail(image: &model::Image, scope: &Scope, repository: &str) -> ImageDetail {
    ImageDetail {
        registry_id: Some(scope.account.clone()),
        repository_name: Some(repository.to_owned()),
        image_digest: Some(image.digest.clone()),
        image_tags: (!image.tags.is_empty()).then(|| image.tags.clone()),
        image_size_in_bytes: Some(image.size_bytes as i64),
        image_pushed_at: Some(image.pushed_at),
        image_manifest_media_type: Some(image.media_type.clone()),
        artifact_media_type: image.config_media_type.clone(),
        subject_manifest_digest: image.subject.clone(),
        last_recorded_pull_time: image.pulled_at,
        image_status: Some(ImageStatus::Active),
        ..Default::default()
    }
}

pub(super) async fn list_images(
    ecr: &Ecr,
    context: &Context,
    input: ListImagesRequest,
) -> Result<ListImagesResponse, ApiError> {
    let (scope, snapshot) = (&context.scope, ecr.store.snapshot());
    table::check_registry(scope, input.registry_id.as_deref(), &input.repository_name)?;
    table::repository(&snapshot, scope, &input.repository_name)?;
    let status = input
        .filter
        .as_ref()
        .and_then(|filter| filter.tag_status.as_ref());
    let kept = input
        .filter
        .as_ref()
        .and_then(|filter| filter.image_status.as_ref());
    let mut images = table::images(&snapshot, scope, &input.repository_name);
    if !is_active(kept) {
        images.clear();
    }
    let ids = images
        .iter()
        .filter(|image| wanted(image, status))
        .flat_map(|image| ids(image))
        .collect();
    let limit = input.max_results.or(Some(PAGE_IMAGES_DEFAULT));
    let (image_ids, next_token) = page(ids, limit, PAGE_IMAGES_MAX, input.next_token.as_deref())?;
    Ok(ListImagesResponse {
        image_ids: Some(image_ids),
        next_token,
    })
}

/// One id per tag, or the digest alone.
fn ids(image: &model::Image) -> Vec<ImageIdentifier> {
    let id = |tag| ImageIdentifier {
        image_digest: Some(image.digest.clone()),
        image_tag: tag,
    };
    if image.tags.is_empty() {
        return vec![id(None)];
    }
    image.tags.iter().cloned().map(Some).map(id).collect()
}

fn failure(id: ImageIdentifier, all: &[Arc<model::Image>]) -> ImageFailure {
    let digest = id.image_digest.as_deref();
    let has_digest = all.iter().any(|image| Some(image.digest.as_str()) == digest);
    let (code, reason) = match (digest, &id.image_tag) {
        (None, None) => (
            ImageFailureCode::MissingDigestAndTag,
            "Invalid request parameters: both tag and digest cannot be null",
        ),
        (Some(text), _) if !is_digest(text) => (
            ImageFailureCode::InvalidImageDigest,
            "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
        ),
        (Some(_), Some(_)) if has_digest => (
            ImageFailureCode::ImageTagDoesNotMatchDigest,
            "Requested image tag does not match the digest",
        ),
        _ => (ImageFailureCode::ImageNotFound, "Requested image not found"),
    };
    ImageFailure {
        image_id: Some(id),
        failure_code: Some(code),
        failure_reason: Some(reason.to_owned()),
    }
}

fn is_digest(text: &str) -> bool {
    text.split_once(':').is_some_and(|(name, hex)| {
        !name.is_empty() && !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

pub(super) async fn batch_get_image(
    ecr: &Ecr,
    context: &Context,
    input: BatchGetImageRequest,
) -> Result<BatchGetImageResponse, ApiError> {
    let (scope, snapshot) = (&context.scope, ecr.store.snapshot());
    let repository = input.repository_name;
    table::check_registry(scope, input.registry_id.as_deref(), &repository)?;
    table::repository(&snapshot, scope, &repository)?;
    let all: Vec<Arc<model::Image>> = table::images(&snapshot, scope, &repository);
    let (mut images, mut failures) = (Vec::new(), Vec::new());
    for id in input.image_ids {
        let Some(image) = all.iter().find(|image| names(image, &id)) else {
            failures.push(failure(id, &all));
            continue;
        };
        let manifest = match ecr.blobs.read(&image.digest, MANIFEST_BYTES_MAX as u64).await {
            Ok(manifest) => manifest,
            // Its name outlived its bytes: whoever wants to run it must be told, not kept waiting.
            Err(BlobError::NotFound(_)) => {
                failures.push(failure(id, &[]));
                continue;
            }
            Err(error) => return Err(ApiError::internal(error)),
        };
        images.push(Image {
            registry_id: Some(scope.account.clone()),
            repository_name: Some(repository.clone()),
            image_id: Some(ImageIdentifier {
                image_digest: Some(image.digest.clone()),
                ..id
            }),
            image_manifest: Some(String::from_utf8_lossy(&manifest).into_owned()),
            image_manifest_media_type: Some(image.media_type.clone()),
        });
    }
    Ok(BatchGetImageResponse {
        images: Some(images),
        failures: Some(failures),
    })
}

pub(super) async fn batch_delete_image(
    ecr: &Ecr,
    context: &Context,
    input: BatchDeleteImageRequest,
) -> Result<BatchDeleteImageResponse, ApiError> {
    let scope = context.scope.clone();
    let (gone, failures) = ecr
        .store
        .write(move |tx| {
            let repository = input.repository_name;
            table::check_registry(&scope, input.registry_id.as_deref(), &repository)?;
            table::repository(&tx.snapshot(), &scope, &repository)?;
            let (mut gone, mut failures) = (Vec::new(), Vec::new());
            // What indexes lead to goes after them, in whatever order it was asked for.
            let (indexes, others): (Vec<_>, Vec<_>) = {
                let images = table::images(&tx.snapshot(), &scope, &repository);
                let is_index = |id: &ImageIdentifier| {
                    let mut meant = images.iter().filter(|image| names(image, id));
                    meant.any(|image| !image.children.is_empty())
                };
                input.image_ids.into_iter().partition(is_index)
            };
            for id in indexes.into_iter().chain(others) {
                let images = table::images(&tx.snapshot(), &scope, &repository);
                let Some(image) = images.iter().find(|image| names(image, &id)) else {
                    failures.push(failure(id, &images));
                    continue;
                };
                let key = image_key(&scope, &repository, &image.digest);
                let mut left = model::Image::clone(image);
                left.tags.retain(|tag| id.image_tag.as_ref() != Some(tag));
                // Without a tag in the request, or when the last tag goes, the image goes.
                if id.image_tag.is_none() || left.tags.is_empty() {
                    if let Some(failure) = referenced(&id, image, &images) {
                        failures.push(failure);
                        continue;
                    }
                    tx.delete(IMAGES, &key);
                    gone.extend(ids(image));
                } else {
                    tx.put(IMAGES, &key, left);
                    gone.push(ImageIdentifier {
                        image_digest: Some(image.digest.clone()),
                        ..id
                    });
                }
            }
            Ok::<_, ApiError>((gone, failures))
        })
        .await?;
    Ok(BatchDeleteImageResponse {
        image_ids: Some(gone),
        failures: Some(failures),
    })
}

/// An image that an index leads to stays as long as the index does.
fn referenced(
    id: &ImageIdentifier,
    image: &model::Image,
    images: &[Arc<model::Image>],
) -> Option<ImageFailure> {
    let indexes: Vec<&str> = images
        .iter()
        .filter(|index| index.children.contains(&image.digest))
        .map(|index| index.digest.as_str())
        .collect();
    (!indexes.is_empty()).then(|| ImageFailure {
        image_id: Some(id.clone()),
        failure_code: Some(ImageFailureCode::ImageReferencedByManifestList),
        failure_reason: Some(format!(
            "Requested image referenced by manifest list: [{}]",
            indexes.join(", ")
        )),
    })
}

/// What a referrer says of itself in its manifest.
#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

pub(super) async fn list_image_referrers(
    ecr: &Ecr,
    context: &Context,
    input: ListImageReferrersRequest,
) -> Result<ListImageReferrersResponse, ApiError> {
    let (scope, snapshot) = (&context.scope, ecr.store.snapshot());
    let (name, subject) = (input.repository_name, input.subject_id.image_digest);
    table::check_registry(scope, input.registry_id.as_deref(), &name)?;
    table::repository(&snapshot, scope, &name)?;
    let filter = input.filter.unwrap_or_default();
    let kinds = filter.artifact_types.unwrap_or_default();
    let active = matches!(
        filter.artifact_status,
        None | Some(ArtifactStatusFilter::Active | ArtifactStatusFilter::Any)
    );
    let mut images = table::images(&snapshot, scope, &name);
    images.retain(|image| {
        let kind = image.config_media_type.as_ref();
        active
            && image.subject.as_ref() == Some(&subject)
            && (kinds.is_empty() || kind.is_some_and(|kind| kinds.contains(kind)))
    });
    let limit = input.max_results.or(Some(PAGE_REFERRERS_DEFAULT));
    let (images, next_token) = page(images, limit, PAGE_REFERRERS_MAX, input.next_token.as_deref())?;
    let mut referrers = Vec::new();
    for image in images {
        let read = ecr.blobs.read(&image.digest, MANIFEST_BYTES_MAX as u64).await;
        let manifest = match read {
            Ok(bytes) => bytes,
            Err(BlobError::NotFound(_)) => continue,
            Err(error) => return Err(ApiError::internal(error)),
        };
        let said = serde_json::from_slice::<Said>(&manifest);
        referrers.push(ImageReferrer {
            digest: image.digest.clone(),
            media_type: image.media_type.clone(),
            artifact_type: image.config_media_type.clone(),
            size: manifest.len() as i64,
            annotations: said.ok().and_then(|said| said.annotations),
            artifact_status: Some(ArtifactStatus::Active),
        });
    }
    Ok(ListImageReferrersResponse {
        referrers: Some(referrers),
        next_token,
    })
}
