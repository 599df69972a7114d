//! The workflow that a run is about: a file of its commit, or the built-in one.

use base_diagnostic::{SourceFile, render};
use base_workflow::{Level, Map, Value, Workflow, parse_workflow};

use crate::machine::Machine;
use crate::record::Run;

/// What runs for a repository without workflows: check, build, push, deploy.
pub(crate) const BUILT_IN: &str = include_str!("built-in.yml");
pub(crate) const BUILT_IN_NAME: &str = "deploy";
/// Columns of reports in logs.
const REPORT_COLUMNS: usize = 100;

/// A workflow with its text, so that places in it can be told.
pub(crate) struct Loaded {
    pub(crate) parsed: Workflow,
    pub(crate) file: SourceFile,
}

/// # Errors
/// A report of all that is wrong.
pub(crate) async fn load(machine: &Machine, run: &Run) -> Result<Loaded, String> {
    let file = match &run.file {
        None => SourceFile {
            name: "built-in".to_owned(),
            text: BUILT_IN.to_owned(),
        },
        Some(path) => {
            let text = machine
                .repository(&run.repository)
                .file(&run.event.sha, path)
                .await;
            SourceFile {
                name: path.clone(),
                text: text.ok_or_else(|| format!("{path} is not in the commit {}", run.event.sha))?,
            }
        }
    };
    match parse_workflow(&file.text) {
        Ok(parsed) => Ok(Loaded { parsed, file }),
        Err(problems) => Err(render(&file, &problems, false, REPORT_COLUMNS)),
    }
}

impl Loaded {
    /// The `inputs` context.
    pub(crate) fn inputs(&self, run: &Run) -> Value {
        let given = self.parsed.on.dispatch(&run.event.inputs);
        Value::Map(given.unwrap_or_else(|_| Map::new()))
    }

    /// Whether any of its jobs may ask for tokens.
    pub(crate) fn wants_tokens(&self) -> bool {
        let all = self.parsed.jobs.iter().filter_map(|job| job.permissions.as_ref());
        all.chain(&self.parsed.permissions)
            .any(|it| it.level("id-token") == Level::Write)
    }

    pub(crate) fn report(&self, problems: &[base_diagnostic::Problem]) -> String {
        render(&self.file, problems, false, REPORT_COLUMNS)
    }
}
