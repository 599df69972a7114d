//! One step: whether it runs, what it runs, what comes of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use base_workflow::{Map, Status, Step, Value, Work};

use super::bench::Bench;
use super::script::Shell;
use super::talk::{Said, Talk};
use crate::action::Described;
use crate::process::{Ended, Program, run};
use crate::record::{Conclusion, Level, LineKind};
use crate::view::{View, object};

/// The steps among which one stands: the job's own, or those of a composite action.
pub(super) struct Frame {
    pub(super) steps: Map,
    /// Of the action; the job's own steps have the workflow's.
    pub(super) inputs: Option<Value>,
    pub(super) action: Option<Arc<Described>>,
    /// What the caller added to the environment.
    pub(super) env: Map,
    pub(super) status: Status,
    pub(super) depth: usize,
}

/// What a step has come to.
pub(super) struct StepEnd {
    pub(super) outcome: Conclusion,
    pub(super) reason: Option<String>,
    pub(super) outputs: Vec<(String, String)>,
}

impl StepEnd {
    pub(super) fn failure(reason: impl std::fmt::Display) -> Self {
        Self {
            outcome: Conclusion::Failure,
            reason: Some(reason.to_string()),
            outputs: Vec::new(),
        }
    }

    pub(super) fn success() -> Self {
        Self {
            outcome: Conclusion::Success,
            reason: None,
            outputs: Vec::new(),
        }
    }
}

/// The name that people read; for one without a name, what it runs.
pub(super) fn title(step: &Step, view: &View) -> String {
    if let Some(name) = &step.name {
        // What the name refers to may come to be while the job runs.
        return name.text(view).unwrap_or_else(|_| name.source().to_owned());
    }
    match &step.work {
        Work::Run { script, .. } => {
            let text = script.text(view).unwrap_or_else(|_| script.source().to_owned());
            format!("Run {}", text.trim().lines().next().unwrap_or_default())
        }
        Work::Uses { action, .. } => format!("Run {action}"),
    }
}

