//! Who refers to a manifest: signatures, lists of parts and the like, as an image index.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::Response;
use contract::image::{BlobError, CatalogEntry, Tenant};
use http::header;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::Registry;
use crate::manifest::MANIFEST_BYTES_MAX;
use crate::refusal::Refusal;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// A page has at most this many descriptors, and as many as fit into a manifest of the size that clients expect.
const PAGE_DESCRIPTORS_MAX: usize = 1_000;
const PAGE_BYTES_MAX: usize = 3 << 20;

pub(crate) struct Wanted<'a> {
    pub subject: &'a str,
    pub artifact_type: Option<&'a str>,
    /// A digest; the page has those after it.
    pub after: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u32,
    media_type: &'static str,
    manifests: Vec<Descriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

/// What of the manifest is repeated in its descriptor.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Referrer {
    #[serde(default)]
    artifact_type: Option<String>,
    #[serde(default)]
    config: Option<Config>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    #[serde(default)]
    media_type: Option<String>,
}

pub(crate) async fn list(
    registry: &Registry,
    tenant: &Tenant,
    repository: &str,
    wanted: Wanted<'_>,
) -> Result<Response, Refusal> {
    // Whether it is a digest at all; that nothing with it is here is no error.
    registry.blobs.size(wanted.subject).await?;
    let mut entries = registry
        .catalog
        .referrers(tenant, repository, wanted.subject)
        .await?;
    entries.retain(|entry| wanted.after.is_none_or(|after| entry.digest.as_str() > after));
    let (mut manifests, mut page_bytes, mut next) = (Vec::new(), 0, None);
    for entry in entries {
        let Some(descriptor) = descriptor(registry, entry).await? else {
            continue;
        };
        if wanted
            .artifact_type
            .is_some_and(|kind| descriptor.artifact_type.as_deref() != Some(kind))
        {
            continue;
        }
        page_bytes += serde_json::to_vec(&descriptor)
            .map_err(std::io::Error::from)?
            .len();
        let full = manifests.len() >= PAGE_DESCRIPTORS_MAX || page_bytes > PAGE_BYTES_MAX;
        if full && let Some(last) = manifests.last() {
            let last: &Descriptor = last;
            next = Some(link(repository, &wanted, &last.digest));
            break;
        }
        manifests.push(descriptor);
    }
    let index = Index {
        schema_version: 2,
        media_type: INDEX,
        manifests,
    };
    let bytes = serde_json::to_vec(&index).map_err(std::io::Error::from)?;
    let mut response = Response::builder()
        .header(header::CONTENT_TYPE, INDEX)
        .header(header::CONTENT_LENGTH, bytes.len());
    if let Some(link) = next {
        response = response.header(header::LINK, link);
    }
    if wanted.artifact_type.is_some() {
        response = response.header("oci-filters-applied", "artifactType");
    }
    response
        .body(Body::from(bytes))
        .map_err(|error| std::io::Error::other(error).into())
}

fn link(repository: &str, wanted: &Wanted<'_>, last: &str) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let filter = wanted
        .artifact_type
        .map(|kind| format!("&artifactType={}", encoded(kind)))
        .unwrap_or_default();
    let (subject, last) = (wanted.subject, encoded(last));
    format!("</v2/{repository}/referrers/{subject}?last={last}{filter}>; rel=\"next\"")
}

/// `None` if its bytes have been lost: whoever asks for it by name is told.
async fn descriptor(registry: &Registry, entry: CatalogEntry) -> Result<Option<Descriptor>, Refusal> {
    let bytes = match registry
        .blobs
        .read(&entry.digest, MANIFEST_BYTES_MAX as u64)
        .await
    {
        Ok(bytes) => bytes,
        Err(BlobError::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let Ok(referrer) = serde_json::from_slice::<Referrer>(&bytes) else {
        return Ok(None);
    };
    let own = referrer.artifact_type.filter(|kind| !kind.is_empty());
    Ok(Some(Descriptor {
        media_type: entry.media_type,
        digest: entry.digest,
        size: bytes.len(),
        artifact_type: own.or(referrer.config.and_then(|config| config.media_type)),
        annotations: referrer.annotations.unwrap_or_default(),
    }))
}
