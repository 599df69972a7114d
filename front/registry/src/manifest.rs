//! Manifests: taken only when all that they refer to is here, given back byte for byte.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use contract::image::{BlobError, CatalogError, PutManifest, Tenant};
pub(crate) use contract::manifest::MANIFEST_BYTES_MAX;
use contract::manifest::{Manifest, Reference};
use http::{HeaderMap, StatusCode, header};

use crate::Registry;
use crate::access;
use crate::blob;
use crate::refusal::Refusal;
use crate::route::ManifestAction;

const TAG_BYTES_MAX: usize = 128;
/// Tags that one push may give.
const TAGS_MAX: usize = 100;

pub(crate) async fn serve(
    registry: &Registry,
    tenant: &Tenant,
    repository: &str,
    reference: &str,
    action: ManifestAction,
    request: Request,
) -> Result<Response, Refusal> {
    match action {
        ManifestAction::Get => get(registry, tenant, repository, reference, false).await,
        ManifestAction::Head => get(registry, tenant, repository, reference, true).await,
        ManifestAction::Put { tags } => {
            let target = Target::parse(reference, tags)?;
            put(registry, tenant, repository, target, request).await
        }
        ManifestAction::Delete => {
            registry.catalog.delete(tenant, repository, reference).await?;
            respond(
                Response::builder()
                    .status(StatusCode::ACCEPTED)
                    .header(header::CONTENT_LENGTH, 0),
                Body::empty(),
            )
        }
    }
}

async fn get(
    registry: &Registry,
    tenant: &Tenant,
    repository: &str,
    reference: &str,
    head: bool,
) -> Result<Response, Refusal> {
    let entry = registry.catalog.resolve(tenant, repository, reference).await?;
    let bytes = match registry
        .blobs
        .read(&entry.digest, MANIFEST_BYTES_MAX as u64)
        .await
    {
        Ok(bytes) => bytes,
        Err(BlobError::NotFound(digest)) => {
            let message = format!("the manifest {digest} of {repository}:{reference} has been lost");
            return Err(Refusal::new(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", message));
        }
        Err(error) => return Err(error.into()),
    };
    let response = Response::builder()
        .header(header::CONTENT_TYPE, &entry.media_type)
        .header(header::CONTENT_LENGTH, bytes.len())
        .header(header::ETAG, format!("\"{}\"", entry.digest))
        .header("docker-content-digest", &entry.digest);
    if head {
        return respond(response, Body::empty());
    }
    registry.catalog.pulled(tenant, repository, &entry.digest).await;
    respond(response, Body::from(bytes))
}

/// Under which names a manifest is pushed.
struct Target {
    /// When it is pushed by digest.
    digest: Option<String>,
    tags: Vec<String>,
    /// Of `tags`, those that were parameters: the answer repeats them.
    told: Option<String>,
}

impl Target {
    fn parse(reference: &str, tags: Vec<String>) -> Result<Self, Refusal> {
        if !reference.contains(':') {
            let tags = vec![tag(reference)?];
            return Ok(Self {
                digest: None,
                tags,
                told: None,
            });
        }
        if tags.len() > TAGS_MAX {
            let message = format!("at most {TAGS_MAX} tags can be given at once");
            return Err(Refusal::new(StatusCode::URI_TOO_LONG, "TAG_INVALID", message));
        }
        let tags = tags.iter().map(|text| tag(text)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            digest: Some(reference.to_owned()),
            told: (!tags.is_empty()).then(|| tags.join(", ")),
            tags,
        })
    }
}

async fn put(
    registry: &Registry,
    tenant: &Tenant,
    repository: &str,
    target: Target,
    request: Request,
) -> Result<Response, Refusal> {
    access::repository(registry, tenant, repository).await?;
    let declared = media_type(request.headers())?;
    let bytes = axum::body::to_bytes(request.into_body(), MANIFEST_BYTES_MAX)
        .await
        .map_err(unread)?;
    let manifest = Manifest::parse(&bytes, declared.as_deref()).map_err(Refusal::manifest_invalid)?;
    if let Some(subject) = &manifest.subject {
        // It need not be here, but it must be a digest.
        registry.blobs.size(subject).await?;
    }
    let size_bytes = check_references(registry, tenant, repository, &manifest).await? + bytes.len() as u64;
    let digest = store(registry, bytes, target.digest.as_deref()).await?;
    let subject = manifest.subject;
    let entry = PutManifest {
        digest: digest.clone(),
        media_type: manifest.media_type,
        tags: target.tags,
        blobs: manifest.blobs.into_iter().map(|blob| blob.digest).collect(),
        children: manifest.manifests.into_iter().map(|it| it.digest).collect(),
        size_bytes,
        config_media_type: manifest.artifact_type.or(manifest.config_media_type),
        subject: subject.clone(),
        at: registry.clock.now(),
    };
    registry.catalog.put(tenant, repository, entry).await?;
    let mut response = Response::builder()
        .status(StatusCode::CREATED)
        .header(header::LOCATION, format!("/v2/{repository}/manifests/{digest}"))
        .header("docker-content-digest", &digest)
        .header(header::CONTENT_LENGTH, 0);
    if let Some(subject) = subject {
        response = response.header("oci-subject", subject);
    }
    if let Some(tags) = target.told {
        response = response.header("oci-tag", tags);
    }
    respond(response, Body::empty())
}

/// Too large, or broken off on the way.
fn unread(error: axum::Error) -> Refusal {
    let source = std::error::Error::source(&error);
    if source.is_some_and(|source| source.is::<http_body_util::LengthLimitError>()) {
        let message = format!("a manifest has at most {MANIFEST_BYTES_MAX} bytes");
        return Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "MANIFEST_INVALID", message);
    }
    Refusal::manifest_invalid(format!("the manifest broke off: {error}"))
}

