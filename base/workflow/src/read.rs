//! From a file's text to a workflow. Every problem is noted and reading goes on, so that all are reported at once.

mod container;
mod field;
mod graph;
mod input;
mod job;
mod on;
mod permission;
mod schedule;
mod step;
mod text;

use base_diagnostic::Problem;

use crate::available::{CONCURRENCY, ENV, NOWHERE, Place, RUN_NAME};
use crate::model::{Concurrency, Defaults, Job, Workflow};
use crate::template::Template;
use crate::yaml::{self, Kind, Node};
pub(crate) use field::{Fields, Reader};
pub(crate) use job::step_ids;
pub(crate) use step::StepPlaces;

/// Nobody reads more problems than this of one file.
const PROBLEMS_MAX: usize = 200;

/// Reads a workflow file.
///
/// # Errors
/// All that is wrong in it, in the order of the file.
pub fn parse_workflow(text: &str) -> Result<Workflow, Vec<Problem>> {
    read_file(text, |reader, root| reader.workflow(root))
}

/// Reads a file of the size that is allowed, and sorts what is wrong in it.
pub(crate) fn read_file<T>(
    text: &str,
    read: impl FnOnce(&mut Reader<'_>, &Node) -> Option<T>,
) -> Result<T, Vec<Problem>> {
    if text.len() > crate::WORKFLOW_BYTES_MAX {
        let message = format!("the file has more than {} bytes", crate::WORKFLOW_BYTES_MAX);
        return Err(vec![Problem::new(0..0, message)]);
    }
    let mut reader = Reader::new(text);
    let Some(root) = yaml::load(text, &mut reader.problems) else {
        if reader.problems.is_empty() {
            reader.problems.push(Problem::new(0..0, "the file is empty"));
        }
        return Err(reader.problems);
    };
    let read = read(&mut reader, &root);
    let mut problems = reader.problems;
    if problems.is_empty() {
        return match read {
            Some(read) => Ok(read),
            // What cannot be read has said why; should it not have, it is still no workflow.
            None => Err(vec![Problem::new(root.span, "the file cannot be understood")]),
        };
    }
    problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
    // What an anchor names is read at each of its aliases; it is wrong once.
    problems.dedup();
    problems.truncate(PROBLEMS_MAX);
    Err(problems)
}

const KEYS: [&str; 9] = [
    "description",
    "name",
    "run-name",
    "on",
    "env",
    "defaults",
    "concurrency",
    "permissions",
    "jobs",
];

impl Reader<'_> {
    fn workflow(&mut self, root: &Node) -> Option<Workflow> {
        let fields = self.fields(root, "a workflow", &KEYS)?;
        let on = match fields.get("on") {
            Some(node) => self.triggers(node),
            None => {
                self.problem(
                    fields.head(),
                    "the workflow has no `on`: nothing would ever start it",
                    "add `on: push`, for example",
                );
                None
            }
        };
        let name = fields.get("name").and_then(|node| self.plain(node, "name"));
        let run_name = self.optional(&fields, "run-name", &RUN_NAME);
        let env = self.pairs(&fields, "env", &ENV);
        let defaults = self.defaults(&fields, &NOWHERE);
        let concurrency = self.concurrency(&fields, &CONCURRENCY);
        let permissions = self.permissions(&fields);
        let jobs = match fields.get("jobs") {
            Some(node) => self.jobs(node),
            None => {
                self.problem(
                    fields.head(),
                    "the workflow has no `jobs`",
                    "add a job below `jobs:`",
                );
                None
            }
        };
        let on = on?;
        let jobs = jobs?;
        if let Some(node) = fields.get("on") {
            self.call_outputs_name_jobs(node, &jobs);
        }
        Some(Workflow {
            name,
            run_name,
            on,
            env,
            defaults,
            concurrency,
            permissions,
            jobs,
        })
    }

    fn jobs(&mut self, node: &Node) -> Option<Vec<Job>> {
        let Kind::Map(entries) = &node.kind else {
            let message = format!("`jobs` is a mapping of ids to jobs, not {}", node.what());
            self.problems.push(Problem::new(self.line(&node.span), message));
            return None;
        };
        if entries.is_empty() {
            self.problem(
                node.span.clone(),
                "the workflow has no jobs",
                "add one: an id, `runs-on` and `steps`",
            );
        }
        let mut jobs = Vec::new();
        let mut needs = Vec::new();
        for (key, node) in entries {
            self.identifier(&key.text, &key.span, "a job");
            if let Some((job, needed)) = self.job(key, node) {
                jobs.push(job);
                needs.push(needed);
            }
        }
        let ids: Vec<_> = entries.iter().map(|(key, _)| key.text.as_str()).collect();
        graph::check(&mut jobs, &needs, &ids, &mut self.problems);
        Some(jobs)
    }

    pub(crate) fn defaults(&mut self, fields: &Fields<'_>, place: &Place) -> Defaults {
        let run = fields
            .get("defaults")
            .and_then(|node| self.fields(node, "`defaults`", &["run"]))
            .and_then(|fields| fields.get("run"))
            .and_then(|node| self.fields(node, "`defaults.run`", &["shell", "working-directory"]));
        match run {
            None => Defaults::default(),
            Some(run) => Defaults {
                shell: self.shell(&run, place),
                working_directory: self.optional(&run, "working-directory", place),
            },
        }
    }

    pub(crate) fn concurrency(&mut self, fields: &Fields<'_>, place: &Place) -> Option<Concurrency> {
        let node = fields.get("concurrency")?;
        if matches!(node.kind, Kind::Scalar(..)) {
            return Some(Concurrency {
                group: self.template(node, "concurrency", place)?,
                cancel_in_progress: Template::of_value(false.into()),
            });
        }
        let fields = self.fields(node, "`concurrency`", &["group", "cancel-in-progress", "queue"])?;
        let cancel_in_progress = fields
            .get("cancel-in-progress")
            .and_then(|node| self.truth(node, "cancel-in-progress", place));
        if let Some(node) = fields.get("queue") {
            self.one_of(node, "queue", &["single", "max"]);
        }
        Some(Concurrency {
            group: self.required(&fields, "group", "`concurrency`", place)?,
            cancel_in_progress: cancel_in_progress.unwrap_or_else(|| Template::of_value(false.into())),
        })
    }
}
