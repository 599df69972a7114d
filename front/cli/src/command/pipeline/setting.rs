//! What a person sets for a repository: secrets, variables, environments.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use client_pipeline::{Machine, Settings, VALUE_BYTES_MAX, check_repository, check_value_name};
use serde_json::json;

use crate::arguments::{EnvironmentCommand, Of, ValueCommand};
use crate::command::Session;
use crate::exit::{End, Ended, FAILED, USAGE};

impl Session {
    fn named(&self, machine: &Machine, given: Option<&String>) -> Ended<String> {
        let name = match given {
            Some(name) => name.clone(),
            None => self.repository_name(machine, Path::new("."))?,
        };
        check_repository(&name)?;
        Ok(name)
    }

    pub(super) fn values(&self, command: &ValueCommand, is_secret: bool) -> Ended {
        let machine = self.machine()?;
        let (ValueCommand::Set { of, .. } | ValueCommand::List { of, .. } | ValueCommand::Remove { of, .. }) =
            command;
        let repository = self.named(&machine, of.repository.as_ref())?;
        let mut settings = machine.runs.settings(&repository)?;
        match command {
            ValueCommand::Set { name, value, .. } => {
                let name = check_value_name(name)?;
                let value = match value {
                    Some(_) if is_secret => {
                        let message =
                            "the value of a secret is read from standard input, where nobody else sees it";
                        return Err(
                            End::new(USAGE, message).hint(format!("wharf pipeline secret set {name} < file"))
                        );
                    }
                    Some(value) => value.clone(),
                    None => read_value()?,
                };
                if value.len() > VALUE_BYTES_MAX {
                    let message = format!("a value has at most {} KiB", VALUE_BYTES_MAX >> 10);
                    return Err(End::new(USAGE, message));
                }
                chosen(&mut settings, of, is_secret).insert(name.clone(), value);
                machine.runs.save_settings(&repository, &settings)?;
                self.output
                    .print(format!("{name} is set for {}", whose(&repository, of)))?;
            }
            ValueCommand::Remove { name, .. } => {
                let name = check_value_name(name)?;
                if chosen(&mut settings, of, is_secret).remove(&name).is_none() {
                    return Err(End::new(
                        FAILED,
                        format!("{} has no {name}", whose(&repository, of)),
                    ));
                }
                machine.runs.save_settings(&repository, &settings)?;
                self.output
                    .print(format!("{name} is removed from {}", whose(&repository, of)))?;
            }
            ValueCommand::List { json, .. } => {
                let values = chosen(&mut settings, of, is_secret);
                if *json {
                    let shown: BTreeMap<&String, Option<&String>> = values
                        .iter()
                        .map(|(name, value)| (name, (!is_secret).then_some(value)))
                        .collect();
                    self.output.print_json(&shown)?;
                    return Ok(());
                }
                for (name, value) in values {
                    match is_secret {
                        true => self.output.print(name)?,
                        false => self.output.print(format!("{name}={value}"))?,
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn environments(&self, command: &EnvironmentCommand) -> Ended {
        let machine = self.machine()?;
        let (EnvironmentCommand::Set { repository, .. }
        | EnvironmentCommand::List { repository, .. }
        | EnvironmentCommand::Remove { repository, .. }) = command;
        let repository = self.named(&machine, repository.as_ref())?;
        let mut settings = machine.runs.settings(&repository)?;
        match command {
            EnvironmentCommand::Set { name, approval, .. } => {
                let environment = settings.environments.entry(name.clone()).or_default();
                environment.approval = approval.unwrap_or(environment.approval);
                let word = if environment.approval {
                    "needs"
                } else {
                    "does not need"
                };
                machine.runs.save_settings(&repository, &settings)?;
                self.output
                    .print(format!("{name} of {repository} {word} approval"))?;
            }
            EnvironmentCommand::Remove { name, .. } => {
                if settings.environments.remove(name).is_none() {
                    return Err(End::new(
                        FAILED,
                        format!("{repository} has no environment {name}"),
                    ));
                }
                machine.runs.save_settings(&repository, &settings)?;
                self.output.print(format!("{name} of {repository} is removed"))?;
            }
            EnvironmentCommand::List { json, .. } => {
                let all = settings.environments.iter();
                if *json {
                    let all: Vec<_> = all
                        .map(|(name, it)| json!({"name": name, "approval": it.approval}))
                        .collect();
                    self.output.print_json(&all)?;
                    return Ok(());
                }
                for (name, environment) in all {
                    let word = if environment.approval {
                        "  needs approval"
                    } else {
                        ""
                    };
                    self.output.print(format!("{name}{word}"))?;
                }
            }
        }
        Ok(())
    }
}

/// The secrets or the variables that are meant.
fn chosen<'a>(settings: &'a mut Settings, of: &Of, is_secret: bool) -> &'a mut BTreeMap<String, String> {
    match (&of.environment, is_secret) {
        (None, true) => &mut settings.secrets,
        (None, false) => &mut settings.variables,
        (Some(name), true) => &mut settings.environments.entry(name.clone()).or_default().secrets,
        (Some(name), false) => &mut settings.environments.entry(name.clone()).or_default().variables,
    }
}

fn whose(repository: &str, of: &Of) -> String {
    match &of.environment {
        Some(environment) => format!("{environment} of {repository}"),
        None => repository.to_owned(),
    }
}

fn read_value() -> Ended<String> {
    let mut value = String::new();
    let stdin = std::io::stdin().lock();
    stdin
        .take(VALUE_BYTES_MAX as u64 + 2)
        .read_to_string(&mut value)?;
    Ok(value.strip_suffix('\n').unwrap_or(&value).to_owned())
}