/// Pushed by digest, the content must have it; the manifest is written only then.
async fn store(registry: &Registry, bytes: Bytes, expected: Option<&str>) -> Result<String, Refusal> {
    let Some(expected) = expected else {
        return Ok(registry.blobs.write(bytes).await?);
    };
    let id = registry.blobs.upload_begin().await?;
    registry.blobs.upload_append(&id, None, bytes).await?;
    if let Err(error) = registry.blobs.upload_finish(&id, expected).await {
        registry.blobs.upload_cancel(&id).await?;
        return Err(error.into());
    }
    Ok(expected.to_owned())
}

fn media_type(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(None);
    };
    let text = value
        .to_str()
        .map_err(|_| Refusal::manifest_invalid("the Content-Type is not text"))?;
    Ok(Some(text.split(';').next().unwrap_or_default().trim().to_owned()))
}

/// All blobs and manifests that it refers to must be in this repository, and as long as it says; returns the bytes of
/// the blobs.
async fn check_references(
    registry: &Registry,
    tenant: &Tenant,
    repository: &str,
    manifest: &Manifest,
) -> Result<u64, Refusal> {
    let mut size_bytes = 0;
    let mut missing = Vec::new();
    for reference in &manifest.blobs {
        match blob::size(registry, tenant, repository, &reference.digest).await? {
            Some(size) if size != reference.size_bytes => return Err(wrong_size(reference, size)),
            Some(size) => size_bytes += size,
            None if reference.is_foreign => {}
            None => missing.push(&reference.digest),
        }
    }
    for reference in &manifest.manifests {
        let size = registry.blobs.size(&reference.digest).await?;
        let resolved = registry
            .catalog
            .resolve(tenant, repository, &reference.digest)
            .await;
        match (size, resolved) {
            (Some(size), Ok(_)) if size != reference.size_bytes => return Err(wrong_size(reference, size)),
            (Some(_), Ok(_)) => {}
            (_, Err(error @ CatalogError::Failed(_))) => return Err(error.into()),
            _ => missing.push(&reference.digest),
        }
    }
    if missing.is_empty() {
        return Ok(size_bytes);
    }
    let sentences = missing
        .into_iter()
        .map(|digest| {
            format!("the manifest refers to {digest}, which has not been pushed to this repository")
        })
        .collect();
    Err(Refusal::several(
        StatusCode::NOT_FOUND,
        "MANIFEST_BLOB_UNKNOWN",
        sentences,
    ))
}

fn wrong_size(reference: &Reference, size_bytes: u64) -> Refusal {
    let (digest, said) = (&reference.digest, reference.size_bytes);
    let message = format!("the manifest says that {digest} has {said} bytes, but it has {size_bytes}");
    Refusal::new(StatusCode::BAD_REQUEST, "SIZE_INVALID", message)
}

fn tag(text: &str) -> Result<String, Refusal> {
    let valid = text.len() <= TAG_BYTES_MAX
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if valid {
        return Ok(text.to_owned());
    }
    let shown: String = text.chars().take(TAG_BYTES_MAX).collect();
    Err(Refusal::new(
        StatusCode::BAD_REQUEST,
        "TAG_INVALID",
        format!("`{shown}` is not a tag"),
    ))
}

fn respond(response: http::response::Builder, body: Body) -> Result<Response, Refusal> {
    response
        .body(body)
        .map_err(|error| std::io::Error::other(error).into())
}
