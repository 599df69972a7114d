//! Containers that people start one by one, each a task of its own.

use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::exec::{Exec, ExecError, TerminalSize};
use crate::task::{DesiredTask, ObservedTask};

/// Name of the only container in the task that a container is.
pub const CONTAINER: &str = "main";
/// Digits of a container's id. The first [`TASK_ID_DIGITS`] are its task's.
pub const ID_DIGITS: usize = 64;
pub const TASK_ID_DIGITS: usize = 32;

/// A container as it was made. What it is to be does not change any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerRecord {
    /// [`ID_DIGITS`] hexadecimal digits.
    pub id: String,
    /// Unique on this machine.
    pub name: String,
    pub created_at: Timestamp,
    /// What runs once it is started; with one container.
    pub task: DesiredTask,
    /// It is removed when it ends.
    pub auto_remove: bool,
    pub labels: Vec<(String, String)>,
    /// What was asked for, in the words of whoever asked; not looked at.
    pub asked: String,
}

impl ContainerRecord {
    /// Name of the table, keyed by id.
    pub const TABLE: &'static str = "dataplane/container";

    pub fn task_id(&self) -> &str {
        &self.task.id
    }
}

/// A container as it is.
#[derive(Clone, Debug)]
pub struct ContainerView {
    pub record: std::sync::Arc<ContainerRecord>,
    /// Somebody has started it.
    pub started: bool,
    /// What was seen of its task since.
    pub observed: Option<std::sync::Arc<ObservedTask>>,
}

/// How a container has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// 128 + n after signal n.
    pub code: i32,
    /// Why it never ran.
    pub failure: Option<String>,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// It does not run; so at once if it never did.
    NotRunning,
    NextExit,
    Removed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputStream {
    Stdout,
    Stderr,
}

/// Bytes that a container has written, as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputPiece {
    pub at_ms: i64,
    pub stream: OutputStream,
    pub bytes: Bytes,
}

/// How much of a container's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputWish {
    /// What was written already, too.
    pub past: bool,
    /// Also what will be, until the container ends.
    pub follow: bool,
}

pub type OutputPieces = Pin<Box<dyn Stream<Item = std::io::Result<OutputPiece>> + Send>>;

/// What somebody says to a container.
#[async_trait]
pub trait ContainerInput: Send + Sync {
    /// Waits while the container does not read.
    ///
    /// # Errors
    /// When nobody reads it any more.
    async fn write(&self, bytes: &[u8]) -> std::io::Result<()>;
}

/// Containers that people start one by one. They outlive the process that serves this.
#[async_trait]
pub trait Containers: Exec {
    /// All of them, the youngest first.
    fn list(&self) -> Vec<ContainerView>;

    /// By id, name or the beginning of an id.
    fn find(&self, name: &str) -> Result<ContainerView, ContainerError>;

    /// Writes it down; nothing runs yet. Its id and its task's are given here; an empty name is made one.
    async fn create(&self, new: ContainerRecord) -> Result<ContainerRecord, ContainerError>;

    /// Returns when its program runs; false when it did already.
    async fn start(&self, id: &str) -> Result<bool, ContainerError>;

    /// Sends a signal to its first process; its stop signal if there is no name.
    async fn signal(&self, id: &str, name: Option<String>) -> Result<(), ContainerError>;

    /// Ends what runs, and returns when nothing is left of it.
    async fn remove(&self, id: &str) -> Result<(), ContainerError>;

    async fn rename(&self, id: &str, name: &str) -> Result<(), ContainerError>;

    /// Waits; for ever if need be. Who waits is to begin before somebody else may end the container.
    async fn wait(&self, id: &str, until: Until) -> Result<Exit, ContainerError>;

    /// What it has written and writes.
    async fn output(&self, id: &str, wish: OutputWish) -> Result<OutputPieces, ContainerError>;

    /// Its standard input, or its terminal; waits until it runs. Taken alone, its end is the end of the container's
    /// input.
    async fn input(&self, id: &str, alone: bool) -> Result<Box<dyn ContainerInput>, ContainerError>;

    /// Tells its terminal how large its window is.
    async fn resize(&self, id: &str, size: TerminalSize) -> Result<(), ContainerError>;
}

/// What went wrong, as a sentence for the person who asked.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    Failed(String),
}

impl From<ExecError> for ContainerError {
    fn from(error: ExecError) -> Self {
        match error {
            ExecError::NotRunning { .. } => Self::Conflict(error.to_string()),
            ExecError::Program(_) => Self::Invalid(error.to_string()),
            ExecError::Failed(_) => Self::Failed(error.to_string()),
        }
    }
}
