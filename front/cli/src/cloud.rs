//! What the command line needs of the local cloud; `app` has the one that is real.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The local cloud. Every call says by its state directory which one is meant, so that several can run side by side.
/// Calls may block.
pub trait Cloud: Send + Sync {
    /// Where the state is when nobody says otherwise.
    fn default_state_dir(&self) -> PathBuf;

    /// Starts the cloud, or finds it running; returns when its API answers.
    ///
    /// # Errors
    /// When it cannot start, or runs with other settings.
    fn start(&self, state_dir: &Path, options: &StartOptions) -> Result<CloudInfo, CloudError>;

    /// Stops it; returns whether there was anything to stop.
    ///
    /// # Errors
    /// When something of it could not be removed.
    fn stop(&self, state_dir: &Path) -> Result<bool, CloudError>;

    /// How to reach it; `None` when it is not running.
    ///
    /// # Errors
    /// When its settings cannot be read.
    fn info(&self, state_dir: &Path) -> Result<Option<CloudInfo>, CloudError>;

    /// Its processes, running or not.
    ///
    /// # Errors
    /// When its settings cannot be read.
    fn processes(&self, state_dir: &Path) -> Result<Vec<Process>, CloudError>;

    /// What pipelines need of this machine, with the cloud if it runs.
    ///
    /// # Errors
    /// When its settings cannot be read.
    fn machine(&self, state_dir: &Path) -> Result<client_pipeline::Machine, CloudError>;

    /// Starts the process that does the work of a run. `actions` are further folders with actions.
    ///
    /// # Errors
    /// When it cannot be started.
    fn start_runner(&self, state_dir: &Path, run: u64, actions: &[PathBuf]) -> Result<(), CloudError>;

    /// Leads the names of a domain to the cloud's name server.
    ///
    /// # Errors
    /// When the cloud does not run, the domain is none, or the machine's settings cannot be changed.
    fn install_dns(&self, state_dir: &Path, domain: &str) -> Result<NamesLed, CloudError>;

    /// Undoes that.
    ///
    /// # Errors
    /// When it was not done, or cannot be undone.
    fn remove_dns(&self, state_dir: &Path, domain: &str) -> Result<NamesLed, CloudError>;

    /// Domains whose names lead to the cloud.
    ///
    /// # Errors
    /// When it is not known.
    fn dns_domains(&self, state_dir: &Path) -> Result<Vec<String>, CloudError>;

    /// The certificate of the local authority, PEM.
    ///
    /// # Errors
    /// When there is none yet.
    fn authority(&self, state_dir: &Path) -> Result<String, CloudError>;

    /// What this machine has of all that the cloud needs.
    fn doctor(&self, state_dir: &Path) -> Vec<Finding>;
}

/// What `wharf cloud start` may be told; what is absent stays as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartOptions {
    pub listen: Option<SocketAddr>,
    pub auth: Option<Auth>,
    /// A PEM file with certificate authorities that RUN steps trust.
    pub build_ca_bundle: Option<PathBuf>,
    /// `docker.io=127.0.0.1:5000`: another host for a registry's images.
    pub registry_mirrors: Vec<String>,
    /// Folders with actions that workflows use.
    pub actions: Vec<PathBuf>,
    /// A file with the password of the console.
    pub console_password_file: Option<PathBuf>,
}

/// Whose requests are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Auth {
    /// Only those signed with this cloud's own key
    Sigv4,
    /// Those with any well-formed AWS signature, for test suites
    Open,
}

/// How to reach a running cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudInfo {
    /// Such as `http://127.0.0.1:4566`.
    pub endpoint: String,
    pub region: String,
    pub access_key: String,
    pub secret_key: String,
    /// Such as `unix:///run/wharf-1f2e3d4c/docker.sock`.
    pub docker_host: String,
    /// Where names can be asked for; absent while they cannot.
    pub dns: Option<SocketAddr>,
    pub state_dir: PathBuf,
    pub auth: Auth,
}

/// How the machine asks for names now.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct NamesLed {
    /// All domains that lead to the cloud.
    pub domains: Vec<String>,
    /// The file that was changed.
    pub file: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Process {
    pub name: String,
    /// `None` when it is not running.
    pub pid: Option<i32>,
}

/// One thing that the cloud needs of the machine.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// Such as `root`.
    pub name: String,
    pub ok: bool,
    /// What was found.
    pub sentence: String,
    /// How to get it; for what is not there.
    pub remedy: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// The machine lacks something.
    #[error("{message}")]
    Machine { message: String, remedy: String },
    /// What was asked for does not go together, or with a cloud that runs already.
    #[error("{message}")]
    Refused { message: String, hint: String },
    #[error("{0}")]
    Failed(String),
}
