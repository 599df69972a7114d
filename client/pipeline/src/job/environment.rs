//! What GitHub tells every step of itself: the `github` and `runner` contexts and the variables of the same content.

use std::collections::BTreeMap;

use base_workflow::{Map, Value};

use super::folders::Folders;
use crate::leftover;
use crate::record::Run;
use crate::runner::Shared;

/// What a run is about, for every job the same.
pub(crate) fn github(run: &Run, token: &str, server: &str, event: &serde_json::Value) -> Map {
    let owner = run.repository.split('/').next().unwrap_or_default();
    let file = run.file.clone().unwrap_or_else(|| "built-in".to_owned());
    let number = |number: u64| number.to_string();
    let is_request = run.event.base_branch.is_some();
    let mut map: Map = [
        ("token", token.to_owned()),
        ("actor", run.event.actor.clone()),
        ("triggering_actor", run.event.actor.clone()),
        ("event_name", run.event.name.name().to_owned()),
        ("ref", run.event.git_ref.clone()),
        ("ref_name", run.ref_name().to_owned()),
        ("ref_type", if run.event.is_tag() { "tag" } else { "branch" }.to_owned()),
        ("base_ref", run.event.base_branch.clone().unwrap_or_default()),
        ("head_ref", if is_request { run.ref_name() } else { "" }.to_owned()),
        ("repository", run.repository.clone()),
        ("repository_owner", owner.to_owned()),
        ("repositoryUrl", format!("{server}/{}.git", run.repository)),
        ("run_id", number(run.id)),
        ("run_number", number(run.number)),
        ("run_attempt", run.attempt.to_string()),
        ("sha", run.event.sha.clone()),
        ("workflow", run.workflow.clone()),
        ("workflow_ref", format!("{}/{file}@{}", run.repository, run.event.git_ref)),
        ("workflow_sha", run.event.sha.clone()),
        ("server_url", server.to_owned()),
        ("api_url", format!("{server}/api/v3")),
        ("graphql_url", format!("{server}/api/graphql")),
        ("retention_days", "90".to_owned()),
        ("secret_source", "Actions".to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), Value::Text(value)))
    .collect();
    map.insert("ref_protected", Value::Bool(false));
    map.insert("event", Value::from_json(event));
    map
}

/// Those of the `github` context that steps find as variables too.
const AS_VARIABLES: [&str; 20] = [
    "actor", "triggering_actor", "event_name", "ref", "ref_name", "ref_type", "base_ref", "head_ref",
    "repository", "repository_owner", "run_id", "run_number", "run_attempt", "sha", "workflow",
    "workflow_ref", "workflow_sha", "server_url", "api_url", "graphql_url",
];

/// The variables with which every program of a job starts.
pub(super) fn variables(
    shared: &Shared<'_>,
    folders: &Folders,
    job: (&str, usize),
) -> BTreeMap<String, String> {
    let (job, index) = job;
    let mut all = shared.machine.environment.clone();
    let path = |path: &std::path::Path| path.to_string_lossy().into_owned();
    for name in AS_VARIABLES {
        let value = shared.github.get(name).map(Value::text).unwrap_or_default();
        all.insert(format!("GITHUB_{}", name.to_ascii_uppercase()), value);
    }
    let token = shared.machine.ids.hex(16);
    let home = shared.machine.runs.home();
    let own = [
        ("CI", "true".to_owned()),
        ("GITHUB_ACTIONS", "true".to_owned()),
        ("GITHUB_JOB", job.to_owned()),
        ("GITHUB_WORKSPACE", path(&folders.workspace)),
        ("GITHUB_EVENT_PATH", path(&folders.files.join("event.json"))),
        ("GITHUB_RETENTION_DAYS", "90".to_owned()),
        ("GITHUB_REF_PROTECTED", "false".to_owned()),
        ("HOME", path(&folders.home)),
        ("DOCKER_CONFIG", path(&folders.home.join(".docker"))),
        ("RUNNER_NAME", "wharf".to_owned()),
        ("RUNNER_OS", "Linux".to_owned()),
        ("RUNNER_ARCH", architecture().to_owned()),
        ("RUNNER_ENVIRONMENT", "self-hosted".to_owned()),
        ("RUNNER_TEMP", path(&folders.temp)),
        ("RUNNER_TOOL_CACHE", path(&folders.tools)),
        ("RUNNER_WORKSPACE", path(folders.workspace.parent().unwrap_or(&folders.workspace))),
        ("WHARF_SHARED", path(&folders.shared)),
        (leftover::MARK, format!("{}{token}", leftover::job_mark(shared.id, home, index))),
    ];
    all.extend(own.map(|(name, value)| (name.to_owned(), value)));
    all.extend(cloud(shared));
    all
}

/// How programs find the local cloud.
fn cloud(shared: &Shared<'_>) -> Vec<(String, String)> {
    let Some(cloud) = &shared.machine.cloud else {
        return Vec::new();
    };
    let host = |text: &str| text.split("://").last().unwrap_or(text).to_owned();
    let endpoint = host(&cloud.endpoint);
    let name = endpoint.rsplit_once(':').map_or(endpoint.as_str(), |(name, _)| name);
    // A company's proxy cannot reach what is on this machine.
    let before = shared.machine.environment.get("NO_PROXY").or(shared.machine.environment.get("no_proxy"));
    let direct = [before.map_or("", String::as_str), "localhost", "127.0.0.1", ".localhost", name]
        .into_iter()
        .filter(|it| !it.is_empty())
        .collect::<Vec<_>>()
        .join(",");
    let state = cloud.state_dir.to_string_lossy().into_owned();
    [
        ("AWS_ENDPOINT_URL", cloud.endpoint.clone()),
        ("AWS_ACCESS_KEY_ID", cloud.access_key.clone()),
        ("AWS_SECRET_ACCESS_KEY", cloud.secret_key.clone()),
        ("AWS_REGION", cloud.region.clone()),
        ("AWS_DEFAULT_REGION", cloud.region.clone()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("DOCKER_HOST", cloud.docker_host.clone()),
        ("NO_PROXY", direct.clone()),
        ("no_proxy", direct),
        ("WHARF_STATE_DIR", state),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

pub(super) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "ARM64",
        "x86" => "X86",
        "arm" => "ARM",
        _ => "X64",
    }
}
