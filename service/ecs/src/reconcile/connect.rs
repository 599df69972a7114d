//! Service Connect: the proxy's table follows the tasks.

use std::net::Ipv4Addr;
use std::sync::Arc;

use async_trait::async_trait;
use base_reconcile::{Outcome, Reconciler};
use base_store::{Snapshot, StoreError, Table};
use contract::route::{RouteTable, TargetHealth};

use crate::Ecs;
use crate::model::task::Task;
use crate::plan::connect;
use crate::table::{ROUTES, TASKS};

const TABLES: Table<RouteTable> = Table::new(RouteTable::TABLE, 1);

/// The reconciler of what tasks reach by aliases.
pub struct Connections(Ecs);

impl Connections {
    /// What wakes it.
    pub const READS: &[&str] = &[TASKS.name];

    pub fn new(ecs: Ecs) -> Self {
        Self(ecs)
    }
}

#[async_trait]
impl Reconciler for Connections {
    fn name(&self) -> &'static str {
        "ecs connections"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        self.0
            .store
            .write(|tx| {
                let tasks: Vec<Arc<Task>> = tx.list(TASKS).into_iter().map(|(_, task)| task).collect();
                let old = tx.get(TABLES, RouteTable::CONNECT);
                let old = old.map(|it| (*it).clone()).unwrap_or_default();
                let seen = tx.get(ROUTES, RouteTable::CONNECT).map_or(0, |it| it.generation);
                let mut new = connect::routes(&tasks);
                new.generation = old.generation;
                if new != old || old.generation == 0 || seen > old.generation {
                    new.generation = old.generation.max(seen) + 1;
                    tx.put(TABLES, RouteTable::CONNECT, new);
                }
                Ok::<_, StoreError>(Outcome::Settled)
            })
            .await
            .map_err(|error| error.to_string())
    }
}

/// Whether the proxy may still send this task requests, or waits for some to end.
pub(super) fn is_served(snapshot: &Snapshot, task: &Task) -> bool {
    let Some(address) = task.attachment().map(|it| it.interface.address) else {
        return false;
    };
    // Addresses of several networks may be the same; the registries tell them apart.
    let tails: Vec<String> = task
        .discovery
        .servers()
        .iter()
        .map(|it| format!("/{}", it.registry))
        .collect();
    if tails.is_empty() {
        return false;
    }
    let is_own = |group: &str, at: Ipv4Addr| at == address && tails.iter().any(|it| group.ends_with(it));
    let Some(table) = snapshot.get(TABLES, RouteTable::CONNECT) else {
        return false;
    };
    let groups = table.target_groups.iter();
    let targets = groups.flat_map(|group| group.targets.iter().map(move |it| (&group.id, it)));
    let mut own = targets
        .filter(|(group, it)| is_own(group, it.address))
        .map(|(_, it)| it)
        .peekable();
    if own.peek().is_none() {
        return false;
    }
    if own.any(|it| !it.draining) {
        return true;
    }
    let Some(seen) = snapshot
        .get(ROUTES, RouteTable::CONNECT)
        .filter(|it| it.generation >= table.generation)
    else {
        return true;
    };
    let mut targets = seen.targets.iter();
    targets
        .any(|it| is_own(&it.target_group, it.address) && it.health != TargetHealth::Draining { done: true })
}
