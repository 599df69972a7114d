//! Which contexts and functions may be used where: GitHub's table "Context availability" (Contexts reference), as its own
//! schema of workflow files has it.

use std::ops::Range;

use base_diagnostic::Problem;

use crate::expression::{Expression, Function, Node};
use crate::nearest;
use crate::value::Value;

/// A place in a file where expressions may stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// As in "is not available in …".
    pub name: &'static str,
    pub contexts: &'static [&'static str],
    pub hash_files: bool,
    /// `success()` and its like.
    pub status: bool,
}

const fn place(name: &'static str, contexts: &'static [&'static str]) -> Place {
    Place {
        name,
        contexts,
        hash_files: false,
        status: false,
    }
}

const fn step_place(name: &'static str, contexts: &'static [&'static str]) -> Place {
    Place {
        name,
        contexts,
        hash_files: true,
        status: false,
    }
}

const CONTEXTS: [&str; 12] = [
    "github", "env", "vars", "job", "jobs", "steps", "runner", "secrets", "strategy", "matrix", "needs",
    "inputs",
];

const RUN: &[&str] = &["github", "inputs", "vars"];
const STRATEGY: &[&str] = &["github", "needs", "vars", "inputs"];
const JOB: &[&str] = &["github", "needs", "strategy", "matrix", "vars", "inputs"];
const RUNNER: &[&str] = &[
    "github", "needs", "strategy", "matrix", "job", "runner", "env", "vars", "secrets", "steps", "inputs",
];
const OPEN: &[&str] = &[
    "github", "needs", "strategy", "matrix", "job", "runner", "env", "vars", "steps", "inputs",
];
const COMPOSITE: &[&str] = &[
    "github", "inputs", "strategy", "matrix", "steps", "job", "runner", "env",
];

pub(crate) const NOWHERE: Place = place("this field", &[]);
pub(crate) const RUN_NAME: Place = place("`run-name`", RUN);
pub(crate) const CONCURRENCY: Place = place("`concurrency`", RUN);
pub(crate) const ENV: Place = place("`env` of the workflow", &["github", "secrets", "inputs", "vars"]);
pub(crate) const CALL_DEFAULT: Place = place("the default of an input", RUN);
pub(crate) const CALL_OUTPUT: Place = place("outputs of the workflow", &["github", "jobs", "vars", "inputs"]);

pub(crate) const JOB_FIELD: Place = place("this field of a job", JOB);
pub(crate) const JOB_RUNS_ON: Place = place("`runs-on`", JOB);
pub(crate) const JOB_STRATEGY: Place = place("`strategy`", STRATEGY);
pub(crate) const JOB_IF: Place = Place {
    name: "`if` of a job",
    contexts: STRATEGY,
    hash_files: false,
    status: true,
};
pub(crate) const JOB_ENV: Place = place(
    "`env` of a job",
    &[
        "github", "needs", "strategy", "matrix", "vars", "secrets", "inputs",
    ],
);
pub(crate) const JOB_DEFAULTS: Place = place(
    "`defaults` of a job",
    &["github", "needs", "strategy", "matrix", "env", "vars", "inputs"],
);
pub(crate) const JOB_OUTPUTS: Place = place("`outputs` of a job", RUNNER);
pub(crate) const JOB_URL: Place = place("the URL of an environment", OPEN);
pub(crate) const JOB_SECRETS: Place = place(
    "`secrets` of a job",
    &[
        "github", "needs", "strategy", "matrix", "secrets", "vars", "inputs",
    ],
);
pub(crate) const CONTAINER: Place = place("a container's fields", JOB);
pub(crate) const CONTAINER_ENV: Place = place("`env` of a container", RUNNER);
pub(crate) const CREDENTIALS: Place = place(
    "`credentials`",
    &[
        "github", "needs", "strategy", "matrix", "env", "vars", "secrets", "inputs",
    ],
);

pub(crate) const STEP: Place = step_place("a step", RUNNER);
pub(crate) const STEP_IF: Place = Place {
    name: "`if` of a step",
    contexts: OPEN,
    hash_files: true,
    status: true,
};
pub(crate) const ACTION_STEP: Place = step_place("a step of an action", COMPOSITE);
pub(crate) const ACTION_STEP_IF: Place = Place {
    name: "`if` of a step of an action",
    contexts: COMPOSITE,
    hash_files: true,
    status: true,
};
pub(crate) const ACTION_IF: Place = Place {
    name: "`pre-if` and `post-if`",
    contexts: &[
        "runner", "github", "job", "strategy", "matrix", "env", "inputs", "steps",
    ],
    hash_files: true,
    status: true,
};
pub(crate) const ACTION_INPUT: Place = step_place(
    "the default of an action's input",
    &["github", "strategy", "matrix", "job", "runner"],
);
pub(crate) const ACTION_OUTPUT: Place = place("outputs of an action", COMPOSITE);
pub(crate) const ACTION_RUNS: Place = place("`args` and `env` of an action", &["inputs"]);

/// Names that are known where an expression stands; none: not known here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub needs: Option<Vec<String>>,
    pub steps: Option<Vec<String>>,
    pub jobs: Option<Vec<String>>,
}

/// What an expression uses that is not there. Spans count bytes of the expression.
pub(crate) fn check(expression: &Expression, place: &Place, known: &Known) -> Vec<Problem> {
    let mut problems = Vec::new();
    expression.node().walk(&mut |node| match node {
        Node::Context { name, span } => problems.extend(context(name, span, place)),
        Node::Call { function, span, .. } => problems.extend(call(*function, span, place)),
        Node::Index { base, key, span } => {
            if let (Node::Context { name, .. }, Node::Literal(Value::Text(key))) =
                (base.as_ref(), key.as_ref())
            {
                // Where the context is not there at all, its members are no second mistake.
                let names = place.contexts.contains(&name.as_str());
                problems.extend(names.then(|| member(name, key, span, known)).flatten());
            }
        }
        _ => {}
    });
    problems
}

fn context(name: &str, span: &Range<usize>, place: &Place) -> Option<Problem> {
    if place.contexts.contains(&name) {
        return None;
    }
    let here = if place.contexts.is_empty() {
        "no expressions are possible here".to_owned()
    } else {
        format!("available here are {}", nearest::list(place.contexts))
    };
    Some(if CONTEXTS.contains(&name) {
        Problem::new(
            span.clone(),
            format!("the context `{name}` is not available in {}", place.name),
        )
        .hint(here)
    } else {
        let hint = match nearest::nearest(name, place.contexts) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("{here}; a text has single quotes: '{name}'"),
        };
        Problem::new(span.clone(), format!("there is no context `{name}`")).hint(hint)
    })
}

