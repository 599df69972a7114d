//! Writes down the networks that the VPCs ask for.

mod instances;
mod metrics;

pub use instances::Instances;
pub use metrics::{Meters, Metrics};

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base_clock::Clock;
use base_id::Scope;
use base_reconcile::{Outcome, Reconciler};
use base_store::{Snapshot, Store, StoreError, Transaction};
use jiff::Timestamp;

use crate::model::NatGateway;
use crate::plan::{self, Whole};
use crate::table::{
    ACLS, DESIRED, GATEWAYS, GROUPS, INTERFACES, NAT_GATEWAYS, OBSERVED, ROUTE_TABLES, SUBNETS, VPCS, key,
};

/// How long a NAT gateway is told of after it has gone.
const DELETED_KEPT: Duration = Duration::from_secs(3_600);

/// The reconciler of networks.
pub struct Networks {
    store: Store,
    clock: Arc<dyn Clock>,
}

impl Networks {
    /// What wakes it.
    pub const READS: &[&str] = &[
        VPCS.name,
        SUBNETS.name,
        GATEWAYS.name,
        ROUTE_TABLES.name,
        GROUPS.name,
        INTERFACES.name,
        ACLS.name,
        NAT_GATEWAYS.name,
        OBSERVED.name,
    ];

    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }
}

#[async_trait]
impl Reconciler for Networks {
    fn name(&self) -> &'static str {
        "ec2 networks"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let now = self.clock.now();
        self.store
            .write(move |tx| {
                let snapshot = tx.snapshot();
                let mut wanted = BTreeSet::new();
                for whole in wholes(&snapshot) {
                    if !whole.is_used() {
                        continue;
                    }
                    let mut network = plan::network(&whole);
                    wanted.insert(network.id.clone());
                    let old = tx.get(DESIRED, &network.id);
                    network.generation = old.as_ref().map_or(1, |old| old.generation);
                    if old.as_deref() != Some(&network) {
                        network.generation += 1;
                        let id = network.id.clone();
                        tx.put(DESIRED, &id, network);
                    }
                }
                for (id, _) in tx.list(DESIRED) {
                    if !wanted.contains(&id) {
                        tx.delete(DESIRED, &id);
                    }
                }
                Ok::<_, StoreError>(observe(tx, now))
            })
            .await
            .map_err(|error| error.to_string())
    }
}

/// Tells what became of the NAT gateways.
fn observe(tx: &mut Transaction, now: Timestamp) -> Outcome {
    let (mut due, mut changed) = (None::<Timestamp>, false);
    for (place, row) in tx.list(NAT_GATEWAYS) {
        let mut gateway = NatGateway::clone(&row);
        let failed = gateway.failure.as_ref().map(|_| gateway.made);
        if let Some(ended) = gateway.deleted.or(failed) {
            let end = ended + DELETED_KEPT;
            if end <= now {
                tx.delete(NAT_GATEWAYS, &place);
            } else {
                due = Some(due.map_or(end, |due| due.min(end)));
            }
            continue;
        }
        let desired = tx.get(DESIRED, &gateway.vpc);
        let seen = tx.get(OBSERVED, &gateway.vpc);
        let stands = match (&desired, &seen) {
            (Some(desired), Some(seen)) => seen.failure.is_none() && seen.generation == desired.generation,
            (None, None) => true,
            _ => false,
        };
        let planned = desired.is_some_and(|one| one.gateways.iter().any(|it| it.id == gateway.id));
        if !stands {
            continue;
        }
        if gateway.deleting.is_none() && planned && !gateway.available {
            gateway.available = true;
            tx.put(NAT_GATEWAYS, &place, gateway);
        } else if gateway.deleting.is_some() && !planned {
            let scope = Scope::of_key(&place);
            tx.delete(INTERFACES, &key(&scope, &gateway.interface));
            gateway.deleted = Some(now);
            tx.put(NAT_GATEWAYS, &place, gateway);
            changed = true;
        }
    }
    match due {
        _ if changed => Outcome::Again,
        Some(due) => Outcome::Until(due),
        None => Outcome::Settled,
    }
}

fn wholes(snapshot: &Snapshot) -> Vec<Whole> {
    let vpcs = snapshot.list(VPCS).into_iter();
    vpcs.map(|(key, vpc)| {
        let scope = key.strip_suffix(&vpc.id).unwrap_or_default();
        macro_rules! of_this {
            ($table:expr, $belongs:expr) => {
                snapshot
                    .prefix($table, scope)
                    .into_iter()
                    .map(|(_, row)| (*row).clone())
                    .filter($belongs)
                    .collect()
            };
        }
        Whole {
            region: scope
                .trim_end_matches('/')
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned(),
            subnets: of_this!(SUBNETS, |one: &crate::model::Subnet| one.vpc == vpc.id),
            route_tables: of_this!(ROUTE_TABLES, |one: &crate::model::RouteTable| one.vpc == vpc.id),
            gateways: of_this!(GATEWAYS, |one: &crate::model::InternetGateway| one.vpc.as_ref()
                == Some(&vpc.id)),
            groups: of_this!(GROUPS, |one: &crate::model::SecurityGroup| one.vpc == vpc.id),
            interfaces: of_this!(INTERFACES, |one: &crate::model::Interface| one.vpc == vpc.id),
            acls: of_this!(ACLS, |one: &crate::model::NetworkAcl| one.vpc == vpc.id),
            nat_gateways: of_this!(NAT_GATEWAYS, |one: &NatGateway| one.vpc == vpc.id),
            vpc: (*vpc).clone(),
        }
    })
    .collect()
}
