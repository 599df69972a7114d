//! How AWS clients come in: one HTTP endpoint for all services.
//!
//! A request's way: [`Hosts`] (no web page may drive this) → [`Api::router`] → which service and operation it
//! is for → signature → decode and check → the service's trait → encode. Knows no service's behaviour.

mod handle;
mod host;
mod route;
mod service;

pub use host::Hosts;
pub use service::Services;

use std::sync::Arc;

use aws_signature::Verifier;
use axum::Router;
use axum::routing::{any, post};
use base_clock::Clock;
use base_id::IdSource;
use futures::future::BoxFuture;
use tokio::sync::Semaphore;

/// Removes everything that any account has; the text is for the operator.
pub type Reset = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// The largest body of a request, in bytes: a full PutLogEvents with every character escaped fits.
pub const BODY_MAX_BYTES: usize = 8 * 1024 * 1024;
/// How long a client may take to send a body, in seconds.
pub const BODY_MAX_SECONDS: u64 = 60;
/// Requests worked on at a time; one more is told to slow down.
pub const REQUESTS_MAX: usize = 1024;

/// What the endpoint needs.
pub struct Api {
    pub services: Services,
    pub verifier: Verifier,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn IdSource>,
    /// Called by `POST /_wharf/reset`, which is there in open mode alone.
    pub reset: Reset,
}

impl Api {
    /// Serves AWS's APIs on `/`, and answers every other path too; so it can be the fallback of a larger router.
    /// Put [`Hosts::protect`] around the whole.
    pub fn router(self) -> Router {
        let state = Arc::new(handle::State {
            api: self,
            slots: Arc::new(Semaphore::new(REQUESTS_MAX)),
        });
        Router::new()
            .route("/_wharf/reset", post(handle::reset))
            .route("/", any(handle::request))
            .fallback(handle::request)
            .with_state(state)
    }
}

#[cfg(test)]
mod tests;
