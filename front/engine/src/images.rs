//! Images on this machine: list, inspect, tag, remove, prune.

use axum::Json;
use axum::extract::{Path, RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use contract::image::Removed;
use http::{Method, StatusCode};

use crate::answer::{InspectedImage, ListedImage, Pruned, Refusal, Removal};
use crate::filter::Filters;
use crate::query::Query;
use crate::{Api, history, transfer};

pub(crate) async fn list(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let query = Query::parse(query.as_deref());
    let known = ["reference", "label", "dangling", "before", "since", "until"];
    let filters = Filters::parse(&api, &query, &known).await?;
    let images = api.engine.images().await?;
    let listed: Vec<ListedImage> = images
        .into_iter()
        .filter_map(|image| filters.apply(image))
        .map(ListedImage::from)
        .collect();
    Ok(Json(listed).into_response())
}

/// `POST /images/prune`: images without a name, or (dangling=false) all, as there is no container here that uses one.
pub(crate) async fn prune(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let query = Query::parse(query.as_deref());
    let known = ["dangling", "label", "label!", "until"];
    let mut filters = Filters::parse(&api, &query, &known).await?;
    // What is asked for is not "named ones" but "not the dangling ones alone".
    filters.dangling = (filters.dangling != Some(false)).then_some(true);
    let images = api.engine.images().await?;
    let mut images_deleted = Vec::new();
    for image in images.into_iter().filter_map(|image| filters.apply(image)) {
        let removed = api.engine.remove(&image.digest, true).await?;
        images_deleted.extend(removals(removed));
    }
    // Layers stay on the disk for the builder and for tasks.
    let space_reclaimed = 0;
    Ok(Json(Pruned {
        images_deleted,
        space_reclaimed,
    })
    .into_response())
}

fn removals(removed: Removed) -> impl Iterator<Item = Removal> {
    let untagged = removed.untagged.into_iter().map(Removal::Untagged);
    untagged.chain(removed.deleted.into_iter().map(Removal::Deleted))
}

/// Paths that begin with an image's name, which has slashes of its own.
pub(crate) async fn one(
    State(api): State<Api>,
    Path(rest): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response, Refusal> {
    let query = Query::parse(query.as_deref());
    let method = request.method().clone();
    if method == Method::DELETE {
        return remove(&api, &rest, query.is_true("force")).await;
    }
    match (method, rest.rsplit_once('/')) {
        (Method::GET | Method::HEAD, Some((name, "json"))) => {
            let detail = api.engine.inspect(name).await?;
            Ok(Json(InspectedImage::new(detail)?).into_response())
        }
        (Method::GET, Some((name, "history"))) => history::answer(&api, name).await,
        (Method::POST, Some((name, "tag"))) => tag(&api, name, &query).await,
        (Method::POST, Some((name, "push"))) => transfer::push(&api, name, &query, request.headers()),
        (Method::GET, Some((name, "get"))) => transfer::archive(&api, vec![name.to_owned()]).await,
        _ => Ok(crate::not_served(request).await),
    }
}

async fn tag(api: &Api, source: &str, query: &Query) -> Result<Response, Refusal> {
    let repo = query
        .get("repo")
        .ok_or_else(|| Refusal::bad("the parameter `repo` is missing"))?;
    let target = match query.get("tag") {
        Some(tag) => format!("{repo}:{tag}"),
        None => repo.to_owned(),
    };
    api.engine.tag(source, &target).await?;
    Ok(StatusCode::CREATED.into_response())
}

async fn remove(api: &Api, name: &str, force: bool) -> Result<Response, Refusal> {
    let removed = api.engine.remove(name, force).await?;
    let all: Vec<Removal> = removals(removed).collect();
    Ok(Json(all).into_response())
}
