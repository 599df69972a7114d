//! Containers: made, started, attached to, waited for, looked at, removed; and further processes in them.
//!
//! `ask` reads what is asked for, `tell` says what is there, `carry` has the streams between clients and containers,
//! `exec` the further processes.

mod ask;
mod carry;
mod exec;
mod logs;
mod tell;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use base_id::IdSource;
use contract::container::{ContainerError, Containers, Exit, OutputWish, Until};
use contract::exec::TerminalSize;
use contract::image::Engine;
use http::StatusCode;
use serde_json::json;

use crate::answer::Refusal;
use crate::query::Query;

/// Docker's own.
const STOP_SECONDS: u32 = 10;
/// Longest description of a container that is read.
const ASKED_BYTES_MAX: usize = 4 << 20;

/// Shared by all requests.
#[derive(Clone)]
pub(crate) struct Doors {
    engine: Arc<dyn Engine>,
    containers: Arc<dyn Containers>,
    execs: Arc<exec::Execs>,
    ids: Arc<dyn IdSource>,
}

impl Doors {
    /// A new id.
    fn id(&self) -> String {
        format!("{}{}", self.ids.hex(32), self.ids.hex(32))
    }
}

pub(crate) fn router(
    engine: Arc<dyn Engine>,
    containers: Arc<dyn Containers>,
    ids: Arc<dyn IdSource>,
) -> Router {
    Router::new()
        .route("/containers/json", get(tell::list))
        .route("/containers/create", post(create))
        .route("/containers/prune", post(prune))
        .route("/containers/{name}", delete(remove))
        .route("/containers/{name}/json", get(tell::inspect))
        .route("/containers/{name}/start", post(start))
        .route("/containers/{name}/stop", post(stop))
        .route("/containers/{name}/kill", post(kill))
        .route("/containers/{name}/wait", post(wait))
        .route("/containers/{name}/rename", post(rename))
        .route("/containers/{name}/resize", post(resize))
        .route("/containers/{name}/attach", post(attach))
        .route("/containers/{name}/logs", get(logs::logs))
        .route("/containers/{name}/exec", post(exec::create))
        .route("/exec/{id}/start", post(exec::start))
        .route("/exec/{id}/resize", post(exec::resize))
        .route("/exec/{id}/json", get(exec::inspect))
        .layer(axum::extract::DefaultBodyLimit::max(ASKED_BYTES_MAX))
        .with_state(Doors {
            engine,
            containers,
            execs: Arc::default(),
            ids,
        })
}

