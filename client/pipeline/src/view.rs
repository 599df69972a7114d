//! What expressions see: contexts, the status, and the files of the workspace.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base_workflow::{EvaluateError, Map, Scope, Status, Template, Value};
use globset::{GlobBuilder, GlobSetBuilder};
use sha2::{Digest as _, Sha256};

/// The contexts at one place of a workflow.
#[derive(Clone)]
pub(crate) struct View {
    contexts: BTreeMap<&'static str, Value>,
    status: Status,
    /// For hashFiles.
    workspace: Option<PathBuf>,
}

impl View {
    pub(crate) fn new() -> Self {
        Self {
            contexts: BTreeMap::new(),
            status: Status::Success,
            workspace: None,
        }
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: Value) -> Self {
        self.contexts.insert(name, value);
        self
    }

    #[must_use]
    pub(crate) fn status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    #[must_use]
    pub(crate) fn workspace(mut self, folder: PathBuf) -> Self {
        self.workspace = Some(folder);
        self
    }

    /// All of them as texts; the first that cannot be evaluated is the error.
    pub(crate) fn texts(
        &self,
        templates: &[(String, Template)],
    ) -> Result<Vec<(String, String)>, EvaluateError> {
        let text = |(name, template): &(String, Template)| Ok((name.clone(), template.text(self)?));
        templates.iter().map(text).collect()
    }
}

impl Scope for View {
    fn context(&self, name: &str) -> Option<Value> {
        self.contexts.get(name).cloned()
    }

    fn status(&self) -> Status {
        self.status
    }

    fn hash_files(&self, patterns: &[String]) -> Result<String, String> {
        match &self.workspace {
            Some(folder) => hash_files(folder, patterns),
            None => Err("hashFiles is for steps, which have a workspace".to_owned()),
        }
    }
}

/// SHA-256 of the SHA-256 of every file that the patterns name, in the order of their paths; empty without any.
fn hash_files(folder: &std::path::Path, patterns: &[String]) -> Result<String, String> {
    let mut rules = Vec::new();
    for pattern in patterns.iter().flat_map(|pattern| pattern.lines()) {
        let pattern = pattern.trim();
        if pattern.is_empty() || pattern.starts_with('#') {
            continue;
        }
        let (is_kept, pattern) = match pattern.strip_prefix('!') {
            Some(rest) => (false, rest),
            None => (true, pattern),
        };
        let pattern = pattern.trim_start_matches("./");
        let mut set = GlobSetBuilder::new();
        // A folder means all that is in it.
        for text in [pattern.to_owned(), format!("{}/**", pattern.trim_end_matches('/'))] {
            let glob = GlobBuilder::new(&text).literal_separator(true).build();
            set.add(glob.map_err(|error| error.to_string())?);
        }
        rules.push((is_kept, set.build().map_err(|error| error.to_string())?));
    }
    let mut whole = Sha256::new();
    let mut found = false;
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.map_err(|error| error.to_string())?;
        let path = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let matches = rules
            .iter()
            .rev()
            .find(|(_, set)| set.is_match(path))
            .is_some_and(|(is_kept, _)| *is_kept);
        if entry.file_type().is_file() && matches {
            let mut file = std::fs::File::open(entry.path()).map_err(|error| error.to_string())?;
            let mut one = Sha256::new();
            std::io::copy(&mut file, &mut HashWriter(&mut one)).map_err(|error| error.to_string())?;
            whole.update(one.finalize());
            found = true;
        }
    }
    Ok(if found {
        hex::encode(whole.finalize())
    } else {
        String::new()
    })
}

struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Names with texts as an object.
pub(crate) fn object<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Value {
    let pairs = pairs.into_iter();
    Value::Map(
        pairs
            .map(|(name, value)| (name.into(), Value::Text(value.into())))
            .collect::<Map>(),
    )
}
