//! The command line: what a person types, what they read, and how it ends.

mod cloud;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::ExitCode;

pub use cloud::{Auth, Cloud, CloudError, CloudInfo, Finding, Process, StartOptions};

/// All that a run knows of the outside.
pub struct Environment {
    /// The program's name first.
    pub arguments: Vec<OsString>,
    /// Environment variables, as far as they are text.
    pub variables: BTreeMap<String, String>,
    pub cloud: Box<dyn Cloud>,
}

/// Runs one command to its end.
pub fn run(environment: Environment) -> ExitCode {
    let _ = environment;
    ExitCode::FAILURE
}
