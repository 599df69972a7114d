//! The command line: what a person types, what they read, and how it ends.
//!
//! `arguments` is what may be typed, `command` has one file for each command, `place` finds out where it is to
//! happen, `progress` and `output` are what is read, `terminal` is the person's own while they work in a
//! container, `exit` how it ends. The local cloud is a trait: `app` has the
//! real one.

mod arguments;
mod cloud;
mod command;
mod exit;
mod output;
mod place;
mod progress;
mod terminal;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use arguments::Arguments;
use command::Session;
use output::Output;

pub use cloud::{Auth, Cloud, CloudError, CloudInfo, Finding, NamesLed, Process, StartOptions};

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
    let output = Output::of_terminal(&environment.variables);
    ExitCode::from(run_to(environment, output))
}

fn run_to(environment: Environment, output: Output) -> u8 {
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
            return if error.use_stderr() { exit::USAGE } else { exit::OK };
        }
    };
    let global = arguments.global(&variables, &*cloud);
    let session = Session::new(global, variables, cloud, output);
    match session.run(arguments.command) {
        Ok(()) => exit::OK,
        Err(end) => {
            session.output.end(&end);
            end.code
        }
    }
}

#[cfg(test)]
mod tests;
