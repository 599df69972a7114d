//! The folders of one job. All of them are gone when it is over.

use std::path::{Path, PathBuf};

use crate::store::{StoreError, private_folder};

pub(super) struct Folders {
    pub(super) home: PathBuf,
    pub(super) temp: PathBuf,
    /// The files by which steps talk to the runner, and the scripts that they run.
    pub(super) files: PathBuf,
    pub(super) workspace: PathBuf,
    /// The same for all jobs of the run.
    pub(super) shared: PathBuf,
    pub(super) tools: PathBuf,
}

impl Folders {
    /// `name` is the repository's: programs name things after the folder they are in.
    pub(super) fn make(work: &Path, job: usize, name: &str) -> Result<Self, StoreError> {
        let own = work.join(job.to_string());
        let folders = Self {
            home: own.join("home"),
            temp: own.join("temp"),
            files: own.join("files"),
            workspace: own.join(name),
            shared: work.join(crate::action::TOOLS),
            tools: own.join("tools"),
        };
        for folder in [
            &folders.home,
            &folders.temp,
            &folders.files,
            &folders.workspace,
            &folders.shared,
            &folders.tools,
        ] {
            private_folder(folder)?;
        }
        Ok(folders)
    }
}
