//! Repositories, by the `git` program: the commits that runs are about.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

/// A bare repository of this machine.
#[derive(Clone, Debug)]
pub struct Repository {
    pub folder: PathBuf,
    /// What git needs of the environment, such as PATH.
    pub environment: BTreeMap<String, String>,
}

#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("git cannot be started: {0}; is it installed?")]
    Start(std::io::Error),
    #[error("git {what} failed: {said}")]
    Failed { what: String, said: String },
}

/// A file of a commit that is longer is not read.
const FILE_BYTES_MAX: usize = 1 << 20;

/// Runs git and gives what it printed.
pub(crate) async fn git<A: AsRef<OsStr>>(
    folder: &Path,
    environment: &BTreeMap<String, String>,
    arguments: &[A],
) -> Result<Vec<u8>, GitError> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs(environment)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(GitError::Start)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let word = arguments.iter().map(|it| it.as_ref().to_string_lossy());
    Err(GitError::Failed {
        what: word.into_iter().find(|it| !it.starts_with('-')).unwrap_or_default().into_owned(),
        said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// What a commit says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    pub sha: String,
    pub author: String,
    pub email: String,
    pub message: String,
}

impl Repository {
    async fn git<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<Vec<u8>, GitError> {
        git(&self.folder, &self.environment, arguments).await
    }

    async fn text<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<String, GitError> {
        let bytes = self.git(arguments).await?;
        Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
    }

    /// Makes it if it is not there.
    pub async fn ensure(&self) -> Result<(), GitError> {
        if self.folder.join("HEAD").exists() {
            return Ok(());
        }
        std::fs::create_dir_all(&self.folder).map_err(GitError::Start)?;
        self.git(&["init", "--quiet", "--bare", "--initial-branch=main", "."]).await?;
        // Jobs fetch their commit by its name.
        self.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]).await?;
        Ok(())
    }

    pub async fn commit(&self, what: &str) -> Result<Commit, GitError> {
        let format = "--format=%H%x00%an%x00%ae%x00%B";
        let text = self.text(&["show", "--no-patch", format, "--end-of-options", what]).await?;
        let mut parts = text.splitn(4, '\0').map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        Ok(Commit {
            sha: next(),
            author: next(),
            email: next(),
            message: next().trim_end().to_owned(),
        })
    }

    /// Text of a file; `None` when there is none, or it is no text that a person wrote.
    pub async fn file(&self, sha: &str, path: &str) -> Option<String> {
        let bytes = self.git(&["cat-file", "blob", &format!("{sha}:{path}")]).await.ok()?;
        (bytes.len() <= FILE_BYTES_MAX).then(|| String::from_utf8(bytes).ok())?
    }

    /// Files directly in a folder.
    pub async fn files_in(&self, sha: &str, folder: &str) -> Result<Vec<String>, GitError> {
        let listed = self
            .git(&["ls-tree", "-z", "--name-only", sha, &format!("{folder}/")])
            .await?;
        Ok(split_nul(&listed))
    }

    /// Which files a push changed; `None` when there is nothing to compare with.
    pub async fn changed(&self, before: Option<&str>, sha: &str) -> Option<Vec<String>> {
        let before = before?;
        let listed = self.git(&["diff", "--name-only", "-z", "--no-renames", before, sha]).await.ok()?;
        Some(split_nul(&listed))
    }

    /// Whether `ancestor` is `sha` or lies before it.
    pub async fn is_ancestor(&self, ancestor: &str, sha: &str) -> bool {
        self.git(&["merge-base", "--is-ancestor", ancestor, sha]).await.is_ok()
    }

    /// Makes `folder` a clone with the commit checked out.
    pub async fn check_out(
        &self,
        folder: &Path,
        what: &str,
        git_ref: &str,
        depth: Option<u32>,
    ) -> Result<(), GitError> {
        let origin = self.folder.to_string_lossy().into_owned();
        let inside = |arguments: Vec<String>| async move { git(folder, &self.environment, &arguments).await };
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<String>>();
        inside(words("init --quiet --initial-branch=main .")).await?;
        // A checkout that was there already is replaced.
        let _ = inside(words("remote remove origin")).await;
        inside([words("remote add origin"), vec![origin.clone()]].concat()).await?;
        let mut fetch = words("-c protocol.file.allow=always fetch --quiet --no-tags --force");
        match depth {
            // Depth works for URLs only.
            Some(depth) => fetch.extend([format!("--depth={depth}"), format!("file://{origin}"), what.to_owned()]),
            None => fetch.extend([
                "--tags".to_owned(),
                "origin".to_owned(),
                "+refs/heads/*:refs/remotes/origin/*".to_owned(),
                what.to_owned(),
            ]),
        }
        inside(fetch).await?;
        let checkout = match git_ref.strip_prefix("refs/heads/") {
            Some(branch) => words(&format!("checkout --quiet --force -B {branch} {what}")),
            None => words(&format!("checkout --quiet --force --detach {what}")),
        };
        inside(checkout).await?;
        Ok(())
    }
}

fn split_nul(bytes: &[u8]) -> Vec<String> {
    bytes
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect()
}
