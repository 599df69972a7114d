//! One run from its beginning to its end: the work of a process of its own.

mod schedule;
mod workflow;

pub(crate) use workflow::{BUILT_IN, BUILT_IN_NAME, Loaded};

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base_workflow::{Map, Status, Value, Workflow};
use tokio::sync::watch;

use crate::action::Actions;
use crate::concurrency::Groups;
use crate::journal::Journal;
use crate::machine::Machine;
use crate::mask::Masker;
use crate::record::{Conclusion, LineKind, Run, Status as Progressing};
use crate::recorder::Recorder;
use crate::settings::Settings;
use crate::store::StoreError;
use crate::view::{View, object};
use crate::{leftover, live, preflight, token};

/// How often files are looked at by which others tell a run something.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(100);

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("run {0} has a runner already")]
    Taken(u64),
    #[error("run {0} is over")]
    Over(u64),
}

/// What all jobs of a run have in common.
pub(crate) struct Shared<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) id: u64,
    pub(crate) repository: String,
    pub(crate) workflow: &'a Workflow,
    pub(crate) github: Map,
    inputs: Value,
    settings: Settings,
    pub(crate) work: PathBuf,
    pub(crate) recorder: Recorder,
    pub(crate) journal: Journal,
    pub(crate) actions: Actions,
    pub(crate) concurrency: Groups,
    pub(crate) strict_platforms: bool,
    /// Regions that jobs have worked in.
    regions: Mutex<BTreeSet<String>>,
}

/// Does the work of run `id`; `stop` ends it early.
///
/// # Errors
/// When it is nobody's to do: it is over, or another process is at it. What goes wrong inside is in the record.
pub async fn work(machine: &Machine, id: u64, stop: watch::Receiver<bool>) -> Result<Run, RunError> {
    let runs = &machine.runs;
    let _place = runs.take(id)?.ok_or(RunError::Taken(id))?;
    let run = runs.load(id)?;
    if run.progress.is_over() {
        return Err(RunError::Over(id));
    }
    let settings = runs.settings(&run.repository)?;
    let token = machine.ids.hex(32);
    let masker = masker(machine, &settings, &token);
    let log = runs.folder(id).join("log.jsonl");
    let journal = Journal::open(&log, masker.clone(), machine.clock.clone())?;
    let recorder = Recorder::new(runs.clone(), run.clone(), masker);
    recorder.change(|run| run.progress.begin(machine.clock.now()));
    let cancel = watch_cancel(machine, id, stop);
    let end = Attempt {
        machine,
        run: &run,
        settings,
        token,
        journal: &journal,
    };
    let (conclusion, reason) = end.go(&recorder, cancel).await;
    let mark = leftover::run_mark(id, runs.home());
    let _ = tokio::task::spawn_blocking(move || leftover::end(&mark)).await;
    let _ = std::fs::remove_dir_all(runs.work(id));
    recorder.change(|run| run.progress.end(machine.clock.now(), conclusion, reason));
    Ok(recorder.read(Clone::clone))
}

fn masker(machine: &Machine, settings: &Settings, token: &str) -> Masker {
    let masker = Masker::default();
    masker.add(token);
    let environments = settings.environments.values().flat_map(|it| it.secrets.values());
    settings
        .secrets
        .values()
        .chain(environments)
        .for_each(|value| masker.add(value));
    if let Some(cloud) = &machine.cloud {
        masker.add(&cloud.secret_key);
    }
    masker
}

/// Says `true` once the run is to end.
fn watch_cancel(machine: &Machine, id: u64, mut stop: watch::Receiver<bool>) -> watch::Receiver<bool> {
    let (tell, told) = watch::channel(false);
    let machine = machine.clone();
    tokio::spawn(async move {
        while machine.runs.cancelled(id).is_none() {
            tokio::select! {
                () = machine.clock.sleep(LOOK_EVERY) => {}
                Ok(_) = stop.wait_for(|wanted| *wanted) => {
                    let _ = machine.runs.cancel(id, "the runner was told to end");
                }
                () = tell.closed() => return,
            }
        }
        tell.send_replace(true);
    });
    told
}

struct Attempt<'a> {
    machine: &'a Machine,
    run: &'a Run,
    settings: Settings,
    token: String,
    journal: &'a Journal,
}

impl Attempt<'_> {
    async fn go(self, recorder: &Recorder, cancel: watch::Receiver<bool>) -> (Conclusion, Option<String>) {
        let refused = |report: String| {
            for line in report.trim_end().lines() {
                self.journal.write(Default::default(), LineKind::Run, line);
            }
            let file = self.run.file.as_deref().unwrap_or("the built-in workflow");
            (
                Conclusion::StartupFailure,
                Some(format!("{file} cannot be run as it is")),
            )
        };
        let workflow = match workflow::load(self.machine, self.run).await {
            Ok(workflow) => workflow,
            Err(report) => return refused(report),
        };
        let actions = Actions::new(self.machine.clone());
        if let Err(report) = preflight::check(self.machine, self.run, &workflow, &actions).await {
            return refused(report);
        }
        if workflow.wants_tokens() {
            let home = self.machine.runs.home().to_owned();
            let made = tokio::task::spawn_blocking(move || token::prepare(&home)).await;
            if let Ok(Err(error)) = made {
                return (Conclusion::Failure, Some(error.to_string()));
            }
        }
        let inputs = workflow.inputs(self.run);
        let event = self.run.event.payload(&self.run.repository, &inputs.to_json());
        let server = match &self.machine.cloud {
            Some(cloud) => format!("{}/git", cloud.endpoint),
            None => crate::machine::ACTIONS_DEFAULT.to_owned(),
        };
        let shared = Shared {
            machine: self.machine,
            id: self.run.id,
            repository: self.run.repository.clone(),
            workflow: &workflow.parsed,
            github: crate::job::github(self.run, &self.token, &server, &event),
            inputs,
            settings: self.settings,
            work: self.machine.runs.work(self.run.id),
            recorder: recorder.clone(),
            journal: self.journal.clone(),
            actions,
            concurrency: Groups::new(self.machine.clone(), self.run.repository.clone(), self.run.id),
            strict_platforms: self.run.strict_platforms,
            regions: Mutex::new(
                self.machine
                    .cloud
                    .iter()
                    .map(|cloud| cloud.region.clone())
                    .collect(),
            ),
        };
        let end = shared.go(cancel).await;
        if end.0 == Conclusion::Success {
            shared.find_urls().await;
        }
        end
    }
}

