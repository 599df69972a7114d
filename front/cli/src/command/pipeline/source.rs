//! From a working tree to a commit that a run can be about, and the names of repositories.

use std::collections::BTreeMap;
use std::path::Path;

use client_pipeline::{Machine, check_repository};

use crate::arguments::Remote;
use crate::command::Session;
use crate::exit::{End, Ended, FAILED, USAGE};

/// A working tree, kept as a commit in the repository on this machine.
pub(super) struct Tree {
    pub(super) sha: String,
    pub(super) git_ref: String,
    /// It is not as its last commit.
    pub(super) is_changed: bool,
}

fn git(folder: &Path, environment: &BTreeMap<String, String>, arguments: &[&str]) -> Ended<String> {
    let output = std::process::Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["-c", "safe.directory=*"])
        .args(arguments)
        .env_clear()
        .envs(environment)
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(|error| End::new(FAILED, format!("git cannot be started: {error}")).hint("install git"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(End::new(
        FAILED,
        format!("git {}: {said}", arguments.first().copied().unwrap_or_default()),
    ))
}

/// Copies the tree as it is, with all that git does not ignore, into the repository `name` of this machine.
pub(super) async fn take(machine: &Machine, path: &Path, name: &str) -> Ended<Tree> {
    if !path.is_dir() {
        return Err(End::new(USAGE, format!("{} is not a folder", path.display())));
    }
    let repository = machine.repository(name);
    repository.ensure().await?;
    let mut environment = machine.environment.clone();
    let top = git(path, &environment, &["rev-parse", "--show-toplevel"]).ok();
    let head = git(path, &environment, &["rev-parse", "--verify", "HEAD"]).ok();
    let branch = git(
        path,
        &environment,
        &["symbolic-ref", "--quiet", "--short", "HEAD"],
    );
    let git_ref = format!("refs/heads/{}", branch.unwrap_or_else(|_| "main".to_owned()));
    let work = top.clone().map_or_else(|| path.to_owned(), Into::into);
    let is_clean = head.is_some() && git(&work, &environment, &["status", "--porcelain"])?.is_empty();
    let target = repository.folder.to_string_lossy().into_owned();
    if let (Some(head), true) = (&head, is_clean) {
        let kept = format!("{head}:refs/wharf/trees/{head}");
        git(
            &work,
            &environment,
            &["push", "--quiet", "--force", "--no-verify", &target, &kept],
        )?;
        return Ok(Tree {
            sha: head.clone(),
            git_ref,
            is_changed: false,
        });
    }
    // An index of its own: neither the person's index nor their branch is touched.
    let scratch = tempfile::tempdir()?;
    let index = scratch.path().join("index").to_string_lossy().into_owned();
    environment.insert("GIT_INDEX_FILE".to_owned(), index);
    environment.insert("GIT_DIR".to_owned(), target);
    environment.insert("GIT_WORK_TREE".to_owned(), work.to_string_lossy().into_owned());
    for (name, value) in [("NAME", "wharf"), ("EMAIL", "wharf@localhost")] {
        environment.insert(format!("GIT_AUTHOR_{name}"), value.to_owned());
        environment.insert(format!("GIT_COMMITTER_{name}"), value.to_owned());
    }
    git(&work, &environment, &["add", "--all", "."])?;
    let tree = git(&work, &environment, &["write-tree"])?;
    let sha = git(
        &work,
        &environment,
        &["commit-tree", "-m", "The working tree", &tree],
    )?;
    git(
        &work,
        &environment,
        &["update-ref", &format!("refs/wharf/trees/{sha}"), &sha],
    )?;
    Ok(Tree {
        sha,
        git_ref,
        is_changed: true,
    })
}

/// `owner/name` of an address at GitHub.
fn of_address(address: &str) -> Option<String> {
    let (_, rest) = address.split_once("github.com")?;
    let name = rest.trim_start_matches([':', '/']).trim_end_matches('/');
    let name = name.strip_suffix(".git").unwrap_or(name);
    check_repository(name).ok().map(|()| name.to_owned())
}

impl Session {
    /// What a folder's repository is called here.
    pub(super) fn repository_name(&self, machine: &Machine, path: &Path) -> Ended<String> {
        let environment = &machine.environment;
        let origin = git(path, environment, &["remote", "get-url", "origin"]).ok();
        if let Some(name) = origin.and_then(|address| of_address(&address)) {
            return Ok(name);
        }
        let top = git(path, environment, &["rev-parse", "--show-toplevel"]);
        let folder = top.map_or_else(|_| path.to_owned(), Into::into);
        let folder = std::path::absolute(folder)?;
        let folder = folder.canonicalize().unwrap_or(folder);
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let plain: String = name
            .unwrap_or_default()
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                    c
                } else {
                    '-'
                }
            })
            .collect();
        let name = format!("local/{}", plain.trim_start_matches(['.', '-']));
        check_repository(&name)?;
        Ok(name)
    }

    pub(super) fn remote(&self, remote: &Remote) -> Ended {
        let info = self.running()?;
        let machine = self.machine()?;
        let environment = &machine.environment;
        let name = match &remote.repository {
            Some(name) => name.clone(),
            None => self.repository_name(&machine, &remote.path)?,
        };
        check_repository(&name)?;
        if git(&remote.path, environment, &["rev-parse", "--git-dir"]).is_err() {
            let message = format!("{} is not a git repository", remote.path.display());
            return Err(End::new(USAGE, message).hint("git init, then commit something"));
        }
        let address = format!("{}/git/{name}.git", info.endpoint);
        let run = |arguments: &[&str]| git(&remote.path, environment, arguments);
        if run(&["remote", "get-url", &remote.name]).is_ok() {
            run(&["remote", "set-url", &remote.name, &address])?;
        } else {
            run(&["remote", "add", &remote.name, &address])?;
        }
        // Git asks this program for the keys, so that they are in nobody's configuration.
        let program = machine.program.to_string_lossy().into_owned();
        let state = info.state_dir.to_string_lossy().into_owned();
        let quote = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
        let helper = format!(
            "!{} --state-dir {} git-credential",
            quote(&program),
            quote(&state)
        );
        let key = format!("credential.{}.helper", info.endpoint);
        let _ = run(&["config", "--unset-all", &key]);
        run(&["config", "--add", &key, ""])?;
        run(&["config", "--add", &key, &helper])?;
        self.output.print(format!("{} {address}", remote.name))?;
        self.output.say(format!(
            "\n  git push {} main     runs the repository's workflows",
            remote.name
        ));
        Ok(())
    }

    /// Speaks git's credential protocol.
    pub(in crate::command) fn git_credential(&self, operation: &str) -> Ended {
        if operation != "get" {
            return Ok(());
        }
        let info = self.running()?;
        self.output.print(format!(
            "username={}\npassword={}",
            info.access_key, info.secret_key
        ))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::of_address;

    #[test]
    fn addresses_at_github_name_the_repository() {
        for address in [
            "https://github.com/team/app.git",
            "https://github.com/team/app",
            "git@github.com:team/app.git",
            "ssh://git@github.com/team/app/",
        ] {
            assert_eq!(of_address(address).as_deref(), Some("team/app"), "{address}");
        }
        assert_eq!(of_address("https://example.com/team/app.git"), None);
        assert_eq!(of_address("https://github.com/app"), None);
    }
}
