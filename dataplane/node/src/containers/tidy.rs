//! Removes containers: those that somebody removes, and those that shall not outlive their program.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use base_store::StoreError;
use contract::container::{ContainerError, ContainerRecord, Exit};
use contract::task::ObservedTask;
use tokio::task::JoinSet;

use super::{RECORDS, exit_of, no_such, view};
use crate::node::{DESIRED, Inner, OBSERVED};

/// How long the removal of what is left may take before somebody who waits is told.
const GONE_MAX: Duration = Duration::from_secs(30);
/// How long the output of an ended container waits for who reads it slowly.
const READ_MAX: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Removes containers that shall go when they end, for ever.
pub(crate) async fn tidy(inner: Arc<Inner>) {
    let mut changes = inner
        .parts
        .store
        .watch(&[ContainerRecord::TABLE, ObservedTask::TABLE]);
    let mut going: BTreeSet<String> = BTreeSet::new();
    let mut removals: JoinSet<String> = JoinSet::new();
    loop {
        let records = inner.parts.store.snapshot().list(RECORDS);
        for (id, _) in records.into_iter().filter(|(_, record)| record.auto_remove) {
            let ended = view(&inner, &id).as_ref().and_then(exit_of).is_some();
            if ended && going.insert(id.clone()) {
                removals.spawn(remove_ended(Arc::clone(&inner), id));
            }
        }
        tokio::select! {
            () = changes.changed() => {}
            Some(done) = removals.join_next() => {
                if let Ok(id) = done {
                    going.remove(&id);
                }
            }
        }
    }
}

async fn remove_ended(inner: Arc<Inner>, id: String) -> String {
    let mut readers = inner.containers.readers.subscribe();
    let unread = readers.wait_for(|readers| !readers.contains_key(&id));
    let _ = tokio::time::timeout(READ_MAX, unread).await;
    if let Err(error) = remove(&inner, &id).await {
        tracing::warn!(container = id, %error, "an ended container could not be removed");
        tokio::time::sleep(RETRY_AFTER).await;
    }
    id
}

/// Ends it if it runs, and returns when nothing is left.
pub(super) async fn remove(inner: &Inner, id: &str) -> Result<(), ContainerError> {
    let view = view(inner, id).ok_or_else(|| no_such(id))?;
    let killed = Exit {
        code: 128 + nix::sys::signal::Signal::SIGKILL as i32,
        failure: None,
    };
    inner.containers.note_exit(id, exit_of(&view).unwrap_or(killed));
    let task = view.record.task_id().to_owned();
    let (id, row) = (id.to_owned(), task.clone());
    let written = inner.parts.store.write(move |transaction| {
        transaction.delete(RECORDS, &id);
        transaction.delete(DESIRED, &row);
        Ok::<_, StoreError>(())
    });
    written
        .await
        .map_err(|error| ContainerError::Failed(error.to_string()))?;
    until_gone(inner, &task).await
}

/// Until nothing is left of a task: the data plane takes its files away before it stops telling of it.
pub(super) async fn until_gone(inner: &Inner, task: &str) -> Result<(), ContainerError> {
    let gone = async {
        while inner.parts.store.snapshot().get(OBSERVED, task).is_some()
            || inner.parts.runtime.directory(task).exists()
        {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(GONE_MAX, gone).await.map_err(|_| {
        ContainerError::Failed("the container is being removed, which takes longer than usual".to_owned())
    })
}
