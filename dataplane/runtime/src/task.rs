//! Tasks from outside: starting a shim, finding one again, following and ordering it, and sweeping up after it.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use std::{fs, io};

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Interest};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::Command as Program;
use tokio::sync::{Mutex, watch};

use crate::RuntimeConfig;
use crate::cgroup::Cgroup;
use crate::config::{GUESTS_GROUP, disks_dir};
use crate::shim::{self, Command};
use crate::spec::TaskSpec;
use crate::spool::{self, SpoolLine};
use crate::status::TaskStatus;

/// A shim that is not ready by then never will be.
const READY_MAX: Duration = Duration::from_secs(20);
const COMPLAINT_BYTES_MAX: u64 = 16 * 1024;
/// Name of the control group in which the shims themselves live.
const SHIMS_GROUP: &str = "shims";

#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    #[error("the task's files cannot be written: {0}")]
    Io(#[from] io::Error),
    #[error("the task's shim did not start: {0}")]
    Shim(String),
    #[error("the task is not there any more")]
    Gone,
}

/// Starts tasks and finds those that run.
#[derive(Clone, Debug)]
pub struct Runtime {
    config: RuntimeConfig,
}

impl Runtime {
    pub fn new(config: RuntimeConfig) -> Self {
        Self { config }
    }

    pub fn config(&self) -> &RuntimeConfig {
        &self.config
    }

    /// Where a task's status, spools and files lie.
    pub fn directory(&self, id: &str) -> PathBuf {
        self.config.tasks_dir().join(id)
    }

    /// Where a task's files lie, unless the id is none.
    pub(crate) fn task_directory(&self, id: &str) -> Option<PathBuf> {
        let plain = !id.is_empty()
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        plain.then(|| self.directory(id))
    }

    /// The last lines that a container of a task has written, oldest first, as long as the task's directory is there.
    /// Blocks for a moment.
    pub fn tail(&self, id: &str, container: &str, lines_max: usize, bytes_max: usize) -> Vec<SpoolLine> {
        self.task_directory(id)
            .map(|directory| spool::tail(&directory, container, lines_max, bytes_max))
            .unwrap_or_default()
    }

    /// Ids of all tasks of which something is left on disk or in control groups.
    pub fn known(&self) -> BTreeSet<String> {
        let on_disk = fs::read_dir(self.config.tasks_dir())
            .into_iter()
            .flatten()
            .flatten();
        let mut known: BTreeSet<String> = on_disk
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        let root = Cgroup::new(&self.config.cgroup_root());
        // Build steps have groups of their own, which end with them.
        for name in root.children() {
            if name != SHIMS_GROUP && !name.starts_with("step-") {
                known.extend(root.child(&name).child(GUESTS_GROUP).children());
                known.insert(name);
            }
        }
        known
    }

    /// What the task's shim last wrote, whether it still lives or not.
    pub fn last_status(&self, id: &str) -> Option<TaskStatus> {
        TaskStatus::load(&self.directory(id)).ok()
    }

    /// The task that a task was started in, if it lives in another one.
    pub fn host_of(&self, id: &str) -> Option<String> {
        let text = fs::read(self.directory(id).join(shim::TASK_FILE)).ok()?;
        let spec: TaskSpec = serde_json::from_slice(&text).ok()?;
        Some(spec.host?.task)
    }

