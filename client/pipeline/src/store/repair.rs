//! Runs whose runner died: what is left of them is ended, and their record says so.

use std::fs;

use jiff::Timestamp;

use super::{Runs, StoreError};
use crate::leftover;
use crate::record::{Conclusion, Progress, Run, Status};

/// A run that nobody has taken up yet may be so young that its runner is still starting.
const START_SECONDS_MAX: i64 = 20;

impl Runs {
    /// Puts right every run that lost its runner.
    ///
    /// # Errors
    /// When the folder of runs cannot be read.
    pub fn repair(&self) -> Result<(), StoreError> {
        for id in self.ids()? {
            if let Err(error) = self.repaired(id) {
                tracing::warn!(%error, id, "a run could not be put right");
            }
        }
        Ok(())
    }

    /// The record as it is true now.
    pub fn repaired(&self, id: u64) -> Result<Run, StoreError> {
        let run = self.load(id)?;
        if run.progress.is_over() {
            return Ok(run);
        }
        let now = base_clock::Clock::now(&base_clock::SystemClock);
        let young = now.as_second() - run.created.as_second() < START_SECONDS_MAX;
        if run.progress.status == Status::Queued && young {
            return Ok(run);
        }
        let Some(_place) = self.take(id)? else {
            return Ok(run);
        };
        // It may have ended between the two looks.
        let mut run = self.load(id)?;
        if run.progress.is_over() {
            return Ok(run);
        }
        leftover::end(&leftover::run_mark(id, self.home()));
        let _ = fs::remove_dir_all(self.work(id));
        close(&mut run, now);
        self.save(&run)?;
        Ok(run)
    }
}

/// Nothing of the run goes on any more.
fn close(run: &mut Run, now: Timestamp) {
    let reason = "the runner was killed or the machine went down while it ran";
    for job in &mut run.jobs {
        for step in &mut job.steps {
            abandon(&mut step.progress, now, None);
        }
        abandon(&mut job.progress, now, Some(reason));
    }
    run.progress
        .end(now, Conclusion::Failure, Some(reason.to_owned()));
}

fn abandon(progress: &mut Progress, now: Timestamp, reason: Option<&str>) {
    match progress.status {
        Status::Completed => {}
        Status::InProgress => progress.end(now, Conclusion::Failure, reason.map(str::to_owned)),
        Status::Queued | Status::Waiting => progress.end(now, Conclusion::Cancelled, None),
    }
}
