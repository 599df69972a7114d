//! Task definitions whose deletion was asked for go when nothing refers to them any more.

use std::collections::BTreeSet;

use async_trait::async_trait;
use base_reconcile::{Outcome, Reconciler};
use base_store::StoreError;

use crate::Ecs;
use crate::model::service::State;
use crate::table::{DEFINITIONS, SERVICES, TASKS};

/// The reconciler of task definitions.
pub struct Definitions(Ecs);

impl Definitions {
    /// What wakes it.
    pub const READS: &[&str] = &[DEFINITIONS.name, TASKS.name, SERVICES.name];

    pub fn new(ecs: Ecs) -> Self {
        Self(ecs)
    }
}

#[async_trait]
impl Reconciler for Definitions {
    fn name(&self) -> &'static str {
        "ecs task definitions"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let marked = |snapshot: &base_store::Snapshot| {
            let all = snapshot.list(DEFINITIONS).into_iter();
            all.filter(|(_, row)| row.delete_requested_at.is_some())
                .map(|(place, row)| (place, row.arn.clone()))
                .collect::<Vec<_>>()
        };
        if marked(&self.0.store.snapshot()).is_empty() {
            return Ok(Outcome::Settled);
        }
        self.0
            .store
            .write(move |tx| {
                let snapshot = tx.snapshot();
                let mut used: BTreeSet<String> = BTreeSet::new();
                // A stopped task that can still be described is described with the names of its containers.
                for (_, task) in snapshot.list(TASKS) {
                    used.insert(task.task_definition.clone());
                }
                for (_, service) in snapshot.list(SERVICES) {
                    if service.state != State::Inactive {
                        used.extend(service.deployments.iter().map(|it| it.task_definition.clone()));
                    }
                }
                for (place, arn) in marked(&snapshot) {
                    if !used.contains(&arn) {
                        tx.delete(DEFINITIONS, &place);
                    }
                }
                Ok::<_, StoreError>(Outcome::Settled)
            })
            .await
            .map_err(|error| error.to_string())
    }
}
