//! Steps of jobs and of composite actions.

use std::collections::HashSet;

use base_diagnostic::Problem;

use super::{Fields, Reader};
use crate::available::{ACTION_STEP, ACTION_STEP_IF, NOWHERE, Place, STEP, STEP_IF};
use crate::model::{ActionName, Step, Work};
use crate::value::fold;
use crate::yaml::Node;

/// What a step may have depends on whose it is.
pub(crate) struct StepPlaces {
    known: &'static [&'static str],
    field: Place,
    condition: Place,
    shell: Place,
    /// Steps of actions have no default shell.
    needs_shell: bool,
}

const KEYS: [&str; 11] = [
    "id",
    "name",
    "if",
    "run",
    "uses",
    "with",
    "env",
    "shell",
    "working-directory",
    "continue-on-error",
    "timeout-minutes",
];
const ACTION_KEYS: [&str; 10] = [
    "id",
    "name",
    "if",
    "run",
    "uses",
    "with",
    "env",
    "shell",
    "working-directory",
    "continue-on-error",
];
/// What GitHub has for steps beside each other, and Wharf has not.
const CONCURRENT: [&str; 5] = ["background", "wait", "wait-all", "cancel", "parallel"];

impl StepPlaces {
    pub(crate) const WORKFLOW: Self = Self {
        known: &KEYS,
        field: STEP,
        condition: STEP_IF,
        shell: NOWHERE,
        needs_shell: false,
    };
    pub(crate) const ACTION: Self = Self {
        known: &ACTION_KEYS,
        field: ACTION_STEP,
        condition: ACTION_STEP_IF,
        shell: ACTION_STEP,
        needs_shell: true,
    };
}

impl Reader<'_> {
    pub(crate) fn steps(&mut self, node: &Node, places: &StepPlaces) -> Vec<Step> {
        let mut ids = HashSet::new();
        let items = self.list(node, "`steps`");
        if items.is_empty() && matches!(node.kind, crate::yaml::Kind::List(_)) {
            let problem = Problem::new(self.line(&node.span), "`steps` is empty");
            self.problems.push(problem.hint("add at least one: `- run: …`"));
        }
        let steps = items.iter();
        steps
            .filter_map(|node| self.step(node, places, &mut ids))
            .collect()
    }

    fn step(&mut self, node: &Node, places: &StepPlaces, ids: &mut HashSet<String>) -> Option<Step> {
        let concurrent = self.any_fields(node, "a step").and_then(|fields| {
            let found = CONCURRENT.iter().find_map(|name| fields.entry(name))?;
            Some((found.0.text.clone(), found.0.span.clone()))
        });
        if let Some((name, span)) = concurrent {
            self.problem(
                span,
                format!("`{name}` is not served: steps run one after the other"),
                "leave it out, or make the step a job of its own",
            );
            return None;
        }
        if !matches!(node.kind, crate::yaml::Kind::Map(_)) {
            return None;
        }
        let fields = self.fields(node, "a step", places.known)?;
        let id = self.step_id(&fields, ids);
        let work = self.work(&fields, places);
        Some(Step {
            span: fields.head(),
            id,
            name: self.optional(&fields, "name", &places.field),
            condition: self.condition(&fields, "if", &places.condition),
            env: self.pairs(&fields, "env", &places.field),
            continue_on_error: fields
                .get("continue-on-error")
                .and_then(|node| self.truth(node, "continue-on-error", &places.field)),
            timeout_minutes: fields
                .get("timeout-minutes")
                .and_then(|node| self.number(node, "timeout-minutes", &places.field)),
            work: work?,
        })
    }

    fn step_id(&mut self, fields: &Fields<'_>, ids: &mut HashSet<String>) -> Option<String> {
        let node = fields.get("id")?;
        let id = self.plain(node, "id")?;
        self.identifier(&id, &node.span, "a step");
        if !ids.insert(fold(&id)) {
            let message = format!("another step has the id `{id}` already");
            self.problem(node.span.clone(), message, "letters' case does not count");
        }
        Some(id)
    }

    fn work(&mut self, fields: &Fields<'_>, places: &StepPlaces) -> Option<Work> {
        match (fields.written("run"), fields.get("uses")) {
            (Some(_), Some(_)) => {
                let span = fields
                    .entry("uses")
                    .map_or_else(|| fields.head(), |(key, _)| key.span.clone());
                self.problem(
                    span,
                    "a step has `run` or `uses`, not both",
                    "make two steps of them",
                );
                None
            }
            (None, None) => {
                self.problem(
                    fields.head(),
                    "a step has neither `run` nor `uses`",
                    "say what it does: `run: make` or `uses: actions/checkout@v4`",
                );
                None
            }
            (Some(run), None) => {
                self.not_with(fields, &["with"], "run");
                let shell = self.shell(fields, &places.shell);
                if places.needs_shell && fields.get("shell").is_none() {
                    self.problem(
                        fields.head(),
                        "a step of an action that runs a script has no `shell`",
                        "add `shell: bash`",
                    );
                }
                Some(Work::Run {
                    script: self.template(run, "run", &places.field)?,
                    shell,
                    working_directory: self.optional(fields, "working-directory", &places.field),
                })
            }
            (None, Some(node)) => {
                self.not_with(fields, &["shell", "working-directory"], "uses");
                let with = self.pairs(fields, "with", &places.field);
                let text = self.plain(node, "uses")?;
                match action_name(&text) {
                    Ok(action) => Some(Work::Uses { action, with }),
                    Err(hint) => {
                        self.problem(self.line(&node.span), format!("`{text}` names no action"), hint);
                        None
                    }
                }
            }
        }
    }

    fn not_with(&mut self, fields: &Fields<'_>, names: &[&str], work: &str) {
        for name in names {
            if let Some((key, _)) = fields.entry(name) {
                let message = format!("`{name}` has no meaning beside `{work}`");
                self.problems.push(Problem::new(key.span.clone(), message));
            }
        }
    }
}