impl Shared<'_> {
    async fn go(&self, cancel: watch::Receiver<bool>) -> (Conclusion, Option<String>) {
        if let Some(name) = &self.workflow.run_name
            && let Ok(title) = name.text(&self.view())
            && !title.trim().is_empty()
        {
            self.recorder.change(|run| run.title = title);
        }
        let turn = match &self.workflow.concurrency {
            None => None,
            Some(concurrency) => {
                self.recorder.change(|run| {
                    run.progress.status = Progressing::Waiting;
                    run.progress.reason = Some("an earlier run of its concurrency group goes on".to_owned());
                });
                match self
                    .concurrency
                    .run(concurrency, &self.view(), cancel.clone())
                    .await
                {
                    Err(error) => return (Conclusion::Failure, Some(error.to_string())),
                    Ok(None) => return (Conclusion::Cancelled, self.cancel_reason()),
                    Ok(turn) => turn,
                }
            }
        };
        self.recorder.change(|run| {
            run.progress.status = Progressing::InProgress;
            run.progress.reason = None;
        });
        let end = schedule::jobs(self, cancel).await;
        drop(turn);
        end
    }

    /// A job says in which region it has worked.
    pub(crate) fn worked_in(&self, region: String) {
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        regions.insert(region);
    }

    async fn find_urls(&self) {
        let regions = self
            .regions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let found = live::urls(self.machine, self.recorder.read(|run| run.created), &regions).await;
        self.recorder.change(|run| {
            for url in found {
                if !run.urls.contains(&url) {
                    run.urls.push(url);
                }
            }
        });
    }

    pub(crate) fn cancel_reason(&self) -> Option<String> {
        let said = self.machine.runs.cancelled(self.id);
        Some(
            said.filter(|said| !said.is_empty())
                .unwrap_or_else(|| "cancelled".to_owned()),
        )
    }

    /// Why one job was cancelled: with the run, by a later one of its group, or by its siblings.
    pub(crate) fn why_cancelled(&self, job: usize) -> String {
        let own = self.machine.runs.folder(self.id).join(format!("cancel-{job}"));
        let said = self.machine.runs.cancelled(self.id);
        let said = said.or_else(|| std::fs::read_to_string(own).ok());
        said.unwrap_or_else(|| "another job of its matrix failed (fail-fast)".to_owned())
    }

    /// What expressions outside of jobs see.
    pub(crate) fn view(&self) -> View {
        let (secrets, vars) = self.values(None);
        View::new()
            .status(Status::Success)
            .with("github", Value::Map(self.github.clone()))
            .with("inputs", self.inputs.clone())
            .with("vars", vars)
            .with("secrets", secrets)
    }

    pub(crate) fn needs_approval(&self, environment: &str) -> bool {
        let found = self
            .settings
            .environments
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(environment));
        found.is_some_and(|(_, settings)| settings.approval)
    }

    /// The `secrets` and the `vars` context. The local cloud's keys are there unless somebody has set others.
    pub(crate) fn values(&self, environment: Option<&str>) -> (Value, Value) {
        let mut secrets = Vec::new();
        let mut vars = Vec::new();
        if let Some(cloud) = &self.machine.cloud {
            let both = [
                ("AWS_REGION", &cloud.region),
                ("AWS_DEFAULT_REGION", &cloud.region),
                ("AWS_ACCOUNT_ID", &cloud.account),
            ];
            for (name, value) in both {
                secrets.push((name.to_owned(), value.clone()));
                vars.push((name.to_owned(), value.clone()));
            }
            secrets.push(("AWS_ACCESS_KEY_ID".to_owned(), cloud.access_key.clone()));
            secrets.push(("AWS_SECRET_ACCESS_KEY".to_owned(), cloud.secret_key.clone()));
        }
        let token = self.github.get("token").map(Value::text).unwrap_or_default();
        secrets.push(("GITHUB_TOKEN".to_owned(), token));
        secrets.extend(self.settings.secrets.clone());
        vars.extend(self.settings.variables.clone());
        let own =
            self.settings.environments.iter().find(|(name, _)| {
                environment.is_some_and(|environment| name.eq_ignore_ascii_case(environment))
            });
        if let Some((_, own)) = own {
            secrets.extend(own.secrets.clone());
            vars.extend(own.variables.clone());
        }
        (object(secrets), object(vars))
    }
}
