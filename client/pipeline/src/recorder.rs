//! The record of a run that is going on: one writer, and every change is on disk before it counts.

use std::sync::{Arc, Mutex, PoisonError};

use crate::mask::Masker;
use crate::record::{Annotation, JobRun, Run};
use crate::store::Runs;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Recorder {
    runs: Runs,
    run: Arc<Mutex<Run>>,
    masker: Masker,
}

impl Recorder {
    pub(crate) fn new(runs: Runs, run: Run, masker: Masker) -> Self {
        Self {
            runs,
            run: Arc::new(Mutex::new(run)),
            masker,
        }
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&Run) -> T) -> T {
        look(&self.run.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Run) -> T) -> T {
        let mut run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        let value = change(&mut run);
        hide(&mut run, &self.masker);
        if let Err(error) = self.runs.save(&run) {
            tracing::error!(%error, "a run's record could not be written");
        }
        value
    }

    pub(crate) fn job<T>(&self, index: usize, change: impl FnOnce(&mut JobRun) -> T) -> Option<T> {
        self.change(|run| run.jobs.get_mut(index).map(change))
    }
}

/// In every text that a program or a workflow could have put a secret into.
fn hide(run: &mut Run, masker: &Masker) {
    let text = |text: &mut String| *text = masker.hide(text);
    let optional = |text: &mut Option<String>| {
        if let Some(text) = text {
            *text = masker.hide(text);
        }
    };
    text(&mut run.title);
    optional(&mut run.progress.reason);
    run.urls.iter_mut().for_each(text);
    for job in &mut run.jobs {
        text(&mut job.title);
        text(&mut job.summary);
        optional(&mut job.environment);
        optional(&mut job.progress.reason);
        for step in &mut job.steps {
            text(&mut step.title);
            optional(&mut step.progress.reason);
        }
        for Annotation {
            title, message, file, ..
        } in &mut job.annotations
        {
            optional(title);
            text(message);
            optional(file);
        }
    }
}
