//! What a shim tells about its task: a file that is replaced at every change, and the same text to everybody who
//! listens at its socket.

use std::path::Path;
use std::{fs, io};

use contract::task::{ContainerPhase, Health, StopCause, TaskPhase};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) const STATUS_FILE: &str = "status.json";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskStatus {
    pub id: String,
    /// `Pending`, `Running`, `Stopping` or `Stopped`. After `Stopped` nothing runs and nothing changes any more.
    pub phase: TaskPhase,
    pub containers: Vec<ContainerStatus>,
    /// All containers have been started.
    pub started_at: Option<Timestamp>,
    pub stopping_at: Option<Timestamp>,
    pub stopped_at: Option<Timestamp>,
    pub cause: Option<StopCause>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerStatus {
    pub name: String,
    pub runtime_id: String,
    pub image_digest: Option<String>,
    pub phase: ContainerPhase,
    /// Absent when it never ran.
    pub exit_code: Option<i32>,
    /// A sentence, such as `OutOfMemoryError: container killed due to memory usage`.
    pub reason: Option<String>,
    pub health: Health,
    pub started_at: Option<Timestamp>,
    pub stopped_at: Option<Timestamp>,
    /// How often it was started again.
    #[serde(default)]
    pub restarts: u32,
    /// Sentences on what could not be given as asked, such as a limit above the machine's own.
    pub notes: Vec<String>,
}

impl TaskStatus {
    /// Reads what a shim last wrote in its task's directory.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn load(directory: &Path) -> io::Result<Self> {
        let text = fs::read(directory.join(STATUS_FILE))?;
        serde_json::from_slice(&text).map_err(io::Error::other)
    }

    /// Replaces the file at once, so that a reader never sees half of it.
    pub(crate) fn save(&self, directory: &Path) -> io::Result<()> {
        let temporary = directory.join("status.json.new");
        fs::write(&temporary, serde_json::to_vec(self).map_err(io::Error::other)?)?;
        fs::rename(temporary, directory.join(STATUS_FILE))
    }
}
