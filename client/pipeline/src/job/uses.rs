//! `uses` steps: actions of every kind, what they are given and what they do before and after.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base_workflow::{Action, ActionName, Condition, Map, Runs, Step, Template, Value, Work};

use super::bench::Bench;
use super::step::{Frame, Launch, StepEnd};
use crate::action::{Builtin, Described, Found};
use crate::record::{Conclusion, LineKind};
use crate::view::View;

/// Composite actions that use each other end here; GitHub's limit.
const DEPTH_MAX: usize = 10;

/// A `uses` step that is to run.
pub(super) struct Call<'c> {
    pub(super) action: &'c ActionName,
    pub(super) with: &'c [(String, Template)],
    pub(super) view: &'c View,
    pub(super) env: Map,
    pub(super) id: Option<&'c str>,
    pub(super) index: usize,
    pub(super) limit: Option<Duration>,
}

/// What an action wants to do when the job's steps are over.
pub(super) struct Post {
    pub(super) title: String,
    condition: Option<Condition>,
    env: Map,
    more: Vec<(String, String)>,
    state: Vec<(String, String)>,
    program: PostProgram,
}

enum PostProgram {
    /// The script, with the machine's node.
    JavaScript(PathBuf),
    /// Arguments of `docker`.
    Docker(Vec<OsString>),
}

