//! Manifests: taken only when all that they refer to is here, given back byte for byte.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use contract::image::{BlobError, PutManifest, Tenant};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

use crate::Registry;
use crate::access;
use crate::refusal::Refusal;
use crate::route::ManifestAction;

/// As registries agree on.
const MANIFEST_BYTES_MAX: usize = 4 << 20;
/// Blobs that one manifest may refer to.
const REFERENCES_MAX: usize = 5_000;
const TAG_BYTES_MAX: usize = 128;

const MEDIA_TYPES: [&str; 4] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];

/// What matters here of a manifest or index.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u32,
    media_type: Option<String>,
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
    #[serde(default)]
    manifests: Vec<Descriptor>,
    subject: Option<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: Option<String>,
    digest: String,
    /// Layers that may not be passed on are elsewhere.
    #[serde(default)]
    urls: Vec<String>,
}

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
        ManifestAction::Put => put(registry, tenant, repository, reference, request).await,
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
    respond(response, if head { Body::empty() } else { Body::from(bytes) })
}

async fn put(
    registry: &Registry,
    tenant: &Tenant,
    repository: &str,
    reference: &str,
    request: Request,
) -> Result<Response, Refusal> {
    access::repository(registry, tenant, repository).await?;
    let declared = media_type(request.headers())?;
    let bytes = axum::body::to_bytes(request.into_body(), MANIFEST_BYTES_MAX)
        .await
        .map_err(|_| {
            let message = format!("a manifest has at most {MANIFEST_BYTES_MAX} bytes");
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "MANIFEST_INVALID", message)
        })?;
    let manifest: Manifest = serde_json::from_slice(&bytes)
        .map_err(|error| Refusal::manifest_invalid(format!("the manifest cannot be read: {error}")))?;
    let media_type = check(&manifest, declared)?;
    let size_bytes = check_references(registry, &manifest).await? + bytes.len() as u64;

    let tag = if reference.contains(':') {
        None
    } else {
        Some(tag(reference)?)
    };
    let digest = store(registry, bytes, tag.is_none().then_some(reference)).await?;
    let subject = manifest.subject.map(|subject| subject.digest);
    let config_media_type = manifest.config.and_then(|config| config.media_type);
    let at = registry.clock.now();
    let entry = PutManifest {
        digest: digest.clone(),
        media_type,
        tag,
        size_bytes,
        config_media_type,
        subject: subject.clone(),
        at,
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
    respond(response, Body::empty())
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

fn check(manifest: &Manifest, declared: Option<String>) -> Result<String, Refusal> {
    if manifest.schema_version != 2 {
        let message = format!("schema version {} is not served, only 2", manifest.schema_version);
        return Err(Refusal::manifest_invalid(message));
    }
    let media_type = match (declared, &manifest.media_type) {
        (Some(declared), Some(inside)) if declared != *inside => {
            let message = format!("the Content-Type is {declared}, but the manifest says {inside}");
            return Err(Refusal::manifest_invalid(message));
        }
        (Some(declared), _) => declared,
        (None, Some(inside)) => inside.clone(),
        (None, None) => return Err(Refusal::manifest_invalid("the manifest has no media type")),
    };
    if !MEDIA_TYPES.contains(&media_type.as_str()) {
        return Err(Refusal::manifest_invalid(format!(
            "{media_type} is not the media type of a manifest"
        )));
    }
    let is_index = media_type.contains("index") || media_type.contains("list");
    if is_index == manifest.config.is_some() {
        let message = if is_index {
            "an index has no config"
        } else {
            "the manifest has no config"
        };
        return Err(Refusal::manifest_invalid(message));
    }
    Ok(media_type)
}

/// All blobs that it refers to must be here; returns their bytes, of an index none.
async fn check_references(registry: &Registry, manifest: &Manifest) -> Result<u64, Refusal> {
    let own = manifest.config.iter().chain(&manifest.layers);
    let children = manifest.manifests.len();
    if manifest.layers.len() + children > REFERENCES_MAX {
        return Err(Refusal::manifest_invalid(format!(
            "a manifest refers to at most {REFERENCES_MAX} blobs"
        )));
    }
    let mut size_bytes = 0;
    let mut missing = Vec::new();
    for (descriptor, is_child) in own
        .map(|one| (one, false))
        .chain(manifest.manifests.iter().map(|one| (one, true)))
    {
        match registry.blobs.size(&descriptor.digest).await? {
            Some(size) if !is_child => size_bytes += size,
            Some(_) => {}
            None if descriptor.urls.is_empty() => {
                missing.push(format!(
                    "the manifest refers to {}, which has not been pushed",
                    descriptor.digest
                ));
            }
            None => {}
        }
    }
    if missing.is_empty() {
        Ok(size_bytes)
    } else {
        Err(Refusal::several(
            StatusCode::NOT_FOUND,
            "MANIFEST_BLOB_UNKNOWN",
            missing,
        ))
    }
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
