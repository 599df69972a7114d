//! Runs on disk: one folder each, `runs/<id>/`, that only its runner writes.
//!
//! ```text
//! run.json    the record, replaced whole at every change      log.jsonl   lines, appended
//! lock        held by the runner as long as it lives          cancel      somebody wants it to end: who, and why
//! approved/   a file for each environment that was approved   work/       jobs' folders, gone when the run is over
//! ```
//!
//! A run that is not over and whose lock nobody holds has lost its runner: [`Runs::repair`] ends what is left of it
//! and says so in the record. So whatever is killed, records tell the truth at the next look.

mod follow;
mod repair;

pub use follow::Follow;

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

use crate::record::Run;

/// All runs of this machine, in one folder.
#[derive(Clone, Debug)]
pub struct Runs {
    /// Where everything about pipelines is.
    home: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{what} cannot be {done}: {error}")]
    File {
        what: PathBuf,
        done: &'static str,
        error: io::Error,
    },
    #[error("the record {0} is not whole: {1}")]
    Record(PathBuf, serde_json::Error),
    #[error("there is no run {0}")]
    NoRun(u64),
}

pub(crate) fn failed<'a>(what: &'a Path, done: &'static str) -> impl FnOnce(io::Error) -> StoreError + 'a {
    move |error| StoreError::File {
        what: what.to_owned(),
        done,
        error,
    }
}

/// How many records one listing looks at.
const LISTED_MAX: usize = 1000;
/// Older runs than so many are removed when a new one is made.
const KEPT_RUNS_MAX: usize = 1000;

impl Runs {
    pub fn new(home: impl Into<PathBuf>) -> Self {
        Self { home: home.into() }
    }

    pub fn home(&self) -> &Path {
        &self.home
    }

    fn root(&self) -> PathBuf {
        self.home.join("runs")
    }

    pub fn folder(&self, id: u64) -> PathBuf {
        self.root().join(id.to_string())
    }

