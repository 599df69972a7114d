//! Blobs out: whole or a range, straight from the file.

use std::io::SeekFrom;

use axum::body::Body;
use axum::response::Response;
use contract::image::{BlobError, Tenant};
use http::{HeaderMap, StatusCode, header};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use crate::Registry;
use crate::refusal::Refusal;
use crate::route::BlobAction;

/// Pieces in which a blob is sent.
const CHUNK_BYTES: usize = 256 << 10;

pub(crate) async fn serve(
    registry: &Registry,
    tenant: &Tenant,
    repository: &str,
    digest: &str,
    action: BlobAction,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let size = size(registry, tenant, repository, digest).await?;
    let Some(size) = size else {
        return Err(BlobError::NotFound(digest.to_owned()).into());
    };
    let head = match action {
        BlobAction::Get => false,
        BlobAction::Head => true,
        BlobAction::Delete => {
            registry.catalog.remove_blob(tenant, repository, digest).await?;
            let response = Response::builder()
                .status(StatusCode::ACCEPTED)
                .header(header::CONTENT_LENGTH, 0)
                .body(Body::empty());
            return response.map_err(|error| std::io::Error::other(error).into());
        }
    };
    let range = match headers.get(header::RANGE) {
        Some(value) => parse(value.to_str().unwrap_or_default(), size)?,
        None => None,
    };
    let (start, length) = range.unwrap_or((0, size));
    let mut response = Response::builder()
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .header(header::CONTENT_LENGTH, length)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::ETAG, format!("\"{digest}\""))
        .header("docker-content-digest", digest);
    if range.is_some() {
        response = response.status(StatusCode::PARTIAL_CONTENT).header(
            header::CONTENT_RANGE,
            format!("bytes {start}-{}/{size}", start + length - 1),
        );
    }
    let body = if head {
        Body::empty()
    } else {
        let mut file = File::open(registry.blobs.path(digest).await?).await?;
        if start > 0 {
            file.seek(SeekFrom::Start(start)).await?;
        }
        Body::from_stream(ReaderStream::with_capacity(file.take(length), CHUNK_BYTES))
    };
    response
        .body(body)
        .map_err(|error| std::io::Error::other(error).into())
}

/// In bytes, of a blob that is in this repository.
pub(crate) async fn size(
    registry: &Registry,
    tenant: &Tenant,
    repository: &str,
    digest: &str,
) -> Result<Option<u64>, Refusal> {
    // First, as it says whether this is a digest at all.
    let size = registry.blobs.size(digest).await?;
    if size.is_some() && registry.catalog.has_blob(tenant, repository, digest).await {
        Ok(size)
    } else {
        Ok(None)
    }
}

/// Start and length. `None` means the whole: what is not understood is to be ignored.
fn parse(range: &str, size: u64) -> Result<Option<(u64, u64)>, Refusal> {
    let Some((first, last)) = range
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return Ok(None);
    };
    let bounds = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) => Some((first, last.min(size.saturating_sub(1)))),
        (Ok(first), Err(_)) if last.trim().is_empty() => Some((first, size.saturating_sub(1))),
        (Err(_), Ok(length)) if first.trim().is_empty() => {
            Some((size.saturating_sub(length), size.saturating_sub(1)))
        }
        _ => None,
    };
    match bounds {
        Some((first, last)) if first <= last && first < size => Ok(Some((first, last - first + 1))),
        Some(_) => {
            let message = format!("the range {range} is not within {size} bytes");
            Err(Refusal::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "SIZE_INVALID",
                message,
            ))
        }
        None => Ok(None),
    }
}
