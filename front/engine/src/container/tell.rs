//! What there is, in the shapes of the Engine API.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use contract::container::{ContainerRecord, ContainerView};
use contract::task::{ContainerPhase, Health, ObservedContainer, StopKind, TaskPhase, VolumeSource};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Doors, map};
use crate::answer::Refusal;
use crate::query::Query;

const NEVER: &str = "0001-01-01T00:00:00Z";
const KILLED: i32 = 137;
const NOT_FOUND: i32 = 127;

/// What the client asked for when it made the container.
pub(super) fn asked(record: &ContainerRecord) -> Value {
    serde_json::from_str(&record.asked).unwrap_or_default()
}

fn container(view: &ContainerView) -> Option<&ObservedContainer> {
    view.observed.as_ref()?.containers.first()
}

fn has_ended(view: &ContainerView) -> bool {
    let observed = view.observed.as_ref();
    observed.is_some_and(|observed| observed.phase == TaskPhase::Stopped)
}

pub(super) fn is_running(view: &ContainerView) -> bool {
    let begun = container(view).is_some_and(|container| container.phase != ContainerPhase::Pending);
    view.started && begun && !has_ended(view)
}

fn never_ran(view: &ContainerView) -> bool {
    container(view).is_none_or(|container| container.started_at.is_none())
}

/// Docker's word.
fn status(view: &ContainerView) -> &'static str {
    match (is_running(view), has_ended(view)) {
        (true, _) => "running",
        (false, true) if !never_ran(view) => "exited",
        (false, _) => "created",
    }
}

fn exit_code(view: &ContainerView) -> i32 {
    match container(view) {
        _ if !has_ended(view) => 0,
        Some(container) => container
            .exit_code
            .unwrap_or(if never_ran(view) { NOT_FOUND } else { KILLED }),
        None => NOT_FOUND,
    }
}

fn state(view: &ContainerView) -> Value {
    let seen = container(view);
    let time = |at: Option<Timestamp>| at.map_or(NEVER.to_owned(), |at| at.to_string());
    let cause = view
        .observed
        .as_ref()
        .and_then(|observed| observed.stop_cause.as_ref());
    let error = cause.filter(|cause| matches!(cause.kind, StopKind::FailedToStart | StopKind::Lost));
    let reason = seen.and_then(|seen| seen.reason.as_deref()).unwrap_or_default();
    let mut state = json!({
        "Status": status(view), "Running": is_running(view), "Paused": false, "Restarting": false,
        "OOMKilled": reason.starts_with("OutOfMemoryError"), "Dead": false, "Pid": 0,
        "ExitCode": exit_code(view),
        "Error": error.map_or("", |cause| cause.reason.as_str()),
        "StartedAt": time(seen.and_then(|seen| seen.started_at)),
        "FinishedAt": time(seen.and_then(|seen| seen.stopped_at).filter(|_| has_ended(view))),
    });
    let checked = view
        .record
        .task
        .containers
        .first()
        .is_some_and(|it| it.health_check.is_some());
    if checked {
        let health = match seen.map(|seen| seen.health) {
            Some(Health::Healthy) => "healthy",
            Some(Health::Unhealthy) => "unhealthy",
            _ => "starting",
        };
        let log: [&str; 0] = [];
        state["Health"] = json!({"Status": health, "FailingStreak": 0, "Log": log});
    }
    state
}

fn network(view: &ContainerView) -> &'static str {
    let container = view.record.task.containers.first();
    if container.is_some_and(|container| container.linux.machine_network) {
        "host"
    } else {
        "none"
    }
}

fn networks(view: &ContainerView) -> Value {
    let mut networks = json!({});
    networks[network(view)] = json!({
        "IPAMConfig": null, "Links": null, "Aliases": null, "NetworkID": "", "EndpointID": "", "Gateway": "",
        "IPAddress": "", "IPPrefixLen": 0, "IPv6Gateway": "", "GlobalIPv6Address": "", "GlobalIPv6PrefixLen": 0,
        "MacAddress": "", "DriverOpts": null,
    });
    networks
}