    /// Writes down a run that is to be: `make` gets its id and the number for its workflow.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn create(&self, make: impl FnOnce(u64, &[Run]) -> Run) -> Result<Run, StoreError> {
        let root = self.root();
        private_folder(&root)?;
        // One at a time, so that ids and numbers are given once.
        let _turn = lock(&root.join("lock"), FlockArg::LockExclusive)?;
        let ids = self.ids()?;
        let earlier: Vec<Run> = ids
            .iter()
            .rev()
            .take(LISTED_MAX)
            .filter_map(|id| self.load(*id).ok())
            .collect();
        let run = make(ids.last().map_or(1, |last| last + 1), &earlier);
        private_folder(&self.folder(run.id))?;
        self.save(&run)?;
        self.forget_old(&earlier);
        Ok(run)
    }

    fn forget_old(&self, newest_first: &[Run]) {
        for run in newest_first.iter().skip(KEPT_RUNS_MAX - 1) {
            if run.progress.is_over() {
                let _ = fs::remove_dir_all(self.folder(run.id));
            }
        }
    }

    fn ids(&self) -> Result<Vec<u64>, StoreError> {
        let root = self.root();
        let entries = match fs::read_dir(&root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(&root, "read")(error)),
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let mut ids: Vec<u64> = names.collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Replaces the record.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(crate) fn save(&self, run: &Run) -> Result<(), StoreError> {
        let path = self.folder(run.id).join("run.json");
        let text = serde_json::to_vec(run).map_err(|error| StoreError::Record(path.clone(), error))?;
        replace(&path, &text)
    }

    /// # Errors
    /// When there is none, or its record cannot be read.
    pub fn load(&self, id: u64) -> Result<Run, StoreError> {
        let path = self.folder(id).join("run.json");
        let text = fs::read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => StoreError::NoRun(id),
            _ => failed(&path, "read")(error),
        })?;
        serde_json::from_slice(&text).map_err(|error| StoreError::Record(path, error))
    }

    /// The newest first; runs that lost their runner are put right before.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(&self, at_most: usize) -> Result<Vec<Run>, StoreError> {
        let ids = self.ids()?;
        let newest = ids.into_iter().rev().take(at_most.min(LISTED_MAX));
        Ok(newest.filter_map(|id| self.repaired(id).ok()).collect())
    }

    /// Takes the place of the run's runner, `None` if there is one already.
    ///
    /// # Errors
    /// When the lock cannot be opened.
    pub(crate) fn take(&self, id: u64) -> Result<Option<Flock<fs::File>>, StoreError> {
        let path = self.folder(id).join("lock");
        let Some(mut lock) = try_lock(&path)? else {
            return Ok(None);
        };
        let note = lock
            .set_len(0)
            .and_then(|()| write!(lock, "{}", std::process::id()));
        note.map_err(failed(&path, "written"))?;
        Ok(Some(lock))
    }

    /// Ends a run whose runner does not; what is left is put right at the next look.
    ///
    /// # Errors
    /// When its lock cannot be read.
    pub fn kill(&self, id: u64) -> Result<(), StoreError> {
        use nix::sys::signal::{Signal, kill};
        let path = self.folder(id).join("lock");
        if try_lock(&path)?.is_none()
            && let Ok(text) = fs::read_to_string(&path)
            && let Ok(pid) = text.trim().parse::<i32>()
        {
            let _ = kill(nix::unistd::Pid::from_raw(pid), Signal::SIGKILL);
        }
        Ok(())
    }

    /// Asks a run to end; its runner does it.
    ///
    /// # Errors
    /// When there is no such run, or the wish cannot be written.
    pub fn cancel(&self, id: u64, reason: &str) -> Result<Run, StoreError> {
        let run = self.repaired(id)?;
        if !run.progress.is_over() {
            replace(&self.folder(id).join("cancel"), reason.as_bytes())?;
        }
        Ok(run)
    }

    /// Why the run is to end, if somebody wants it to.
    pub(crate) fn cancelled(&self, id: u64) -> Option<String> {
        fs::read_to_string(self.folder(id).join("cancel")).ok()
    }

    /// Lets the jobs go on that wait for an environment's approval.
    ///
    /// # Errors
    /// When there is no such run, or the approval cannot be written.
    pub fn approve(&self, id: u64, environment: &str) -> Result<(), StoreError> {
        self.load(id)?;
        private_folder(&self.folder(id).join("approved"))?;
        replace(&self.approval(id, environment), b"")
    }

    pub(crate) fn approved(&self, id: u64, environment: &str) -> bool {
        self.approval(id, environment).exists()
    }

    fn approval(&self, id: u64, environment: &str) -> PathBuf {
        let name = hex::encode(environment.to_lowercase());
        self.folder(id).join("approved").join(name)
    }

    pub(crate) fn work(&self, id: u64) -> PathBuf {
        self.folder(id).join("work")
    }
}

/// Makes a folder for its owner only.
pub(crate) fn private_folder(path: &Path) -> Result<(), StoreError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(failed(path, "made"))
}

/// Writes a file so that it is there whole or not at all; for its owner only.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    // Under a name of its own, as several processes may write the same file at once: the last one counts, whole.
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(path))?;
        file.write_all(bytes)?;
        file.as_file().sync_data()?;
        file.persist(path).map(drop).map_err(|error| error.error)
    };
    write().map_err(failed(path, "written"))
}

fn open_lock(path: &Path) -> Result<fs::File, StoreError> {
    fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(failed(path, "opened"))
}

fn lock(path: &Path, how: FlockArg) -> Result<Flock<fs::File>, StoreError> {
    Flock::lock(open_lock(path)?, how).map_err(|(_, errno)| failed(path, "locked")(errno.into()))
}

/// `None` when another process holds it.
pub(crate) fn try_lock(path: &Path) -> Result<Option<Flock<fs::File>>, StoreError> {
    match Flock::lock(open_lock(path)?, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, errno)) => Err(failed(path, "locked")(errno.into())),
    }
}
