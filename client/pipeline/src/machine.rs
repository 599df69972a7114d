//! Where runs happen: this machine, what it was told, and the cloud that jobs talk to.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use base_clock::Clock;
use base_id::IdSource;

use crate::git::Repository;
use crate::store::Runs;

/// Where actions come from that are nowhere on this machine.
pub const ACTIONS_DEFAULT: &str = "https://github.com";

/// Everything that a runner knows from outside.
#[derive(Clone)]
pub struct Machine {
    pub runs: Runs,
    /// What programs get of the machine's own environment.
    pub environment: BTreeMap<String, String>,
    /// Folders with actions: `owner/name@ref`, `owner/name` or `name`, as files or as git repositories.
    pub action_folders: Vec<PathBuf>,
    /// The beginning of the address of repositories with actions.
    pub action_source: String,
    /// The local cloud, if jobs are to talk to it.
    pub cloud: Option<Cloud>,
    /// The program `wharf`, for steps that call it.
    pub program: PathBuf,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn IdSource>,
}

/// How jobs reach the local cloud.
#[derive(Clone)]
pub struct Cloud {
    /// Such as `http://127.0.0.1:4566`.
    pub endpoint: String,
    pub region: String,
    pub account: String,
    pub access_key: String,
    pub secret_key: String,
    pub docker_host: String,
    pub state_dir: PathBuf,
}

/// Variables of the machine that jobs do not inherit: they are about other runs and other clouds.
const OWN_PREFIXES: [&str; 10] = [
    "ACTIONS_", "AWS_", "CARGO_", "DOCKER_", "GIT_", "GITHUB_", "INPUT_", "RUNNER_", "STATE_", "WHARF_",
];
/// And what a web server tells git, which hooks hand on.
const OWN_NAMES: [&str; 9] = [
    "CI",
    "CONTENT_LENGTH",
    "CONTENT_TYPE",
    "HTTP_CONTENT_ENCODING",
    "PATH_INFO",
    "QUERY_STRING",
    "REMOTE_USER",
    "REQUEST_METHOD",
    "RUST_BACKTRACE",
];

impl Machine {
    /// What of an environment is passed on to programs.
    pub fn clean(variables: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
        variables
            .into_iter()
            .filter(|(name, _)| !OWN_PREFIXES.iter().any(|own| name.starts_with(own)))
            .filter(|(name, _)| !OWN_NAMES.contains(&name.as_str()))
            .collect()
    }

    /// The bare repository behind a name that was checked.
    pub fn repository(&self, name: &str) -> Repository {
        Repository {
            folder: self.runs.home().join("repositories").join(format!("{name}.git")),
            environment: self.environment.clone(),
        }
    }

    /// Whether a program is on the path.
    pub(crate) fn has(&self, program: &str) -> bool {
        let path = self.environment.get("PATH").map_or("", String::as_str);
        path.split(':').any(|folder| std::path::Path::new(folder).join(program).is_file())
    }
}
