//! `concurrency`: of all runs and jobs of a group one at a time goes on, and of those that wait the youngest.

use std::fs;
use std::path::PathBuf;

use base_workflow::{Concurrency, Scope};
use nix::fcntl::Flock;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use crate::machine::Machine;
use crate::runner::LOOK_EVERY;
use crate::store::{StoreError, private_folder, replace, try_lock};

/// A group's turn, given back when it is dropped or when its process ends.
pub(crate) struct Turn {
    _lock: Flock<fs::File>,
}

/// Finds turns for one run.
pub(crate) struct Groups {
    machine: Machine,
    repository: String,
    run: u64,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum GroupError {
    #[error("`concurrency`: {0}")]
    Expression(#[from] base_workflow::EvaluateError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Groups {
    pub(crate) fn new(machine: Machine, repository: String, run: u64) -> Self {
        Self {
            machine,
            repository,
            run,
        }
    }

    /// For the run as a whole. `None` when it was cancelled while it waited.
    pub(crate) async fn run(
        &self,
        concurrency: &Concurrency,
        scope: &dyn Scope,
        cancel: watch::Receiver<bool>,
    ) -> Result<Option<Turn>, GroupError> {
        self.turn(concurrency, scope, self.run.to_string(), cancel).await
    }

    /// For one of its jobs.
    pub(crate) async fn job(
        &self,
        concurrency: &Concurrency,
        scope: &dyn Scope,
        job: usize,
        cancel: watch::Receiver<bool>,
    ) -> Result<Option<Turn>, GroupError> {
        self.turn(concurrency, scope, format!("{} {job}", self.run), cancel).await
    }

    async fn turn(
        &self,
        concurrency: &Concurrency,
        scope: &dyn Scope,
        me: String,
        mut cancel: watch::Receiver<bool>,
    ) -> Result<Option<Turn>, GroupError> {
        let group = concurrency.group.text(scope)?.to_lowercase();
        let replaces = concurrency.cancel_in_progress.value(scope)?.truthy();
        let files = self.files(&group)?;
        // Whoever waited before is replaced.
        if let Ok(other) = fs::read_to_string(&files.waiting)
            && other != me
        {
            self.cancel(&other, &group);
        }
        replace(&files.waiting, me.as_bytes())?;
        loop {
            if let Some(lock) = try_lock(&files.lock)? {
                replace(&files.holder, me.as_bytes())?;
                if fs::read_to_string(&files.waiting).is_ok_and(|waiting| waiting == me) {
                    let _ = fs::remove_file(&files.waiting);
                }
                return Ok(Some(Turn { _lock: lock }));
            }
            if replaces && let Ok(holder) = fs::read_to_string(&files.holder) {
                self.cancel(&holder, &group);
            }
            tokio::select! {
                () = self.machine.clock.sleep(LOOK_EVERY) => {}
                _ = cancel.wait_for(|wanted| *wanted) => return Ok(None),
            }
        }
    }

    /// `<run>` or `<run> <job>`
    fn cancel(&self, who: &str, group: &str) {
        let mut words = who.split(' ');
        let Some(Ok(run)) = words.next().map(str::parse::<u64>) else {
            return;
        };
        let reason = format!("run {} of the same concurrency group `{group}` came after it", self.run);
        match words.next() {
            Some(job) if run != self.run => {
                let path = self.machine.runs.folder(run).join(format!("cancel-{job}"));
                let _ = replace(&path, reason.as_bytes());
            }
            None if run != self.run => {
                let _ = self.machine.runs.cancel(run, &reason);
            }
            _ => {}
        }
    }

    fn files(&self, group: &str) -> Result<Files, StoreError> {
        let folder = self.machine.runs.home().join("concurrency");
        private_folder(&folder)?;
        let name = hex::encode(Sha256::digest(format!("{}\n{group}", self.repository)));
        let file = |what: &str| folder.join(format!("{name}.{what}"));
        Ok(Files {
            lock: file("lock"),
            holder: file("holder"),
            waiting: file("waiting"),
        })
    }
}

struct Files {
    lock: PathBuf,
    holder: PathBuf,
    waiting: PathBuf,
}
