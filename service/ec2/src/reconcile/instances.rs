//! Instances: each boot is a task of the data plane, and what is seen of it is the instance's state.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use base_id::Scope;
use base_reconcile::{Outcome, Reconciler};
use base_store::{StoreError, Transaction};
use contract::task::DesiredTask;
use ipnet::Ipv4Net;
use jiff::Timestamp;

use crate::Ec2;
use crate::model::Interface;
use crate::model::instance::{Instance, Life};
use crate::operation::give_public;
use crate::plan::instance::{Picture, Step, next};
use crate::table::{DESIRED_TASKS, INSTANCES, INTERFACES, OBSERVED_TASKS, key};

/// The reconciler of instances.
pub struct Instances(Ec2);

/// One activation takes no more steps than this with one instance.
const STEPS_MAX: usize = 8;

impl Instances {
    /// What wakes it.
    pub const READS: &[&str] = &[INSTANCES.name, INTERFACES.name, OBSERVED_TASKS.name];

    pub fn new(ec2: Ec2) -> Self {
        Self(ec2)
    }
}

#[async_trait]
impl Reconciler for Instances {
    fn name(&self) -> &'static str {
        "ec2 instances"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let (now, ids, pool) = (self.0.clock.now(), Arc::clone(&self.0.ids), self.0.pool);
        self.0
            .store
            .write(move |tx| {
                let mut due = None;
                let rows = rows_by_disk(tx);
                for (place, instance) in tx.list(INSTANCES) {
                    let rows = rows.get(&instance.id).map_or(&[][..], Vec::as_slice);
                    for _ in 0..STEPS_MAX {
                        match step(tx, &place, rows, (now, pool), &ids.hex(32)) {
                            Taken::Settled => break,
                            Taken::Further => {}
                            Taken::Until(at) => {
                                due = Some(due.map_or(at, |due: Timestamp| due.min(at)));
                                break;
                            }
                        }
                    }
                }
                Ok::<_, StoreError>(due.map_or(Outcome::Settled, Outcome::Until))
            })
            .await
            .map_err(|error| error.to_string())
    }
}

enum Taken {
    Settled,
    Further,
    Until(Timestamp),
}

/// The ids of the rows that have a disk, which is named like its instance.
fn rows_by_disk(tx: &Transaction) -> BTreeMap<String, Vec<String>> {
    let mut rows = BTreeMap::<String, Vec<String>>::new();
    for (id, row) in tx.list(DESIRED_TASKS) {
        if let Some(disk) = row.disk() {
            rows.entry(disk.to_owned()).or_default().push(id);
        }
    }
    rows
}

fn step(
    tx: &mut Transaction,
    place: &str,
    rows: &[String],
    (now, pool): (Timestamp, Ipv4Net),
    fresh: &str,
) -> Taken {
    let Some(instance) = tx.get(INSTANCES, place) else {
        return Taken::Settled;
    };
    let interface_place = key(&Scope::of_key(place), &instance.interface);
    let interface = tx.get(INTERFACES, &interface_place);
    let boot = instance.boot().unwrap_or_default();
    let (desired, seen) = (tx.get(DESIRED_TASKS, boot), tx.get(OBSERVED_TASKS, boot));
    let picture = Picture {
        instance: &instance,
        interface: interface.as_deref(),
        desired: desired.as_deref(),
        seen: seen.as_deref(),
    };
    match next(&picture, now, fresh) {
        Step::Nothing => return Taken::Settled,
        Step::Wait(until) => return Taken::Until(until),
        Step::Row(row) => {
            if row.stop.is_none() {
                change_public(tx, &interface_place, instance.public.then_some(pool));
            }
            put_row(tx, rows, *row);
        }
        Step::Become(life, reason) => {
            if matches!(life, Life::Stopped { .. }) {
                change_public(tx, &interface_place, None);
            }
            let after = Instance {
                life,
                reason,
                ..Instance::clone(&instance)
            };
            tx.put(INSTANCES, place, after);
        }
        Step::Release(at) => {
            drop_rows(tx, rows, None);
            tx.delete(DESIRED_TASKS, boot);
            leave_interface(tx, &interface_place);
            let after = Instance {
                life: Life::Terminated { at },
                ..Instance::clone(&instance)
            };
            tx.put(INSTANCES, place, after);
        }
        Step::Forget => tx.delete(INSTANCES, place),
    }
    Taken::Further
}

/// It goes with its instance, or is free for another one.
fn leave_interface(tx: &mut Transaction, place: &str) {
    let Some(interface) = tx.get(INTERFACES, place) else {
        return;
    };
    if interface.delete_on_termination {
        tx.delete(INTERFACES, place);
        return;
    }
    change_public(tx, place, None);
    if let Some(interface) = tx.get(INTERFACES, place) {
        let free = Interface {
            instance: None,
            device_index: None,
            ..Interface::clone(&interface)
        };
        tx.put(INTERFACES, place, free);
    }
}

/// A public address that is not an elastic one is had while the instance is up.
fn change_public(tx: &mut Transaction, interface_place: &str, pool: Option<Ipv4Net>) {
    let Some(interface) = tx.get(INTERFACES, interface_place) else {
        return;
    };
    let mut after = Interface::clone(&interface);
    let elastic = after
        .public
        .as_ref()
        .is_some_and(|public| public.elastic.is_some());
    match pool {
        // Without one it can be reached from nowhere outside, which is told of it.
        Some(pool) => drop(give_public(tx, pool, &mut after)),
        None if elastic => {}
        None => after.public = None,
    }
    if after != *interface {
        tx.put(INTERFACES, interface_place, after);
    }
}

/// The old boot's row goes in the same moment in which the new one comes: the disk always has one that names it.
fn put_row(tx: &mut Transaction, rows: &[String], row: DesiredTask) {
    drop_rows(tx, rows, Some(&row.id));
    let id = row.id.clone();
    tx.put(DESIRED_TASKS, &id, row);
}

fn drop_rows(tx: &mut Transaction, rows: &[String], keep: Option<&str>) {
    for id in rows.iter().filter(|id| Some(id.as_str()) != keep) {
        tx.delete(DESIRED_TASKS, id);
    }
}