fn mounts(view: &ContainerView) -> Vec<Value> {
    let task = &view.record.task;
    let mounts = task.containers.iter().flat_map(|container| &container.mounts);
    mounts
        .filter_map(|mount| {
            let volume = task.volumes.iter().find(|volume| volume.name == mount.volume)?;
            let (kind, source) = match &volume.source {
                VolumeSource::Host(path) => ("bind", path.as_str()),
                VolumeSource::Task | VolumeSource::Shared { .. } => ("volume", ""),
            };
            Some(json!({
                "Type": kind, "Source": source, "Destination": mount.path, "Mode": "", "RW": !mount.readonly,
                "Propagation": if kind == "bind" { "rprivate" } else { "" },
            }))
        })
        .collect()
}

/// The image's own command line, environment and the rest under what was asked for.
async fn config(doors: &Doors, view: &ContainerView) -> Value {
    let mut asked = asked(&view.record);
    let wanted = view.record.task.containers.first();
    let digest = wanted
        .and_then(|container| container.image.digest.clone())
        .unwrap_or_default();
    let image = doors.engine.inspect(&digest).await.ok();
    let image = image.and_then(|image| serde_json::from_slice::<Value>(&image.config).ok());
    let image = image.map(|image| image["config"].clone()).unwrap_or_default();
    let empty = |value: &Value| value.as_array().is_none_or(Vec::is_empty);
    if empty(&asked["Entrypoint"]) {
        if empty(&asked["Cmd"]) {
            asked["Cmd"] = image["Cmd"].clone();
        }
        asked["Entrypoint"] = image["Entrypoint"].clone();
    }
    let own: Vec<String> = serde_json::from_value(asked["Env"].clone()).unwrap_or_default();
    let mut environment: Vec<String> = serde_json::from_value(image["Env"].clone()).unwrap_or_default();
    environment.retain(|line| {
        let name = line.split('=').next();
        !own.iter().any(|own| own.split('=').next() == name)
    });
    environment.extend(own);
    asked["Env"] = json!(environment);
    for name in ["User", "WorkingDir"] {
        if asked[name].as_str().unwrap_or_default().is_empty() {
            asked[name] = json!(image[name].as_str().unwrap_or_default());
        }
    }
    asked["Labels"] = json!(map(&view.record.labels));
    if let Some(fields) = asked.as_object_mut() {
        fields.remove("HostConfig");
        fields.remove("NetworkingConfig");
    }
    asked
}

pub(super) async fn inspect(
    State(doors): State<Doors>,
    Path(name): Path<String>,
) -> Result<Response, Refusal> {
    let view = doors.containers.find(&name)?;
    let config = config(&doors, &view).await;
    let words = |value: &Value| -> Vec<String> { serde_json::from_value(value.clone()).unwrap_or_default() };
    let mut arguments = words(&config["Entrypoint"]);
    arguments.retain(|word| !word.is_empty());
    arguments.extend(words(&config["Cmd"]));
    let path = if arguments.is_empty() {
        String::new()
    } else {
        arguments.remove(0)
    };
    let wanted = view.record.task.containers.first();
    let host = asked(&view.record)["HostConfig"].clone();
    let ports = json!({});
    Ok(Json(json!({
        "Id": view.record.id, "Created": view.record.created_at.to_string(), "Path": path, "Args": arguments,
        "State": state(&view), "Image": wanted.and_then(|it| it.image.digest.clone()),
        "ResolvConfPath": "", "HostnamePath": "", "HostsPath": "", "LogPath": "",
        "Name": format!("/{}", view.record.name), "RestartCount": 0, "Driver": "overlay2", "Platform": "linux",
        "MountLabel": "", "ProcessLabel": "", "AppArmorProfile": "", "ExecIDs": null, "HostConfig": host,
        "GraphDriver": {"Name": "overlay2", "Data": null}, "Mounts": mounts(&view), "Config": config,
        "NetworkSettings": {"Ports": ports, "IPAddress": "", "Gateway": "", "Networks": networks(&view)},
    }))
    .into_response())
}

