//! The Docker Engine API as far as it is about images (build, tag, push, pull, load, save, list, inspect, history, remove,
//! prune, log in) and containers. Everything else is answered with a sentence that says so.
//!
//! `query`, `credentials` and `secret` read what clients send, `images`, `transfer` and `build` serve it, `lines` is the
//! stream of JSON lines that long answers are made of, `answer` has the shapes of the API.

mod answer;
mod build;
mod container;
mod credentials;
mod drain;
mod filter;
mod history;
mod images;
mod lines;
mod query;
mod secret;
mod system;
mod transfer;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use base_clock::Clock;
use base_id::IdSource;
use contract::container::Containers;
use contract::image::Engine;
use http::{Method, StatusCode, Uri};
use tower::ServiceExt as _;

use answer::Refusal;

/// What clients are told about this machine.
#[derive(Clone, Debug)]
pub struct EngineInfo {
    /// Of Wharf.
    pub version: String,
    /// As `uname -r` says.
    pub kernel: String,
    pub host_name: String,
    /// Where images are kept.
    pub root_dir: String,
    pub cpus: u64,
    pub memory_bytes: u64,
}

/// Shared by all requests.
#[derive(Clone)]
pub(crate) struct Api {
    engine: Arc<dyn Engine>,
    info: Arc<EngineInfo>,
    clock: Arc<dyn Clock>,
}

/// Who runs containers; without one, they are not served.
pub struct ContainerHost {
    pub containers: Arc<dyn Containers>,
    pub ids: Arc<dyn IdSource>,
}

/// Serves the API, with and without a version in front of the path. To be served on a Unix socket, whose file mode
/// decides who may.
pub fn router(
    engine: Arc<dyn Engine>,
    containers: Option<ContainerHost>,
    clock: Arc<dyn Clock>,
    info: EngineInfo,
) -> Router {
    let containers = containers.map(|host| container::router(Arc::clone(&engine), host.containers, host.ids));
    let api = Api {
        engine,
        clock,
        info: Arc::new(info),
    };
    let routes = Router::new()
        .route("/_ping", get(system::ping))
        .route("/version", get(system::version))
        .route("/info", get(system::info))
        .route("/auth", post(system::auth))
        .route("/build", post(build::build))
        .route("/images/json", get(images::list))
        .route("/images/create", post(transfer::create))
        .route("/images/load", post(transfer::load))
        .route("/images/prune", post(images::prune))
        .route("/images/search", get(not_served))
        .route("/system/df", get(system::df))
        .route("/images/get", get(transfer::get_several))
        .route("/images/{*rest}", axum::routing::any(images::one))
        .fallback(not_served)
        .method_not_allowed_fallback(not_served)
        .with_state(api);
    // Not where connections become something else: those of containers.
    let routes = routes
        .layer(axum::middleware::from_fn(drain::unread))
        .merge(containers.unwrap_or_default());
    // The version is taken off before anything is routed, which a layer of the router itself would be too late for.
    Router::new().fallback_service(routes.map_request(without_version))
}

fn without_version(mut request: Request) -> Request {
    let path = request.uri().path();
    let Some((version, rest)) = path.strip_prefix("/v1.").and_then(|rest| rest.split_once('/')) else {
        return request;
    };
    if !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()) {
        let query = request
            .uri()
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        if let Ok(uri) = format!("/{rest}{query}").parse::<Uri>() {
            *request.uri_mut() = uri;
        }
    }
    request
}

/// Kinds of things that clients ask for by name to find out what a name is: there are none here.
const NEVER_THERE: [&str; 8] = [
    "configs",
    "containers",
    "networks",
    "nodes",
    "plugins",
    "secrets",
    "services",
    "volumes",
];

/// Where BuildKit's clients begin.
const BUILDKIT: [&str; 2] = ["/session", "/grpc"];

async fn not_served(request: Request) -> Response {
    if BUILDKIT.contains(&request.uri().path()) {
        let message = "Wharf serves no BuildKit sessions, which DOCKER_BUILDKIT=1 and `docker buildx build` need; build \
             with DOCKER_BUILDKIT=0 docker build, which understands the same Dockerfiles here";
        return Refusal::new(StatusCode::NOT_IMPLEMENTED, message).into_response();
    }
    let mut parts = request.uri().path().trim_start_matches('/').split('/');
    if request.method() == Method::GET
        && let (Some(kind), Some(name), rest) = (parts.next(), parts.next(), parts.next())
        && NEVER_THERE.contains(&kind)
        && name != "json"
        && rest.is_none_or(|rest| rest == "json")
    {
        let message = format!("No such {}: {name}", kind.trim_end_matches('s'));
        return Refusal::new(StatusCode::NOT_FOUND, message).into_response();
    }
    let message = format!(
        "{} {} is not served: Wharf serves images (build, tag, push, pull, load, save, inspect, history, rm, prune, login) \
         and containers (run, ps, logs, exec, stop, rm)",
        request.method(),
        request.uri().path()
    );
    Refusal::new(StatusCode::NOT_IMPLEMENTED, message).into_response()
}

#[cfg(test)]
mod tests;
