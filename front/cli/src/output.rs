//! What is read: on a terminal with colours, elsewhere plain; results on standard output, all else on the other one.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write as _};

use crate::exit::End;

/// Columns of reports where nobody says how wide it is.
const COLUMNS_DEFAULT: usize = 100;
const COLUMNS_MIN: usize = 40;

/// How what is written may look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// Colours on standard error.
    pub colour: bool,
    /// Lines on standard error may be redrawn.
    pub live: bool,
    pub columns: usize,
}

impl Output {
    pub fn of_terminal(variables: &BTreeMap<String, String>) -> Self {
        let is_terminal = io::stderr().is_terminal();
        let set = |name: &str| variables.get(name).is_some_and(|value| !value.is_empty());
        let dumb = variables.get("TERM").is_some_and(|term| term == "dumb");
        let columns = variables.get("COLUMNS").and_then(|text| text.parse().ok());
        Self {
            colour: is_terminal && !set("NO_COLOR") && !dumb,
            live: is_terminal && !dumb,
            columns: columns.unwrap_or(COLUMNS_DEFAULT).max(COLUMNS_MIN),
        }
    }

    /// A result, on standard output.
    pub fn print(self, text: impl std::fmt::Display) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()
    }

    pub fn print_json(self, value: &impl serde::Serialize) -> Result<(), serde_json::Error> {
        let text = serde_json::to_string_pretty(value)?;
        self.print(text).map_err(serde_json::Error::io)
    }

    /// Something beside the result.
    pub fn say(self, text: impl std::fmt::Display) {
        // Where nobody listens there is nothing to say.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Why a command did not do what it should.
    pub fn end(self, end: &End) {
        for (file, problems) in &end.faults {
            self.say(base_diagnostic::render(file, problems, self.colour, self.columns).trim_end());
            self.say("");
        }
        if end.message.is_empty() {
            return;
        }
        let head = self.paint("1;31", "error:");
        match end.is_report {
            true => self.say(format!("{head}\n{}", end.message.trim_end())),
            false => self.say(format!("{head} {}", end.message)),
        }
        if let Some(hint) = &end.hint {
            self.say(format!("\n{} {hint}", self.paint("1;36", "hint:")));
        }
    }

    /// `code` as in `ESC [ code m`.
    pub fn paint(self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}