    /// Starts a task's shim and returns when it can be talked to; its containers start after that.
    ///
    /// # Errors
    /// When the files cannot be written, or the shim says why it cannot start.
    pub async fn start(&self, spec: &TaskSpec) -> Result<TaskHandle, TaskError> {
        let directory = self.directory(&spec.id);
        fs::create_dir_all(&directory)?;
        fs::write(
            directory.join(shim::TASK_FILE),
            serde_json::to_vec(spec).map_err(io::Error::other)?,
        )?;
        let (program, arguments) = self
            .config
            .shim_command
            .split_first()
            .ok_or_else(|| TaskError::Shim("the shim command is empty".to_owned()))?;
        let errors = fs::File::create(directory.join("shim.log"))?;
        let mut child = Program::new(program)
            .args(arguments)
            .arg("task")
            .arg(&directory)
            .arg(match &spec.host {
                Some(host) => self.config.cgroup_path_within(&host.task, &spec.id),
                None => self.config.cgroup_path(&spec.id),
            })
            .arg(self.config.cgroup_path(SHIMS_GROUP))
            .arg(&self.config.state_dir)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()?;
        let shims = Cgroup::new(&self.config.cgroup_path(SHIMS_GROUP));
        // The shim's number is its own as long as nobody has waited for it, which is not before this has ended.
        let entering = child
            .id()
            .map(|pid| tokio::task::spawn_blocking(move || shims.begin_to_enter(pid)));
        let output = child
            .stdout
            .take()
            .expect("standard output was asked to be piped");
        let mut said = String::new();
        let mut output = BufReader::new(output.take(COMPLAINT_BYTES_MAX));
        let heard = tokio::time::timeout(READY_MAX, output.read_line(&mut said)).await;
        if let Some(entering) = entering {
            // The shim goes there itself, and says so if it cannot.
            let _ = entering.await;
        }
        if said != shim::READY {
            let _ = child.start_kill();
            let sentence = match heard {
                Err(_) => "it did not become ready in time".to_owned(),
                Ok(_) if said.is_empty() => log_of(&directory),
                Ok(_) => said.trim().to_owned(),
            };
            return Err(TaskError::Shim(sentence));
        }
        // Waits in the background, so that no zombie stays while we live.
        tokio::spawn(async move {
            let _ = child.wait().await;
        });
        // A task that ended at once has left its last status.
        TaskHandle::connect(&directory).await
    }

    /// Finds a running task's shim again.
    ///
    /// # Errors
    /// [`TaskError::Gone`] when none answers.
    pub async fn adopt(&self, id: &str) -> Result<TaskHandle, TaskError> {
        TaskHandle::connect(&self.directory(id)).await
    }

    /// Kills whatever is left of a task, shim or not, and gives back everything but its directory. Blocks, as a
    /// rule for a few milliseconds.
    pub fn kill(&self, id: &str) {
        self.config.cgroup(id).kill_and_remove();
        // A guest that was about to start when its host ended may have brought the host's group back.
        if let Some(host) = self.host_of(id) {
            Cgroup::new(&self.config.cgroup_path(&host)).remove_around(GUESTS_GROUP);
        }
    }

