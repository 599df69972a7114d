//! `/metrics`: what runs and what went through, for Prometheus and whoever reads its text format.
//!
//! Counts are the kernel's and the proxy's own, as they are when somebody asks.

mod gather;
mod text;

use std::sync::Arc;

use aws_protocol::Context;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use contract::route::TrafficMeter;
use contract::usage::Usage;

/// Whom it asks.
#[derive(Clone)]
pub struct Parts {
    pub ecs: Arc<dyn aws_shape::ecs::Api>,
    pub usage: Arc<dyn Usage>,
    pub traffic: Arc<dyn TrafficMeter>,
    /// In whose name ECS is asked: the account and region whose tasks are told.
    pub context: Context,
}

/// The page at `/metrics`.
pub fn router(parts: Parts) -> Router {
    Router::new().route("/metrics", get(move || answer(parts.clone())))
}

async fn answer(parts: Parts) -> Response {
    let page = gather::page(&parts).await;
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page).into_response()
}

#[cfg(test)]
mod tests;
