//! One case: a file of the corpus, with the Dockerfile, its context and what must come of it, one part after the other.
//!
//! ```text
//! What it is about, for people.
//! -- Dockerfile --
//! FROM busybox:1.35
//! -- context/a --
//! a file of the build context
//! -- prepare --
//! a script that runs in the context's folder, for what cannot be written here
//! -- base/Dockerfile --
//! another one, built before with the same context and called `base`
//! -- web/b --
//! a file that is served at {{URL}}/b
//! -- expect.json --
//! {"config": {"User": "app"}, "files": {"/a": "text"}}
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

use crate::tree::{Entry, Tree};

#[derive(Debug)]
pub struct Case {
    pub name: String,
    pub dockerfile: String,
    pub base: Option<String>,
    pub prepare: Option<String>,
    pub context: Vec<(String, String)>,
    pub web: Vec<(String, String)>,
    pub expect: Expect,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expect {
    pub args: BTreeMap<String, String>,
    pub target: Option<String>,
    pub secrets: BTreeMap<String, String>,
    /// The Dockerfile's path in the context.
    pub file: Option<String>,
    /// What the configuration must hold, name by name; `null` is nothing.
    pub config: BTreeMap<String, Value>,
    /// Files by path: their text, or `Wanted`.
    pub files: BTreeMap<String, Wanted>,
    /// What the person who builds must read.
    pub output: Vec<String>,
    /// The build must fail with all of these.
    pub fails: Vec<String>,
    /// Layers on top of the base.
    pub layers: Option<usize>,
    /// Why buildah makes something else of it, or nothing.
    pub buildah: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Wanted {
    Text(String),
    Detail(Detail),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Detail {
    pub absent: bool,
    pub text: Option<String>,
    /// Octal.
    pub mode: Option<String>,
    /// `user:group`
    pub owner: Option<String>,
    /// Where a symbolic link leads.
    pub link: Option<String>,
    /// `file`, `directory`, `link`
    pub kind: Option<String>,
    /// Another name of the same file.
    pub same: Option<String>,
    /// Seconds since 1970.
    pub modified: Option<i64>,
}

impl Case {
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(path)?;
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mut case = Self {
            name,
            dockerfile: String::new(),
            base: None,
            prepare: None,
            context: Vec::new(),
            web: Vec::new(),
            expect: Expect::default(),
        };
        for (part, body) in parts(&text) {
            match part.split_once('/') {
                None if part == "Dockerfile" => case.dockerfile = body,
                None if part == "prepare" => case.prepare = Some(body),
                None if part == "expect.json" => {
                    case.expect = serde_json::from_str(&body).map_err(io::Error::other)?;
                }
                Some(("base", "Dockerfile")) => case.base = Some(body),
                Some(("context", name)) => case.context.push((name.to_owned(), body)),
                Some(("web", name)) => case.web.push((name.to_owned(), body)),
                _ => return Err(io::Error::other(format!("there is no part `{part}` of a case"))),
            }
        }
        Ok(case)
    }

    /// Writes the context, the Dockerfile in it, with `url` for what is served.
    pub fn write(&self, folder: &Path, url: &str) -> io::Result<()> {
        for (name, body) in &self.context {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(path, body.replace("{{URL}}", url))?;
        }
        if let Some(script) = &self.prepare {
            let mut command = Command::new("bash");
            let status = command.args(["-euc", script]).current_dir(folder).status()?;
            if !status.success() {
                return Err(io::Error::other("the case cannot be prepared"));
            }
        }
        if !self.dockerfile.is_empty() {
            let path = folder.join(self.file());
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(path, self.dockerfile.replace("{{URL}}", url))?;
        }
        if let Some(base) = &self.base {
            fs::write(folder.join("base.Dockerfile"), base)?;
        }
        Ok(())
    }

    pub fn file(&self) -> &str {
        self.expect.file.as_deref().unwrap_or("Dockerfile")
    }

    /// What of the configuration and the files is not as it must be.
    pub fn differences(&self, config: &Value, tree: &Tree) -> Vec<String> {
        let mut found = Vec::new();
        for (key, wanted) in &self.expect.config {
            let is = config.get(key).unwrap_or(&Value::Null);
            if is != wanted {
                found.push(format!("{key} is {is}, not {wanted}"));
            }
        }
        for (path, wanted) in &self.expect.files {
            let entry = tree.get(Path::new(path));
            let wrong = match wanted {
                Wanted::Text(text) => entry.is_none_or(|entry| entry.text() != Some(text.as_str())),
                Wanted::Detail(detail) => !detail.fits(entry, tree),
            };
            if wrong {
                found.push(format!("{path} is {entry:?}, not {wanted:?}"));
            }
        }
        found
    }
}

impl Detail {
    fn fits(&self, entry: Option<&Entry>, tree: &Tree) -> bool {
        let Some(entry) = entry else { return self.absent };
        let same = |wanted: &Option<String>, is: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| is == Some(wanted))
        };
        !self.absent
            && same(&self.text, entry.text())
            && same(&self.mode, Some(&format!("{:o}", entry.mode)))
            && same(&self.owner, Some(&format!("{}:{}", entry.user, entry.group)))
            && same(&self.link, entry.link.as_deref())
            && same(&self.kind, Some(entry.kind))
            && self.modified.is_none_or(|modified| modified == entry.modified)
            && self.same.as_ref().is_none_or(|other| {
                tree.get(Path::new(other))
                    .is_some_and(|other| other.inode == entry.inode)
            })
    }
}

/// `-- name --` lines and what follows each.
fn parts(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in text.split_inclusive('\n') {
        let name = line
            .trim_end()
            .strip_prefix("-- ")
            .and_then(|rest| rest.strip_suffix(" --"));
        match (name, found.last_mut()) {
            (Some(name), _) => found.push((name.to_owned(), String::new())),
            (None, Some((_, body))) => body.push_str(line),
            (None, None) => {}
        }
    }
    found
}

/// All cases, by name.
pub fn all() -> io::Result<Vec<Case>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("cases"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    paths.sort();
    let read = |path: &PathBuf| {
        Case::read(path).map_err(|error| io::Error::other(format!("{}: {error}", path.display())))
    };
    paths.iter().map(read).collect()
}
