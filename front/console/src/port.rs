//! What has no AWS API, and `app` therefore hands in: runs of pipelines.

use async_trait::async_trait;
use jiff::Timestamp;

#[async_trait]
pub trait Pipelines: Send + Sync {
    /// The newest first.
    ///
    /// # Errors
    /// A sentence that says why they cannot be read.
    async fn runs(&self, at_most: usize) -> Result<Vec<Run>, String>;

    /// `None` if there is no such run.
    async fn run(&self, id: u64) -> Option<Run>;

    /// The end of a run's log, oldest line first.
    async fn log(&self, id: u64) -> Vec<LogLine>;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub id: u64,
    pub number: u64,
    pub repository: String,
    pub workflow: String,
    pub title: String,
    /// Branch or tag.
    pub git_ref: String,
    pub commit: String,
    pub created: Timestamp,
    pub state: State,
    pub jobs: Vec<Job>,
    /// Where what it deployed answers.
    pub urls: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub title: String,
    pub state: State,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub title: String,
    pub state: State,
}

/// How far a run, a job or a step is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// In GitHub's words: `queued`, `waiting`, `in_progress`, or how it ended: `success`, `failure` …
    pub word: String,
    pub is_over: bool,
    /// Why it waits, was skipped or failed.
    pub reason: Option<String>,
    pub started: Option<Timestamp>,
    pub ended: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    pub at: Timestamp,
    /// Index into the run's jobs.
    pub job: Option<usize>,
    /// What kind of line, in one word: `output`, `command`, `error` …
    pub kind: String,
    pub text: String,
}
