//! Why runs begin: a push, a person, or somebody who wants one again.

use base_diagnostic::render;
use base_workflow::{Workflow, parse_workflow};

use crate::event::{Event, EventName};
use crate::git::{Commit, GitError};
use crate::machine::Machine;
use crate::record::{Conclusion, LineKind, Progress, Run};
use crate::runner::{BUILT_IN, BUILT_IN_NAME};
use crate::store::StoreError;

/// Where workflows are in a repository.
const FOLDER: &str = ".github/workflows";

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("there is no workflow `{0}`; there are {1}")]
    NoWorkflow(String, String),
    #[error("{0} does not have `on: workflow_dispatch` or `on: push`; name the event it is for with --event")]
    NotDispatched(String),
    #[error("{0}")]
    Inputs(String),
}

/// What happened to a reference.
#[derive(Clone, Debug)]
pub struct Push {
    /// `owner/name`, checked.
    pub repository: String,
    pub git_ref: String,
    pub before: Option<String>,
    pub after: String,
    pub actor: String,
}

/// What a push has set off.
#[derive(Debug, Default)]
pub struct Started {
    pub runs: Vec<Run>,
    /// Workflows that the push is not for, and why.
    pub passed: Vec<(String, String)>,
}

/// What a person asks for.
#[derive(Clone, Debug)]
pub struct Wish {
    pub repository: String,
    pub git_ref: String,
    pub sha: String,
    pub actor: String,
    /// A file's name or path, or a workflow's name; all that fit without.
    pub workflow: Option<String>,
    pub event: EventName,
    pub base_branch: Option<String>,
    pub inputs: Vec<(String, String)>,
    pub strict_platforms: bool,
}

/// A workflow of a commit.
struct Candidate {
    file: Option<String>,
    name: String,
    parsed: Result<Workflow, String>,
}

/// Writes down the runs that a push calls for.
///
/// # Errors
/// When the commit or the records cannot be read.
pub async fn push(machine: &Machine, push: &Push) -> Result<Started, StartError> {
    let repository = machine.repository(&push.repository);
    let commit = repository.commit(&push.after).await?;
    let changed = repository.changed(push.before.as_deref(), &commit.sha).await;
    let event = event(&commit, EventName::Push, push);
    let mut started = Started::default();
    for candidate in candidates(machine, &push.repository, &commit.sha).await? {
        let refused = match &candidate.parsed {
            Ok(workflow) => workflow.on.refuses_push(&push.git_ref, changed.as_deref()),
            // Whoever pushed it wants to know.
            Err(_) => None,
        };
        match refused {
            Some(reason) => started.passed.push((candidate.name, reason)),
            None => started.runs.push(create(machine, &push.repository, event.clone(), candidate, false)?),
        }
    }
    Ok(started)
}

fn event(commit: &Commit, name: EventName, push: &Push) -> Event {
    Event {
        name,
        git_ref: push.git_ref.clone(),
        sha: commit.sha.clone(),
        before: push.before.clone(),
        base_branch: None,
        actor: push.actor.clone(),
        message: commit.message.clone(),
        author: commit.author.clone(),
        email: commit.email.clone(),
        inputs: Vec::new(),
    }
}

/// Writes down the runs that a person asks for.
///
/// # Errors
/// When there is no such workflow, or its inputs are not as it declares them.
pub async fn dispatch(machine: &Machine, wish: &Wish) -> Result<Started, StartError> {
    let commit = machine.repository(&wish.repository).commit(&wish.sha).await?;
    let as_push = Push {
        repository: wish.repository.clone(),
        git_ref: wish.git_ref.clone(),
        before: None,
        after: wish.sha.clone(),
        actor: wish.actor.clone(),
    };
    let event = Event {
        base_branch: wish.base_branch.clone(),
        inputs: wish.inputs.clone(),
        ..event(&commit, wish.event, &as_push)
    };
    let all = candidates(machine, &wish.repository, &commit.sha).await?;
    let mut started = Started::default();
    let names = all.iter().map(Candidate::title).collect::<Vec<_>>().join(", ");
    for candidate in all {
        let is_named = wish.workflow.as_ref().map(|named| candidate.is_called(named));
        if is_named == Some(false) {
            continue;
        }
        if let Ok(workflow) = &candidate.parsed {
            // Named, it runs whatever branches its filters say.
            let refused = match (wish.event, is_named) {
                (EventName::WorkflowDispatch, _) => match workflow.on.dispatch(&wish.inputs) {
                    Ok(_) => None,
                    Err(problems) if is_named.is_some() || workflow.on.workflow_dispatch.is_some() => {
                        return Err(StartError::Inputs(problems.join("\n")));
                    }
                    Err(problems) => Some(problems.join("; ")),
                },
                (EventName::Push, None) => workflow.on.refuses_push(&wish.git_ref, None),
                (EventName::Push, Some(_)) => {
                    workflow.on.push.is_none().then(|| "it has no `on: push`".to_owned())
                }
                (EventName::PullRequest, _) => {
                    let base = wish.base_branch.as_deref().unwrap_or("main");
                    workflow.on.refuses_pull_request(base, "synchronize", None)
                }
            };
            if let Some(reason) = refused {
                if is_named.is_some() {
                    return Err(StartError::NotDispatched(format!("{}: {reason}; it", candidate.title())));
                }
                started.passed.push((candidate.name, reason));
                continue;
            }
        }
        let strict = wish.strict_platforms;
        started.runs.push(create(machine, &wish.repository, event.clone(), candidate, strict)?);
    }
    match &wish.workflow {
        Some(named) if started.runs.is_empty() => Err(StartError::NoWorkflow(named.clone(), names)),
        _ => Ok(started),
    }
}

