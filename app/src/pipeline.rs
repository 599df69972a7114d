//! What pipelines need of this machine: made here, as only the program itself reads the environment.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use anyhow::Context as _;
use base_clock::SystemClock;
use base_id::RandomIds;
use client_pipeline::{ACTIONS_DEFAULT, Cloud, Machine, Runs};

use crate::cloud::{REGION, Reach};
use crate::process::RUNNER;
use crate::settings::Settings;

/// Folders with actions, as PATH has folders with programs.
const ACTIONS_VARIABLE: &str = "WHARF_ACTIONS_DIR";
/// Another place than GitHub for actions that are nowhere on this machine: the beginning of an address for git.
const SOURCE_VARIABLE: &str = "WHARF_ACTIONS_SOURCE";

/// The machine as pipelines see it.
pub(crate) fn machine(state: &Path, reach: Option<&Reach>) -> anyhow::Result<Machine> {
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let settings = Settings::load(state)?;
    let named = std::env::var_os(ACTIONS_VARIABLE).unwrap_or_default();
    let mut action_folders: Vec<PathBuf> = std::env::split_paths(&named)
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    action_folders.extend(settings.map(|settings| settings.actions).unwrap_or_default());
    Ok(Machine {
        runs: Runs::new(state.join("pipelines")),
        environment: Machine::clean(variables),
        action_folders,
        action_source: std::env::var(SOURCE_VARIABLE).unwrap_or_else(|_| ACTIONS_DEFAULT.to_owned()),
        cloud: reach.map(|reach| Cloud {
            endpoint: reach.settings.endpoint(),
            region: REGION.to_owned(),
            account: reach.settings.account().to_owned(),
            access_key: reach.keys.access_key.clone(),
            secret_key: reach.keys.secret_key.clone(),
            docker_host: format!("unix://{}", reach.layout.engine_socket().display()),
            state_dir: state.to_owned(),
        }),
        program: std::env::current_exe().context("this program's own file is unknown")?,
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
    })
}

/// Starts the process that does the work of a run; it outlives whoever started it.
pub(crate) fn start_runner(state: &Path, run: u64, actions: &[PathBuf]) -> anyhow::Result<()> {
    use std::os::unix::process::CommandExt as _;
    let mut command = std::process::Command::new("/proc/self/exe");
    if !actions.is_empty() {
        let before = std::env::var_os(ACTIONS_VARIABLE).unwrap_or_default();
        let all = actions.iter().cloned().chain(std::env::split_paths(&before));
        command.env(ACTIONS_VARIABLE, std::env::join_paths(all)?);
    }
    command
        .arg0("wharf")
        .arg(RUNNER)
        .arg(state)
        .arg(run.to_string())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    command.spawn().context("the runner cannot be started")?;
    Ok(())
}
