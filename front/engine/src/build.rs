//! `POST /build`: the context comes as a tar archive, progress goes out as lines.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use contract::image::{BuildEvent, BuildRequest, BuildSink};
use http::HeaderMap;

use crate::Api;
use crate::answer::{Aux, Line, Refusal};
use crate::credentials;
use crate::lines::{self, Lines};
use crate::query::Query;
use crate::secret;
use crate::transfer::byte_stream;

/// Digits of a digest that people are shown.
const SHORT_DIGITS: usize = 12;

pub(crate) async fn build(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let query = Query::parse(query.as_deref());
    let request = request(&query, &headers)?;
    let quiet = query.is_true("q");
    Ok(lines::respond(move |lines| async move {
        let tags = request.tags.clone();
        let sink: BuildSink = if quiet { Arc::new(|_| {}) } else { sink(lines) };
        match api.engine.build(request, byte_stream(body), sink).await {
            Ok(digest) if quiet => vec![Line::stream(format!("{digest}\n"))],
            Ok(digest) => {
                let short: String = digest
                    .trim_start_matches("sha256:")
                    .chars()
                    .take(SHORT_DIGITS)
                    .collect();
                let mut last = vec![
                    Line::aux(Aux::Built { id: digest }),
                    Line::stream(format!("Successfully built {short}\n")),
                ];
                last.extend(
                    tags.iter()
                        .map(|tag| Line::stream(format!("Successfully tagged {tag}\n"))),
                );
                last
            }
            Err(error) => vec![Line::error(error.to_string())],
        }
    }))
}

fn request(query: &Query, headers: &HeaderMap) -> Result<BuildRequest, Refusal> {
    if query.get("version") == Some("2") {
        return Err(Refusal::bad(
            "BuildKit sessions are not served; set DOCKER_BUILDKIT=0",
        ));
    }
    if query.get("remote").is_some() {
        return Err(Refusal::bad(
            "a build context from a URL is not supported; send the folder itself",
        ));
    }
    if query.is_true("squash") {
        return Err(Refusal::bad("squashing layers is not supported"));
    }
    let network = query.get("networkmode").unwrap_or("default");
    if !matches!(network, "default" | "host" | "bridge" | "none") {
        return Err(Refusal::bad(format!(
            "the build network `{network}` is not supported; steps use the host's"
        )));
    }
    let platform = query.get("platform").unwrap_or("linux/amd64");
    if !matches!(platform, "linux/amd64" | "linux/x86_64" | "linux" | "amd64") {
        return Err(Refusal::bad(format!(
            "images for `{platform}` cannot be built here; this machine is linux/amd64"
        )));
    }
    Ok(BuildRequest {
        tags: query.all("t"),
        dockerfile: query.get("dockerfile").unwrap_or("Dockerfile").to_owned(),
        build_args: query.map::<Option<String>>("buildargs")?.into_iter().collect(),
        labels: query.map::<String>("labels")?.into_iter().collect(),
        target: query.get("target").map(str::to_owned),
        no_cache: query.is_true("nocache"),
        pull: query.is_true("pull"),
        credentials: credentials::several(headers)?,
        secrets: secret::several(headers)?,
        offline: network == "none",
        hosts: hosts(query)?,
    })
}

/// `--add-host NAME:ADDRESS`; `host-gateway` is this machine, whose network steps have.
fn hosts(query: &Query) -> Result<Vec<(String, IpAddr)>, Refusal> {
    let entries = query.all("extrahosts");
    let entries = entries.iter().flat_map(|entry| entry.split(','));
    entries
        .filter(|entry| !entry.is_empty())
        .map(|entry| {
            let (name, address) = entry.split_once([':', '=']).unwrap_or((entry, ""));
            let address = match address.trim_matches(['[', ']']) {
                "host-gateway" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                address => address.parse().ok(),
            };
            match address {
                Some(address) if !name.is_empty() && !name.contains(char::is_whitespace) => {
                    Ok((name.to_owned(), address))
                }
                _ => Err(Refusal::bad(format!("bad format for add-host: \"{entry}\""))),
            }
        })
        .collect()
}

fn sink(lines: Lines) -> BuildSink {
    let pending: Mutex<Vec<u8>> = Mutex::default();
    Arc::new(move |event| {
        let line = match event {
            BuildEvent::Line(text) => Line::stream(format!("{text}\n")),
            BuildEvent::Pull(progress) => Line::progress(progress),
            BuildEvent::Output(bytes) => {
                let mut pending = pending.lock().unwrap_or_else(PoisonError::into_inner);
                pending.extend_from_slice(&bytes);
                let text = take_text(&mut pending);
                if text.is_empty() {
                    return;
                }
                Line::stream(text)
            }
        };
        lines.send(line);
    })
}

/// Takes all but a character whose last bytes have not come yet.
fn take_text(pending: &mut Vec<u8>) -> String {
    let whole = match std::str::from_utf8(pending) {
        Ok(_) => pending.len(),
        // Without a length the end is missing; with one it is no text at all, and is shown as such.
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Err(_) => pending.len(),
    };
    let rest = pending.split_off(whole);
    let text = String::from_utf8_lossy(pending).into_owned();
    *pending = rest;
    text
}
