//! A workflow as it was read: every name is known, every expression parses, every `needs` names a job.

use std::fmt;
use std::ops::Range;

use crate::matrix::Matrix;
use crate::template::{Condition, Template};
use crate::trigger::Triggers;

/// A workflow file.
#[derive(Clone, Debug)]
pub struct Workflow {
    pub name: Option<String>,
    pub run_name: Option<Template>,
    pub on: Triggers,
    pub env: Vec<(String, Template)>,
    pub defaults: Defaults,
    pub concurrency: Option<Concurrency>,
    pub permissions: Option<Permissions>,
    /// In the order of the file.
    pub jobs: Vec<Job>,
}

/// `defaults.run`.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    pub shell: Option<Template>,
    pub working_directory: Option<Template>,
}

#[derive(Clone, Debug)]
pub struct Concurrency {
    pub group: Template,
    /// The literal `false` where it is not written.
    pub cancel_in_progress: Template,
}

/// What the token of a job may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permissions {
    ReadAll,
    WriteAll,
    /// What is not named has none.
    Each(Vec<(String, Level)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    None,
    Read,
    Write,
}

impl Permissions {
    /// The level of one permission, such as `id-token`.
    pub fn level(&self, name: &str) -> Level {
        match self {
            Self::ReadAll => Level::Read,
            Self::WriteAll => Level::Write,
            Self::Each(levels) => levels
                .iter()
                .find(|(known, _)| known == name)
                .map_or(Level::None, |(_, level)| *level),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Job {
    pub id: String,
    /// Bytes of the file where the id stands.
    pub span: Range<usize>,
    pub name: Option<Template>,
    /// Labels; one that is a single expression may be a list of labels. Empty where `call` is set, and where a runner
    /// group is named without labels.
    pub runs_on: Vec<Template>,
    pub needs: Vec<String>,
    pub condition: Condition,
    pub environment: Option<Environment>,
    pub concurrency: Option<Concurrency>,
    pub permissions: Option<Permissions>,
    pub outputs: Vec<(String, Template)>,
    pub env: Vec<(String, Template)>,
    pub defaults: Defaults,
    pub steps: Vec<Step>,
    pub timeout_minutes: Option<Template>,
    pub strategy: Option<Strategy>,
    pub continue_on_error: Option<Template>,
    pub container: Option<Container>,
    pub services: Vec<(String, Container)>,
    /// `jobs.<id>.uses`: the job is another workflow.
    pub call: Option<CallJob>,
}

#[derive(Clone, Debug)]
pub struct Environment {
    pub name: Template,
    pub url: Option<Template>,
}

#[derive(Clone, Debug)]
pub struct Container {
    /// Where `container:` is one expression its value may be a mapping with these fields; an empty text: no container.
    pub image: Template,
    pub env: Vec<(String, Template)>,
    pub ports: Vec<Template>,
    pub volumes: Vec<Template>,
    pub options: Option<Template>,
    /// User name and password.
    pub credentials: Option<(Template, Template)>,
    /// Of services only, as is `command`.
    pub entrypoint: Option<Template>,
    pub command: Option<Template>,
    pub span: Range<usize>,
}

#[derive(Clone, Debug)]
pub struct Strategy {
    pub matrix: Option<Matrix>,
    pub fail_fast: Option<Template>,
    pub max_parallel: Option<Template>,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub span: Range<usize>,
    pub id: Option<String>,
    pub name: Option<Template>,
    pub condition: Condition,
    pub env: Vec<(String, Template)>,
    pub continue_on_error: Option<Template>,
    pub timeout_minutes: Option<Template>,
    pub work: Work,
}

#[derive(Clone, Debug)]
pub enum Work {
    Run {
        script: Template,
        shell: Option<Template>,
        working_directory: Option<Template>,
    },
    Uses {
        action: ActionName,
        with: Vec<(String, Template)>,
    },
}

/// What `uses` of a step names. Displays as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionName {
    /// `./path`, of the workspace.
    Local { path: String },
    /// `owner/name/path@ref`.
    Repository {
        owner: String,
        name: String,
        path: Option<String>,
        git_ref: String,
    },
    /// `docker://image`.
    Docker { image: String },
}

impl fmt::Display for ActionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local { path } => f.write_str(path),
            Self::Docker { image } => write!(f, "docker://{image}"),
            Self::Repository {
                owner,
                name,
                path,
                git_ref,
            } => {
                write!(f, "{owner}/{name}")?;
                if let Some(path) = path {
                    write!(f, "/{path}")?;
                }
                write!(f, "@{git_ref}")
            }
        }
    }
}

/// A job that is another workflow.
#[derive(Clone, Debug)]
pub struct CallJob {
    pub workflow: CallName,
    pub with: Vec<(String, Template)>,
    pub secrets: CallSecrets,
    pub span: Range<usize>,
}

/// What `uses` of a job names. Displays as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallName {
    /// `./.github/workflows/x.yml`, of the same commit.
    Local { path: String },
    /// `owner/name/.github/workflows/x.yml@ref`.
    Repository {
        owner: String,
        name: String,
        path: String,
        git_ref: String,
    },
}

impl fmt::Display for CallName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local { path } => f.write_str(path),
            Self::Repository {
                owner,
                name,
                path,
                git_ref,
            } => write!(f, "{owner}/{name}/{path}@{git_ref}"),
        }
    }
}

#[derive(Clone, Debug)]
pub enum CallSecrets {
    /// All of the caller's.
    Inherit,
    Each(Vec<(String, Template)>),
}
