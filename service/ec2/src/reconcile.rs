//! Writes down the networks that the VPCs ask for.

mod instances;

pub use instances::Instances;

use std::collections::BTreeSet;

use async_trait::async_trait;
use base_reconcile::{Outcome, Reconciler};
use base_store::{Snapshot, Store, StoreError};

use crate::plan::{self, Whole};
use crate::table::{DESIRED, GATEWAYS, GROUPS, INTERFACES, ROUTE_TABLES, SUBNETS, VPCS};

/// The reconciler of networks.
pub struct Networks {
    store: Store,
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
    ];

    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

#[async_trait]
impl Reconciler for Networks {
    fn name(&self) -> &'static str {
        "ec2 networks"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        self.store
            .write(|tx| {
                let snapshot = tx.snapshot();
                let mut wanted = BTreeSet::new();
                for whole in wholes(&snapshot) {
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
                Ok::<_, StoreError>(Outcome::Settled)
            })
            .await
            .map_err(|error| error.to_string())
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
            subnets: of_this!(SUBNETS, |one: &crate::model::Subnet| one.vpc == vpc.id),
            route_tables: of_this!(ROUTE_TABLES, |one: &crate::model::RouteTable| one.vpc == vpc.id),
            gateways: of_this!(GATEWAYS, |one: &crate::model::InternetGateway| one.vpc.as_ref()
                == Some(&vpc.id)),
            groups: of_this!(GROUPS, |one: &crate::model::SecurityGroup| one.vpc == vpc.id),
            interfaces: of_this!(INTERFACES, |one: &crate::model::Interface| one.vpc == vpc.id),
            vpc: (*vpc).clone(),
        }
    })
    .collect()
}
