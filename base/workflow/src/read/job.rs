//! `jobs.<id>`.

use base_diagnostic::Problem;

use super::graph::Needs;
use super::{Fields, Reader, StepPlaces};
use crate::available::{
    JOB_DEFAULTS, JOB_ENV, JOB_FIELD, JOB_IF, JOB_OUTPUTS, JOB_RUNS_ON, JOB_SECRETS, JOB_STRATEGY, JOB_URL,
    Known,
};
use crate::expression::{Scope, Status};
use crate::matrix::{Matrix, Tree};
use crate::model::{CallJob, CallName, CallSecrets, Environment, Job, Strategy};
use crate::template::Template;
use crate::value::Value;
use crate::yaml::{Key, Kind, Node};

const KEYS: [&str; 19] = [
    "name",
    "needs",
    "if",
    "permissions",
    "runs-on",
    "environment",
    "concurrency",
    "outputs",
    "env",
    "defaults",
    "steps",
    "timeout-minutes",
    "cancel-timeout-minutes",
    "strategy",
    "continue-on-error",
    "container",
    "services",
    "snapshot",
    "uses",
];

const CALL_KEYS: [&str; 9] = [
    "name",
    "uses",
    "with",
    "secrets",
    "needs",
    "if",
    "permissions",
    "concurrency",
    "strategy",
];

impl Reader<'_> {
    pub(super) fn job(&mut self, key: &Key, node: &Node) -> Option<(Job, Needs)> {
        let what = format!("the job `{}`", key.text);
        let calls =
            matches!(&node.kind, Kind::Map(entries) if entries.iter().any(|(key, _)| key.text == "uses"));
        let fields = self.fields(node, &what, if calls { &CALL_KEYS } else { &KEYS })?;
        let needs = fields
            .get("needs")
            .map(|node| self.plain_texts(node, "needs"))
            .unwrap_or_default();
        self.known = Known {
            needs: Some(needs.iter().map(|(name, _)| name.clone()).collect()),
            steps: Some(step_ids(fields.get("steps"))),
            jobs: None,
        };
        if let Some((key, _)) = fields.entry("snapshot") {
            let message = "`snapshot` is not served: machines are not made into images here";
            self.problems.push(Problem::new(key.span.clone(), message));
        }
        let call = if calls { self.call_job(&fields) } else { None };
        let mut job = Job {
            id: key.text.clone(),
            span: key.span.clone(),
            name: self.optional(&fields, "name", &JOB_FIELD),
            runs_on: Vec::new(),
            // Filled when all jobs are known.
            needs: Vec::new(),
            condition: self.condition(&fields, "if", &JOB_IF),
            environment: self.environment(&fields),
            concurrency: self.concurrency(&fields, &JOB_FIELD),
            permissions: self.permissions(&fields),
            outputs: self.pairs(&fields, "outputs", &JOB_OUTPUTS),
            env: self.pairs(&fields, "env", &JOB_ENV),
            defaults: self.defaults(&fields, &JOB_DEFAULTS),
            steps: Vec::new(),
            timeout_minutes: self.minutes(&fields, "timeout-minutes"),
            strategy: self.strategy(&fields),
            continue_on_error: fields
                .get("continue-on-error")
                .and_then(|node| self.truth(node, "continue-on-error", &JOB_FIELD)),
            container: self.container(&fields),
            services: self.services(&fields),
            call,
        };
        self.minutes(&fields, "cancel-timeout-minutes");
        if !calls {
            job.runs_on = self.runs_on(&fields, key);
            job.steps = self.job_steps(&fields, key);
        }
        self.known = Known::default();
        Some((job, needs))
    }

    fn minutes(&mut self, fields: &Fields<'_>, name: &str) -> Option<Template> {
        let node = fields.get(name)?;
        self.number(node, name, &JOB_FIELD)
    }

    fn job_steps(&mut self, fields: &Fields<'_>, key: &Key) -> Vec<crate::model::Step> {
        match fields.get("steps") {
            Some(node) => self.steps(node, &StepPlaces::WORKFLOW),
            None => {
                self.problem(
                    key.span.clone(),
                    format!("the job `{}` has no `steps`", key.text),
                    "add at least one: `steps:` and `- run: …`",
                );
                Vec::new()
            }
        }
    }

    fn runs_on(&mut self, fields: &Fields<'_>, key: &Key) -> Vec<Template> {
        let Some(node) = fields.get("runs-on") else {
            self.problem(
                key.span.clone(),
                format!("the job `{}` has no `runs-on`", key.text),
                "add `runs-on: ubuntu-latest`",
            );
            return Vec::new();
        };
        if !matches!(node.kind, Kind::Map(_)) {
            return self.templates(node, "runs-on", &JOB_RUNS_ON);
        }
        let Some(fields) = self.fields(node, "`runs-on`", &["group", "labels"]) else {
            return Vec::new();
        };
        self.optional(&fields, "group", &JOB_RUNS_ON);
        match fields.get("labels") {
            Some(node) => self.templates(node, "labels", &JOB_RUNS_ON),
            None => Vec::new(),
        }
    }

    /// One text, or a list of them.
    pub(crate) fn templates(
        &mut self,
        node: &Node,
        name: &str,
        place: &crate::available::Place,
    ) -> Vec<Template> {
        let nodes = self.one_or_more(node, &format!("`{name}`"));
        nodes
            .into_iter()
            .filter_map(|node| {
                self.non_empty(node, name);
                self.template(node, name, place)
            })
            .collect()
    }

    fn environment(&mut self, fields: &Fields<'_>) -> Option<Environment> {
        let node = fields.get("environment")?;
        if matches!(node.kind, Kind::Scalar(..)) {
            return Some(Environment {
                name: self.template(node, "environment", &JOB_FIELD)?,
                url: None,
            });
        }
        let fields = self.fields(node, "`environment`", &["name", "url", "deployment"])?;
        let url = self.optional(&fields, "url", &JOB_URL);
        if let Some(node) = fields.get("deployment") {
            self.truth(node, "deployment", &JOB_FIELD);
        }
        Some(Environment {
            name: self.required(&fields, "name", "`environment`", &JOB_FIELD)?,
            url,
        })
    }

    fn strategy(&mut self, fields: &Fields<'_>) -> Option<Strategy> {
        let node = fields.get("strategy")?;
        let fields = self.fields(node, "`strategy`", &["matrix", "fail-fast", "max-parallel"])?;
        Some(Strategy {
            matrix: fields.get("matrix").and_then(|node| self.matrix(node)),
            fail_fast: fields
                .get("fail-fast")
                .and_then(|node| self.truth(node, "fail-fast", &JOB_STRATEGY)),
            max_parallel: fields
                .get("max-parallel")
                .and_then(|node| self.number(node, "max-parallel", &JOB_STRATEGY)),
        })
    }

    fn matrix(&mut self, node: &Node) -> Option<Matrix> {
        let before = self.problems.len();
        let tree = self.tree(node)?;
        let matrix = Matrix {
            span: node.span.clone(),
            tree,
        };
        // One without expressions is known already, and so is what is wrong with it.
        if before == self.problems.len()
            && matrix.tree.is_literal()
            && let Err(message) = matrix.expand(&Nothing)
        {
            self.problems.push(Problem::new(self.line(&node.span), message));
        }
        Some(matrix)
    }

    fn tree(&mut self, node: &Node) -> Option<Tree> {
        Some(match &node.kind {
            Kind::Scalar(..) => Tree::Scalar(self.template(node, "matrix", &JOB_STRATEGY)?),
            Kind::List(items) => Tree::List(items.iter().filter_map(|item| self.tree(item)).collect()),
            Kind::Map(entries) => Tree::Map(
                entries
                    .iter()
                    .filter_map(|(key, node)| Some((key.text.clone(), self.tree(node)?)))
                    .collect(),
            ),
        })
    }

    fn call_job(&mut self, fields: &Fields<'_>) -> Option<CallJob> {
        let with = self.pairs(fields, "with", &JOB_FIELD);
        let secrets = match fields.get("secrets") {
            None => CallSecrets::Each(Vec::new()),
            Some(node) if matches!(&node.kind, Kind::Scalar(text, _) if text == "inherit") => {
                CallSecrets::Inherit
            }
            Some(_) => CallSecrets::Each(self.pairs(fields, "secrets", &JOB_SECRETS)),
        };
        let node = fields.get("uses")?;
        let text = self.plain(node, "uses")?;
        let Some(workflow) = call_name(&text) else {
            self.problem(
                self.line(&node.span),
                format!("`{text}` names no workflow"),
                "a workflow is named `./.github/workflows/x.yml` or `owner/name/.github/workflows/x.yml@ref`",
            );
            return None;
        };
        Some(CallJob {
            workflow,
            with,
            secrets,
            span: node.span.clone(),
        })
    }
}