/// What `uses` of a step names, or what to do about it.
fn action_name(text: &str) -> Result<ActionName, String> {
    if let Some(image) = text.strip_prefix("docker://") {
        if image.is_empty() {
            return Err("the image is missing: `docker://alpine:3.22`".to_owned());
        }
        return Ok(ActionName::Docker {
            image: image.to_owned(),
        });
    }
    if text.starts_with("./") || text.starts_with(".\\") || text == "." {
        return Ok(ActionName::Local {
            path: text.to_owned(),
        });
    }
    let Some((path, git_ref)) = text.split_once('@').filter(|(_, git_ref)| !git_ref.is_empty()) else {
        return Err(format!(
            "an action of another repository has a version: `{}@v1`; one of this repository begins with `./`",
            text.trim_end_matches('@')
        ));
    };
    let mut parts = path.splitn(3, '/');
    let owner = parts.next().unwrap_or_default();
    let name = parts.next().unwrap_or_default();
    let path = parts.next().map(|path| path.trim_end_matches('/'));
    let plain = |word: &str| {
        !word.is_empty()
            && word != ".."
            && word != "."
            && word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    // The path is looked up in a repository's files; it must not lead out of them.
    let inside = path.is_none_or(|path| path.split('/').all(|part| part != "..") && !path.contains('\\'));
    if !plain(owner) || !plain(name) || !inside || git_ref.chars().any(char::is_whitespace) {
        return Err(
            "an action is named `owner/name@ref`, `owner/name/path@ref`, `./path` or `docker://image`"
                .to_owned(),
        );
    }
    Ok(ActionName::Repository {
        owner: owner.to_owned(),
        name: name.to_owned(),
        path: path.filter(|path| !path.is_empty()).map(str::to_owned),
        git_ref: git_ref.to_owned(),
    })
}
