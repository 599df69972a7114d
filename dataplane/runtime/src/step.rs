//! One step of an image build (a Dockerfile `RUN`): a container that runs once, mostly on the host's network, and leaves
//! its changes in `upper`.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::RuntimeConfig;
use crate::cgroup::Cgroup;

/// What a step's shim is given, as a file in its directory.
pub(crate) const STEP_FILE: &str = "step.json";
/// What a step's shim leaves behind.
pub(crate) const RESULT_FILE: &str = "result.json";
/// Bytes passed on at once.
const OUTPUT_CHUNK_BYTES: usize = 16 * 1024;

/// A command in a root made of layers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// Directories of the layers below, bottom first; none for `FROM scratch`.
    pub lower: Vec<PathBuf>,
    /// Gets the changes, with overlayfs' own whiteouts (character device 0:0, `trusted.overlay.opaque`).
    pub upper: PathBuf,
    /// Overlayfs' work directory: empty, on the same file system as `upper`.
    pub work: PathBuf,
    /// Program and arguments; the program is looked up in the `PATH` of `environment` (or Docker's default).
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    /// Absolute; made if missing.
    pub working_directory: String,
    /// `uid`, `name`, `uid:gid`, `name:group`; root if absent.
    pub user: Option<String>,
    pub binds: Vec<Bind>,
    /// File systems in memory.
    #[serde(default)]
    pub memory: Vec<StepMemory>,
    /// Loopback alone, instead of the host's network.
    #[serde(default)]
    pub offline: bool,
    pub hostname: String,
}

/// A file system in memory that is gone after the step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepMemory {
    /// Absolute path inside.
    pub target: PathBuf,
    /// Half of the machine's memory if absent.
    pub size_bytes: Option<u64>,
}

/// A file or directory of the host inside the container. What had to be made to mount it on does not stay in
/// `upper`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bind {
    pub source: PathBuf,
    /// Absolute path inside.
    pub target: PathBuf,
    pub readonly: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepOutput {
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
}

#[derive(Debug, thiserror::Error)]
pub enum StepError {
    #[error("the build container could not be prepared: {0}")]
    Prepare(#[from] io::Error),
    /// The container was never started; the sentence says why, such as a program that is not there.
    #[error("{0}")]
    Start(String),
    #[error("the build container's process was lost")]
    Lost,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum StepResult {
    Exited(i32),
    Failed(String),
}

/// Runs a step to its end and returns the exit code (128 + n after signal n). When the future is dropped the
/// whole container is killed.
///
/// Output that is not received is waited for: a slow receiver slows the step down.
///
/// # Errors
/// When the container cannot be made or the program cannot be started.
pub async fn run_step(
    runtime: &RuntimeConfig,
    step: Step,
    output: mpsc::Sender<StepOutput>,
) -> Result<i32, StepError> {
    let id = format!("step-{}-{}", std::process::id(), next_number());
    let directory = runtime.steps_dir().join(&id);
    std::fs::create_dir_all(&directory)?;
    let mut cleanup = Cleanup {
        directory: directory.clone(),
        cgroup: runtime.cgroup(&id),
        child: None,
    };
    let text = serde_json::to_vec(&step).map_err(io::Error::other)?;
    std::fs::write(directory.join(STEP_FILE), text)?;

    let mut child = spawn(runtime, &directory, &id)?;
    let stdout = child
        .stdout
        .take()
        .expect("standard output was asked to be piped");
    let stderr = child.stderr.take().expect("standard error was asked to be piped");
    let _lifeline = child.stdin.take();
    let child = cleanup.child.insert(child);
    let (_, _, exit) = tokio::join!(
        forward(stdout, output.clone(), StepOutput::Stdout),
        forward(stderr, output, StepOutput::Stderr),
        child.wait(),
    );
    exit?;
    cleanup.child = None;
    let text = std::fs::read(directory.join(RESULT_FILE)).map_err(|_| StepError::Lost)?;
    match serde_json::from_slice(&text).map_err(|_| StepError::Lost)? {
        StepResult::Exited(code) => Ok(code),
        StepResult::Failed(sentence) => Err(StepError::Start(sentence)),
    }
}

fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn spawn(runtime: &RuntimeConfig, directory: &Path, id: &str) -> io::Result<Child> {
    let (program, arguments) = runtime
        .shim_command
        .split_first()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the shim command is empty"))?;
    Command::new(program)
        .args(arguments)
        .arg("step")
        .arg(directory)
        .arg(runtime.cgroup_path(id))
        .env_clear()
        // Its end tells the shim that nobody waits for the step any more.
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}

async fn forward(
    mut from: impl AsyncRead + Unpin,
    to: mpsc::Sender<StepOutput>,
    wrap: fn(Vec<u8>) -> StepOutput,
) {
    let mut buffer = vec![0; OUTPUT_CHUNK_BYTES];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        // Nobody listening is no reason to stop: the pipe must be emptied for the step to go on.
        let _ = to.send(wrap(buffer[..count].to_vec())).await;
    }
}

/// Removes what a step leaves on disk, and kills it first if it still runs.
struct Cleanup {
    directory: PathBuf,
    cgroup: Cgroup,
    child: Option<Child>,
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // The container's first process dies with its shim; the control group catches what was started too
            // early for that.
            let _ = child.start_kill();
        }
        self.cgroup.kill_and_remove();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
