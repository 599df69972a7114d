//! How tasks come in: at one address in every private network they find their metadata, their usage, their role's
//! credentials, and the AWS APIs.
//!
//! Who asks is known by the address in the network that a connection comes from: a task sees itself and no other, and
//! what is secret is asked for under an id that nobody can guess as well. `door` keeps the listeners; what is behind
//! them is [`router`].

mod door;
mod stats;

pub use door::{Door, keep};

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};
use contract::agent::{About, AgentError, Asking, Caller, TaskAgent};
use contract::usage::Usage;
use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::stats::Samples;

/// The largest body of a request, in bytes.
const BODY_MAX_BYTES: usize = 16 * 1024;

/// What is told to tasks.
pub struct Answers {
    pub agent: Arc<dyn TaskAgent>,
    pub usage: Arc<dyn Usage>,
    /// Of this machine.
    pub cpus: u32,
}

struct Shared {
    answers: Answers,
    samples: Samples,
}

/// Metadata, usage and credentials. Every request must come with a [`Caller`] as an extension; [`keep`] adds it.
pub fn router(answers: Answers) -> Router {
    let shared = Arc::new(Shared {
        answers,
        samples: Samples::default(),
    });
    let mut router = Router::new()
        .route("/v2/credentials/{id}", get(credentials))
        .route("/v2/metadata", get(own_metadata))
        .route("/v2/stats", get(own_stats))
        .route(
            "/api/{id}/task-protection/v1/state",
            get(protection).put(change_protection),
        );
    // Version 3 is version 4 with less in it.
    for version in ["v3", "v4"] {
        router = router
            .route(&format!("/{version}/{{id}}"), get(container))
            .route(&format!("/{version}/{{id}}/task"), get(task))
            .route(&format!("/{version}/{{id}}/taskWithTags"), get(task_with_tags))
            .route(&format!("/{version}/{{id}}/stats"), get(container_stats))
            .route(&format!("/{version}/{{id}}/task/stats"), get(task_stats));
    }
    router
        .fallback(nothing)
        .layer(axum::extract::DefaultBodyLimit::max(BODY_MAX_BYTES))
        .with_state(shared)
}

type Agent = State<Arc<Shared>>;
type Asker = Extension<Caller>;

async fn nothing() -> Response {
    text(StatusCode::NOT_FOUND, &json!("404 page not found"))
}

fn text(status: StatusCode, body: &Value) -> Response {
    document(status, body.to_string())
}

fn document(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// Metadata, or why there is none, as ECS's agent says it: a JSON string.
fn metadata(result: Result<String, AgentError>) -> Response {
    match result {
        Ok(body) => document(StatusCode::OK, body),
        Err(error) => {
            let status = match error {
                AgentError::NotFound(_) => StatusCode::NOT_FOUND,
                AgentError::Refused(_) => StatusCode::BAD_REQUEST,
                AgentError::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
            };
            text(status, &json!(error.to_string()))
        }
    }
}

async fn container(State(shared): Agent, Extension(caller): Asker, Path(id): Path<String>) -> Response {
    metadata(
        shared
            .answers
            .agent
            .metadata(&caller, &id, About::Container)
            .await,
    )
}

async fn task(State(shared): Agent, Extension(caller): Asker, Path(id): Path<String>) -> Response {
    metadata(shared.answers.agent.metadata(&caller, &id, About::Task).await)
}

async fn task_with_tags(State(shared): Agent, Extension(caller): Asker, Path(id): Path<String>) -> Response {
    let about = About::TaskWithTags;
    metadata(shared.answers.agent.metadata(&caller, &id, about).await)
}

/// Version 2 knows the task by its address alone.
async fn own_metadata(State(shared): Agent, Extension(caller): Asker) -> Response {
    let agent = &shared.answers.agent;
    let asking = agent.asking(&caller).await;
    match asking.and_then(|asking| asking.containers.into_iter().next()) {
        Some((id, _)) => metadata(agent.metadata(&caller, &id, About::Task).await),
        None => metadata(Err(unknown())),
    }
}

async fn credentials(State(shared): Agent, Extension(caller): Asker, Path(id): Path<String>) -> Response {
    let (status, code, message) = match shared.answers.agent.credentials(&caller, &id).await {
        Ok(body) => return document(StatusCode::OK, body),
        Err(AgentError::NotFound(message)) => (StatusCode::BAD_REQUEST, "InvalidIdInRequest", message),
        Err(AgentError::Refused(message)) => (StatusCode::BAD_REQUEST, "AccessDenied", message),
        Err(AgentError::Failed(message)) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", message)
        }
    };
    let body = json!({ "code": code, "message": message, "HTTPErrorCode": status.as_u16() });
    text(status, &body)
}

async fn protection(State(shared): Agent, Extension(caller): Asker, Path(id): Path<String>) -> Response {
    protected(shared.answers.agent.protection(&caller, &id, None).await)
}

async fn change_protection(
    State(shared): Agent,
    Extension(caller): Asker,
    Path(id): Path<String>,
    body: String,
) -> Response {
    protected(shared.answers.agent.protection(&caller, &id, Some(&body)).await)
}

fn protected(result: Result<String, AgentError>) -> Response {
    let (status, code, message) = match result {
        Ok(body) => return document(StatusCode::OK, body),
        Err(AgentError::NotFound(message)) => (StatusCode::NOT_FOUND, "ResourceNotFoundException", message),
        Err(AgentError::Refused(message)) => (StatusCode::BAD_REQUEST, "InvalidParameterException", message),
        Err(AgentError::Failed(message)) => (StatusCode::INTERNAL_SERVER_ERROR, "ServerException", message),
    };
    text(status, &json!({ "error": { "Code": code, "Message": message } }))
}

fn unknown() -> AgentError {
    AgentError::NotFound("unable to find a task for the address of this request".to_owned())
}

/// Docker's statistics of the caller's containers that run, by id.
async fn statistics(shared: &Shared, caller: &Caller) -> Result<(Asking, Value), AgentError> {
    let asking = shared.answers.agent.asking(caller).await.ok_or_else(unknown)?;
    let usage = shared.answers.usage.task(&asking.task).await;
    let usage = usage.ok_or_else(|| AgentError::NotFound("the task does not run".to_owned()))?;
    let all = stats::of_task(&asking, &usage, shared.answers.cpus, &shared.samples);
    Ok((asking, all))
}

async fn own_stats(State(shared): Agent, Extension(caller): Asker) -> Response {
    let all = statistics(&shared, &caller).await;
    metadata(all.map(|(_, all)| all.to_string()))
}

async fn task_stats(State(shared): Agent, Extension(caller): Asker, Path(id): Path<String>) -> Response {
    let all = statistics(&shared, &caller).await;
    metadata(all.and_then(|(asking, all)| {
        let known = asking.containers.iter().any(|(other, _)| *other == id);
        known.then(|| all.to_string()).ok_or_else(unknown)
    }))
}

async fn container_stats(State(shared): Agent, Extension(caller): Asker, Path(id): Path<String>) -> Response {
    let all = statistics(&shared, &caller).await;
    metadata(all.and_then(|(_, all)| {
        let own = all.get(&id).filter(|own| !own.is_null());
        own.map(Value::to_string).ok_or_else(unknown)
    }))
}

#[cfg(test)]
mod tests;
