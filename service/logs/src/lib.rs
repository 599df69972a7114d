//! CloudWatch Logs: groups, streams, events. The lines themselves are in the log store.

mod model;
mod operation;
mod pattern;
mod reconcile;

pub use reconcile::Retention;

use std::sync::Arc;

use aws_protocol::ApiError;
use base_clock::Clock;
use base_id::Scope;
use base_store::{Snapshot, Store, Table};
use contract::log::LogStore;

use crate::model::{Group, Stream};

/// Under `<account>/<region>/<name>`.
const GROUPS: Table<Group> = Table::new("logs/group", 1);
/// Streams made by a call, under `<account>/<region>/<group>:<stream>`; a container's stream exists by its lines.
const STREAMS: Table<Stream> = Table::new("logs/stream", 1);

/// The service; cheap to clone.
#[derive(Clone)]
pub struct Logs {
    store: Store,
    clock: Arc<dyn Clock>,
    lines: Arc<dyn LogStore>,
}

impl Logs {
    pub fn new(store: Store, clock: Arc<dyn Clock>, lines: Arc<dyn LogStore>) -> Self {
        Self { store, clock, lines }
    }
}

fn group_key(scope: &Scope, name: &str) -> String {
    format!("{}/{name}", scope.key())
}

/// The head of the keys of a group's streams; no group's name contains a colon.
fn streams_of(scope: &Scope, group: &str) -> String {
    format!("{}/{group}:", scope.key())
}

fn find_group(snapshot: &Snapshot, scope: &Scope, name: &str) -> Result<Arc<Group>, ApiError> {
    snapshot.get(GROUPS, &group_key(scope, name)).ok_or_else(|| {
        ApiError::client(
            "ResourceNotFoundException",
            "The specified log group does not exist.",
        )
    })
}

#[cfg(test)]
mod tests;