fn call_name(text: &str) -> Option<CallName> {
    let is_file = |path: &str| {
        let name = path.strip_prefix(".github/workflows/");
        name.is_some_and(|name| !name.contains('/') && (name.ends_with(".yml") || name.ends_with(".yaml")))
    };
    if let Some(path) = text.strip_prefix("./") {
        return is_file(path).then(|| CallName::Local {
            path: text.to_owned(),
        });
    }
    let (path, git_ref) = text.split_once('@')?;
    let mut parts = path.splitn(3, '/');
    let (owner, name, path) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = !owner.is_empty() && !name.is_empty() && !git_ref.is_empty();
    (whole && is_file(path)).then(|| CallName::Repository {
        owner: owner.to_owned(),
        name: name.to_owned(),
        path: path.to_owned(),
        git_ref: git_ref.to_owned(),
    })
}

/// The ids of all steps of a job, also of those that cannot be read.
pub(crate) fn step_ids(steps: Option<&Node>) -> Vec<String> {
    let Some(Node {
        kind: Kind::List(steps),
        ..
    }) = steps
    else {
        return Vec::new();
    };
    steps
        .iter()
        .filter_map(|step| match &step.kind {
            Kind::Map(entries) => entries.iter().find(|(key, _)| key.text == "id"),
            _ => None,
        })
        .filter_map(|(_, node)| match &node.kind {
            Kind::Scalar(_, value) => Some(value.text()),
            _ => None,
        })
        .collect()
}

/// What has no expressions needs nothing.
struct Nothing;

impl Scope for Nothing {
    fn context(&self, _name: &str) -> Option<Value> {
        None
    }

    fn status(&self) -> Status {
        Status::Success
    }

    fn hash_files(&self, _patterns: &[String]) -> Result<String, String> {
        Err("there are no files here".to_owned())
    }
}
