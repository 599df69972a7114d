//! The command line: what a person types, what they read, and how it ends.
//!
//! `arguments` is what may be typed, `command` has one file for each command, `place` finds out where it is to
//! happen, `progress` and `output` are what is read, `exit` how it ends. The local cloud is a trait: `app` has the
//! real one.

mod arguments;
mod cloud;
mod command;
mod exit;
mod output;
mod place;
mod progress;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use arguments::Arguments;
use command::Session;
use output::Output;

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
    let Environment {
        arguments,
        variables,
        cloud,
    } = environment;
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nobody is left to tell when even this cannot be written.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { exit::USAGE } else { exit::OK });
        }
    };
    let output = Output::of_terminal(&variables);
    let session = Session::new(arguments.global(&variables, &*cloud), variables, cloud, output);
    match session.run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(end) => {
            session.output.end(&end);
            ExitCode::from(end.code)
        }
    }
}
