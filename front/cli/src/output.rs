//! What is read: on a terminal with colours, elsewhere plain; results on standard output, all else on the other one.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, PoisonError};

use crate::exit::End;

/// Columns of reports where nobody says how wide it is.
const COLUMNS_DEFAULT: usize = 100;
const COLUMNS_MIN: usize = 40;

type Writer = Arc<Mutex<dyn Write + Send>>;

/// Where it is written to, and how it may look; cheap to clone.
#[derive(Clone)]
pub(crate) struct Output {
    /// Results.
    out: Writer,
    /// All else.
    err: Writer,
    /// Colours among all else.
    pub colour: bool,
    /// Colours in results.
    pub colour_results: bool,
    /// Lines among all else may be redrawn.
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
            out: Arc::new(Mutex::new(io::stdout())),
            err: Arc::new(Mutex::new(io::stderr())),
            colour: is_terminal && !set("NO_COLOR") && !dumb,
            colour_results: io::stdout().is_terminal() && !set("NO_COLOR") && !dumb,
            live: is_terminal && !dumb,
            columns: columns.unwrap_or(COLUMNS_DEFAULT).max(COLUMNS_MIN),
        }
    }

    /// Plain, to somewhere else.
    #[cfg(test)]
    pub fn to(out: Writer, err: Writer) -> Self {
        Self {
            out,
            err,
            colour: false,
            colour_results: false,
            live: false,
            columns: COLUMNS_DEFAULT,
        }
    }

    /// Whether results are read on a terminal that can redraw them.
    pub fn live_out(&self) -> bool {
        self.live && io::stdout().is_terminal()
    }

    /// A line of the result.
    pub fn print(&self, text: impl std::fmt::Display) -> io::Result<()> {
        self.print_raw(format!("{text}\n").as_bytes())
    }

    pub fn print_raw(&self, bytes: &[u8]) -> io::Result<()> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(bytes)?;
        out.flush()
    }

    pub fn print_json(&self, value: &impl serde::Serialize) -> Result<(), serde_json::Error> {
        let text = serde_json::to_string_pretty(value)?;
        self.print(text).map_err(serde_json::Error::io)
    }

    /// Something beside the result.
    pub fn say(&self, text: impl std::fmt::Display) {
        // Where nobody listens there is nothing to say.
        let mut err = self.err.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(err, "{text}");
    }

    /// The same, as it is.
    pub fn say_raw(&self, bytes: &[u8]) -> io::Result<()> {
        let mut err = self.err.lock().unwrap_or_else(PoisonError::into_inner);
        err.write_all(bytes)?;
        err.flush()
    }

    /// Why a command did not do what it should.
    pub fn end(&self, end: &End) {
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
    pub fn paint(&self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}
