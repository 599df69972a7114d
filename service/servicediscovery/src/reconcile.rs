//! Finishes operations that could not be finished when they were asked for, and forgets old ones.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_protocol::ApiError;
use base_id::Scope;
use base_reconcile::{Outcome, Reconciler};
use jiff::Timestamp;

use crate::ServiceDiscovery;
use crate::model::Status;
use crate::table::{OPERATIONS, PENDING};

/// How many operations are remembered.
const OPERATIONS_MAX: usize = 2000;

/// The reconciler of operations.
pub struct Operations(ServiceDiscovery);

impl Operations {
    /// What wakes it.
    pub const READS: &[&str] = &[PENDING.name];

    pub fn new(servicediscovery: ServiceDiscovery) -> Self {
        Self(servicediscovery)
    }

    async fn forget(&self) -> Result<(), ApiError> {
        let rows = self.0.store.snapshot().list(OPERATIONS);
        let surplus = rows.len().saturating_sub(OPERATIONS_MAX);
        if surplus == 0 {
            return Ok(());
        }
        let finished = rows.into_iter().filter(|(_, row)| row.status != Status::Pending);
        let mut old: Vec<(Timestamp, String)> =
            finished.map(|(place, row)| (row.updated_at, place)).collect();
        old.sort();
        old.truncate(surplus);
        let forgotten = self.0.store.write(move |tx| {
            for (_, place) in old {
                tx.delete(OPERATIONS, &place);
            }
            Ok(())
        });
        forgotten.await
    }
}

#[async_trait]
impl Reconciler for Operations {
    fn name(&self) -> &'static str {
        "servicediscovery operations"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let rows = self.0.store.snapshot().list(PENDING);
        let parents: BTreeSet<(Scope, String)> = rows
            .into_iter()
            .filter_map(|(place, _)| {
                let parent = place.split('/').nth(2)?.to_owned();
                Some((Scope::of_key(&place), parent))
            })
            .collect();
        let mut failures = Vec::new();
        for (scope, parent) in parents {
            if let Err(failure) = self.0.converge(&scope, &parent).await {
                failures.push(format!("{parent}: {failure}"));
            }
        }
        self.forget().await.map_err(|error| error.to_string())?;
        if !failures.is_empty() {
            return Err(failures.join("; "));
        }
        Ok(Outcome::Settled)
    }
}