    /// Removes the task's directory with spools and all.
    ///
    /// # Errors
    /// When something in it cannot be removed.
    pub fn forget(&self, id: &str) -> io::Result<()> {
        match fs::remove_dir_all(self.directory(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes the disks of hosts that are not among these.
    ///
    /// # Errors
    /// When something on a disk cannot be removed.
    pub fn retain_disks(&self, wanted: &BTreeSet<String>) -> io::Result<()> {
        let there = fs::read_dir(disks_dir(&self.config.state_dir))
            .into_iter()
            .flatten();
        for entry in there.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !wanted.contains(&name) {
                self.forget_disk(&name)?;
            }
        }
        Ok(())
    }

    /// Removes a host's disk; it need not be there.
    ///
    /// # Errors
    /// When something on it cannot be removed.
    pub fn forget_disk(&self, name: &str) -> io::Result<()> {
        match fs::remove_dir_all(disks_dir(&self.config.state_dir).join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Kills build steps that an earlier process of this instance has left, and removes what they had. Must not be
    /// called while another process of this instance runs steps.
    pub fn sweep_steps(&self) {
        let own = format!("step-{}-", std::process::id());
        let root = Cgroup::new(&self.config.cgroup_root());
        for name in root.children() {
            if name.starts_with("step-") && !name.starts_with(&own) {
                root.child(&name).kill_and_remove();
            }
        }
        for entry in fs::read_dir(self.config.steps_dir())
            .into_iter()
            .flatten()
            .flatten()
        {
            if !entry.file_name().to_string_lossy().starts_with(&own) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Kills every task, build step and shim of this instance and removes its control groups.
    pub fn kill_all(&self) {
        Cgroup::new(&self.config.cgroup_root()).kill_and_remove();
        let _ = fs::remove_dir_all(self.config.steps_dir());
    }
}

fn log_of(directory: &Path) -> String {
    let text = fs::read_to_string(directory.join("shim.log")).unwrap_or_default();
    let text = text.trim();
    if text.is_empty() {
        "it ended without a word".to_owned()
    } else {
        text.to_owned()
    }
}

/// A connection to a task's shim.
pub struct TaskHandle {
    status: watch::Receiver<TaskStatus>,
    orders: Option<Mutex<OwnedWriteHalf>>,
}

impl TaskHandle {
    async fn connect(directory: &Path) -> Result<Self, TaskError> {
        let stream = {
            let (_open, address) = shim::address(directory, shim::SOCKET_FILE)?;
            UnixStream::connect(address).await
        };
        let Ok(stream) = stream else {
            return Self::of_the_ended(directory);
        };
        let Ok(life) = life_of(&stream) else {
            return Self::of_the_ended(directory);
        };
        let (read, write) = stream.into_split();
        let mut read = BufReader::new(read);
        let Some(first) = next_status(&mut read, &life).await else {
            return Self::of_the_ended(directory);
        };
        let (teller, status) = watch::channel(first);
        tokio::spawn(async move {
            while let Some(status) = next_status(&mut read, &life).await {
                let _ = teller.send(status);
            }
        });
        Ok(Self {
            status,
            orders: Some(Mutex::new(write)),
        })
    }

    fn of_the_ended(directory: &Path) -> Result<Self, TaskError> {
        let last = TaskStatus::load(directory).map_err(|_| TaskError::Gone)?;
        if last.phase != contract::task::TaskPhase::Stopped {
            return Err(TaskError::Gone);
        }
        let (_, status) = watch::channel(last);
        Ok(Self { status, orders: None })
    }

    /// The newest status.
    pub fn status(&self) -> TaskStatus {
        self.status.borrow().clone()
    }

    /// Waits for a newer status; `None` when the shim is gone and there will be none.
    pub async fn changed(&mut self) -> Option<TaskStatus> {
        self.status.changed().await.ok()?;
        Some(self.status.borrow_and_update().clone())
    }

    /// A receiver of its own, for waiting elsewhere.
    pub fn subscribe(&self) -> watch::Receiver<TaskStatus> {
        self.status.clone()
    }

    /// Asks the task to end: stop signals, then SIGKILL after each container's stop timeout. Returns at once.
    ///
    /// # Errors
    /// [`TaskError::Gone`] when the shim does not listen any more.
    pub async fn stop(&self, reason: &str) -> Result<(), TaskError> {
        self.order(&Command::Stop {
            reason: reason.to_owned(),
        })
        .await
    }

    /// Kills the task's containers; the shim goes on to tell about it.
    ///
    /// # Errors
    /// [`TaskError::Gone`] when the shim does not listen any more.
    pub async fn kill(&self, reason: &str) -> Result<(), TaskError> {
        self.order(&Command::Kill {
            reason: reason.to_owned(),
        })
        .await
    }

    /// A signal for the first process of each container, by its name or number; the container's stop signal if absent.
    ///
    /// # Errors
    /// [`TaskError::Gone`] when the shim does not listen any more.
    pub async fn signal(&self, name: Option<String>) -> Result<(), TaskError> {
        self.order(&Command::Signal { name }).await
    }

    async fn order(&self, command: &Command) -> Result<(), TaskError> {
        let orders = self.orders.as_ref().ok_or(TaskError::Gone)?;
        let text = format!("{}\n", serde_json::to_string(command).map_err(io::Error::other)?);
        orders
            .lock()
            .await
            .write_all(text.as_bytes())
            .await
            .map_err(|_| TaskError::Gone)
    }
}

/// What becomes readable when the shim at the other end dies. Its sockets would not tell: a container's first process has
/// copies of them until its program runs, and waits for ever when the shim dies before that.
fn life_of(stream: &UnixStream) -> io::Result<AsyncFd<OwnedFd>> {
    let shim = stream.peer_cred()?.pid().and_then(Pid::from_raw);
    let life = pidfd_open(shim.ok_or(io::ErrorKind::NotFound)?, PidfdFlags::empty())?;
    // SAFETY: the descriptor is owned by the `AsyncFd` and stays open and the same as long as that lives.
    unsafe { Ok(AsyncFd::register_with_interest(life, Interest::READABLE)?) }
}

async fn next_status(read: &mut BufReader<OwnedReadHalf>, life: &AsyncFd<OwnedFd>) -> Option<TaskStatus> {
    let mut line = String::new();
    let heard = tokio::select! {
        biased;
        heard = read.read_line(&mut line) => heard,
        _ = life.readable() => return None,
    };
    match heard {
        Ok(1..) => serde_json::from_str(&line).ok(),
        _ => None,
    }
}