impl From<ContainerError> for Refusal {
    fn from(error: ContainerError) -> Self {
        let status = match error {
            ContainerError::NotFound(_) => StatusCode::NOT_FOUND,
            ContainerError::Invalid(_) => StatusCode::BAD_REQUEST,
            ContainerError::Conflict(_) => StatusCode::CONFLICT,
            ContainerError::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

async fn create(
    State(doors): State<Doors>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<Response, Refusal> {
    let query = Query::parse(query.as_deref());
    let platform = query.get("platform").unwrap_or("linux/amd64");
    if !matches!(platform, "linux/amd64" | "linux/x86_64" | "linux" | "amd64") {
        return Err(Refusal::bad(format!(
            "containers for `{platform}` cannot run here; this machine is linux/amd64"
        )));
    }
    let asked: serde_json::Value = serde_json::from_slice(&body).map_err(|error| {
        Refusal::bad(format!(
            "the description of the container cannot be read: {error}"
        ))
    })?;
    let image = asked["Image"].as_str().unwrap_or_default();
    if image.is_empty() {
        return Err(Refusal::bad("Config.Image is missing: the image to run"));
    }
    let image = doors.engine.inspect(image).await?;
    let mut record = ask::record(asked, &image)?;
    query.get("name").unwrap_or_default().clone_into(&mut record.name);
    let made = doors.containers.create(record).await?;
    let warnings: [&str; 0] = [];
    Ok((
        StatusCode::CREATED,
        Json(json!({"Id": made.id, "Warnings": warnings})),
    )
        .into_response())
}

async fn start(State(doors): State<Doors>, Path(name): Path<String>) -> Result<StatusCode, Refusal> {
    let view = doors.containers.find(&name)?;
    match doors.containers.start(&view.record.id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Ok(StatusCode::NOT_MODIFIED),
    }
}

async fn stop(
    State(doors): State<Doors>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, Refusal> {
    let query = Query::parse(query.as_deref());
    let view = doors.containers.find(&name)?;
    if !tell::is_running(&view) {
        return Ok(StatusCode::NOT_MODIFIED);
    }
    let seconds = match query.get("t") {
        Some(text) => text
            .parse::<i64>()
            .map_err(|_| Refusal::bad(format!("{text} is no number of seconds")))?,
        None => view
            .record
            .task
            .containers
            .first()
            .map_or(STOP_SECONDS, |container| container.stop_timeout_seconds)
            .into(),
    };
    let id = &view.record.id;
    let signal = query.get("signal").map(ask::signal).transpose()?;
    let ended = doors.containers.wait(id, Until::NotRunning);
    tokio::pin!(ended);
    // One that ends by itself meanwhile has stopped, too.
    let _ = doors.containers.signal(id, signal).await;
    let Ok(seconds) = u64::try_from(seconds) else {
        ended.await?;
        return Ok(StatusCode::NO_CONTENT);
    };
    if tokio::time::timeout(Duration::from_secs(seconds), &mut ended)
        .await
        .is_err()
    {
        let _ = doors.containers.signal(id, Some("KILL".to_owned())).await;
        doors.containers.wait(id, Until::NotRunning).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn kill(
    State(doors): State<Doors>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, Refusal> {
    let query = Query::parse(query.as_deref());
    let signal = ask::signal(query.get("signal").unwrap_or("KILL"))?;
    let view = doors.containers.find(&name)?;
    doors.containers.signal(&view.record.id, Some(signal)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn rename(
    State(doors): State<Doors>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, Refusal> {
    let query = Query::parse(query.as_deref());
    let view = doors.containers.find(&name)?;
    let new = query.get("name").unwrap_or_default();
    doors.containers.rename(&view.record.id, new).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove(
    State(doors): State<Doors>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, Refusal> {
    let query = Query::parse(query.as_deref());
    if query.is_true("link") {
        return Err(Refusal::bad("links between containers are not served"));
    }
    let view = doors.containers.find(&name)?;
    if tell::is_running(&view) && !query.is_true("force") {
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            format!(
                "cannot remove container \"/{}\": container is running: stop the container before removing or force \
                 remove",
                view.record.name
            ),
        ));
    }
    doors.containers.remove(&view.record.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn prune(State(doors): State<Doors>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let filters = Query::parse(query.as_deref()).map::<serde_json::Value>("filters")?;
    if !filters.is_empty() {
        return Err(Refusal::bad("containers/prune is served without filters"));
    }
    let mut removed: Vec<String> = Vec::new();
    for view in doors
        .containers
        .list()
        .into_iter()
        .filter(|view| !tell::is_running(view))
    {
        doors.containers.remove(&view.record.id).await?;
        removed.push(view.record.id.clone());
    }
    Ok(Json(json!({"ContainersDeleted": removed, "SpaceReclaimed": 0})).into_response())
}

async fn wait(
    State(doors): State<Doors>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let query = Query::parse(query.as_deref());
    let until = match query.get("condition").unwrap_or("not-running") {
        "not-running" => Until::NotRunning,
        "next-exit" => Until::NextExit,
        "removed" => Until::Removed,
        other => return Err(Refusal::bad(format!("invalid condition: {other:?}"))),
    };
    let view = doors.containers.find(&name)?;
    // Clients start the container once they have read the head of this answer: it is waited for from before that on.
    let (teller, told) = tokio::sync::oneshot::channel();
    let waiting = tokio::spawn(async move {
        let _ = teller.send(doors.containers.wait(&view.record.id, until).await);
    });
    tokio::task::yield_now().await;
    let ending = AbortOnDrop(waiting);
    let body = futures::stream::once(async move {
        let _ending = ending;
        let answer = match told.await {
            Ok(Ok(Exit { code, .. })) => json!({"StatusCode": code}),
            Ok(Err(error)) => json!({"StatusCode": 125, "Error": {"Message": error.to_string()}}),
            Err(_) => json!({"StatusCode": 125, "Error": {"Message": "nobody waits any more"}}),
        };
        Ok::<_, std::io::Error>(Bytes::from(format!("{answer}\n")))
    });
    let mut response = Response::new(Body::from_stream(body));
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    Ok(response)
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn resize(
    State(doors): State<Doors>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, Refusal> {
    let size = size(&Query::parse(query.as_deref()))?;
    let view = doors.containers.find(&name)?;
    doors.containers.resize(&view.record.id, size).await?;
    Ok(StatusCode::OK)
}

fn size(query: &Query) -> Result<TerminalSize, Refusal> {
    let number = |name: &str| {
        let text = query.get(name).unwrap_or_default();
        text.parse::<u16>()
            .map_err(|_| Refusal::bad(format!("the parameter `{name}` is to be a number: {text:?}")))
    };
    Ok(TerminalSize {
        columns: number("w")?,
        rows: number("h")?,
    })
}

async fn attach(
    State(doors): State<Doors>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response, Refusal> {
    let query = Query::parse(query.as_deref());
    let view = doors.containers.find(&name)?;
    let container = view.record.task.containers.first();
    let terminal = container.is_some_and(|container| container.pseudo_terminal);
    let interactive = container.is_some_and(|container| container.interactive);
    let wish = OutputWish {
        past: query.is_true("logs") || !view.started,
        follow: query.is_true("stream"),
    };
    let id = view.record.id.clone();
    let output = doors.containers.output(&id, wish).await?;
    let output = carry::Output {
        pieces: output,
        stdout: query.is_true("stdout"),
        stderr: query.is_true("stderr"),
        terminal,
    };
    let input = (interactive && query.is_true("stdin") && wish.follow).then(|| carry::Wanted {
        containers: Arc::clone(&doors.containers),
        alone: tell::asked(&view.record)["StdinOnce"] == true,
        id,
    });
    Ok(carry::hijack(request, output, input))
}

/// Labels, variables and the like as Docker's maps.
fn map<'a>(pairs: impl IntoIterator<Item = &'a (String, String)>) -> BTreeMap<String, String> {
    pairs.into_iter().cloned().collect()
}
