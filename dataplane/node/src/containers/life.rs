//! Waits for what becomes of containers.

use std::time::Duration;

use base_store::Watch;
use contract::container::{ContainerError, ContainerRecord, ContainerView, Exit, Until};
use contract::task::{ContainerPhase, DesiredTask, ObservedTask};

use super::{NodeContainers, exit_of, no_such, tidy, view};

/// A container that has not started by then has not started.
const START_MAX: Duration = Duration::from_secs(120);
/// What is in front of the sentence that a person knows from Docker.
const PREFIXES: [&str; 3] = [
    "CannotStartContainerError: ",
    "CannotCreateContainerError: ",
    "ResourceInitializationError: ",
];
/// Words in what is said about programs that cannot be run.
const PROGRAM_FAULTS: [&str; 4] = [
    "executable file not found",
    "no such file or directory",
    "permission denied",
    "is a directory",
];

impl NodeContainers {
    pub(super) fn changes(&self) -> Watch {
        let tables = [ContainerRecord::TABLE, DesiredTask::TABLE, ObservedTask::TABLE];
        self.inner.parts.store.watch(&tables)
    }

    /// Until its program runs, or has run.
    pub(super) async fn until_started(&self, id: &str) -> Result<(), ContainerError> {
        let mut changes = self.changes();
        let started = async {
            loop {
                let Some(view) = view(&self.inner, id) else {
                    // One that is removed when it ends, and has ended already; or somebody did not want it.
                    return match self.inner.containers.exit(id) {
                        Some(exit) => failure(exit),
                        None => Err(no_such(id)),
                    };
                };
                if is_running(&view) {
                    return Ok(());
                }
                if let Some(exit) = exit_of(&view) {
                    return failure(exit);
                }
                changes.changed().await;
            }
        };
        let sentence = || "it did not start in time".to_owned();
        tokio::time::timeout(START_MAX, started)
            .await
            .unwrap_or_else(|_| Err(ContainerError::Failed(sentence())))
    }

    /// Until its program runs; its task.
    pub(super) async fn until_running(&self, id: &str) -> Result<String, ContainerError> {
        let mut changes = self.changes();
        loop {
            let view = self.view(id)?;
            if exit_of(&view).is_some() {
                return Err(ContainerError::Conflict(format!("container {id} is not running")));
            }
            if is_running(&view) {
                return Ok(view.record.task_id().to_owned());
            }
            changes.changed().await;
        }
    }

    pub(super) async fn until_ended(&self, id: &str, until: Until) -> Result<Exit, ContainerError> {
        let mut changes = self.changes();
        let begin = self.view(id)?;
        let ended_before = exit_of(&begin).is_some();
        let mut last = None;
        loop {
            let Some(view) = view(&self.inner, id) else {
                tidy::until_gone(&self.inner, begin.record.task_id()).await?;
                let exit = self.inner.containers.exit(id).or(last);
                return exit.ok_or_else(|| no_such(id));
            };
            let exit = exit_of(&view);
            match until {
                Until::NotRunning if !view.started => {
                    return Ok(Exit {
                        code: 0,
                        failure: None,
                    });
                }
                Until::NotRunning => {
                    if let Some(exit) = exit {
                        return Ok(exit);
                    }
                }
                Until::NextExit => {
                    if let Some(exit) = exit.filter(|_| !ended_before) {
                        return Ok(exit);
                    }
                }
                Until::Removed => last = exit.or(last),
            }
            changes.changed().await;
        }
    }
}

fn is_running(view: &ContainerView) -> bool {
    let container = view
        .observed
        .as_ref()
        .and_then(|observed| observed.containers.first());
    container
        .is_some_and(|container| container.started_at.is_some() && container.phase != ContainerPhase::Pending)
}

/// What a start says of a container that has ended already.
fn failure(exit: Exit) -> Result<(), ContainerError> {
    let Some(sentence) = exit.failure.filter(|_| exit.code == 127) else {
        return Ok(());
    };
    let sentence = PREFIXES
        .iter()
        .find_map(|prefix| sentence.strip_prefix(prefix))
        .unwrap_or(&sentence);
    let sentence = format!("failed to create task for container: {sentence}");
    Err(if PROGRAM_FAULTS.iter().any(|fault| sentence.contains(fault)) {
        ContainerError::Invalid(sentence)
    } else {
        ContainerError::Failed(sentence)
    })
}
