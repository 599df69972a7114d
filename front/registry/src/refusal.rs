//! Errors as the distribution specification has them: a status, a code, a sentence.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use contract::image::{BlobError, CatalogError};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: StatusCode,
    errors: Vec<OneError>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct OneError {
    code: &'static str,
    message: String,
}

#[derive(Serialize)]
struct Errors {
    errors: Vec<OneError>,
}

impl Refusal {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            errors: vec![OneError {
                code,
                message: message.into(),
            }],
        }
    }

    /// Several of one kind.
    pub fn several(status: StatusCode, code: &'static str, messages: Vec<String>) -> Self {
        let errors = messages
            .into_iter()
            .map(|message| OneError { code, message })
            .collect();
        Self { status, errors }
    }

    pub fn unauthorized() -> Self {
        let message = "user name or password is wrong, missing, or no longer valid; \
            log in with the password of `aws ecr get-login-password`, user AWS";
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message)
    }

    pub fn name_invalid(name: &str) -> Self {
        let shown: String = name.chars().take(100).collect();
        let message = format!("`{shown}` is not the name of a repository");
        Self::new(StatusCode::BAD_REQUEST, "NAME_INVALID", message)
    }

    pub fn name_unknown(name: &str) -> Self {
        let message = format!(
            "The repository with name '{name}' does not exist in the registry; \
             create it first: aws ecr create-repository --repository-name {name}"
        );
        Self::new(StatusCode::NOT_FOUND, "NAME_UNKNOWN", message)
    }

    pub fn manifest_invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", message)
    }

    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", message)
    }

    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "UNSUPPORTED",
            "there is nothing at this path",
        )
    }

    pub fn into_response(self) -> Response {
        let unauthorized = self.status == StatusCode::UNAUTHORIZED;
        let mut response = (self.status, Json(Errors { errors: self.errors })).into_response();
        if unauthorized {
            let challenge = HeaderValue::from_static("Basic realm=\"Wharf registry\",service=\"wharf\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl From<BlobError> for Refusal {
    fn from(error: BlobError) -> Self {
        let (status, code) = match &error {
            BlobError::NotFound(_) => (StatusCode::NOT_FOUND, "BLOB_UNKNOWN"),
            BlobError::UploadUnknown(_) => (StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN"),
            BlobError::DigestMismatch { .. } | BlobError::DigestInvalid(_) => {
                (StatusCode::BAD_REQUEST, "DIGEST_INVALID")
            }
            BlobError::OffsetMismatch { .. } => (StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID"),
            BlobError::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID"),
            BlobError::TooManyUploads { .. } => (StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS"),
            BlobError::Io(_) => {
                tracing::error!(%error, "registry");
                (StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN")
            }
        };
        Self::new(status, code, error.to_string())
    }
}

impl From<CatalogError> for Refusal {
    fn from(error: CatalogError) -> Self {
        let (status, code) = match &error {
            CatalogError::RepositoryUnknown(name) => return Self::name_unknown(name),
            CatalogError::ManifestUnknown(_) => (StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN"),
            CatalogError::TagImmutable { .. } => (StatusCode::BAD_REQUEST, "TAG_INVALID"),
            CatalogError::Invalid(_) => (StatusCode::BAD_REQUEST, "MANIFEST_INVALID"),
            CatalogError::Failed(_) => {
                tracing::error!(%error, "registry");
                (StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN")
            }
        };
        Self::new(status, code, error.to_string())
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        BlobError::from(error).into()
    }
}