impl Bench<'_> {
    /// A step of the job itself.
    pub(super) async fn top(&mut self, step: &Step, index: usize) {
        self.look_around();
        let mut frame = Frame {
            steps: std::mem::take(&mut self.steps),
            inputs: None,
            action: None,
            env: Map::new(),
            status: self.status,
            depth: 0,
        };
        let end = self.one(&mut frame, step, index).await;
        self.steps = frame.steps;
        self.look_around();
        if end.outcome != Conclusion::Skipped && end.counts {
            let title = self.shared.recorder.read(|run| {
                let job = run.jobs.get(self.order.index);
                job.and_then(|job| Some(job.steps.get(index)?.title.clone())).unwrap_or_default()
            });
            let reason = end.reason.unwrap_or_default();
            self.fail(format!("step `{title}`: {reason}"));
        }
    }

    pub(super) fn view(&self, frame: &Frame, step_env: &Map) -> View {
        let mut env = self.env.clone();
        for (name, value) in frame.env.iter().chain(step_env.iter()) {
            env.insert(name, value.clone());
        }
        let mut about = Map::new();
        if let Some(action) = &frame.action {
            about.insert("action_path", Value::Text(action.folder.to_string_lossy().into_owned()));
            about.insert("action_repository", Value::Text(action.repository.clone()));
            about.insert("action_ref", Value::Text(action.git_ref.clone()));
            about.insert("action_status", Value::Text(super::status_name(frame.status).to_owned()));
        }
        let status = match self.status {
            Status::Cancelled => Status::Cancelled,
            _ => frame.status,
        };
        let view = self
            .job_view()
            .status(status)
            .with("github", self.github(about))
            .with("env", Value::Map(env))
            .with("steps", Value::Map(frame.steps.clone()));
        match &frame.inputs {
            Some(inputs) => view.with("inputs", inputs.clone()),
            None => view,
        }
    }

    /// Boxed, as composite actions have steps of their own.
    pub(super) fn one<'s>(
        &'s mut self,
        frame: &'s mut Frame,
        step: &'s Step,
        index: usize,
    ) -> Pin<Box<dyn Future<Output = OneEnd> + 's>> {
        Box::pin(async move {
            let is_top = frame.depth == 0;
            let began = self.shared.machine.clock.now();
            let end = self.decide(frame, step, index).await;
            let tolerated = end.outcome == Conclusion::Failure && self.tolerates(frame, step);
            let conclusion = if tolerated { Conclusion::Success } else { end.outcome };
            if let Some(id) = &step.id {
                frame.steps.insert(id.clone(), context(&end, conclusion));
            }
            if matches!(conclusion, Conclusion::Failure | Conclusion::TimedOut) {
                frame.status = Status::Failure;
            }
            if is_top {
                let now = self.shared.machine.clock.now();
                let reason = end.reason.clone();
                self.shared.recorder.job(self.order.index, |job| {
                    if let Some(step) = job.steps.get_mut(index) {
                        if end.outcome != Conclusion::Skipped {
                            step.progress.started.get_or_insert(began);
                        }
                        step.progress.end(now, conclusion, reason);
                    }
                });
                if end.outcome != Conclusion::Skipped {
                    let took = now.duration_since(began).as_secs_f64();
                    let why = end.reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
                    let word = match tolerated {
                        true => "failure (continue-on-error)",
                        false => conclusion.name(),
                    };
                    self.say(index, LineKind::End, &format!("{word} after {took:.1} s{why}"));
                }
            }
            OneEnd {
                counts: matches!(conclusion, Conclusion::Failure | Conclusion::TimedOut),
                outcome: end.outcome,
                reason: end.reason,
            }
        })
    }

    fn tolerates(&self, frame: &Frame, step: &Step) -> bool {
        let said = step.continue_on_error.as_ref();
        said.is_some_and(|said| said.value(&self.view(frame, &Map::new())).is_ok_and(|it| it.truthy()))
    }

    async fn decide(&mut self, frame: &mut Frame, step: &Step, index: usize) -> StepEnd {
        let skipped = || StepEnd {
            outcome: Conclusion::Skipped,
            ..StepEnd::success()
        };
        let outer = self.view(frame, &Map::new());
        let env = outer.texts(&step.env);
        let step_env: Map = env.iter().flatten().map(|(n, v)| (n.clone(), Value::Text(v.clone()))).collect();
        let view = self.view(frame, &step_env);
        match step.condition.holds(&view) {
            Ok(false) => return skipped(),
            Ok(true) => {}
            Err(error) => return StepEnd::failure(format!("`if: {}`: {error}", step.condition.source())),
        }
        if let Err(error) = env {
            return StepEnd::failure(format!("`env`: {error}"));
        }
        let limit = match &step.timeout_minutes {
            None => None,
            Some(said) => match said.value(&view).map(|value| value.number()) {
                Ok(minutes) if minutes > 0.0 => Duration::try_from_secs_f64(minutes * 60.0).ok(),
                Ok(_) => return StepEnd::failure("timeout-minutes is not a number above 0"),
                Err(error) => return StepEnd::failure(error),
            },
        };
        if frame.depth == 0 {
            let name = title(step, &view);
            let now = self.shared.machine.clock.now();
            self.shared.recorder.job(self.order.index, |job| {
                if let Some(step) = job.steps.get_mut(index) {
                    step.title.clone_from(&name);
                    step.progress.begin(now);
                }
            });
            self.say(index, LineKind::Begin, &name);
        }
        match &step.work {
            Work::Run {
                script,
                shell,
                working_directory,
            } => {
                let script = match script.text(&view) {
                    Ok(script) => script,
                    Err(error) => return StepEnd::failure(error),
                };
                let defaults = [&self.order.job.defaults, &self.shared.workflow.defaults];
                let shell = shell.as_ref().or_else(|| defaults.iter().find_map(|it| it.shell.as_ref()));
                let folder = working_directory
                    .as_ref()
                    .or_else(|| defaults.iter().find_map(|it| it.working_directory.as_ref()))
                    // An action's steps do not have the job's defaults.
                    .filter(|_| frame.depth == 0 || working_directory.is_some());
                let texts = (
                    shell.map(|it| it.text(&view)).transpose(),
                    folder.map(|it| it.text(&view)).transpose(),
                );
                let (Ok(shell), Ok(folder)) = texts else {
                    return StepEnd::failure("`shell` or `working-directory` cannot be evaluated");
                };
                let place = ScriptPlace {
                    index,
                    shell,
                    folder,
                    limit,
                };
                self.script(frame, &step_env, &script, place).await
            }
            Work::Uses { action, with } => {
                let call = super::uses::Call {
                    action,
                    with,
                    view: &view,
                    env: step_env,
                    id: step.id.as_deref(),
                    index,
                    limit,
                };
                self.uses(frame, call).await
            }
        }
    }

    async fn script(&mut self, frame: &mut Frame, env: &Map, script: &str, place: ScriptPlace) -> StepEnd {
        let shell = match Shell::named(place.shell.as_deref()) {
            Ok(shell) => shell,
            Err(error) => return StepEnd::failure(error),
        };
        for line in script.trim_end().lines() {
            self.say(place.index, LineKind::Command, line);
        }
        self.files_made += 1;
        let arguments = match shell.prepare(script, &self.folders.files, self.files_made) {
            Ok(arguments) => arguments,
            Err(error) => return StepEnd::failure(format!("the script cannot be written: {error}")),
        };
        let folder = self.folders.workspace.join(place.folder.as_deref().unwrap_or("."));
        if !folder.is_dir() {
            let shown = place.folder.unwrap_or_default();
            return StepEnd::failure(format!("`working-directory: {shown}` is not a folder of the workspace"));
        }
        let mut more = vec![("GITHUB_ACTION".to_owned(), "__run".to_owned())];
        if let Some(action) = &frame.action {
            more.push(("GITHUB_ACTION_PATH".to_owned(), action.folder.to_string_lossy().into_owned()));
        }
        let mut all = frame.env.clone();
        for (name, value) in env.iter() {
            all.insert(name, value.clone());
        }
        let program = Launch {
            arguments,
            folder,
            env: all,
            more,
            limit: place.limit,
        };
        let (end, _) = self.launch(program, place.index).await;
        match end.reason.as_deref() {
            Some(reason) if reason.contains("No such file") => {
                StepEnd::failure(format!("{} is not on this machine", shell.program()))
            }
            _ => end,
        }
    }

    /// Runs a program with the step's files, and takes in what it left there.
    pub(super) async fn launch(&mut self, launch: Launch, index: usize) -> (StepEnd, Vec<(String, String)>) {
        self.files_made += 1;
        let talk = Talk::new(
            &self.shared.journal,
            self.place(index),
            &self.folders.files,
            self.files_made,
        );
        let talk = match talk {
            Ok(talk) => talk,
            Err(error) => return (StepEnd::failure(format!("the step's files: {error}")), Vec::new()),
        };
        let more = launch.more.into_iter().chain(talk.variables()).collect();
        let program = Program {
            arguments: launch.arguments,
            folder: launch.folder,
            environment: self.environment(&launch.env, more),
        };
        let ended = run(&program, self.halt(launch.limit), &|line| talk.hear(line)).await;
        let said = talk.end();
        self.take_in(said, ended, index)
    }

    fn take_in(
        &mut self,
        said: Said,
        ended: std::io::Result<Ended>,
        index: usize,
    ) -> (StepEnd, Vec<(String, String)>) {
        for (name, value) in said.env {
            self.env.insert(name, Value::Text(value));
        }
        for folder in said.path {
            self.path.insert(0, folder);
        }
        for fault in &said.faults {
            self.say(index, LineKind::Error, fault);
        }
        let last_error = said.annotations.iter().rev().find(|it| it.level == Level::Error);
        let last_error = last_error.map(|it| it.message.lines().next().unwrap_or_default().to_owned());
        self.shared.recorder.job(self.order.index, |job| {
            job.annotations.extend(said.annotations);
            if !said.summary.is_empty() {
                job.summary.push_str(&said.summary);
                job.summary.push('\n');
            }
        });
        let (outcome, reason) = match ended {
            Ok(Ended::Exit(0)) => match said.faults.into_iter().next() {
                None => (Conclusion::Success, None),
                Some(fault) => (Conclusion::Failure, Some(fault)),
            },
            Ok(Ended::Exit(code)) => {
                let plain = || format!("it ended with exit code {code}");
                (Conclusion::Failure, Some(last_error.unwrap_or_else(plain)))
            }
            Ok(Ended::Cancelled) => (Conclusion::Cancelled, Some("cancelled".to_owned())),
            Ok(Ended::TimedOut) => {
                (Conclusion::Failure, Some("it has exceeded its time limit (timeout-minutes)".to_owned()))
            }
            Err(error) => (Conclusion::Failure, Some(format!("it cannot be started: {error}"))),
        };
        let end = StepEnd {
            outcome,
            reason,
            outputs: said.outputs,
        };
        (end, said.state)
    }
}

/// What [`Bench::one`] tells.
pub(super) struct OneEnd {
    pub(super) outcome: Conclusion,
    pub(super) reason: Option<String>,
    /// Whether what stands around it fails with it.
    pub(super) counts: bool,
}

struct ScriptPlace {
    index: usize,
    shell: Option<String>,
    folder: Option<String>,
    limit: Option<Duration>,
}

/// A program to run in a step.
pub(super) struct Launch {
    pub(super) arguments: Vec<std::ffi::OsString>,
    pub(super) folder: std::path::PathBuf,
    /// Added to the job's.
    pub(super) env: Map,
    pub(super) more: Vec<(String, String)>,
    pub(super) limit: Option<Duration>,
}

/// `steps.<id>`
fn context(end: &StepEnd, conclusion: Conclusion) -> Value {
    let outputs = object(end.outputs.iter().map(|(name, value)| (name.clone(), value.clone())));
    Value::Map(Map::from_iter([
        ("outputs".to_owned(), outputs),
        ("outcome".to_owned(), Value::Text(end.outcome.result().to_owned())),
        ("conclusion".to_owned(), Value::Text(conclusion.result().to_owned())),
    ]))
}
