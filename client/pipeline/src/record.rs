//! What is known of a run: written by its runner alone, read by everyone.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::Event;

/// How far a run, a job or a step is. Names are GitHub's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Queued,
    /// For an approval, or for a run of the same concurrency group.
    Waiting,
    InProgress,
    Completed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    Success,
    Failure,
    Cancelled,
    Skipped,
    TimedOut,
    /// The workflow could not be started as it is.
    StartupFailure,
}

impl Conclusion {
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
            Self::TimedOut => "timed_out",
            Self::StartupFailure => "startup_failure",
        }
    }

    /// What `needs.*.result` and `steps.*.conclusion` say, which know four words only.
    pub(crate) fn result(self) -> &'static str {
        match self {
            Self::TimedOut | Self::StartupFailure => "failure",
            other => other.name(),
        }
    }
}

/// When something happened and what came of it; the same for runs, jobs and steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub status: Status,
    pub conclusion: Option<Conclusion>,
    /// Why it waits, was skipped or failed: a sentence.
    pub reason: Option<String>,
    pub started: Option<Timestamp>,
    pub ended: Option<Timestamp>,
}

impl Progress {
    pub(crate) fn queued() -> Self {
        Self {
            status: Status::Queued,
            conclusion: None,
            reason: None,
            started: None,
            ended: None,
        }
    }

    pub(crate) fn begin(&mut self, now: Timestamp) {
        self.status = Status::InProgress;
        self.reason = None;
        self.started.get_or_insert(now);
    }

    pub(crate) fn end(&mut self, now: Timestamp, conclusion: Conclusion, reason: Option<String>) {
        self.status = Status::Completed;
        self.conclusion = Some(conclusion);
        self.reason = reason;
        if self.started.is_some() {
            self.ended = Some(now);
        }
    }

    pub fn is_over(&self) -> bool {
        self.status == Status::Completed
    }

    pub fn succeeded(&self) -> bool {
        self.conclusion == Some(Conclusion::Success)
    }
}

/// One run of one workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub id: u64,
    /// Counted for each workflow of a repository.
    pub number: u64,
    /// Above 1 for one that was asked for again.
    pub attempt: u32,
    /// The run that this one repeats.
    pub rerun_of: Option<u64>,
    /// `owner/name`
    pub repository: String,
    /// Its `name:`, or its file.
    pub workflow: String,
    /// In the repository, such as `.github/workflows/deploy.yml`; none for the built-in one.
    pub file: Option<String>,
    /// As `run-name:` says, or the commit's first line.
    pub title: String,
    pub event: Event,
    /// Fail what needs a job that this machine cannot run, instead of going on without it.
    #[serde(default)]
    pub strict_platforms: bool,
    pub created: Timestamp,
    pub progress: Progress,
    pub jobs: Vec<JobRun>,
    /// Where the application answers, as far as the run has made it known.
    #[serde(default)]
    pub urls: Vec<String>,
}

impl Run {
    /// `refs/heads/main` → `main`
    pub fn ref_name(&self) -> &str {
        crate::event::short_ref(&self.event.git_ref)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRun {
    /// As in the file.
    pub id: String,
    /// With its combination, such as `test (3.12)`.
    pub title: String,
    pub progress: Progress,
    pub environment: Option<String>,
    pub steps: Vec<StepRun>,
    pub annotations: Vec<Annotation>,
    /// Markdown, from GITHUB_STEP_SUMMARY.
    #[serde(default)]
    pub summary: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRun {
    pub title: String,
    pub progress: Progress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Notice,
    Warning,
    Error,
}

/// What a step said about a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    pub level: Level,
    pub title: Option<String>,
    pub message: String,
    pub file: Option<String>,
    pub line: Option<u64>,
    pub step: usize,
}

/// What a line of a log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// What a program printed.
    Output,
    /// What is going to be run.
    Command,
    Group,
    EndGroup,
    Debug,
    Notice,
    Warning,
    Error,
    /// A job or a step begins.
    Begin,
    /// A job or a step has ended.
    End,
    /// About the run as a whole.
    Run,
}

/// One line of a run's log, with all secrets masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub at: Timestamp,
    /// Index into the run's jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<usize>,
    /// Index into the job's steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
    pub kind: LineKind,
    pub text: String,
}
