//! What a path means. Repository names have slashes, so that paths are read from their end.

use http::{Method, Uri};
use percent_encoding::percent_decode_str;

use crate::refusal::Refusal;

/// As in ECR, in bytes.
const REPOSITORY_BYTES_MAX: usize = 256;
/// What a page has at most, and if nobody asks.
const PAGE_MAX: usize = 1_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Base,
    Catalog(Page),
    Tags {
        repository: String,
        page: Page,
    },
    Manifest {
        repository: String,
        reference: String,
        action: ManifestAction,
    },
    Referrers {
        repository: String,
        subject: String,
        artifact_type: Option<String>,
        after: Option<String>,
    },
    Blob {
        repository: String,
        digest: String,
        action: BlobAction,
    },
    UploadBegin {
        repository: String,
        begin: Begin,
    },
    Upload {
        repository: String,
        id: String,
        action: UploadAction,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ManifestAction {
    Get,
    Head,
    /// With tags that are given besides, when it is pushed by digest.
    Put {
        tags: Vec<String>,
    },
    Delete,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlobAction {
    Get,
    Head,
    Delete,
}

/// What an upload begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// In pieces.
    Session,
    /// The body is all of it.
    Whole { digest: String },
    /// It lies in another repository.
    Mount { digest: String, from: Option<String> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UploadAction {
    Status,
    Append,
    Finish { digest: String },
    Cancel,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub limit: usize,
    pub after: Option<String>,
}

pub(crate) fn parse(method: &Method, uri: &Uri) -> Result<Route, Refusal> {
    let path = percent_decode_str(uri.path())
        .decode_utf8()
        .map_err(|_| Refusal::not_found())?;
    let rest = path.strip_prefix("/v2").unwrap_or(&path).trim_start_matches('/');
    let query = Query::parse(uri);
    if rest.is_empty() {
        return reading(method).map(|()| Route::Base);
    }
    if rest == "_catalog" {
        return reading(method).and_then(|()| Ok(Route::Catalog(query.page()?)));
    }
    if let Some(name) = rest.strip_suffix("/tags/list") {
        let repository = repository(name)?;
        return reading(method).and_then(|()| {
            Ok(Route::Tags {
                repository,
                page: query.page()?,
            })
        });
    }
    if let Some(name) = rest
        .strip_suffix("/blobs/uploads/")
        .or_else(|| rest.strip_suffix("/blobs/uploads"))
    {
        let repository = repository(name)?;
        return match *method {
            Method::POST => Ok(Route::UploadBegin {
                repository,
                begin: begin(&query)?,
            }),
            _ => Err(refuse(method)),
        };
    }
    if let Some((name, id)) = rest.rsplit_once("/blobs/uploads/") {
        let (repository, id) = (repository(name)?, id.to_owned());
        return Ok(Route::Upload {
            repository,
            id,
            action: upload_action(method, &query)?,
        });
    }
    if let Some((name, digest)) = rest.rsplit_once("/blobs/") {
        let (repository, digest) = (repository(name)?, digest.to_owned());
        let action = match *method {
            Method::GET => BlobAction::Get,
            Method::HEAD => BlobAction::Head,
            Method::DELETE => BlobAction::Delete,
            _ => return Err(refuse(method)),
        };
        return Ok(Route::Blob {
            repository,
            digest,
            action,
        });
    }
    if let Some((name, subject)) = rest.rsplit_once("/referrers/") {
        let (repository, subject) = (repository(name)?, subject.to_owned());
        return reading(method).map(|()| Route::Referrers {
            repository,
            subject,
            artifact_type: query.get("artifactType").filter(|it| !it.is_empty()),
            after: query.get("last").filter(|it| !it.is_empty()),
        });
    }
    if let Some((name, reference)) = rest.rsplit_once("/manifests/") {
        let (repository, reference) = (repository(name)?, reference.to_owned());
        return Ok(Route::Manifest {
            repository,
            reference,
            action: manifest_action(method, &query)?,
        });
    }
    Err(Refusal::not_found())
}

fn refuse(method: &Method) -> Refusal {
    Refusal::unsupported(format!("{method} is not served here"))
}

fn reading(method: &Method) -> Result<(), Refusal> {
    if matches!(*method, Method::GET | Method::HEAD) {
        Ok(())
    } else {
        Err(refuse(method))
    }
}

fn upload_action(method: &Method, query: &Query) -> Result<UploadAction, Refusal> {
    match *method {
        Method::GET => Ok(UploadAction::Status),
        Method::PATCH => Ok(UploadAction::Append),
        Method::DELETE => Ok(UploadAction::Cancel),
        Method::PUT => {
            let missing = || {
                Refusal::new(
                    http::StatusCode::BAD_REQUEST,
                    "DIGEST_INVALID",
                    "the parameter `digest` is missing",
                )
            };
            Ok(UploadAction::Finish {
                digest: query.get("digest").ok_or_else(missing)?,
            })
        }
        _ => Err(refuse(method)),
    }
}

fn begin(query: &Query) -> Result<Begin, Refusal> {
    if let Some(digest) = query.get("mount") {
        let from = query.get("from").filter(|from| !from.is_empty());
        return Ok(Begin::Mount { digest, from });
    }
    if let Some(digest) = query.get("digest") {
        return Ok(Begin::Whole { digest });
    }
    match query.get("digest-algorithm").as_deref() {
        None | Some("sha256" | "sha512") => Ok(Begin::Session),
        Some(other) => {
            let shown: String = other.chars().take(64).collect();
            Err(Refusal::new(
                http::StatusCode::BAD_REQUEST,
                "DIGEST_INVALID",
                format!("digests by `{shown}` are not served; sha256 and sha512 are"),
            ))
        }
    }
}

fn manifest_action(method: &Method, query: &Query) -> Result<ManifestAction, Refusal> {
    match *method {
        Method::GET => Ok(ManifestAction::Get),
        Method::HEAD => Ok(ManifestAction::Head),
        Method::PUT => Ok(ManifestAction::Put {
            tags: query.all("tag"),
        }),
        Method::DELETE => Ok(ManifestAction::Delete),
        _ => Err(refuse(method)),
    }
}

/// A parameter of the query.
pub(crate) fn parameter(uri: &Uri, name: &str) -> Option<String> {
    Query::parse(uri).get(name)
}

/// Lower-case words with single separators, in parts.
fn repository(name: &str) -> Result<String, Refusal> {
    let part = |part: &str| {
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        edge(part.chars().next())
            && edge(part.chars().last())
            && part
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c))
            && !["..", "._", "_.", ".-", "-.", "___", "_-", "-_"]
                .iter()
                .any(|wrong| part.contains(wrong))
    };
    if name.len() <= REPOSITORY_BYTES_MAX && name.split('/').all(part) {
        Ok(name.to_owned())
    } else {
        Err(Refusal::name_invalid(name))
    }
}

struct Query(Vec<(String, String)>);

impl Query {
    fn parse(uri: &Uri) -> Self {
        // A plus stays a plus: media types have them, and clients send them as they are.
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let pairs = uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode(name), decode(value))
                })
                .collect(),
        )
    }

    fn get(&self, name: &str) -> Option<String> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    }

    fn all(&self, name: &str) -> Vec<String> {
        let values = self.0.iter().filter(|(known, _)| known == name);
        values.map(|(_, value)| value.clone()).collect()
    }

    fn page(&self) -> Result<Page, Refusal> {
        let limit = match self.get("n") {
            None => PAGE_MAX,
            Some(text) => text
                .parse::<usize>()
                .map(|limit| limit.min(PAGE_MAX))
                .map_err(|_| {
                    let message = format!("`n` must be a number from 0 to {PAGE_MAX}");
                    Refusal::new(
                        http::StatusCode::BAD_REQUEST,
                        "PAGINATION_NUMBER_INVALID",
                        message,
                    )
                })?,
        };
        Ok(Page {
            limit,
            after: self.get("last").filter(|last| !last.is_empty()),
        })
    }
}

#[cfg(test)]
mod tests;