/// Writes down a run like one that there was.
///
/// # Errors
/// When there is no such run.
pub fn rerun(machine: &Machine, id: u64) -> Result<Run, StoreError> {
    let old = machine.runs.load(id)?;
    machine.runs.create(|new, _| Run {
        id: new,
        attempt: old.attempt + 1,
        rerun_of: Some(old.id),
        created: machine.clock.now(),
        progress: Progress::queued(),
        jobs: Vec::new(),
        urls: Vec::new(),
        ..old
    })
}

impl Candidate {
    fn title(&self) -> String {
        self.file.clone().unwrap_or_else(|| "the built-in one".to_owned())
    }

    fn is_called(&self, named: &str) -> bool {
        let file = self.file.as_deref().unwrap_or_default();
        let short = file.rsplit('/').next().unwrap_or_default();
        let stem = short.rsplit_once('.').map_or(short, |(stem, _)| stem);
        file == named || short == named || stem == named || self.name == named
    }
}

async fn candidates(machine: &Machine, repository: &str, sha: &str) -> Result<Vec<Candidate>, StartError> {
    let git = machine.repository(repository);
    let mut found = Vec::new();
    for file in git.files_in(sha, FOLDER).await? {
        if !file.ends_with(".yml") && !file.ends_with(".yaml") {
            continue;
        }
        let Some(text) = git.file(sha, &file).await else { continue };
        let parsed = parse_workflow(&text);
        let name = parsed.as_ref().ok().and_then(|workflow| workflow.name.clone());
        let source = base_diagnostic::SourceFile {
            name: file.clone(),
            text,
        };
        found.push(Candidate {
            name: name.unwrap_or_else(|| file.clone()),
            file: Some(file),
            parsed: parsed.map_err(|problems| render(&source, &problems, false, 100)),
        });
    }
    if found.is_empty() {
        found.push(Candidate {
            file: None,
            name: BUILT_IN_NAME.to_owned(),
            parsed: parse_workflow(BUILT_IN).map_err(|_| "the built-in workflow is broken".to_owned()),
        });
    }
    Ok(found)
}

fn create(
    machine: &Machine,
    repository: &str,
    event: Event,
    candidate: Candidate,
    strict_platforms: bool,
) -> Result<Run, StartError> {
    let now = machine.clock.now();
    let run = machine.runs.create(|id, earlier| {
        let same = |run: &&Run| run.repository == repository && run.file == candidate.file;
        let last = earlier.iter().filter(same).map(|run| run.number).max();
        Run {
            id,
            number: last.unwrap_or_default() + 1,
            attempt: 1,
            rerun_of: None,
            repository: repository.to_owned(),
            workflow: candidate.name.clone(),
            file: candidate.file.clone(),
            title: event.subject().to_owned(),
            event,
            strict_platforms,
            created: now,
            progress: Progress::queued(),
            jobs: Vec::new(),
            urls: Vec::new(),
        }
    })?;
    Ok(match candidate.parsed {
        Ok(_) => run,
        Err(report) => refuse(machine, run, &report)?,
    })
}

/// A workflow that cannot be read has a run nevertheless, which says why.
fn refuse(machine: &Machine, mut run: Run, report: &str) -> Result<Run, StoreError> {
    let log = machine.runs.folder(run.id).join("log.jsonl");
    let journal = crate::journal::Journal::open(&log, Default::default(), machine.clock.clone())?;
    for line in report.trim_end().lines() {
        journal.write(Default::default(), LineKind::Error, line);
    }
    let file = run.file.clone().unwrap_or_default();
    let reason = format!("{file} cannot be run as it is");
    run.progress.end(machine.clock.now(), Conclusion::StartupFailure, Some(reason));
    machine.runs.save(&run)?;
    Ok(run)
}
