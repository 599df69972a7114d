//! Where people come in who want to work inside a container: the data channel of Session Manager, over a WebSocket.
//!
//! ExecuteCommand promises a session and says where to join it; here it is joined with its token, and what is typed
//! and printed goes to and fro until the program ends or somebody leaves.

mod talk;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use base_id::IdSource;
use contract::exec::{Exec, Sessions};

/// The largest message that is taken in, in bytes; a client sends what is typed in pieces of about a KiB.
const MESSAGE_BYTES_MAX: usize = 256 * 1024;

/// What sessions need.
#[derive(Clone)]
pub struct Parts {
    pub sessions: Arc<dyn Sessions>,
    pub exec: Arc<dyn Exec>,
    pub ids: Arc<dyn IdSource>,
}

/// Serves `/v1/data-channel/<session id>`.
pub fn router(parts: Parts) -> Router {
    Router::new()
        .route("/v1/data-channel/{id}", get(join))
        .with_state(parts)
}

async fn join(State(parts): State<Parts>, Path(id): Path<String>, upgrade: WebSocketUpgrade) -> Response {
    upgrade
        .max_message_size(MESSAGE_BYTES_MAX)
        .on_upgrade(async move |socket| talk::talk(socket, &id, &parts).await)
}

#[cfg(test)]
mod tests;
