//! Shapes of the Engine API, and errors as its clients read them.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use contract::image::{EngineError, ImageDetail, ImageSummary, Progress};
use http::StatusCode;
use serde::{Deserialize, Serialize};

/// `{"message": …}` with a status.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    message: String,
}

#[derive(Serialize)]
struct Message {
    message: String,
}

impl Refusal {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        let status = match error {
            EngineError::NotFound(_) => StatusCode::NOT_FOUND,
            EngineError::Invalid(_) => StatusCode::BAD_REQUEST,
            EngineError::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            EngineError::Conflict(_) => StatusCode::CONFLICT,
            EngineError::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (
            self.status,
            Json(Message {
                message: self.message,
            }),
        )
            .into_response()
    }
}

/// An entry of `GET /images/json`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListedImage {
    id: String,
    parent_id: &'static str,
    repo_tags: Vec<String>,
    repo_digests: Vec<String>,
    created: i64,
    size: u64,
    shared_size: i64,
    labels: BTreeMap<String, String>,
    containers: i64,
}

impl From<ImageSummary> for ListedImage {
    fn from(image: ImageSummary) -> Self {
        Self {
            repo_digests: digests(&image),
            id: image.digest,
            parent_id: "",
            repo_tags: image.names,
            created: image.created.map_or(0, |created| created.as_second()),
            size: image.size_bytes,
            shared_size: -1,
            labels: image.labels.into_iter().collect(),
            containers: -1,
        }
    }
}

impl ListedImage {
    /// With the numbers that lists leave out.
    pub fn counted(image: ImageSummary) -> Self {
        Self {
            shared_size: 0,
            containers: 0,
            ..Self::from(image)
        }
    }
}

/// `repository@sha256:…`, once for each repository.
fn digests(image: &ImageSummary) -> Vec<String> {
    let mut found: Vec<String> = image
        .names
        .iter()
        .map(|name| format!("{}@{}", repository(name), image.digest))
        .collect();
    found.dedup();
    found
}

/// The name without its tag; a colon before a slash belongs to the registry's port.
pub(crate) fn repository(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    }
}

/// What this needs of an image's configuration; its `config` is passed on as it is.
#[derive(Deserialize)]
struct StoredConfig {
    created: Option<String>,
    author: Option<String>,
    architecture: String,
    os: String,
    #[serde(default)]
    config: serde_json::Value,
    rootfs: StoredRootFs,
}

#[derive(Deserialize)]
struct StoredRootFs {
    #[serde(default)]
    diff_ids: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InspectedImage {
    id: String,
    repo_tags: Vec<String>,
    repo_digests: Vec<String>,
    parent: &'static str,
    comment: &'static str,
    created: Option<String>,
    author: String,
    config: serde_json::Value,
    architecture: String,
    os: String,
    size: u64,
    #[serde(rename = "RootFS")]
    root_fs: RootFs,
    metadata: Metadata,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    /// Not noted here: what Docker answers then.
    last_tag_time: &'static str,
}

/// The answer to a prune.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Pruned {
    pub images_deleted: Vec<Removal>,
    pub space_reclaimed: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RootFs {
    r#type: &'static str,
    layers: Vec<String>,
}

impl InspectedImage {
    pub fn new(detail: ImageDetail) -> Result<Self, Refusal> {
        let stored: StoredConfig = serde_json::from_slice(&detail.config).map_err(|error| {
            Refusal::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                format!("the image's configuration cannot be read: {error}"),
            )
        })?;
        Ok(Self {
            repo_digests: digests(&detail.summary),
            id: detail.summary.digest,
            repo_tags: detail.summary.names,
            parent: "",
            comment: "",
            created: stored.created,
            author: stored.author.unwrap_or_default(),
            config: stored.config,
            architecture: stored.architecture,
            os: stored.os,
            size: detail.summary.size_bytes,
            root_fs: RootFs {
                r#type: "layers",
                layers: stored.rootfs.diff_ids,
            },
            metadata: Metadata {
                last_tag_time: "0001-01-01T00:00:00Z",
            },
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) enum Removal {
    Untagged(String),
    Deleted(String),
}

/// One line of a long answer.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(rename = "progressDetail", skip_serializing_if = "Option::is_none")]
    pub progress_detail: Option<ProgressDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aux: Option<Aux>,
    #[serde(rename = "errorDetail", skip_serializing_if = "Option::is_none")]
    pub error_detail: Option<ErrorDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct ProgressDetail {
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct ErrorDetail {
    message: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Aux {
    Built {
        #[serde(rename = "ID")]
        id: String,
    },
    Pushed {
        #[serde(rename = "Tag")]
        tag: String,
        #[serde(rename = "Digest")]
        digest: String,
        #[serde(rename = "Size")]
        size: u64,
    },
}

impl Line {
    pub fn stream(text: impl Into<String>) -> Self {
        Self {
            stream: Some(text.into()),
            ..Self::default()
        }
    }

    pub fn status(text: impl Into<String>) -> Self {
        Self {
            status: Some(text.into()),
            ..Self::default()
        }
    }

    pub fn aux(aux: Aux) -> Self {
        Self {
            aux: Some(aux),
            ..Self::default()
        }
    }

    pub fn error(message: String) -> Self {
        let message = printable(&message);
        Self {
            error_detail: Some(ErrorDetail {
                message: message.clone(),
            }),
            error: Some(message),
            ..Self::default()
        }
    }

    pub fn progress(progress: Progress) -> Self {
        let detail = ProgressDetail {
            current: progress.current_bytes,
            total: progress.total_bytes,
        };
        Self {
            status: Some(progress.status),
            id: progress.id,
            progress_detail: Some(detail),
            ..Self::default()
        }
    }
}

/// What an archive or a registry said is shown on a terminal: without its control characters, and not without end.
fn printable(message: &str) -> String {
    const CHARS_MAX: usize = 2_000;
    let plain = |c: &char| (!c.is_control() || *c == '\n') && *c != char::REPLACEMENT_CHARACTER;
    message.chars().filter(plain).take(CHARS_MAX).collect()
}

/// Names in front of a Docker Hub repository that people leave out.
pub(crate) fn full_repository(repository: &str) -> String {
    let first = repository.split('/').next().unwrap_or_default();
    let has_registry = repository.contains('/') && (first.contains(['.', ':']) || first == "localhost");
    match (has_registry, repository.contains('/')) {
        (true, _) => repository.to_owned(),
        (false, true) => format!("docker.io/{repository}"),
        (false, false) => format!("docker.io/library/{repository}"),
    }
}