/// What a client's filters leave.
fn is_wanted(
    view: &ContainerView,
    filters: &[(String, Vec<String>)],
    all: &[ContainerView],
) -> Result<bool, Refusal> {
    for (name, values) in filters {
        let any = |test: &dyn Fn(&str) -> bool| values.iter().any(|value| test(value));
        let record = &view.record;
        let matches = match name.as_str() {
            "id" => any(&|value| record.id.starts_with(value)),
            "name" => any(&|value| {
                let bare = value
                    .trim_start_matches('^')
                    .trim_start_matches('/')
                    .trim_end_matches('$');
                match (value.starts_with('^'), value.ends_with('$')) {
                    (true, true) => record.name == bare,
                    (true, false) => record.name.starts_with(bare),
                    (false, true) => record.name.ends_with(bare),
                    (false, false) => record.name.contains(bare),
                }
            }),
            "status" => any(&|value| status(view) == value),
            "exited" => any(&|value| status(view) == "exited" && exit_code(view).to_string() == value),
            "label" => values.iter().all(|value| {
                let (wanted, content) = value
                    .split_once('=')
                    .map_or((value.as_str(), None), |(a, b)| (a, Some(b)));
                let mut labels = record.labels.iter();
                labels.any(|(name, own)| name == wanted && content.is_none_or(|content| content == own))
            }),
            "ancestor" => any(&|value| {
                let image = record.task.containers.first().map(|container| &container.image);
                image.is_some_and(|image| {
                    let digest = image.digest.as_deref().unwrap_or_default();
                    let bare = digest.trim_start_matches("sha256:");
                    image.name == value
                        || image.name == format!("{value}:latest")
                        || digest == value
                        || (value.len() >= 12 && bare.starts_with(value))
                })
            }),
            "network" => any(&|value| network(view) == value),
            "before" | "since" => {
                let other = values.iter().find_map(|value| {
                    let mut others = all.iter();
                    others.find(|it| it.record.name == *value || it.record.id.starts_with(value.as_str()))
                });
                let other =
                    other.ok_or_else(|| Refusal::bad(format!("No such container: {}", values.join(", "))))?;
                let (own, others) = (record.created_at, other.record.created_at);
                if name == "before" {
                    own < others
                } else {
                    own > others
                }
            }
            other => return Err(Refusal::bad(format!("invalid filter '{other}'"))),
        };
        if !matches {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) async fn list(State(doors): State<Doors>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let query = Query::parse(query.as_deref());
    let filters = filters(&query)?;
    let limit = query
        .get("limit")
        .and_then(|text| text.parse::<usize>().ok())
        .filter(|limit| *limit > 0);
    let asks_state = filters
        .iter()
        .any(|(name, _)| name == "status" || name == "exited");
    let everything = query.is_true("all") || limit.is_some() || asks_state;
    let all = doors.containers.list();
    let mut found = Vec::new();
    for view in &all {
        if (everything || is_running(view)) && is_wanted(view, &filters, &all)? {
            found.push(listed(view));
        }
    }
    found.truncate(limit.unwrap_or(usize::MAX));
    Ok(Json(found).into_response())
}

/// As lists, or as clients' older maps of what is true.
fn filters(query: &Query) -> Result<Vec<(String, Vec<String>)>, Refusal> {
    let all = query.map::<Value>("filters")?;
    Ok(all
        .into_iter()
        .map(|(name, values)| {
            let values = match values {
                Value::Object(values) => values.into_iter().map(|(value, _)| value).collect(),
                other => serde_json::from_value(other).unwrap_or_default(),
            };
            (name, values)
        })
        .filter(|(_, values): &(String, Vec<String>)| !values.is_empty())
        .collect())
}

fn listed(view: &ContainerView) -> Value {
    let record = &view.record;
    let wanted = record.task.containers.first();
    let asked = asked(record);
    let words =
        |name: &str| -> Vec<String> { serde_json::from_value(asked[name].clone()).unwrap_or_default() };
    let command = [words("Entrypoint"), words("Cmd")].concat().join(" ");
    let ports: [&str; 0] = [];
    json!({
        "Id": record.id, "Names": [format!("/{}", record.name)],
        "Image": wanted.map(|container| container.image.name.clone()),
        "ImageID": wanted.and_then(|container| container.image.digest.clone()),
        "Command": command, "Created": record.created_at.as_second(), "Ports": ports,
        "Labels": map(&record.labels), "State": status(view), "Status": sentence(view),
        "HostConfig": {"NetworkMode": network(view)}, "NetworkSettings": {"Networks": networks(view)},
        "Mounts": mounts(view),
    })
}

/// What `docker ps` shows.
fn sentence(view: &ContainerView) -> String {
    match status(view) {
        "running" => "Up".to_owned(),
        "exited" => format!("Exited ({})", exit_code(view)),
        _ => "Created".to_owned(),
    }
}
