//! A data plane without processes: it moves every boot one step at a time, and ends those it is told to.

use base_store::{Store, StoreError};
use contract::task::{DesiredTask, ObservedTask, StopCause, StopKind, TaskPhase};

use crate::table::{DESIRED_TASKS, OBSERVED_TASKS};

pub(super) async fn step(store: &Store) {
    let done = store.write(|tx| {
        for (id, wish) in tx.list(DESIRED_TASKS) {
            let seen = match tx.get(OBSERVED_TASKS, &id) {
                None => fresh(&wish),
                Some(seen) => moved(&wish, ObservedTask::clone(&seen)),
            };
            tx.put(OBSERVED_TASKS, &id, seen);
        }
        for (id, _) in tx.list(OBSERVED_TASKS) {
            if tx.get(DESIRED_TASKS, &id).is_none() {
                tx.delete(OBSERVED_TASKS, &id);
            }
        }
        Ok::<_, StoreError>(())
    });
    done.await.unwrap();
}

fn moved(wish: &DesiredTask, seen: ObservedTask) -> ObservedTask {
    let phase = match (seen.phase, &wish.stop) {
        (TaskPhase::Stopped | TaskPhase::Stopping, _) => TaskPhase::Stopped,
        (_, Some(_)) => TaskPhase::Stopping,
        (TaskPhase::Provisioning, None) => TaskPhase::Pending,
        (TaskPhase::Pending | TaskPhase::Running, None) => TaskPhase::Running,
    };
    ObservedTask {
        phase,
        generation: wish.generation,
        ..seen
    }
}

fn fresh(wish: &DesiredTask) -> ObservedTask {
    ObservedTask {
        id: wish.id.clone(),
        generation: wish.generation,
        phase: TaskPhase::Provisioning,
        address: wish.interface.as_ref().map(|it| it.address),
        containers: vec![],
        pull_started_at: None,
        pull_stopped_at: None,
        started_at: None,
        stopping_at: None,
        stopped_at: None,
        stop_cause: None,
    }
}

/// Every boot ends by itself.
pub(super) async fn end_all(store: &Store, kind: StopKind) {
    let done = store.write(move |tx| {
        for (id, seen) in tx.list(OBSERVED_TASKS) {
            let ended = ObservedTask {
                phase: TaskPhase::Stopped,
                stop_cause: Some(StopCause {
                    kind,
                    reason: "it ended".into(),
                }),
                ..ObservedTask::clone(&seen)
            };
            tx.put(OBSERVED_TASKS, &id, ended);
        }
        Ok::<_, StoreError>(())
    });
    done.await.unwrap();
}