impl Bench<'_> {
    pub(super) async fn uses(&mut self, frame: &mut Frame, call: Call<'_>) -> StepEnd {
        let with = match call.view.texts(call.with) {
            Ok(with) => with,
            Err(error) => return StepEnd::failure(format!("`with`: {error}")),
        };
        self.say(call.index, LineKind::Command, &format!("uses {}", call.action));
        for (name, value) in &with {
            self.say(
                call.index,
                LineKind::Command,
                &format!("  {name}: {}", value.trim_end().replace('\n', "\n    ")),
            );
        }
        let found = match self
            .shared
            .actions
            .find(call.action, &self.folders.workspace)
            .await
        {
            Ok(found) => found,
            Err(error) => return StepEnd::failure(error),
        };
        match found {
            Found::Builtin(Builtin::Checkout) => self.check_out(&with, call.index).await,
            Found::Builtin(Builtin::Composite(name, action)) => {
                let described = Described {
                    action: *action,
                    folder: self.folders.temp.clone(),
                    repository: name.to_owned(),
                    git_ref: String::new(),
                };
                self.described(frame, Arc::new(described), call, with).await
            }
            Found::Described(described) => self.described(frame, described, call, with).await,
            Found::Image(image) => {
                let inputs = input_variables(&with);
                let asked = super::docker::Asked::of_image(image, &with);
                let launch = self.docker(asked, &inputs, &self.action_env(frame, &call), call.limit);
                self.launch(launch, call.index).await.0
            }
        }
    }

    /// What the frame and the step add to the environment.
    fn action_env(&self, frame: &Frame, call: &Call<'_>) -> Map {
        let mut env = frame.env.clone();
        for (name, value) in call.env.iter() {
            env.insert(name, value.clone());
        }
        env
    }

    async fn described(
        &mut self,
        frame: &mut Frame,
        described: Arc<Described>,
        call: Call<'_>,
        with: Vec<(String, String)>,
    ) -> StepEnd {
        let inputs = match self.inputs(&described.action, &with, &call) {
            Ok(inputs) => inputs,
            Err(error) => return StepEnd::failure(error),
        };
        let env = self.action_env(frame, &call);
        match &described.action.runs {
            Runs::Composite { steps } => {
                if frame.depth >= DEPTH_MAX {
                    return StepEnd::failure(format!(
                        "more than {DEPTH_MAX} composite actions use each other"
                    ));
                }
                let inner = Frame {
                    steps: Map::new(),
                    inputs: Some(crate::view::object(inputs)),
                    action: Some(Arc::clone(&described)),
                    env,
                    status: base_workflow::Status::Success,
                    depth: frame.depth + 1,
                };
                self.composite(inner, steps, &described, call.index).await
            }
            Runs::JavaScript {
                main, post, post_if, ..
            } => {
                let more = action_variables(&described, &call, &inputs);
                let launch = Launch {
                    arguments: vec!["node".into(), described.folder.join(main).into()],
                    folder: self.folders.workspace.clone(),
                    env: env.clone(),
                    more: more.clone(),
                    limit: call.limit,
                };
                let (end, state) = self.launch(launch, call.index).await;
                if let Some(post) = post {
                    self.posts.push(Post {
                        title: call.action.to_string(),
                        condition: post_if.clone(),
                        env,
                        more,
                        state,
                        program: PostProgram::JavaScript(described.folder.join(post)),
                    });
                }
                end
            }
            Runs::Docker { .. } => {
                let variables = action_variables(&described, &call, &inputs);
                let asked = match self.docker_image(&described, &call, &inputs).await {
                    Ok(asked) => asked,
                    Err(end) => return end,
                };
                let launch = self.docker(asked.main(), &variables, &env, call.limit);
                let (end, state) = self.launch(launch, call.index).await;
                if let Some(post) = asked.post() {
                    let launch = self.docker(post, &variables, &env, None);
                    self.posts.push(Post {
                        title: call.action.to_string(),
                        condition: None,
                        env,
                        more: launch.more,
                        state,
                        program: PostProgram::Docker(launch.arguments),
                    });
                }
                end
            }
        }
    }

    async fn composite(
        &mut self,
        mut frame: Frame,
        steps: &[Step],
        described: &Described,
        index: usize,
    ) -> StepEnd {
        let mut end = StepEnd::success();
        for step in steps {
            self.look_around();
            let one = self.one(&mut frame, step, index).await;
            if one.outcome == Conclusion::Cancelled {
                end.outcome = Conclusion::Cancelled;
            } else if one.counts && end.outcome == Conclusion::Success {
                end.outcome = Conclusion::Failure;
                end.reason = one.reason;
            }
        }
        let view = self.view(&frame, &Map::new());
        for (name, value) in &described.action.outputs {
            if let Some(Ok(value)) = value.as_ref().map(|value| value.text(&view)) {
                end.outputs.push((name.clone(), value));
            }
        }
        end
    }

    /// What the step gives, and for the rest what the action says.
    fn inputs(
        &self,
        action: &Action,
        with: &[(String, String)],
        call: &Call<'_>,
    ) -> Result<Vec<(String, String)>, String> {
        let given = |name: &str| with.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        let mut inputs = Vec::new();
        for input in &action.inputs {
            let value = match (given(&input.name), &input.default) {
                (Some((_, value)), _) => {
                    if let Some(said) = &input.deprecation {
                        self.say(
                            call.index,
                            LineKind::Warning,
                            &format!("input `{}`: {said}", input.name),
                        );
                    }
                    value.clone()
                }
                (None, Some(default)) => default
                    .text(call.view)
                    .map_err(|error| format!("the default of the input `{}`: {error}", input.name))?,
                (None, None) => {
                    if input.required {
                        let line = format!("{} needs the input `{}`", call.action, input.name);
                        self.say(call.index, LineKind::Warning, &line);
                    }
                    continue;
                }
            };
            inputs.push((input.name.clone(), value));
        }
        for (name, value) in with {
            if !action
                .inputs
                .iter()
                .any(|input| input.name.eq_ignore_ascii_case(name))
            {
                if !matches!(name.to_ascii_lowercase().as_str(), "entrypoint" | "args") {
                    let known: Vec<&str> = action.inputs.iter().map(|input| input.name.as_str()).collect();
                    let line = format!(
                        "Unexpected input `{name}`; {} knows {}",
                        call.action,
                        known.join(", ")
                    );
                    self.say(call.index, LineKind::Warning, &line);
                }
                inputs.push((name.clone(), value.clone()));
            }
        }
        Ok(inputs)
    }

    /// What actions of the job want to do before its first step.
    pub(super) async fn before(&mut self) {
        for step in &self.order.job.steps {
            let Work::Uses { action, with } = &step.work else {
                continue;
            };
            if !matches!(action, ActionName::Repository { .. }) {
                continue;
            }
            let Ok(Found::Described(described)) =
                self.shared.actions.find(action, &self.folders.workspace).await
            else {
                continue;
            };
            let Runs::JavaScript {
                pre: Some(pre),
                pre_if,
                ..
            } = &described.action.runs
            else {
                continue;
            };
            let view = self.job_view();
            if !pre_if
                .as_ref()
                .is_none_or(|condition| condition.holds(&view).unwrap_or(false))
            {
                continue;
            }
            let index = self.record_step(&format!("Pre {action}"));
            let env: Map = view
                .texts(&step.env)
                .unwrap_or_default()
                .into_iter()
                .map(|(name, value)| (name, Value::Text(value)))
                .collect();
            let call = Call {
                action,
                with,
                view: &view,
                env: env.clone(),
                id: step.id.as_deref(),
                index,
                limit: None,
            };
            let with = view.texts(with).unwrap_or_default();
            let inputs = self.inputs(&described.action, &with, &call).unwrap_or_default();
            let launch = Launch {
                arguments: vec!["node".into(), described.folder.join(pre).into()],
                folder: self.folders.workspace.clone(),
                env,
                more: action_variables(&described, &call, &inputs),
                limit: None,
            };
            self.recorded(launch, index, &format!("Pre {action}")).await;
        }
    }

    /// What an action wants to do afterwards.
    pub(super) async fn after(&mut self, post: Post, index: usize) {
        self.look_around();
        let view = self.job_view();
        let holds = post
            .condition
            .as_ref()
            .is_none_or(|condition| condition.holds(&view).unwrap_or(false));
        if !holds {
            let now = self.shared.machine.clock.now();
            self.shared.recorder.job(self.order.index, |job| {
                if let Some(step) = job.steps.get_mut(index) {
                    step.progress.end(now, Conclusion::Skipped, None);
                }
            });
            return;
        }
        let states = post
            .state
            .into_iter()
            .map(|(name, value)| (format!("STATE_{name}"), value));
        let launch = Launch {
            arguments: match post.program {
                PostProgram::JavaScript(script) => vec!["node".into(), script.into()],
                PostProgram::Docker(arguments) => arguments,
            },
            folder: self.folders.workspace.clone(),
            env: post.env,
            more: post.more.into_iter().chain(states).collect(),
            limit: None,
        };
        let title = format!("Post {}", post.title);
        self.recorded(launch, index, &title).await;
    }

    /// A program that is a step of the job without being in its list.
    async fn recorded(&mut self, launch: Launch, index: usize, title: &str) {
        let clock = Arc::clone(&self.shared.machine.clock);
        let began = clock.now();
        self.shared.recorder.job(self.order.index, |job| {
            if let Some(step) = job.steps.get_mut(index) {
                step.progress.begin(began);
            }
        });
        self.say(index, LineKind::Begin, title);
        let (end, _) = self.launch(launch, index).await;
        let reason = end.reason.clone();
        self.shared.recorder.job(self.order.index, |job| {
            if let Some(step) = job.steps.get_mut(index) {
                step.progress.end(clock.now(), end.outcome, reason);
            }
        });
        if end.outcome == Conclusion::Failure {
            let reason = end.reason.unwrap_or_default();
            self.say(index, LineKind::End, &format!("failure: {reason}"));
            self.fail(format!("step `{title}`: {reason}"));
        }
    }
}

/// `INPUT_<NAME>`: in capitals, spaces as underscores, hyphens kept.
fn input_variables(inputs: &[(String, String)]) -> Vec<(String, String)> {
    let name = |name: &str| format!("INPUT_{}", name.replace(' ', "_").to_uppercase());
    inputs
        .iter()
        .map(|(key, value)| (name(key), value.clone()))
        .collect()
}

/// What an action finds in its environment beside the job's.
fn action_variables(
    described: &Described,
    call: &Call<'_>,
    inputs: &[(String, String)],
) -> Vec<(String, String)> {
    let action = call
        .id
        .map_or_else(|| described.repository.replace('/', "_"), str::to_owned);
    let mut all = input_variables(inputs);
    all.extend([
        ("GITHUB_ACTION".to_owned(), action),
        (
            "GITHUB_ACTION_REPOSITORY".to_owned(),
            described.repository.clone(),
        ),
        ("GITHUB_ACTION_REF".to_owned(), described.git_ref.clone()),
    ]);
    all
}
