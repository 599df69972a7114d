//! Where the steps of one job happen, and what they leave for each other.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::time::Duration;

use base_workflow::{EvaluateError, Level, Map, Status, Value};
use jiff::Timestamp;
use tokio::sync::watch;

use super::folders::Folders;
use super::uses::Post;
use super::{Order, environment, status_name};
use crate::journal::Place;
use crate::process::Halt;
use crate::record::{Conclusion, LineKind};
use crate::runner::Shared;
use crate::store::StoreError;
use crate::token::{self, Door, TokenError};
use crate::view::{View, object};

/// After a job was cancelled, its `always()` steps get so long; GitHub's.
const AFTERWARDS: Duration = Duration::from_secs(300);

pub(super) struct Bench<'a> {
    pub(super) shared: &'a Shared<'a>,
    pub(super) order: &'a Order<'a>,
    pub(super) folders: Folders,
    /// Of the runner; what every program starts with.
    base: BTreeMap<String, String>,
    /// Of the workflow, the job and GITHUB_ENV: the `env` context.
    pub(super) env: Map,
    /// From GITHUB_PATH, the last one first.
    pub(super) path: Vec<String>,
    secrets: Value,
    vars: Value,
    /// The `steps` context of the job's own steps.
    pub(super) steps: Map,
    pub(super) status: Status,
    /// Why the job failed.
    pub(super) reason: Option<String>,
    pub(super) posts: Vec<Post>,
    deadline: Timestamp,
    is_too_late: bool,
    /// Never says anything: for steps after the end.
    calm: watch::Sender<bool>,
    pub(super) files_made: usize,
    /// Where the job's steps ask for tokens, as long as it goes on.
    _tokens: Option<Door>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum BenchError {
    #[error(transparent)]
    Folder(#[from] StoreError),
    #[error("`env` of the workflow or the job: {0}")]
    Environment(#[from] EvaluateError),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("the job's folder cannot be prepared: {0}")]
    File(#[from] std::io::Error),
}

/// For jobs that may have tokens: those whose `permissions` say so.
fn tokens(
    shared: &Shared<'_>,
    order: &Order<'_>,
    environment: Option<&str>,
) -> Result<Option<Door>, TokenError> {
    let permissions = order
        .job
        .permissions
        .as_ref()
        .or(shared.workflow.permissions.as_ref());
    if permissions.is_none_or(|it| it.level("id-token") != Level::Write) {
        return Ok(None);
    }
    let machine = shared.machine;
    let claims = token::claims(&shared.github, environment);
    let door = Door::open(
        machine.runs.home(),
        claims,
        machine.clock.clone(),
        machine.ids.clone(),
    )?;
    shared.journal.masker.add(&door.bearer);
    Ok(Some(door))
}

impl<'a> Bench<'a> {
    pub(super) fn new(
        shared: &'a Shared<'a>,
        order: &'a Order<'a>,
        environment: Option<&str>,
        minutes: f64,
    ) -> Result<Self, BenchError> {
        let name = shared.repository.rsplit('/').next().unwrap_or("workspace");
        let folders = Folders::make(&shared.work, order.index, name)?;
        let event = shared.github.get("event").map(Value::to_json).unwrap_or_default();
        std::fs::write(folders.files.join("event.json"), event.to_string())?;
        let programs = folders.shared.join("bin");
        std::fs::create_dir_all(&programs)?;
        // Of jobs that begin at the same time one makes it.
        let _ = symlink(&shared.machine.program, programs.join("wharf"));
        let mut base = environment::variables(shared, &folders, (&order.job.id, order.index));
        let tokens = tokens(shared, order, environment)?;
        base.extend(tokens.iter().flat_map(Door::variables));
        let (secrets, vars) = shared.values(environment);
        let limit = Duration::try_from_secs_f64(minutes * 60.0).unwrap_or(Duration::from_secs(6 * 3600));
        let now = shared.machine.clock.now();
        let mut bench = Self {
            shared,
            order,
            folders,
            base,
            env: Map::new(),
            path: Vec::new(),
            secrets,
            vars,
            steps: Map::new(),
            status: Status::Success,
            reason: None,
            posts: Vec::new(),
            deadline: now.saturating_add(limit).unwrap_or(now),
            is_too_late: false,
            calm: watch::Sender::new(false),
            files_made: 0,
            _tokens: tokens,
        };
        for layer in [&shared.workflow.env, &order.job.env] {
            let texts = bench.job_view().texts(layer)?;
            for (name, value) in texts {
                bench.set(name, value);
            }
        }
        Ok(bench)
    }

    /// Every step, then what actions want to do afterwards.
    pub(super) async fn steps(&mut self) {
        self.before().await;
        for step in &self.order.job.steps {
            let index = self.record_step(&super::step::title(step, &self.job_view()));
            self.top(step, index).await;
        }
        while let Some(post) = self.posts.pop() {
            let index = self.record_step(&format!("Post {}", post.title));
            self.after(post, index).await;
        }
    }

    pub(super) fn record_step(&mut self, title: &str) -> usize {
        let step = crate::record::StepRun {
            title: title.to_owned(),
            progress: crate::record::Progress::queued(),
        };
        let added = self.shared.recorder.job(self.order.index, |job| {
            job.steps.push(step);
            job.steps.len() - 1
        });
        added.unwrap_or_default()
    }

    pub(super) fn place(&self, step: usize) -> Place {
        Place {
            job: Some(self.order.index),
            step: Some(step),
        }
    }

    pub(super) fn say(&self, step: usize, kind: LineKind, text: &str) {
        // An input of several lines is several lines of the log.
        for line in text.lines() {
            self.shared.journal.write(self.place(step), kind, line);
        }
    }

    /// Looks whether the job was cancelled or has had its time.
    pub(super) fn look_around(&mut self) {
        if *self.order.cancel.borrow() && self.status != Status::Cancelled {
            self.status = Status::Cancelled;
            self.reason = Some(self.shared.why_cancelled(self.order.index));
        } else if !self.is_too_late && self.shared.machine.clock.now() >= self.deadline {
            self.is_too_late = true;
            self.status = Status::Failure;
            self.reason = Some("it has exceeded its time limit (timeout-minutes)".to_owned());
        }
    }

    pub(super) fn fail(&mut self, reason: String) {
        if self.status == Status::Success {
            self.status = Status::Failure;
        }
        self.reason.get_or_insert(reason);
    }

    pub(super) fn conclusion(&self) -> Conclusion {
        match self.status {
            Status::Success => Conclusion::Success,
            Status::Failure if self.is_too_late => Conclusion::TimedOut,
            Status::Failure => Conclusion::Failure,
            Status::Cancelled => Conclusion::Cancelled,
        }
    }

    /// What ends a step early.
    pub(super) fn halt(&self, limit: Option<Duration>) -> Halt {
        let is_over = self.status == Status::Cancelled || self.is_too_late;
        let left = self.deadline.duration_since(self.shared.machine.clock.now());
        let left = Duration::try_from(left).unwrap_or_default();
        let cap = if is_over { AFTERWARDS } else { left };
        Halt {
            cancel: if is_over {
                self.calm.subscribe()
            } else {
                self.order.cancel.clone()
            },
            limit: limit.unwrap_or(cap).min(cap),
        }
    }

    /// What expressions of the job see once it has begun.
    pub(super) fn job_view(&self) -> View {
        let job = object([("status", status_name(self.status))]);
        self.order
            .view(self.shared)
            .status(self.status)
            .workspace(self.folders.workspace.clone())
            .with("github", self.github(Map::new()))
            .with("env", Value::Map(self.env.clone()))
            .with("vars", self.vars.clone())
            .with("secrets", self.secrets.clone())
            .with("steps", Value::Map(self.steps.clone()))
            .with("job", job)
            .with("runner", self.runner())
    }

    /// The `github` context with what only this place knows.
    pub(super) fn github(&self, more: Map) -> Value {
        let mut github = self.shared.github.clone();
        let workspace = self.folders.workspace.to_string_lossy();
        github.insert("workspace", Value::Text(workspace.into_owned()));
        let event = self.folders.files.join("event.json");
        github.insert("event_path", Value::Text(event.to_string_lossy().into_owned()));
        github.insert("job", Value::Text(self.order.job.id.clone()));
        for (name, value) in more.iter() {
            github.insert(name, value.clone());
        }
        Value::Map(github)
    }

    fn runner(&self) -> Value {
        object([
            ("name", "wharf".to_owned()),
            ("os", "Linux".to_owned()),
            ("arch", environment::architecture().to_owned()),
            ("temp", self.folders.temp.to_string_lossy().into_owned()),
            ("tool_cache", self.folders.tools.to_string_lossy().into_owned()),
            ("environment", "self-hosted".to_owned()),
            ("debug", String::new()),
        ])
    }

    /// Something new in the `env` context; which region it names is remembered.
    pub(super) fn set(&mut self, name: String, value: String) {
        if name == "AWS_REGION" && !value.is_empty() {
            self.shared.worked_in(value.clone());
        }
        self.env.insert(name, Value::Text(value));
    }

    /// The environment of a program: the runner's, the job's, and what is added for this one.
    pub(super) fn environment(&self, env: &Map, more: Vec<(String, String)>) -> BTreeMap<String, String> {
        let mut all = self.base.clone();
        for (name, value) in self.env.iter().chain(env.iter()) {
            all.insert(name.to_owned(), value.text());
        }
        all.extend(more);
        let own = self.folders.shared.join("bin");
        let before = all.get("PATH").cloned().unwrap_or_default();
        let parts = self
            .path
            .iter()
            .cloned()
            .chain([before, own.to_string_lossy().into_owned()]);
        let path = parts
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(":");
        all.insert("PATH".to_owned(), path);
        all
    }
}
