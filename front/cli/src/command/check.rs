//! `wharf check`.

use base_diagnostic::position;
use client_deploy::{AppName, CheckError};
use serde::Serialize;

use crate::arguments::Check;
use crate::command::Session;
use crate::exit::{End, Ended, FILES};

#[derive(Serialize)]
struct Report {
    ok: bool,
    problems: Vec<Problem>,
}

#[derive(Serialize)]
struct Problem {
    file: String,
    line: usize,
    column: usize,
    message: String,
    hint: Option<String>,
}

impl Session {
    pub(super) fn check(&self, check: &Check) -> Ended {
        let name = AppName::of_folder(&check.path);
        let checked = client_deploy::check(&check.path, name, check.target.into());
        if check.json {
            return self.report(checked.map(|_| ()));
        }
        let app = checked.map_err(|error| {
            let mut end = End::from(error);
            end.message = end.message.trim_end_matches("; nothing was done").to_owned();
            end
        })?;
        for note in &app.notes {
            self.output.say(format!("  {}", self.output.paint("2", note)));
        }
        self.output.print("no problems found")?;
        Ok(())
    }

    fn report(&self, checked: Result<(), CheckError>) -> Ended {
        let faults = match checked {
            Ok(()) => Vec::new(),
            Err(CheckError::Files(faults)) => faults,
            Err(error) => return Err(error.into()),
        };
        let mut problems = Vec::new();
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
        let ok = problems.is_empty();
        self.output.print_json(&Report { ok, problems })?;
        if ok { Ok(()) } else { Err(End::new(FILES, "")) }
    }
}
