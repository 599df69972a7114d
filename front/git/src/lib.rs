//! Repositories over git's smart HTTP: `/git/<owner>/<name>.git`.
//!
//! Git itself speaks the protocol (`git http-backend`); here it is decided who may, a repository is made by its first
//! push, and what a push calls for is told by the hook that runs then: its output reaches whoever pushes.

mod backend;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, StatusCode, header};

/// Whether a name and a password are those of somebody who may do everything here: a push runs programs.
pub type Doorkeeper = Arc<dyn Fn(&str, &str) -> bool + Send + Sync>;

/// Where repositories are, and what happens when somebody pushes.
#[derive(Clone)]
pub struct Host {
    /// `<owner>/<name>.git` are in there.
    pub repositories: PathBuf,
    /// A folder with git's hooks, for all of them.
    pub hooks: PathBuf,
    /// What git, and so the hook, gets of the environment.
    pub environment: BTreeMap<String, String>,
    pub doorkeeper: Doorkeeper,
}

/// Answers everything under `/git/`; to be merged into the router of the endpoint.
pub fn router(host: Host) -> Router {
    Router::new()
        .route("/git/{*rest}", axum::routing::any(serve))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(host)
}

async fn serve(State(host): State<Host>, request: Request) -> Response {
    if !allowed(&host, request.headers()) {
        return unauthorized();
    }
    let Some(asked) = Asked::parse(request.uri()) else {
        return sentence(
            StatusCode::NOT_FOUND,
            "repositories are at /git/<owner>/<name>.git",
        );
    };
    if asked.is_push
        && let Err(error) = backend::ensure(&host, &asked.repository).await
    {
        tracing::error!(%error, repository = asked.repository, "a repository could not be made");
        return sentence(
            StatusCode::INTERNAL_SERVER_ERROR,
            &format!("the repository could not be made: {error}"),
        );
    }
    if !backend::folder(&host, &asked.repository).join("HEAD").exists() {
        let text = format!(
            "there is no repository {} yet: the first push makes it",
            asked.repository
        );
        return sentence(StatusCode::NOT_FOUND, &text);
    }
    match backend::serve(&host, &asked, request).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%error, "git did not answer");
            sentence(
                StatusCode::INTERNAL_SERVER_ERROR,
                &format!("git could not be run: {error}"),
            )
        }
    }
}

/// What a path means.
pub(crate) struct Asked {
    /// `owner/name`
    pub(crate) repository: String,
    /// After the repository, such as `info/refs`.
    pub(crate) rest: String,
    pub(crate) query: String,
    is_push: bool,
}

impl Asked {
    fn parse(uri: &http::Uri) -> Option<Self> {
        let path = uri.path().strip_prefix("/git/")?;
        let mut parts = path.splitn(3, '/');
        let (owner, name, rest) = (parts.next()?, parts.next()?, parts.next()?);
        let repository = format!("{owner}/{}", name.strip_suffix(".git").unwrap_or(name));
        let is_known = matches!(rest, "info/refs" | "git-upload-pack" | "git-receive-pack");
        if !is_known || !base_id::is_repository_name(&repository) {
            return None;
        }
        let query = uri.query().unwrap_or_default();
        Some(Self {
            repository,
            rest: rest.to_owned(),
            query: query.to_owned(),
            is_push: rest == "git-receive-pack" || query == "service=git-receive-pack",
        })
    }
}

fn allowed(host: &Host, headers: &HeaderMap) -> bool {
    let given = || {
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, encoded) = value.split_once(' ')?;
        let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (user, password) = decoded.split_once(':')?;
        let is_basic = scheme.eq_ignore_ascii_case("Basic");
        is_basic.then(|| (user.to_owned(), password.to_owned()))
    };
    given().is_some_and(|(user, password)| (host.doorkeeper)(&user, &password))
}

fn unauthorized() -> Response {
    let text = "the user is an access key id of this cloud and the password its secret access key: \
        `wharf pipeline remote` sets that up\n";
    let headers = [(
        header::WWW_AUTHENTICATE,
        "Basic realm=\"Wharf\", charset=\"UTF-8\"",
    )];
    (StatusCode::UNAUTHORIZED, headers, text).into_response()
}

fn sentence(status: StatusCode, text: &str) -> Response {
    (status, Body::from(format!("{text}\n"))).into_response()
}

#[cfg(test)]
mod tests;
