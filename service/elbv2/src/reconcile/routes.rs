//! Routes: what the proxy shall serve, and targets whose draining is done.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use base_reconcile::{Outcome, Reconciler};
use base_store::{StoreError, Table, Transaction};
use contract::certificate::InUse;
use contract::dns::Endpoint;
use contract::route::RouteTable;

use crate::Elbv2;
use crate::model::TargetGroup;
use crate::plan::{self, Whole};
use crate::table::{LISTENERS, LOAD_BALANCERS, OBSERVED, ROUTES, TARGET_GROUPS};

const ENDPOINTS: Table<Endpoint> = Table::new(Endpoint::TABLE, 1);
const USED: Table<InUse> = Table::new(InUse::TABLE, 1);

/// The reconciler of routes.
pub struct Routes(Elbv2);

impl Routes {
    /// What wakes it.
    pub const READS: &[&str] = &[
        LOAD_BALANCERS.name,
        LISTENERS.name,
        TARGET_GROUPS.name,
        OBSERVED.name,
    ];

    pub fn new(elb: Elbv2) -> Self {
        Self(elb)
    }
}

#[async_trait]
impl Reconciler for Routes {
    fn name(&self) -> &'static str {
        "elbv2 routes"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let certificates = Arc::clone(&self.0.certificates);
        self.0
            .store
            .write(move |tx| {
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
                let whole = rows(tx);
                use_certificates(tx, &whole);
                let mut new = plan::routes(&whole, &*certificates);
                let endpoints = plan::endpoints(&whole, &new, &seen);
                put_endpoints(tx, endpoints);
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

/// Names of load balancers, for who answers names.
fn put_endpoints(tx: &mut Transaction, endpoints: Vec<Endpoint>) {
    let mut stale: BTreeMap<String, Arc<Endpoint>> = tx.list(ENDPOINTS).into_iter().collect();
    for endpoint in endpoints {
        let before = stale.remove(&endpoint.name);
        if before.as_deref() != Some(&endpoint) {
            tx.put(ENDPOINTS, &endpoint.name.clone(), endpoint);
        }
    }
    for name in stale.keys() {
        tx.delete(ENDPOINTS, name);
    }
}

/// Who uses which certificate, so that none goes that is needed.
fn use_certificates(tx: &mut Transaction, whole: &Whole) {
    let mut users: BTreeMap<&String, InUse> = BTreeMap::new();
    for listener in &whole.listeners {
        for arn in listener.tls.iter().flat_map(|it| &it.certificates) {
            let by = &mut users.entry(arn).or_default().by;
            if !by.contains(&listener.load_balancer) {
                by.push(listener.load_balancer.clone());
            }
        }
    }
    for (arn, before) in tx.list(USED) {
        match users.remove(&arn) {
            None => tx.delete(USED, &arn),
            Some(now) if now != *before => tx.put(USED, &arn, now),
            Some(_) => {}
        }
    }
    for (arn, now) in users {
        tx.put(USED, arn, now);
    }
}
