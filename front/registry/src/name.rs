//! The base path, and lists of repositories and tags.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use contract::image::Tenant;
use http::{HeaderName, HeaderValue, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::Registry;
use crate::refusal::Refusal;
use crate::route::Page;

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct Repositories {
    repositories: Vec<String>,
}

#[derive(Serialize)]
struct Tags {
    name: String,
    tags: Vec<String>,
}

/// That the credentials are right is the whole answer.
pub(crate) fn base() -> Result<Response, Refusal> {
    Ok(Json(Nothing {}).into_response())
}

pub(crate) async fn catalog(registry: &Registry, tenant: &Tenant, page: &Page) -> Result<Response, Refusal> {
    // One more than asked for tells whether there is a next page.
    let mut repositories = registry
        .catalog
        .repositories(tenant, page.after.as_deref(), page.limit.saturating_add(1))
        .await;
    let next = cut(&mut repositories, page, "/v2/_catalog");
    Ok((next, Json(Repositories { repositories })).into_response())
}

pub(crate) async fn tags(
    registry: &Registry,
    tenant: &Tenant,
    repository: &str,
    page: &Page,
) -> Result<Response, Refusal> {
    let limit = page.limit.saturating_add(1);
    let mut tags = registry
        .catalog
        .tags(tenant, repository, page.after.as_deref(), limit)
        .await?;
    let next = cut(&mut tags, page, &format!("/v2/{repository}/tags/list"));
    Ok((
        next,
        Json(Tags {
            name: repository.to_owned(),
            tags,
        }),
    )
        .into_response())
}

/// Cuts the page and says where the next one is, if there is one.
fn cut(items: &mut Vec<String>, page: &Page, path: &str) -> Option<[(HeaderName, HeaderValue); 1]> {
    if items.len() <= page.limit {
        return None;
    }
    items.truncate(page.limit);
    let last = items.last()?;
    let last = utf8_percent_encode(last, NON_ALPHANUMERIC);
    let link = format!("<{path}?n={}&last={last}>; rel=\"next\"", page.limit);
    HeaderValue::from_str(&link)
        .ok()
        .map(|link| [(header::LINK, link)])
}
