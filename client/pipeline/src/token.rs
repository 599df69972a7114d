//! Tokens by which a job shows who it is: GitHub's OpenID Connect endpoint, for jobs with `id-token: write`.
//!
//! They are signed with a key of this machine's own. STS of the local cloud knows its public half; AWS does not.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use base_clock::Clock;
use base_id::IdSource;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use serde_json::{Map, Value, json};

use crate::store::{private_folder, replace};

/// What tokens say they are from.
const ISSUER: &str = "https://token.actions.githubusercontent.com";
const RSA_BITS: usize = 2048;
/// How long a token is good.
const LIFE_SECONDS: i64 = 300;
/// Clocks may differ by so much.
const SKEW_SECONDS: i64 = 60;

#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("the key for tokens: {0}")]
    File(#[from] std::io::Error),
    #[error("the key for tokens: {0}")]
    Key(String),
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}

fn private_path(home: &Path) -> PathBuf {
    home.join("oidc.pem")
}

/// Where the public half of the key is, in PEM, once a job has asked for a token.
pub fn public_key_path(home: &Path) -> PathBuf {
    home.join("oidc.pub.pem")
}

/// The key, made when there is none yet; whoever is first makes it for all.
fn key(home: &Path) -> Result<EncodingKey, TokenError> {
    let text = |error: &dyn std::fmt::Display| TokenError::Key(error.to_string());
    let path = private_path(home);
    if !path.exists() {
        private_folder(home)?;
        let new =
            rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, RSA_BITS).map_err(|error| text(&error))?;
        let pem = new.to_pkcs8_pem(LineEnding::LF).map_err(|error| text(&error))?;
        let mut file = tempfile::NamedTempFile::new_in(home)?;
        std::io::Write::write_all(&mut file, pem.as_bytes())?;
        file.as_file().sync_data()?;
        // Of several at the same time the first counts.
        if let Err(refused) = file.persist_noclobber(&path)
            && !path.exists()
        {
            return Err(refused.error.into());
        }
    }
    let pem = fs::read_to_string(&path)?;
    let private = rsa::RsaPrivateKey::from_pkcs8_pem(&pem).map_err(|error| text(&error))?;
    let half = private
        .to_public_key()
        .to_public_key_pem(LineEnding::LF)
        .map_err(|error| text(&error))?;
    let public = public_key_path(home);
    // One that belongs to another private key would let nobody in.
    if fs::read(&public).ok().as_deref() != Some(half.as_bytes()) {
        replace(&public, half.as_bytes())?;
    }
    EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|error| text(&error))
}

/// Makes the key if there is none: that takes its time, which nobody else has to wait for.
pub(crate) fn prepare(home: &Path) -> Result<(), TokenError> {
    key(home).map(drop)
}

/// A job's endpoint; it is gone when this is dropped.
pub(crate) struct Door {
    url: String,
    pub(crate) bearer: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Job {
    key: EncodingKey,
    bearer: String,
    /// All that every token of the job says.
    claims: Map<String, Value>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

impl Door {
    /// Opens it on a loopback port of its own.
    pub(crate) fn open(
        home: &Path,
        claims: Map<String, Value>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Result<Self, TokenError> {
        let bearer = ids.hex(32);
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let job = Job {
            key: key(home)?,
            bearer: bearer.clone(),
            claims,
            clock,
            ids,
        };
        let router = Router::new()
            .route("/token", axum::routing::get(token))
            .with_state(job);
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::warn!(%error, "tokens can no longer be asked for");
            }
        });
        Ok(Self {
            url: format!("http://127.0.0.1:{port}/token?api-version=2.0"),
            bearer,
            task,
        })
    }

    /// How steps find it.
    pub(crate) fn variables(&self) -> [(String, String); 2] {
        [
            ("ACTIONS_ID_TOKEN_REQUEST_URL".to_owned(), self.url.clone()),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN".to_owned(), self.bearer.clone()),
        ]
    }
}

#[derive(serde::Deserialize)]
struct Asked {
    audience: Option<String>,
}

async fn token(State(job): State<Job>, headers: HeaderMap, Query(asked): Query<Asked>) -> Response {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.split_once(' '));
    let is_own =
        given.is_some_and(|(kind, bearer)| kind.eq_ignore_ascii_case("bearer") && bearer == job.bearer);
    if !is_own {
        let sentence = "the bearer token is that of ACTIONS_ID_TOKEN_REQUEST_TOKEN";
        return (StatusCode::UNAUTHORIZED, Json(json!({ "message": sentence }))).into_response();
    }
    let mut claims = job.claims.clone();
    let now = job.clock.now().as_second();
    if let Some(audience) = asked.audience.filter(|audience| !audience.is_empty()) {
        claims.insert("aud".to_owned(), Value::String(audience));
    }
    let more = json!({
        "iss": ISSUER, "jti": job.ids.uuid(), "iat": now, "nbf": now - SKEW_SECONDS, "exp": now + LIFE_SECONDS,
    });
    claims.extend(more.as_object().cloned().unwrap_or_default());
    match jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &job.key) {
        Ok(token) => Json(json!({ "count": token.len(), "value": token })).into_response(),
        Err(error) => {
            let text = Json(json!({ "message": error.to_string() }));
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
    }
}

/// What GitHub's tokens say of a job. `github` is the context of that name.
pub(crate) fn claims(github: &base_workflow::Map, environment: Option<&str>) -> Map<String, Value> {
    let of = |name: &str| {
        github
            .get(name)
            .map(base_workflow::Value::text)
            .unwrap_or_default()
    };
    let repository = of("repository");
    let subject = match (environment, of("event_name").as_str()) {
        // As GitHub writes it: what separates the parts is not in one of them.
        (Some(environment), _) => {
            format!(
                "repo:{repository}:environment:{}",
                environment.replace(':', "%3A")
            )
        }
        (None, "pull_request") => format!("repo:{repository}:pull_request"),
        (None, _) => format!("repo:{repository}:ref:{}", of("ref")),
    };
    let mut claims = Map::new();
    let mut say = |name: &str, value: String| claims.insert(name.to_owned(), Value::String(value));
    say("sub", subject);
    say("aud", format!("https://github.com/{}", of("repository_owner")));
    for name in [
        "ref",
        "sha",
        "repository",
        "repository_owner",
        "run_id",
        "run_number",
        "run_attempt",
        "actor",
        "workflow",
        "workflow_ref",
        "workflow_sha",
        "head_ref",
        "base_ref",
        "event_name",
        "ref_type",
    ] {
        say(name, of(name));
    }
    // GitHub numbers people and repositories; here a name always has the same number.
    for (name, named) in [
        ("repository_id", "repository"),
        ("repository_owner_id", "repository_owner"),
        ("actor_id", "actor"),
    ] {
        say(name, number(&of(named)));
    }
    say("job_workflow_ref", of("workflow_ref"));
    say("job_workflow_sha", of("workflow_sha"));
    say("ref_protected", "false".to_owned());
    say("repository_visibility", "private".to_owned());
    say("runner_environment", "self-hosted".to_owned());
    if let Some(environment) = environment {
        say("environment", environment.to_owned());
    }
    claims
}

fn number(name: &str) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(name.to_lowercase());
    let bytes: [u8; 4] = [digest[0], digest[1], digest[2], digest[3]];
    u32::from_be_bytes(bytes).to_string()
}

#[cfg(test)]
mod tests;
