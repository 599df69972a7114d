//! Further processes inside running containers, for people who look inside.

use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{Sink, Stream};

/// A process that shall run inside a container, as its user and in its working directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecRequest {
    /// Of the task, 32 hexadecimal digits.
    pub task: String,
    pub container: String,
    /// Program and arguments.
    pub arguments: Vec<String>,
    /// Added to the container's own.
    pub environment: Vec<(String, String)>,
    /// With a terminal of this size; without one, standard output and error are told apart.
    pub terminal: Option<TerminalSize>,
    /// Instead of the container's; `uid`, `name`, `uid:gid`, `name:group`.
    pub user: Option<String>,
    /// Instead of the container's.
    pub working_directory: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalSize {
    pub columns: u16,
    pub rows: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecInput {
    Bytes(Bytes),
    Resize(TerminalSize),
    /// Nothing more is to come on standard input.
    End,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecOutput {
    Stdout(Bytes),
    Stderr(Bytes),
    /// It has ended (128 + n after signal n); nothing follows.
    Exited(i32),
}

/// A process that runs. Dropping `input` and `output` kills it.
pub struct ExecSession {
    /// Ends with [`Gone`] when nobody reads any more.
    pub input: Pin<Box<dyn Sink<ExecInput, Error = Gone> + Send>>,
    pub output: Pin<Box<dyn Stream<Item = ExecOutput> + Send>>,
}

impl std::fmt::Debug for ExecSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExecSession").finish_non_exhaustive()
    }
}

/// The process has ended, or reads nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody reads any more")]
pub struct Gone;

#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    #[error("container {container} of task {task} does not run")]
    NotRunning { task: String, container: String },
    /// Docker's sentence, such as `exec: "bash": executable file not found in $PATH`.
    #[error("{0}")]
    Program(String),
    #[error("{0}")]
    Failed(String),
}

#[async_trait]
pub trait Exec: Send + Sync {
    /// Starts a process; returns when its program runs.
    async fn exec(&self, request: ExecRequest) -> Result<ExecSession, ExecError>;
}

/// Sessions that were promised to somebody, who joins them with a token.
pub trait Sessions: Send + Sync {
    /// What shall run in a session, once, for who has its token.
    fn join(&self, session: &str, token: &str) -> Option<ExecRequest>;
}
