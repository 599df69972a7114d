//! `wharf check`.

use std::sync::Arc;

use base_diagnostic::position;
use client_deploy::{App, AppName, CheckError, Foreseen};
use serde::Serialize;

use crate::arguments::{Check, TargetName};
use crate::command::Session;
use crate::exit::{DEPLOYMENT, End, Ended, FILES};

#[derive(Serialize)]
struct Report {
    ok: bool,
    /// What is wrong in the files.
    problems: Vec<Problem>,
    /// What will go wrong, or take long, with what is there already.
    foreseen: Vec<Foreseen>,
    /// Why nobody was asked what is there already, if nobody was.
    not_asked: Option<String>,
}

#[derive(Serialize)]
struct Problem {
    file: String,
    line: usize,
    column: usize,
    message: String,
    hint: Option<String>,
}

/// What an account says, or why it was not asked.
type Asked = Result<Vec<Foreseen>, String>;

impl Session {
    pub(super) fn check(&self, check: &Check) -> Ended {
        let name = match &check.name {
            Some(name) => AppName::parse(name)?,
            None => AppName::of_folder(&check.path),
        };
        let checked = client_deploy::check(&check.path, name, check.place.target.into());
        if check.json {
            return self.report(check, checked);
        }
        let app = checked.map_err(|error| {
            let mut end = End::from(error);
            end.message = end.message.trim_end_matches("; nothing was done").to_owned();
            end
        })?;
        for note in &app.notes {
            self.output.say(format!("  {}", self.output.paint("2", note)));
        }
        let foreseen = match self.ask(check, &app) {
            Ok(foreseen) => foreseen,
            Err(why) => {
                let note = format!("the files only: {why}");
                self.output.say(format!("  {}", self.output.paint("2", &note)));
                vec![]
            }
        };
        for one in foreseen.iter().filter(|one| !one.fatal) {
            self.output
                .say(format!("  {}\n    hint: {}", one.message, one.hint));
        }
        let mut fatal = foreseen.into_iter().filter(|one| one.fatal);
        let Some(first) = fatal.next() else {
            self.output.print("no problems found")?;
            return Ok(());
        };
        for more in fatal {
            self.output
                .say(format!("  {}\n    hint: {}", more.message, more.hint));
        }
        Err(End::new(DEPLOYMENT, first.message).hint(first.hint))
    }

    /// Asks what is there already; a local cloud that does not run has nothing.
    fn ask(&self, check: &Check, app: &App) -> Asked {
        if check.offline {
            return Err("--offline".to_owned());
        }
        let is_local = check.place.target == TargetName::Local;
        if is_local && matches!(self.cloud.info(&self.global.state_dir), Ok(None)) {
            return Err("the local cloud does not run".to_owned());
        }
        let asked = self
            .deployer(&check.place, Arc::new(|_| ()))
            .and_then(|deployer| Ok(self.runtime.block_on(deployer.foresee(app, None))?));
        asked.map_err(|end| end.message)
    }

    fn report(&self, check: &Check, checked: Result<App, CheckError>) -> Ended {
        let (mut problems, mut asked): (_, Asked) = (Vec::new(), Ok(vec![]));
        match checked {
            Ok(app) => asked = self.ask(check, &app),
            Err(CheckError::Files(faults)) => {
                for (file, found) in faults {
                    for one in found {
                        let (line, column) = position(&file.text, one.span.start);
                        problems.push(Problem {
                            file: file.name.clone(),
                            line,
                            column,
                            message: one.message,
                            hint: one.hint,
                        });
                    }
                }
            }
            Err(error) => return Err(error.into()),
        }
        let in_order = problems.is_empty();
        let not_asked = asked.as_ref().err().cloned();
        let foreseen = asked.unwrap_or_default();
        let ok = in_order && !foreseen.iter().any(|one| one.fatal);
        self.output.print_json(&Report {
            ok,
            problems,
            foreseen,
            not_asked,
        })?;
        match (ok, in_order) {
            (true, _) => Ok(()),
            (false, false) => Err(End::new(FILES, "")),
            (false, true) => Err(End::new(DEPLOYMENT, "")),
        }
    }
}
