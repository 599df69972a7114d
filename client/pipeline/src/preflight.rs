//! What can be known to be impossible is told before anything runs, all of it, with its places.

use std::collections::VecDeque;

use base_diagnostic::Problem;
use base_workflow::{ActionName, Job, Runs, Step, Work, parse_action};

use crate::action::{Actions, Builtin, Described, Found};
use crate::job::Shell;
use crate::machine::Machine;
use crate::record::Run;
use crate::runner::Loaded;

/// Actions that use each other are looked at so deep.
const DEPTH_MAX: usize = 10;

/// # Errors
/// A report of all problems.
pub(crate) async fn check(
    machine: &Machine,
    run: &Run,
    workflow: &Loaded,
    actions: &Actions,
) -> Result<(), String> {
    let mut problems = Vec::new();
    for job in &workflow.parsed.jobs {
        unserved(job, &mut problems);
        for step in &job.steps {
            match &step.work {
                Work::Run { shell, .. } => {
                    let defaults = [&job.defaults.shell, &workflow.parsed.defaults.shell];
                    let shell = shell.as_ref().or_else(|| defaults.into_iter().find_map(Option::as_ref));
                    if let Some(shell) = shell.filter(|shell| shell.is_literal()) {
                        has_shell(machine, shell.source(), step, &mut problems);
                    }
                }
                Work::Uses { action, .. } => uses(machine, run, actions, action, step, &mut problems).await,
            }
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    problems.sort_by_key(|problem| problem.span.start);
    Err(workflow.report(&problems))
}

fn unserved(job: &Job, problems: &mut Vec<Problem>) {
    if let Some(container) = &job.container {
        let sentence = "jobs inside a container are not served yet";
        let hint = "steps run on this machine itself; `docker run` in a step works";
        problems.push(Problem::new(container.span.clone(), sentence).hint(hint));
    }
    for (name, container) in &job.services {
        let sentence = format!("service containers are not served yet: `{name}`");
        let hint = "start what the job needs in a step, such as `docker run --detach`";
        problems.push(Problem::new(container.span.clone(), sentence).hint(hint));
    }
    if let Some(call) = &job.call {
        let sentence = "jobs that are another workflow (`uses`) are not served yet";
        problems.push(Problem::new(call.span.clone(), sentence).hint("write its steps here, or as a composite action"));
    }
}

fn has_shell(machine: &Machine, name: &str, step: &Step, problems: &mut Vec<Problem>) {
    match Shell::named(Some(name)) {
        Err(sentence) => problems.push(Problem::new(step.span.clone(), sentence)),
        Ok(shell) => {
            let program = shell.program();
            if !machine.has(program) && !program.starts_with('/') {
                let sentence = format!("`shell: {name}`: {program} is not on this machine");
                problems.push(Problem::new(step.span.clone(), sentence).hint("install it, or use bash, sh or python"));
            }
        }
    }
}

/// The action itself, and those that it uses.
async fn uses(
    machine: &Machine,
    run: &Run,
    actions: &Actions,
    action: &ActionName,
    step: &Step,
    problems: &mut Vec<Problem>,
) {
    let mut ahead: VecDeque<(ActionName, usize)> = VecDeque::from([(action.clone(), 0)]);
    while let Some((name, depth)) = ahead.pop_front() {
        let inside = |sentence: String| match depth {
            0 => sentence,
            _ => format!("{action}: {sentence}"),
        };
        let found = match &name {
            // Those inside of other actions begin at the workspace too; what is there then is not known yet.
            ActionName::Local { path } => match local(machine, run, path).await {
                None => continue,
                Some(Ok(found)) => Ok(found),
                Some(Err(error)) => Err(error),
            },
            _ => actions.find(&name, std::path::Path::new("/nonexistent")).await.map_err(|error| {
                let hint = error.hint();
                (error.to_string(), hint)
            }),
        };
        match found {
            Err((sentence, hint)) => {
                problems.push(Problem::new(step.span.clone(), inside(sentence)).hint(hint));
            }
            Ok(found) => {
                let needed = match &found {
                    Found::Image(_) => Some("docker"),
                    Found::Described(described) => program(described),
                    Found::Builtin(_) => None,
                };
                if let Some(program) = needed.filter(|program| !machine.has(program)) {
                    let sentence = format!("{name} needs `{program}`, which is not on this machine");
                    problems.push(Problem::new(step.span.clone(), inside(sentence)).hint(format!("install {program}")));
                }
                if depth < DEPTH_MAX {
                    ahead.extend(used(&found).into_iter().map(|name| (name, depth + 1)));
                }
            }
        }
    }
}

fn program(described: &Described) -> Option<&'static str> {
    match described.action.runs {
        Runs::JavaScript { .. } => Some("node"),
        Runs::Docker { .. } => Some("docker"),
        Runs::Composite { .. } => None,
    }
}

/// The actions that a composite one uses.
fn used(found: &Found) -> Vec<ActionName> {
    let action = match found {
        Found::Described(described) => &described.action,
        Found::Builtin(Builtin::Composite(_, action)) => action,
        Found::Builtin(Builtin::Checkout) | Found::Image(_) => return Vec::new(),
    };
    let Runs::Composite { steps } = &action.runs else {
        return Vec::new();
    };
    let uses = |step: &Step| match &step.work {
        Work::Uses { action, .. } => Some(action.clone()),
        Work::Run { .. } => None,
    };
    steps.iter().filter_map(uses).collect()
}

/// An action of the repository itself, as the commit has it; `None` when it has none there, as a step may make it.
async fn local(machine: &Machine, run: &Run, path: &str) -> Option<Result<Found, (String, String)>> {
    let folder = path.trim_start_matches("./").trim_end_matches('/');
    let repository = machine.repository(&run.repository);
    for name in ["action.yml", "action.yaml"] {
        let at = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let Some(text) = repository.file(&run.event.sha, &at).await else { continue };
        return Some(match parse_action(&text) {
            Ok(action) => Ok(Found::Described(std::sync::Arc::new(Described {
                action,
                folder: folder.into(),
                repository: String::new(),
                git_ref: String::new(),
            }))),
            Err(problems) => {
                let file = base_diagnostic::SourceFile { name: at, text };
                let report = base_diagnostic::render(&file, &problems, false, 100);
                Err((report, "put the action right".to_owned()))
            }
        });
    }
    None
}
