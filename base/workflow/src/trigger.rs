//! `on`: which events start a workflow, and with which inputs.

use std::ops::Range;

use crate::template::Template;
use crate::value::{Map, Value};

#[derive(Clone, Debug, Default)]
pub struct Triggers {
    pub push: Option<Push>,
    pub pull_request: Option<PullRequest>,
    pub workflow_dispatch: Option<Dispatch>,
    pub workflow_call: Option<Call>,
    /// Events that GitHub has and that never happen here, such as `schedule`, and where they stand.
    pub other: Vec<(String, Range<usize>)>,
}

#[derive(Clone, Debug, Default)]
pub struct Push {}

#[derive(Clone, Debug, Default)]
pub struct PullRequest {}

#[derive(Clone, Debug, Default)]
pub struct Dispatch {
    pub inputs: Vec<Input>,
}

/// An input of a run that is started by hand, or of a workflow that is called.
#[derive(Clone, Debug)]
pub struct Input {
    pub name: String,
    pub description: Option<String>,
    pub required: bool,
    /// Of the input's kind; for `workflow_call` it may contain expressions.
    pub default: Option<Template>,
    pub kind: InputKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputKind {
    String,
    Boolean,
    Number,
    Choice(Vec<String>),
    Environment,
}

#[derive(Clone, Debug, Default)]
pub struct Call {
    pub inputs: Vec<Input>,
    pub outputs: Vec<CallOutput>,
    pub secrets: Vec<CallSecret>,
}

#[derive(Clone, Debug)]
pub struct CallOutput {
    pub name: String,
    pub description: Option<String>,
    pub value: Template,
}

#[derive(Clone, Debug)]
pub struct CallSecret {
    pub name: String,
    pub description: Option<String>,
    pub required: bool,
}

impl Triggers {
    /// None: a push of this ref (`refs/heads/x`, `refs/tags/x`) starts the workflow; otherwise a sentence why not.
    /// Without changed paths (a new branch, too many changes) filters of paths let it through.
    pub fn refuses_push(&self, _git_ref: &str, _changed_paths: Option<&[String]>) -> Option<String> {
        if self.push.is_some() {
            None
        } else {
            Some("the workflow does not start on `push`".to_owned())
        }
    }

    /// The same for a pull request to a branch; the activity is such as `opened` or `synchronize`.
    pub fn refuses_pull_request(
        &self,
        _base_branch: &str,
        _activity: &str,
        _changed_paths: Option<&[String]>,
    ) -> Option<String> {
        if self.pull_request.is_some() {
            None
        } else {
            Some("the workflow does not start on `pull_request`".to_owned())
        }
    }

    /// The inputs of a run started by hand, checked against their declarations: all problems as sentences.
    pub fn dispatch(&self, given: &[(String, String)]) -> Result<Map, Vec<String>> {
        if self.workflow_dispatch.is_none() {
            return Err(vec![
                "the workflow does not start on `workflow_dispatch`".to_owned(),
            ]);
        }
        Ok(given
            .iter()
            .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
            .collect())
    }
}
