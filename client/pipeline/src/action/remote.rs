//! Actions of repositories: one copy on this machine for each reference.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::git::git;
use crate::machine::Machine;

/// A branch or tag may move: after so long it is looked at again.
const FRESH: Duration = Duration::from_secs(24 * 60 * 60);
const FETCH_LIMIT: Duration = Duration::from_secs(120);

/// Whether git can read it.
pub(super) fn is_repository(folder: &Path) -> bool {
    folder.join(".git").exists() || (folder.join("HEAD").is_file() && folder.join("objects").is_dir())
}

/// A folder with the files of `git_ref`, from `address`.
///
/// # Errors
/// What git said.
pub(super) async fn copy(
    machine: &Machine,
    address: &str,
    slug: &str,
    git_ref: &str,
) -> Result<PathBuf, String> {
    let folders = machine.runs.home().join("actions").join(slug);
    let target = folders.join(git_ref.replace('/', "-"));
    let is_fixed = git_ref.len() == 40 && git_ref.chars().all(|c| c.is_ascii_hexdigit());
    let mark = target.join(".wharf-complete");
    let age = std::fs::metadata(&mark)
        .and_then(|it| it.modified())
        .ok()
        .and_then(|at| at.elapsed().ok());
    if age.is_some_and(|age| is_fixed || age < FRESH) {
        return Ok(target);
    }
    let fetched = fetch(machine, address, &folders, git_ref).await;
    match fetched {
        Ok(new) => {
            std::fs::write(new.path().join(".wharf-complete"), "").map_err(|error| error.to_string())?;
            let _ = std::fs::remove_dir_all(&target);
            let new = new.keep();
            if std::fs::rename(&new, &target).is_err() {
                // Another run was faster.
                let _ = std::fs::remove_dir_all(&new);
            }
            Ok(target)
        }
        // Better an old copy than none.
        Err(_) if mark.exists() => Ok(target),
        Err(said) => Err(said),
    }
}

async fn fetch(
    machine: &Machine,
    address: &str,
    folders: &Path,
    git_ref: &str,
) -> Result<tempfile::TempDir, String> {
    std::fs::create_dir_all(folders).map_err(|error| error.to_string())?;
    let new = tempfile::Builder::new()
        .prefix(".new-")
        .tempdir_in(folders)
        .map_err(|error| error.to_string())?;
    let run = async |arguments: &[&str]| git(new.path(), &machine.environment, arguments).await;
    let work = async {
        run(&["init", "--quiet", "."]).await?;
        run(&["-c", "protocol.file.allow=always", "fetch", "--quiet", "--depth=1", address, git_ref]).await?;
        run(&["checkout", "--quiet", "--force", "FETCH_HEAD"]).await
    };
    match tokio::time::timeout(FETCH_LIMIT, work).await {
        Ok(Ok(_)) => Ok(new),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("{address} did not answer in {} s", FETCH_LIMIT.as_secs())),
    }
}
