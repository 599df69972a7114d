//! GitHub Actions' workflow files, action files and expressions: read whole, with the place of every part, and with all
//! their problems at once. Pure: no I/O, no clock, no chance.
//!
//! `yaml` reads a file into a tree with places, `read` turns the tree into the `model`, `expression` and `template` are
//! what stands between `${{` and `}}`, `available` knows which contexts may be used where, `trigger` and `filter` decide
//! which events start a workflow, `matrix` unfolds a strategy, `action` is `action.yml`.

mod action;
mod available;
mod expression;
mod filter;
mod matrix;
mod model;
mod nearest;
mod read;
mod template;
mod trigger;
mod value;
mod yaml;

pub use action::{Action, ActionInput, Runs, parse_action};
pub use expression::{EvaluateError, Expression, Scope, Status};
pub use matrix::{COMBINATIONS_MAX, Combination, Matrix, job_title};
pub use model::{
    ActionName, CallJob, CallName, CallSecrets, Concurrency, Container, Defaults, Environment, Job, Level,
    Permissions, Step, Strategy, Work, Workflow,
};
pub use read::parse_workflow;
pub use template::{Condition, Template};
pub use trigger::{
    Call, CallOutput, CallSecret, Dispatch, Filter, Input, InputKind, Patterns, PullRequest, Push, Triggers,
};
pub use value::{Map, Value};

/// A workflow or action file longer than this is not read.
pub const WORKFLOW_BYTES_MAX: usize = 1 << 20;
