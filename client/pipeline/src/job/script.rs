//! `run` steps: which shell, and the file that it reads the script from.

use std::ffi::OsString;
use std::path::Path;

/// A shell, as `shell:` names it.
pub(crate) struct Shell {
    /// With `{0}` where the script's file goes.
    words: Vec<String>,
    extension: &'static str,
    /// Put around the script.
    before: &'static str,
    after: &'static str,
}

impl Shell {
    /// # Errors
    /// A sentence, when there is no such shell.
    pub(crate) fn named(name: Option<&str>) -> Result<Self, String> {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let plain = |text: &str, extension| Self {
            words: words(text),
            extension,
            before: "",
            after: "",
        };
        Ok(match name {
            None => plain("bash -e {0}", ".sh"),
            Some("bash") => plain("bash --noprofile --norc -e -o pipefail {0}", ".sh"),
            Some("sh") => plain("sh -e {0}", ".sh"),
            Some("python") => plain("python3 {0}", ".py"),
            Some("pwsh") => Self {
                before: "$ErrorActionPreference = 'stop'\n",
                after: "\nif ((Test-Path -LiteralPath variable:\\LASTEXITCODE)) { exit $LASTEXITCODE }\n",
                ..plain("pwsh -command . {0}", ".ps1")
            },
            Some(custom) if custom.contains("{0}") => Self {
                words: shell_words::split(custom).map_err(|error| format!("`shell: {custom}`: {error}"))?,
                extension: "",
                before: "",
                after: "",
            },
            Some(other) => {
                return Err(format!(
                    "`shell: {other}` is not a shell of this runner; a template with {{0}} for the script's file is"
                ));
            }
        })
    }

    pub(crate) fn program(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// Writes the script and gives the arguments that run it. The script may contain secrets: it is in a file, never
    /// in an argument.
    pub(super) fn prepare(&self, script: &str, folder: &Path, number: usize) -> std::io::Result<Vec<OsString>> {
        let path = folder.join(format!("{number}-script{}", self.extension));
        std::fs::write(&path, format!("{}{}{}", self.before, script, self.after))?;
        let path = path.to_string_lossy();
        let words = self.words.iter();
        Ok(words.map(|word| word.replace("{0}", &path).into()).collect())
    }
}
