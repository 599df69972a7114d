//! Routes: what the proxy shall serve, and targets whose draining is done.

use async_trait::async_trait;
use base_reconcile::{Outcome, Reconciler};
use base_store::{Store, StoreError};
use contract::route::RouteTable;

use crate::model::TargetGroup;
use crate::plan::{self, Whole};
use crate::table::{LISTENERS, LOAD_BALANCERS, OBSERVED, ROUTES, TARGET_GROUPS};

/// The reconciler of routes.
pub struct Routes {
    store: Store,
}

impl Routes {
    /// What wakes it.
    pub const READS: &[&str] = &[
        LOAD_BALANCERS.name,
        LISTENERS.name,
        TARGET_GROUPS.name,
        OBSERVED.name,
    ];

    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

#[async_trait]
impl Reconciler for Routes {
    fn name(&self) -> &'static str {
        "elbv2 routes"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        self.store
            .write(|tx| {
                let old = tx.get(ROUTES, RouteTable::KEY);
                let seen = tx
                    .get(OBSERVED, RouteTable::KEY)
                    .map(|it| (*it).clone())
                    .unwrap_or_default();
                let old = old.map(|it| (*it).clone()).unwrap_or_default();
                let rows = |tx: &base_store::Transaction| Whole {
                    balancers: tx
                        .list(LOAD_BALANCERS)
                        .into_iter()
                        .map(|(_, row)| (*row).clone())
                        .collect(),
                    listeners: tx
                        .list(LISTENERS)
                        .into_iter()
                        .map(|(_, row)| (*row).clone())
                        .collect(),
                    groups: tx
                        .list(TARGET_GROUPS)
                        .into_iter()
                        .map(|(key, row)| (key, (*row).clone()))
                        .collect(),
                };
                for (key, group) in rows(tx).groups {
                    let gone = |target: &crate::model::Target| {
                        target.draining && plan::drained(&group, target, &old, &seen)
                    };
                    if group.targets.iter().any(gone) {
                        let targets = group
                            .targets
                            .iter()
                            .filter(|target| !gone(target))
                            .cloned()
                            .collect();
                        tx.put(
                            TARGET_GROUPS,
                            &key,
                            TargetGroup {
                                targets,
                                ..group.clone()
                            },
                        );
                    }
                }
                let mut new = plan::routes(&rows(tx));
                new.generation = old.generation;
                // A proxy with a newer table than ours has seen a state that was lost since: ours must be newer still.
                if new != old || old.generation == 0 || seen.generation > old.generation {
                    new.generation = old.generation.max(seen.generation) + 1;
                    tx.put(ROUTES, RouteTable::KEY, new);
                }
                Ok::<_, StoreError>(Outcome::Settled)
            })
            .await
            .map_err(|error| error.to_string())
    }
}
