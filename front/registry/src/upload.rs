//! Blobs in: at once, in pieces, or not at all because they are here already.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use contract::image::{BlobError, Tenant};
use futures::StreamExt as _;
use http::{HeaderMap, StatusCode, header};

use crate::Registry;
use crate::blob;
use crate::refusal::Refusal;
use crate::route::{Begin, UploadAction};

/// Small pieces of the network are put together to this before they are hashed and written.
const PIECE_BYTES: usize = 1 << 20;

pub(crate) async fn begin(
    registry: &Registry,
    tenant: &Tenant,
    repository: &str,
    begin: Begin,
    request: Request,
) -> Result<Response, Refusal> {
    match begin {
        Begin::Session => {}
        Begin::Mount { digest, from } => {
            if let Some(from) = from
                && may_mount(registry, tenant, &from, &digest).await?
            {
                return stored(registry, tenant, repository, &digest).await;
            }
            // Not to be mounted: the client sends it.
        }
        Begin::Whole { digest } => {
            let id = registry.blobs.upload_begin().await?;
            let written = whole(registry, &id, &digest, request).await;
            if let Err(refusal) = written {
                registry.blobs.upload_cancel(&id).await?;
                return Err(refusal);
            }
            return stored(registry, tenant, repository, &digest).await;
        }
    }
    let id = registry.blobs.upload_begin().await?;
    accepted(StatusCode::ACCEPTED, repository, &id, 0)
}

async fn may_mount(registry: &Registry, tenant: &Tenant, from: &str, digest: &str) -> Result<bool, Refusal> {
    if registry.blobs.own_source() == Some(from) {
        return Ok(registry.blobs.size(digest).await?.is_some());
    }
    Ok(blob::size(registry, tenant, from, digest).await?.is_some())
}

async fn whole(registry: &Registry, id: &str, digest: &str, request: Request) -> Result<(), Refusal> {
    append(registry, id, None, request.into_body()).await?;
    Ok(registry.blobs.upload_finish(id, digest).await?)
}

pub(crate) async fn serve(
    registry: &Registry,
    tenant: &Tenant,
    repository: &str,
    id: &str,
    action: UploadAction,
    request: Request,
) -> Result<Response, Refusal> {
    match action {
        UploadAction::Status => {
            let size = registry.blobs.upload_size(id).await?;
            accepted(StatusCode::NO_CONTENT, repository, id, size)
        }
        UploadAction::Append => {
            let offset = offset(request.headers())?;
            let size = append(registry, id, offset, request.into_body()).await?;
            accepted(StatusCode::ACCEPTED, repository, id, size)
        }
        UploadAction::Finish { digest } => {
            let offset = offset(request.headers())?;
            append(registry, id, offset, request.into_body()).await?;
            if let Err(error) = registry.blobs.upload_finish(id, &digest).await {
                if matches!(error, BlobError::DigestMismatch { .. }) {
                    // What it holds is not what was meant, and nothing that follows could make it so.
                    registry.blobs.upload_cancel(id).await?;
                }
                return Err(error.into());
            }
            stored(registry, tenant, repository, &digest).await
        }
        UploadAction::Cancel => {
            registry.blobs.upload_cancel(id).await?;
            accepted(StatusCode::NO_CONTENT, repository, id, 0)
        }
    }
}

/// Writes a body to an upload and returns its size then.
async fn append(registry: &Registry, id: &str, offset: Option<u64>, body: Body) -> Result<u64, Refusal> {
    let mut stream = body.into_data_stream();
    let mut piece = BytesMut::with_capacity(PIECE_BYTES);
    // The first write finds out whether the upload is known and stands where the client thinks.
    let mut size = registry.blobs.upload_append(id, offset, Bytes::new()).await?;
    while let Some(bytes) = stream.next().await {
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(error) => {
                // What came is kept, so that the client can go on from there.
                let piece = piece.freeze();
                registry.blobs.upload_append(id, Some(size), piece).await?;
                let message = format!("the body broke off: {error}");
                return Err(Refusal::new(
                    StatusCode::BAD_REQUEST,
                    "BLOB_UPLOAD_INVALID",
                    message,
                ));
            }
        };
        piece.extend_from_slice(&bytes);
        if piece.len() >= PIECE_BYTES {
            size = registry
                .blobs
                .upload_append(id, Some(size), piece.split().freeze())
                .await?;
        }
    }
    if !piece.is_empty() {
        size = registry
            .blobs
            .upload_append(id, Some(size), piece.freeze())
            .await?;
    }
    Ok(size)
}

/// `Content-Range: 0-1023`; some clients write `bytes 0-1023/*`.
fn offset(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let Some(value) = headers.get(header::CONTENT_RANGE) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    let range = text
        .strip_prefix("bytes ")
        .unwrap_or(text)
        .split('/')
        .next()
        .unwrap_or_default();
    let bounds = range.split_once('-').and_then(|(first, last)| {
        Some((
            first.trim().parse::<u64>().ok()?,
            last.trim().parse::<u64>().ok()?,
        ))
    });
    let refuse = |status, code, message: String| Err(Refusal::new(status, code, message));
    let Some((first, last)) = bounds else {
        let message = format!("`Content-Range: {text}` is not a range such as 0-1023");
        return refuse(StatusCode::BAD_REQUEST, "BLOB_UPLOAD_INVALID", message);
    };
    if first > last {
        let message = format!("`Content-Range: {text}` ends before it begins");
        return refuse(StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID", message);
    }
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    // Before anything is written: what does not fit together is not begun with.
    if let Some(length) = length
        && Some(length) != (last - first).checked_add(1)
    {
        let message = format!("`Content-Range: {text}` does not have {length} bytes");
        return refuse(StatusCode::BAD_REQUEST, "SIZE_INVALID", message);
    }
    Ok(Some(first))
}

async fn stored(
    registry: &Registry,
    tenant: &Tenant,
    repository: &str,
    digest: &str,
) -> Result<Response, Refusal> {
    registry.catalog.add_blob(tenant, repository, digest).await?;
    Response::builder()
        .status(StatusCode::CREATED)
        .header(header::LOCATION, format!("/v2/{repository}/blobs/{digest}"))
        .header("docker-content-digest", digest)
        .header(header::CONTENT_LENGTH, 0)
        .body(Body::empty())
        .map_err(|error| std::io::Error::other(error).into())
}

/// Where to go on, and how much is here: `Range: 0-0` also stands for nothing, as everywhere.
fn accepted(status: StatusCode, repository: &str, id: &str, size: u64) -> Result<Response, Refusal> {
    Response::builder()
        .status(status)
        .header(header::LOCATION, format!("/v2/{repository}/blobs/uploads/{id}"))
        .header(header::RANGE, format!("0-{}", size.saturating_sub(1)))
        .header("docker-upload-uuid", id)
        .header(header::CONTENT_LENGTH, 0)
        .body(Body::empty())
        .map_err(|error| std::io::Error::other(error).into())
}
