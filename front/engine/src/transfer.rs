//! Images in and out: pull, push, load, save.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use contract::image::{ByteStream, ProgressSink};
use futures::TryStreamExt as _;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::Api;
use crate::answer::{Aux, Line, Refusal, full_repository, repository};
use crate::credentials;
use crate::lines::{self, Lines};
use crate::query::Query;

/// Images that one archive may be asked to hold.
const ARCHIVE_IMAGES_MAX: usize = 100;

pub(crate) fn byte_stream(body: Body) -> ByteStream {
    Box::pin(body.into_data_stream().map_err(std::io::Error::other))
}

fn progress(lines: &Lines) -> ProgressSink {
    let lines = lines.clone();
    Arc::new(move |progress| lines.send(Line::progress(progress)))
}

/// `POST /images/create`: a pull.
pub(crate) async fn create(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let query = Query::parse(query.as_deref());
    if query.get("fromSrc").is_some() {
        let message =
            "images cannot be imported from a plain archive; use `docker load` for one with an image";
        return Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, message));
    }
    let image = query
        .get("fromImage")
        .ok_or_else(|| Refusal::bad("the parameter `fromImage` is missing"))?;
    if let Some(platform) = query.get("platform").filter(|it| !is_ours(it)) {
        let message = format!(
            "no image for `{platform}` can be pulled here: this machine is linux/amd64, and only its images are kept"
        );
        return Err(Refusal::new(StatusCode::NOT_FOUND, message));
    }
    let name = match query.get("tag") {
        Some(digest) if digest.contains(':') => format!("{image}@{digest}"),
        Some(tag) => format!("{image}:{tag}"),
        None => image.to_owned(),
    };
    let credentials = credentials::one(&headers)?;
    // What it led to before says whether anything came that was not here.
    let before = api
        .engine
        .inspect(&name)
        .await
        .ok()
        .map(|image| image.summary.digest);
    let repo = familiar(repository(image.split('@').next().unwrap_or(image)));
    let tag = query
        .get("tag")
        .map_or_else(|| "latest".to_owned(), str::to_owned);
    Ok(lines::respond(move |lines| async move {
        let mut first = Line::status(format!("Pulling from {repo}"));
        first.id = Some(tag);
        lines.send(first);
        match api
            .engine
            .pull(&name, credentials.as_ref(), progress(&lines))
            .await
        {
            Ok(digest) => {
                let status = if before.as_ref() == Some(&digest) {
                    "Image is up to date for"
                } else {
                    "Downloaded newer image for"
                };
                vec![
                    Line::status(format!("Digest: {digest}")),
                    Line::status(format!("Status: {status} {name}")),
                ]
            }
            Err(error) => vec![Line::error(error.to_string())],
        }
    }))
}

/// As clients write the platform of this machine, in parts or as JSON.
fn is_ours(platform: &str) -> bool {
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Platform {
        os: String,
        architecture: String,
    }
    let platform = match serde_json::from_str::<Platform>(platform) {
        Ok(it) => format!("{}/{}", it.os, it.architecture),
        Err(_) => platform.to_ascii_lowercase(),
    };
    matches!(
        platform.as_str(),
        "linux/amd64" | "linux/x86_64" | "linux" | "amd64" | "x86_64" | "linux/"
    )
}

/// The repository without its registry, as Docker says where it pulls from.
fn familiar(repository: &str) -> String {
    let full = full_repository(repository);
    match full.split_once('/') {
        Some((_, rest)) => rest.to_owned(),
        None => full,
    }
}

/// `POST /images/NAME/push`: one tag, or all of a repository.
pub(crate) fn push(api: &Api, name: &str, query: &Query, headers: &HeaderMap) -> Result<Response, Refusal> {
    let credentials = credentials::one(headers)?;
    let (api, name, tag) = (api.clone(), name.to_owned(), query.get("tag").map(str::to_owned));
    Ok(lines::respond(move |lines| async move {
        lines.send(Line::status(format!(
            "The push refers to repository [{}]",
            full_repository(&name)
        )));
        let names = match &tag {
            Some(tag) => vec![format!("{name}:{tag}")],
            None => match all_tags(&api, &name).await {
                Ok(names) => names,
                Err(message) => return vec![Line::error(message)],
            },
        };
        let mut last = Vec::new();
        for name in names {
            match api
                .engine
                .push(&name, credentials.as_ref(), progress(&lines))
                .await
            {
                Ok(pushed) => {
                    let text = format!(
                        "{}: digest: {} size: {}",
                        pushed.tag, pushed.digest, pushed.size_bytes
                    );
                    last.push(Line::status(text));
                    let (tag, digest, size) = (pushed.tag, pushed.digest, pushed.size_bytes);
                    last.push(Line::aux(Aux::Pushed { tag, digest, size }));
                }
                Err(error) => {
                    last.push(Line::error(error.to_string()));
                    break;
                }
            }
        }
        last
    }))
}

async fn all_tags(api: &Api, repo: &str) -> Result<Vec<String>, String> {
    let images = api.engine.images().await.map_err(|error| error.to_string())?;
    let wanted = full_repository(repo);
    let names = images.into_iter().flat_map(|image| image.names);
    let found: Vec<String> = names
        .filter(|name| full_repository(repository(name)) == wanted)
        .collect();
    if found.is_empty() {
        return Err(format!("An image does not exist locally with the tag: {repo}"));
    }
    Ok(found)
}

pub(crate) async fn load(State(api): State<Api>, body: Body) -> Response {
    lines::respond(move |_lines| async move {
        match api.engine.load(byte_stream(body)).await {
            Ok(names) => names
                .into_iter()
                .map(|name| {
                    let what = if name.starts_with("sha256:") {
                        "image ID"
                    } else {
                        "image"
                    };
                    Line::stream(format!("Loaded {what}: {name}\n"))
                })
                .collect(),
            Err(error) => vec![Line::error(error.to_string())],
        }
    })
}

pub(crate) async fn get_several(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    archive(&api, Query::parse(query.as_deref()).all("names")).await
}

pub(crate) async fn archive(api: &Api, names: Vec<String>) -> Result<Response, Refusal> {
    if names.is_empty() || names.len() > ARCHIVE_IMAGES_MAX {
        return Err(Refusal::bad(format!(
            "from 1 to {ARCHIVE_IMAGES_MAX} images can be saved at once"
        )));
    }
    let stream = api.engine.save(&names).await?;
    let mut response = Body::from_stream(stream).into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-tar"),
    );
    Ok(response)
}
