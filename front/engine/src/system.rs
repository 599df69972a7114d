//! Who is here: ping, version, info, login.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::Api;
use crate::answer::{ListedImage, Refusal};
use crate::credentials::AuthConfig;

/// The version of the API that is spoken; clients lower theirs to it.
const API_VERSION: &str = "1.44";
const API_VERSION_MIN: &str = "1.24";
/// The body of a login.
const LOGIN_BYTES_MAX: usize = 64 << 10;

pub(crate) async fn ping() -> Response {
    let headers: [(HeaderName, &str); 7] = [
        (HeaderName::from_static("api-version"), API_VERSION),
        // Asks clients for the build that is one POST; there is no BuildKit session here.
        (HeaderName::from_static("builder-version"), "1"),
        (HeaderName::from_static("docker-experimental"), "false"),
        (HeaderName::from_static("ostype"), "linux"),
        (header::SERVER, "Wharf"),
        (header::CACHE_CONTROL, "no-cache, no-store, must-revalidate"),
        (header::PRAGMA, "no-cache"),
    ];
    let mut response = Body::from("OK").into_response();
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Version {
    platform: Platform,
    version: String,
    api_version: &'static str,
    #[serde(rename = "MinAPIVersion")]
    min_api_version: &'static str,
    git_commit: &'static str,
    go_version: &'static str,
    os: &'static str,
    arch: &'static str,
    kernel_version: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Platform {
    name: &'static str,
}

pub(crate) async fn version(State(api): State<Api>) -> Response {
    let version = Version {
        platform: Platform { name: "Wharf" },
        version: api.info.version.clone(),
        api_version: API_VERSION,
        min_api_version: API_VERSION_MIN,
        git_commit: "",
        go_version: "",
        os: "linux",
        arch: "amd64",
        kernel_version: api.info.kernel.clone(),
    };
    Json(version).into_response()
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Info {
    #[serde(rename = "ID")]
    id: &'static str,
    name: String,
    server_version: String,
    operating_system: &'static str,
    #[serde(rename = "OSType")]
    os_type: &'static str,
    architecture: &'static str,
    kernel_version: String,
    driver: &'static str,
    docker_root_dir: String,
    images: usize,
    containers: usize,
    containers_running: usize,
    containers_paused: usize,
    containers_stopped: usize,
    #[serde(rename = "NCPU")]
    cpus: u64,
    mem_total: u64,
    warnings: [&'static str; 1],
}

pub(crate) async fn info(State(api): State<Api>) -> Result<Response, Refusal> {
    let images = api.engine.images().await?.len();
    let info = Info {
        id: "wharf",
        name: api.info.host_name.clone(),
        server_version: api.info.version.clone(),
        operating_system: "Wharf on Linux",
        os_type: "linux",
        architecture: "x86_64",
        kernel_version: api.info.kernel.clone(),
        driver: "overlay",
        docker_root_dir: api.info.root_dir.clone(),
        images,
        containers: 0,
        containers_running: 0,
        containers_paused: 0,
        containers_stopped: 0,
        cpus: api.info.cpus,
        mem_total: api.info.memory_bytes,
        warnings: ["this engine serves images only; containers are run through the ECS API"],
    };
    Ok(Json(info).into_response())
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Usage {
    layers_size: u64,
    images: Vec<ListedImage>,
    containers: [(); 0],
    volumes: [(); 0],
    build_cache: [(); 0],
    builder_size: u64,
}

/// What images take; equal layers are counted once for each image.
pub(crate) async fn df(State(api): State<Api>) -> Result<Response, Refusal> {
    let images = api.engine.images().await?;
    let usage = Usage {
        layers_size: images.iter().map(|image| image.size_bytes).sum(),
        images: images.into_iter().map(ListedImage::counted).collect(),
        containers: [],
        volumes: [],
        build_cache: [],
        builder_size: 0,
    };
    Ok(Json(usage).into_response())
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct LoggedIn {
    status: &'static str,
    identity_token: &'static str,
}

pub(crate) async fn auth(State(api): State<Api>, body: Body) -> Result<Response, Refusal> {
    let bytes = axum::body::to_bytes(body, LOGIN_BYTES_MAX)
        .await
        .map_err(|_| Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "the body of a login is too large"))?;
    let config: AuthConfig = serde_json::from_slice(&bytes)
        .map_err(|error| Refusal::bad(format!("the body of a login cannot be read: {error}")))?;
    let registry = config.serveraddress.clone();
    let credentials = config
        .credentials()?
        .ok_or_else(|| Refusal::bad("a login needs a user name and a password"))?;
    api.engine.login(&registry, &credentials).await?;
    Ok(Json(LoggedIn {
        status: "Login Succeeded",
        identity_token: "",
    })
    .into_response())
}
