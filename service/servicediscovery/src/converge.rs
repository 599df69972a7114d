//! Does what operations have left to do. All that concerns one namespace or service is done by one at a time, and
//! together: who comes while another is at work finds it done.

mod instances;
mod namespace;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex};

use base_id::Scope;
use base_store::{Snapshot, Transaction};
use jiff::Timestamp;
use tokio::sync::OwnedMutexGuard;

use crate::ServiceDiscovery;
use crate::model::{Status, Work};
use crate::table::{self, OPERATIONS, PENDING};
use crate::zone::Failure;

/// Whose turn it is, for each namespace and service that somebody is at work on.
#[derive(Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>>);

impl Turns {
    async fn take(&self, key: String) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().expect("no holder of this lock panics");
            turns.retain(|_, it| Arc::strong_count(it) > 1);
            Arc::clone(turns.entry(key).or_default())
        };
        turn.lock_owned().await
    }
}

/// The operations of this namespace or service that are not finished.
fn pending(snapshot: &Snapshot, scope: &Scope, parent: &str) -> Vec<(String, Arc<Work>)> {
    let rows = snapshot.prefix(PENDING, &table::child(scope, parent, ""));
    rows.into_iter()
        .map(|(key, work)| (table::id_of(&key).to_owned(), work))
        .collect()
}

fn finish(tx: &mut Transaction, scope: &Scope, parent: &str, id: &str, status: Status, now: Timestamp) {
    tx.delete(PENDING, &table::child(scope, parent, id));
    let key = table::key(scope, id);
    if let Some(row) = tx.get(OPERATIONS, &key) {
        let mut row = row.as_ref().clone();
        row.status = status;
        row.updated_at = now;
        tx.put(OPERATIONS, &key, row);
    }
}

fn failed(failure: &Failure) -> Status {
    match failure {
        Failure::Later(message) => Status::Fail {
            code: "INTERNAL_FAILURE".to_owned(),
            message: message.clone(),
        },
        Failure::Never { code, message } => Status::Fail {
            code: (*code).to_owned(),
            message: message.clone(),
        },
    }
}

/// The same for the same operation and instance, so that a health check is made once; at most 64 characters.
fn reference(operation: &str, instance: &str) -> String {
    let mut hasher = DefaultHasher::new();
    instance.hash(&mut hasher);
    format!("{operation}-{:016x}", hasher.finish())
}

impl ServiceDiscovery {
    /// Does what is left to do for this namespace or service.
    ///
    /// # Errors
    /// A sentence when it is to be tried again.
    pub(crate) async fn converge(&self, scope: &Scope, parent: &str) -> Result<(), String> {
        let _turn = self.turns.take(table::key(scope, parent)).await;
        let snapshot = self.store.snapshot();
        let works = pending(&snapshot, scope, parent);
        if works.is_empty() {
            return Ok(());
        }
        if parent.starts_with("ns-") {
            namespace::converge(self, scope, parent, works).await
        } else {
            instances::converge(self, scope, parent, works).await
        }
    }
}
