//! What one step says while it runs, and what it has written when it is over.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::command::{Command, is_protected, parse_pairs};
use crate::journal::{Journal, Place};
use crate::record::{Annotation, Level, LineKind};

/// As GitHub: more of these are not kept for one step.
const ANNOTATIONS_MAX: usize = 50;
const SUMMARY_BYTES_MAX: usize = 1 << 20;
/// For each of the other files.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Listens to a step's output.
pub(super) struct Talk {
    journal: Journal,
    place: Place,
    state: Mutex<Said>,
    files: [(File, PathBuf); 5],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum File {
    Env,
    Output,
    State,
    Path,
    Summary,
}

impl File {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Env, "GITHUB_ENV"),
        (Self::Output, "GITHUB_OUTPUT"),
        (Self::State, "GITHUB_STATE"),
        (Self::Path, "GITHUB_PATH"),
        (Self::Summary, "GITHUB_STEP_SUMMARY"),
    ];
}

/// The variables that name the files.
pub(super) const FILES: [&str; 5] = [
    File::ALL[0].1,
    File::ALL[1].1,
    File::ALL[2].1,
    File::ALL[3].1,
    File::ALL[4].1,
];

/// All that a step has left.
#[derive(Default)]
pub(super) struct Said {
    pub(super) outputs: Vec<(String, String)>,
    pub(super) state: Vec<(String, String)>,
    pub(super) env: Vec<(String, String)>,
    pub(super) path: Vec<String>,
    pub(super) annotations: Vec<Annotation>,
    pub(super) summary: String,
    /// What was wrong with what it wrote.
    pub(super) faults: Vec<String>,
    /// Commands are not obeyed until this word comes.
    stopped: Option<String>,
}

impl Talk {
    pub(super) fn new(
        journal: &Journal,
        place: Place,
        folder: &std::path::Path,
        number: usize,
    ) -> std::io::Result<Self> {
        let mut files = Vec::new();
        for (file, name) in File::ALL {
            let path = folder.join(format!("{number}-{}", name.to_lowercase()));
            std::fs::write(&path, "")?;
            files.push((file, path));
        }
        let files: [(File, PathBuf); 5] = files
            .try_into()
            .map_err(|_| std::io::Error::other("five files were made"))?;
        Ok(Self {
            journal: journal.clone(),
            place,
            state: Mutex::default(),
            files,
        })
    }

    /// Where the step finds its files.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let names = File::ALL.map(|(_, name)| name.to_owned());
        let paths = self.files.iter().map(|(_, path)| path.to_string_lossy().into_owned());
        names.into_iter().zip(paths).collect()
    }

    /// One line of the step's output.
    pub(super) fn hear(&self, line: &str) {
        let mut said = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(command) = Command::parse(line) else {
            self.journal.write(self.place, LineKind::Output, line);
            return;
        };
        if let Some(word) = &said.stopped {
            if command.name == *word {
                said.stopped = None;
            }
            self.journal.write(self.place, LineKind::Output, line);
            return;
        }
        self.obey(&command, line, &mut said);
    }

    fn obey(&self, command: &Command, line: &str, said: &mut Said) {
        let write = |kind, text: &str| self.journal.write(self.place, kind, text);
        match command.name.as_str() {
            "add-mask" => {
                self.journal.masker.add(&command.data);
                write(LineKind::Output, "::add-mask::***");
            }
            "group" => write(LineKind::Group, &command.data),
            "endgroup" => write(LineKind::EndGroup, ""),
            "debug" => write(LineKind::Debug, &command.data),
            "notice" => self.annotate(command, Level::Notice, said),
            "warning" => self.annotate(command, Level::Warning, said),
            "error" => self.annotate(command, Level::Error, said),
            "command" => write(LineKind::Command, &command.data),
            "stop-commands" => said.stopped = Some(command.data.to_ascii_lowercase()),
            "set-output" => {
                let name = command.property("name").unwrap_or_default().to_owned();
                said.outputs.push((name, command.data.clone()));
            }
            "save-state" => {
                let name = command.property("name").unwrap_or_default().to_owned();
                said.state.push((name, command.data.clone()));
            }
            "set-env" | "add-path" => said.faults.push(format!(
                "The `{0}` command is disabled. Please upgrade to using Environment Files",
                command.name
            )),
            "echo" | "add-matcher" | "remove-matcher" => {}
            _ => write(LineKind::Output, line),
        }
    }

    fn annotate(&self, command: &Command, level: Level, said: &mut Said) {
        let kind = match level {
            Level::Notice => LineKind::Notice,
            Level::Warning => LineKind::Warning,
            Level::Error => LineKind::Error,
        };
        for line in command.data.lines() {
            self.journal.write(self.place, kind, line);
        }
        if said.annotations.len() < ANNOTATIONS_MAX {
            said.annotations.push(Annotation {
                level,
                title: command.property("title").map(str::to_owned),
                message: command.data.clone(),
                file: command.property("file").map(str::to_owned),
                line: command.property("line").and_then(|line| line.parse().ok()),
                step: self.place.step.unwrap_or_default(),
            });
        }
    }

    /// Reads the files when the step is over.
    pub(super) fn end(self) -> Said {
        let mut said = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        for ((file, path), (_, name)) in self.files.iter().zip(File::ALL) {
            let text = read(path);
            let _ = std::fs::remove_file(path);
            let text = match text {
                Ok(text) => text,
                Err(fault) => {
                    said.faults.push(format!("{name}: {fault}"));
                    continue;
                }
            };
            let pairs = match file {
                File::Path => {
                    said.path.extend(text.lines().filter(|it| !it.is_empty()).map(str::to_owned));
                    continue;
                }
                File::Summary => {
                    let end = text.floor_char_boundary(SUMMARY_BYTES_MAX);
                    said.summary = text[..end].to_owned();
                    continue;
                }
                File::Env | File::Output | File::State => parse_pairs(&text),
            };
            match (pairs, file) {
                (Err(fault), _) => said.faults.push(format!("Unable to process file command '{name}': {fault}")),
                (Ok(pairs), File::Env) => said.env(pairs),
                (Ok(pairs), File::Output) => said.outputs.extend(pairs),
                (Ok(pairs), _) => said.state.extend(pairs),
            }
        }
        said
    }
}

impl Said {
    fn env(&mut self, pairs: Vec<(String, String)>) {
        for (name, value) in pairs {
            if is_protected(&name) {
                self.faults.push(format!("Can't store {name} output parameter using '$GITHUB_ENV' command."));
            } else {
                self.env.push((name, value));
            }
        }
    }
}

/// A step may have put anything in the file's place.
fn read(path: &std::path::Path) -> Result<String, String> {
    use std::io::Read as _;
    let kind = std::fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    if !kind.is_file() {
        return Err("it is not a file any more".to_owned());
    }
    if kind.len() > FILE_BYTES_MAX {
        return Err(format!("it is larger than {} MiB", FILE_BYTES_MAX >> 20));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(FILE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}
