//! Images on this machine: list, inspect, tag, remove.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use contract::image::ImageSummary;
use http::{Method, StatusCode};
use serde::Deserialize;

use crate::answer::{InspectedImage, ListedImage, Refusal, Removal, full_repository, repository};
use crate::query::Query;
use crate::{Api, transfer};

/// A filter's values: a set, or (older clients) a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    Set(BTreeMap<String, bool>),
    List(Vec<String>),
}

impl Values {
    fn into_vec(self) -> Vec<String> {
        match self {
            Self::Set(set) => set
                .into_iter()
                .filter(|(_, wanted)| *wanted)
                .map(|(value, _)| value)
                .collect(),
            Self::List(list) => list,
        }
    }
}

pub(crate) async fn list(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let query = Query::parse(query.as_deref());
    let mut filters: BTreeMap<String, Vec<String>> = query
        .map::<Values>("filters")?
        .into_iter()
        .map(|(name, values)| (name, values.into_vec()))
        .collect();
    if let Some(name) = query.get("filter") {
        filters
            .entry("reference".to_owned())
            .or_default()
            .push(name.to_owned());
    }
    for name in filters.keys() {
        if !matches!(name.as_str(), "reference" | "label" | "dangling") {
            return Err(Refusal::bad(format!(
                "the filter `{name}` is not served; reference, label and dangling are"
            )));
        }
    }
    let images = api.engine.images().await?;
    let listed: Vec<ListedImage> = images
        .into_iter()
        .filter_map(|image| filter(image, &filters))
        .map(ListedImage::from)
        .collect();
    Ok(Json(listed).into_response())
}

/// The image with the names that are asked for, if it is asked for at all.
fn filter(mut image: ImageSummary, filters: &BTreeMap<String, Vec<String>>) -> Option<ImageSummary> {
    if let Some(references) = filters.get("reference") {
        image
            .names
            .retain(|name| references.iter().any(|reference| is_meant(name, reference)));
        if image.names.is_empty() {
            return None;
        }
    }
    if let Some(values) = filters.get("dangling") {
        // Here every image that is listed has a name.
        let dangling = values.iter().any(|value| matches!(value.as_str(), "true" | "1"));
        if dangling {
            return None;
        }
    }
    for label in filters.get("label").into_iter().flatten() {
        let found = image
            .labels
            .iter()
            .any(|(name, value)| match label.split_once('=') {
                Some((wanted, wanted_value)) => name == wanted && value == wanted_value,
                None => name == label,
            });
        if !found {
            return None;
        }
    }
    Some(image)
}

/// A reference is a repository or a repository with tag, where `*` stands for any characters but `/`.
fn is_meant(name: &str, reference: &str) -> bool {
    let full_name = full_repository(name);
    let full_reference = full_repository(reference);
    let candidates = [name, repository(name), &full_name, repository(&full_name)];
    candidates
        .iter()
        .any(|candidate| matches(candidate, reference) || matches(candidate, &full_reference))
}

fn matches(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = text.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut rest = rest;
    let parts: Vec<&str> = parts.collect();
    for (number, part) in parts.iter().enumerate() {
        let is_last = number + 1 == parts.len();
        let at = if is_last {
            rest.len()
                .checked_sub(part.len())
                .filter(|at| rest.ends_with(part) && rest.is_char_boundary(*at))
        } else {
            rest.find(part)
        };
        match at {
            Some(at) if !rest[..at].contains('/') => rest = &rest[at + part.len()..],
            _ => return false,
        }
    }
    rest.is_empty()
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
    let untagged = removed.untagged.into_iter().map(Removal::Untagged);
    let all: Vec<Removal> = untagged
        .chain(removed.deleted.into_iter().map(Removal::Deleted))
        .collect();
    Ok(Json(all).into_response())
}

#[cfg(test)]
mod tests;
