//! What an instance asks about itself: the instance metadata service, versions 1 and 2.
//!
//! Who asks is known by the address that a connection comes from, as with tasks (`front/task` keeps the doors). Version 2
//! is a token for a session (`token`), without which an instance may be told nothing; `tree` makes directories of the
//! documents' paths.

mod token;
mod tree;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, put};
use axum::{Extension, Router};
use base_clock::Clock;
use contract::agent::{AgentError, Caller, HostAgent, HostFacts};
use http::{HeaderMap, StatusCode, header};

use token::{LIFE_SECONDS_MAX, Tokens};

/// Bytes of the key that tokens are signed with.
pub use token::KEY_BYTES;

const TOKEN: &str = "x-aws-ec2-metadata-token";
const TOKEN_LIFE: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const CREDENTIALS: &str = "meta-data/iam/security-credentials";
/// The versions that clients ask by name; all of them have everything.
const VERSIONS: [&str; 6] = [
    "1.0",
    "2016-09-02",
    "2019-10-01",
    "2020-10-27",
    "2021-07-15",
    "latest",
];

struct Shared {
    agent: Arc<dyn HostAgent>,
    clock: Arc<dyn Clock>,
    tokens: Tokens,
}

type Here = State<Arc<Shared>>;

/// The service. Every request must come with a [`Caller`] as an extension. `key` should be new with each start: tokens
/// of an earlier one are refused, and clients fetch another.
pub fn router(agent: Arc<dyn HostAgent>, clock: Arc<dyn Clock>, key: &[u8; KEY_BYTES]) -> Router {
    let shared = Arc::new(Shared {
        agent,
        clock,
        tokens: Tokens::new(key),
    });
    Router::new()
        .route("/latest/api/token", put(begin).fallback(not_allowed))
        .route("/", get(versions))
        .route("/{version}", get(root))
        .route("/{version}/", get(root))
        .route("/{version}/{*path}", get(document))
        .fallback(nothing)
        .with_state(shared)
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain")], body.into()).into_response()
}

/// As the service says it: a page with the status' own words.
fn refused(status: StatusCode) -> Response {
    let words = status.canonical_reason().unwrap_or_default();
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 \
         Transitional//EN\"\n\t\"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n<html \
         xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"en\" lang=\"en\">\n <head>\n  <title>{code} - \
         {words}</title>\n </head>\n <body>\n  <h1>{code} - {words}</h1>\n </body>\n</html>\n",
        code = status.as_u16()
    );
    (status, [(header::CONTENT_TYPE, "text/html")], body).into_response()
}

async fn nothing() -> Response {
    refused(StatusCode::NOT_FOUND)
}

async fn not_allowed() -> Response {
    refused(StatusCode::METHOD_NOT_ALLOWED)
}

/// Begins a session: version 2.
async fn begin(State(shared): Here, Extension(caller): Extension<Caller>, headers: HeaderMap) -> Response {
    match shared.agent.facts(&caller).await {
        None => return refused(StatusCode::NOT_FOUND),
        Some(facts) if !facts.enabled => return refused(StatusCode::FORBIDDEN),
        Some(_) => {}
    }
    // Whoever forwards requests of others must not get at tokens.
    if headers.contains_key("x-forwarded-for") {
        return refused(StatusCode::FORBIDDEN);
    }
    let life = headers.get(TOKEN_LIFE).and_then(|value| value.to_str().ok());
    let life = life.and_then(|text| text.trim().parse::<u32>().ok());
    let Some(life) = life.filter(|life| (1..=LIFE_SECONDS_MAX).contains(life)) else {
        return refused(StatusCode::BAD_REQUEST);
    };
    let token = shared.tokens.begin(&caller, life, shared.clock.now().as_second());
    let mut answer = text(StatusCode::OK, token);
    answer.headers_mut().insert(TOKEN_LIFE, life.into());
    answer
}

impl Shared {
    /// What the caller may know, if it has come with what it needs.
    async fn facts(&self, caller: &Caller, headers: &HeaderMap) -> Result<HostFacts, Box<Response>> {
        let facts = self.agent.facts(caller).await;
        let facts = facts.ok_or_else(|| refused(StatusCode::NOT_FOUND))?;
        if !facts.enabled {
            return Err(Box::new(refused(StatusCode::FORBIDDEN)));
        }
        let token = headers.get(TOKEN).map(|value| value.to_str().unwrap_or_default());
        let now = self.clock.now().as_second();
        let known = match token {
            Some(token) => self.tokens.holds(caller, token, now),
            None => !facts.tokens_required,
        };
        if known {
            Ok(facts)
        } else {
            Err(Box::new(refused(StatusCode::UNAUTHORIZED)))
        }
    }
}

async fn versions(State(shared): Here, Extension(caller): Extension<Caller>, headers: HeaderMap) -> Response {
    match shared.facts(&caller, &headers).await {
        Ok(_) => text(StatusCode::OK, VERSIONS.join("\n")),
        Err(answer) => *answer,
    }
}

async fn root(
    shared: Here,
    caller: Extension<Caller>,
    Path(version): Path<String>,
    headers: HeaderMap,
) -> Response {
    document(shared, caller, Path((version, String::new())), headers).await
}

async fn document(
    State(shared): Here,
    Extension(caller): Extension<Caller>,
    Path((version, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let facts = match shared.facts(&caller, &headers).await {
        Ok(facts) => facts,
        Err(answer) => return *answer,
    };
    if !VERSIONS.contains(&version.as_str()) {
        return refused(StatusCode::NOT_FOUND);
    }
    let path = path.trim_matches('/');
    if path == "user-data" {
        return match facts.user_data {
            Some(bytes) => {
                let kind = [(header::CONTENT_TYPE, "application/octet-stream")];
                (StatusCode::OK, kind, bytes).into_response()
            }
            None => refused(StatusCode::NOT_FOUND),
        };
    }
    if let Some(role) = &facts.role
        && path
            .strip_prefix(CREDENTIALS)
            .and_then(|rest| rest.strip_prefix('/'))
            == Some(role.as_str())
    {
        return credentials(&shared, &caller).await;
    }
    match tree::look(&tree::of(&facts), path) {
        Some(found) => text(StatusCode::OK, found),
        None => refused(StatusCode::NOT_FOUND),
    }
}

async fn credentials(shared: &Shared, caller: &Caller) -> Response {
    match shared.agent.credentials(caller).await {
        Ok(body) => text(StatusCode::OK, body),
        Err(AgentError::NotFound(_)) => refused(StatusCode::NOT_FOUND),
        // What the service says of a role that does not trust it.
        Err(AgentError::Refused(sentence)) => text(StatusCode::OK, sentence),
        Err(AgentError::Failed(_)) => refused(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

#[cfg(test)]
mod tests;