fn call(function: Function, span: &Range<usize>, place: &Place) -> Option<Problem> {
    let (available, hint) = match function {
        Function::HashFiles => (
            place.hash_files,
            "the files are there only while the steps of a job run",
        ),
        function if function.asks_status() => (place.status, "the status can be asked in `if` only"),
        _ => (true, ""),
    };
    let message = format!(
        "the function `{}` is not available in {}",
        function.name(),
        place.name
    );
    (!available).then(|| Problem::new(span.clone(), message).hint(hint))
}

fn member(context: &str, name: &str, span: &Range<usize>, known: &Known) -> Option<Problem> {
    let (names, message, hint) = match context {
        "needs" => (
            known.needs.as_ref()?,
            format!("`{name}` is not among what this job needs"),
            format!("add `{name}` to `needs` of the job"),
        ),
        "steps" => (
            known.steps.as_ref()?,
            format!("no step of this job has the id `{name}`"),
            "give the step that is meant this `id`".to_owned(),
        ),
        "jobs" => (
            known.jobs.as_ref()?,
            format!("there is no job `{name}`"),
            String::new(),
        ),
        _ => return None,
    };
    if names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return None;
    }
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let hint = match nearest::nearest(name, &names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => hint,
    };
    let problem = Problem::new(span.clone(), message);
    Some(if hint.is_empty() {
        problem
    } else {
        problem.hint(hint)
    })
}
