//! `action.yml`.

use base_diagnostic::Problem;

use crate::available::{ACTION_IF, ACTION_INPUT, ACTION_OUTPUT, ACTION_RUNS};
use crate::model::Step;
use crate::read::{Fields, Reader, StepPlaces, read_file, step_ids};
use crate::template::{Condition, Template};
use crate::yaml::{Key, Kind, Node};

#[derive(Clone, Debug)]
pub struct Action {
    pub name: String,
    pub description: Option<String>,
    pub inputs: Vec<ActionInput>,
    /// With their values where the action is a composite one.
    pub outputs: Vec<(String, Option<Template>)>,
    pub runs: Runs,
}

#[derive(Clone, Debug)]
pub struct ActionInput {
    pub name: String,
    pub description: Option<String>,
    pub required: bool,
    pub default: Option<Template>,
    /// What to say to those who still use it.
    pub deprecation: Option<String>,
}

#[derive(Clone, Debug)]
pub enum Runs {
    JavaScript {
        /// Such as `node20`.
        using: String,
        main: String,
        pre: Option<String>,
        pre_if: Option<Condition>,
        post: Option<String>,
        post_if: Option<Condition>,
    },
    Composite {
        steps: Vec<Step>,
    },
    Docker {
        /// `Dockerfile`, or `docker://image`.
        image: String,
        entrypoint: Option<String>,
        pre_entrypoint: Option<String>,
        pre_if: Option<Condition>,
        post_entrypoint: Option<String>,
        post_if: Option<Condition>,
        args: Vec<Template>,
        env: Vec<(String, Template)>,
    },
}

/// Reads an action file.
///
/// # Errors
/// All that is wrong in it, in the order of the file.
pub fn parse_action(text: &str) -> Result<Action, Vec<Problem>> {
    read_file(text, |reader, root| reader.action(root))
}

impl Reader<'_> {
    fn action(&mut self, root: &Node) -> Option<Action> {
        // Like GitHub's runner this takes fields that it does not know: actions of others are not ours to judge.
        let fields = self.any_fields(root, "an action")?;
        let name = raw(&fields, "name").unwrap_or_default();
        let description = raw(&fields, "description");
        let inputs = self.entries(&fields, "inputs").iter();
        let inputs = inputs.map(|(key, node)| self.action_input(key, node)).collect();
        let runs_node = fields.get("runs");
        let composite = match runs_node.map(|node| &node.kind) {
            Some(Kind::Map(entries)) => entries.iter().find(|(key, _)| key.text == "steps"),
            _ => None,
        };
        self.known.steps = composite.map(|(_, steps)| step_ids(Some(steps)));
        let outputs = self.entries(&fields, "outputs").iter();
        let outputs = outputs
            .map(|(key, node)| {
                let value = match node.is_null() {
                    true => None,
                    false => self.any_fields(node, "an output"),
                };
                let value = value.and_then(|fields| self.optional(&fields, "value", &ACTION_OUTPUT));
                (key.text.clone(), value)
            })
            .collect();
        let runs = match runs_node {
            Some(node) => self.runs(node),
            None => {
                self.problem(
                    fields.head(),
                    "the action has no `runs`",
                    "say how it runs: `using: node24` with `main`, `composite` with `steps` or `docker` with `image`",
                );
                None
            }
        };
        Some(Action {
            name,
            description,
            inputs,
            outputs,
            runs: runs?,
        })
    }

    fn action_input(&mut self, key: &Key, node: &Node) -> ActionInput {
        let fields = match node.is_null() {
            true => None,
            false => self.any_fields(node, "an input"),
        };
        let text = |name: &str| raw(fields.as_ref()?, name);
        ActionInput {
            name: key.text.clone(),
            description: text("description"),
            deprecation: text("deprecationMessage"),
            // The runner does not enforce it, so a strange value is no reason to refuse the action.
            required: text("required").as_deref() == Some("true"),
            default: fields
                .as_ref()
                .and_then(|fields| self.optional(fields, "default", &ACTION_INPUT)),
        }
    }

    fn runs(&mut self, node: &Node) -> Option<Runs> {
        let fields = self.any_fields(node, "`runs`")?;
        let Some(using_node) = fields.get("using") else {
            let problem = Problem::new(fields.head(), "`runs` has no `using`");
            self.problems
                .push(problem.hint("it is `node24`, `node20`, `composite` or `docker`"));
            return None;
        };
        let using = self.plain(using_node, "using")?;
        match using.to_ascii_lowercase().as_str() {
            "composite" => match fields.get("steps") {
                Some(steps) => Some(Runs::Composite {
                    steps: self.steps(steps, &StepPlaces::ACTION),
                }),
                None => {
                    let problem = Problem::new(fields.head(), "a composite action has no `steps`");
                    self.problems.push(problem);
                    None
                }
            },
            "docker" => self.docker(&fields),
            other if is_node(other) => Some(Runs::JavaScript {
                using: other.to_owned(),
                main: self.plain_required(&fields, "main", "an action for node")?,
                pre: self.plain_optional(&fields, "pre"),
                pre_if: self.phase(&fields, "pre-if"),
                post: self.plain_optional(&fields, "post"),
                post_if: self.phase(&fields, "post-if"),
            }),
            _ => {
                self.problem(
                    self.line(&using_node.span),
                    format!("an action cannot run using `{using}`"),
                    "it is `node24`, `node20`, `composite` or `docker`",
                );
                None
            }
        }
    }

    fn docker(&mut self, fields: &Fields<'_>) -> Option<Runs> {
        let args = match fields.get("args") {
            Some(node) => {
                let items = self.list(node, "`args`");
                let items = items.iter();
                items
                    .filter_map(|item| self.template(item, "args", &ACTION_RUNS))
                    .collect()
            }
            None => Vec::new(),
        };
        Some(Runs::Docker {
            image: self.plain_required(fields, "image", "an action for Docker")?,
            entrypoint: self.plain_optional(fields, "entrypoint"),
            pre_entrypoint: self.plain_optional(fields, "pre-entrypoint"),
            pre_if: self.phase(fields, "pre-if"),
            post_entrypoint: self.plain_optional(fields, "post-entrypoint"),
            post_if: self.phase(fields, "post-if"),
            args,
            env: self.pairs(fields, "env", &ACTION_RUNS),
        })
    }

    fn plain_optional(&mut self, fields: &Fields<'_>, name: &str) -> Option<String> {
        let node = fields.get(name)?;
        self.plain(node, name)
    }

    fn plain_required(&mut self, fields: &Fields<'_>, name: &str, what: &str) -> Option<String> {
        if fields.get(name).is_none() {
            let problem = Problem::new(fields.head(), format!("{what} has no `{name}`"));
            self.problems.push(problem);
        }
        self.plain_optional(fields, name)
    }

    /// `pre-if` and `post-if`; without one the phase always runs.
    fn phase(&mut self, fields: &Fields<'_>, name: &str) -> Option<Condition> {
        fields.get(name)?;
        Some(self.condition(fields, name, &ACTION_IF))
    }
}

/// A text for people, which may show expressions without meaning them.
fn raw(fields: &Fields<'_>, name: &str) -> Option<String> {
    match &fields.get(name)?.kind {
        Kind::Scalar(_, value) => Some(value.text()),
        _ => None,
    }
}

/// `node20` and later; older ones ran on the machine's node just the same.
fn is_node(using: &str) -> bool {
    using
        .strip_prefix("node")
        .is_some_and(|version| !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit()))
}
