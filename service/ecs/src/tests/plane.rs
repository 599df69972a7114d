//! A data plane without processes: it moves every task, network and target one step at a time, and fails as told.

use std::collections::BTreeSet;

use base_store::{Store, StoreError, Table, Transaction};
use contract::network::{DesiredNetwork, ObservedNetwork};
use contract::route::{
    ObservedListener, ObservedRoutes, ObservedTarget, RouteTable, Target, TargetHealth, Unhealthy,
};
use contract::task::{
    ContainerPhase, DesiredTask, Health, ObservedContainer, ObservedTask, StopCause, StopKind, TaskPhase,
    Transport,
};
use jiff::Timestamp;

use crate::table::{DESIRED, OBSERVED, ROUTES};

const TABLES: Table<RouteTable> = Table::new(RouteTable::TABLE, 1);
const NETWORKS: Table<DesiredNetwork> = Table::new(DesiredNetwork::TABLE, 1);
const SEEN_NETWORKS: Table<ObservedNetwork> = Table::new(ObservedNetwork::TABLE, 1);

/// How tasks behave, by their label (`family:revision`).
#[derive(Clone, Default)]
pub(super) struct Behaviour {
    /// They never start.
    pub(super) broken: BTreeSet<String>,
    /// They run, and fail the load balancer's health checks.
    pub(super) unwell: BTreeSet<String>,
    /// Their own health check says so.
    pub(super) container_health: Option<Health>,
}

/// One step of everything.
pub(super) async fn step(store: &Store, behaviour: &Behaviour, now: Timestamp) {
    let behaviour = behaviour.clone();
    let done = store.write(move |tx| {
        tasks(tx, &behaviour, now);
        networks(tx);
        routes(tx, &behaviour);
        Ok::<_, StoreError>(())
    });
    done.await.unwrap();
}

fn tasks(tx: &mut Transaction, behaviour: &Behaviour, now: Timestamp) {
    for (id, wish) in tx.list(DESIRED) {
        let Some(seen) = tx.get(OBSERVED, &id) else {
            tx.put(OBSERVED, &id, fresh(&wish));
            continue;
        };
        let mut seen = ObservedTask::clone(&seen);
        seen.generation = wish.generation;
        match seen.phase {
            TaskPhase::Stopped => {}
            TaskPhase::Stopping => {
                seen.phase = TaskPhase::Stopped;
                seen.stopped_at = Some(now);
                contain(&mut seen, ContainerPhase::Stopped);
            }
            _ if wish.stop.is_some() => {
                let reason = wish.stop.clone().unwrap().reason;
                stopping(&mut seen, StopKind::Requested, &reason, now);
            }
            TaskPhase::Provisioning => seen.phase = TaskPhase::Pending,
            TaskPhase::Pending if behaviour.broken.contains(&wish.label) => {
                stopping(
                    &mut seen,
                    StopKind::FailedToStart,
                    "CannotPullContainerError: no",
                    now,
                );
            }
            TaskPhase::Pending => {
                seen.phase = TaskPhase::Running;
                seen.started_at = Some(now);
                contain(&mut seen, ContainerPhase::Running);
            }
            TaskPhase::Running => {}
        }
        if let (Some(health), TaskPhase::Running) = (behaviour.container_health, seen.phase) {
            seen.containers.iter_mut().for_each(|one| one.health = health);
        }
        tx.put(OBSERVED, &id, seen);
    }
    for (id, _) in tx.list(OBSERVED) {
        if tx.get(DESIRED, &id).is_none() {
            tx.delete(OBSERVED, &id);
        }
    }
}

pub(super) fn contain(seen: &mut ObservedTask, phase: ContainerPhase) {
    for one in &mut seen.containers {
        one.phase = phase;
        if phase == ContainerPhase::Stopped {
            one.exit_code.get_or_insert(0);
        }
    }
}

pub(super) fn fresh(wish: &DesiredTask) -> ObservedTask {
    let container = |one: &contract::task::Container| ObservedContainer {
        name: one.name.clone(),
        runtime_id: format!("{}-1", wish.id),
        phase: ContainerPhase::Pending,
        image_digest: one.image.digest.clone(),
        exit_code: None,
        reason: None,
        health: Health::Unknown,
        started_at: None,
        stopped_at: None,
        restarts: 0,
        notes: vec![],
    };
    ObservedTask {
        id: wish.id.clone(),
        generation: wish.generation,
        phase: TaskPhase::Provisioning,
        address: wish.interface.as_ref().map(|it| it.address),
        containers: wish.containers.iter().map(container).collect(),
        pull_started_at: None,
        pull_stopped_at: None,
        started_at: None,
        stopping_at: None,
        stopped_at: None,
        stop_cause: None,
    }
}

pub(super) fn stopping(seen: &mut ObservedTask, kind: StopKind, reason: &str, now: Timestamp) {
    seen.phase = TaskPhase::Stopping;
    seen.stopping_at = Some(now);
    seen.stop_cause = Some(StopCause {
        kind,
        reason: reason.to_owned(),
    });
}

/// A running task ends by itself (`lost`: without a word).
pub(super) async fn crash(store: &Store, id: &str, lost: bool, now: Timestamp) {
    let id = id.to_owned();
    let done = store.write(move |tx| {
        if let Some(seen) = tx
            .get(OBSERVED, &id)
            .filter(|seen| seen.phase == TaskPhase::Running)
        {
            let mut seen = ObservedTask::clone(&seen);
            if lost {
                stopping(&mut seen, StopKind::Lost, "The task was lost", now);
                seen.phase = TaskPhase::Stopped;
            } else {
                let reason = "Essential container in task exited";
                stopping(&mut seen, StopKind::EssentialContainerExited, reason, now);
            }
            tx.put(OBSERVED, &id, seen);
        }
        Ok::<_, StoreError>(())
    });
    done.await.unwrap();
}

fn networks(tx: &mut Transaction) {
    for (id, network) in tx.list(NETWORKS) {
        let seen = ObservedNetwork {
            id: id.clone(),
            generation: network.generation,
            failure: None,
        };
        tx.put(SEEN_NETWORKS, &id, seen);
    }
}

fn routes(tx: &mut Transaction, behaviour: &Behaviour) {
    connections(tx);
    let Some(table) = tx.get(TABLES, RouteTable::KEY) else {
        return;
    };
    let before = tx
        .get(ROUTES, RouteTable::KEY)
        .map(|seen| ObservedRoutes::clone(&seen))
        .unwrap_or_default();
    let running = |target: &Target| {
        tx.list(DESIRED).into_iter().find_map(|(id, wish)| {
            let here = match &wish.interface {
                Some(own) => own.address == target.address,
                None => publishes(tx, &wish, target),
            };
            let runs = tx.get(OBSERVED, &id)?.phase == TaskPhase::Running;
            (here && runs).then(|| wish.label.clone())
        })
    };
    let seen = observe(&table, &before, |_, target, known| {
        match (known, target.draining) {
            (Some(TargetHealth::Draining { .. }), true) => TargetHealth::Draining { done: true },
            (_, true) => TargetHealth::Draining { done: false },
            (None, false) => TargetHealth::Initial,
            (Some(_), false) => match running(target) {
                Some(label) if !behaviour.unwell.contains(&label) => TargetHealth::Healthy,
                _ => TargetHealth::Unhealthy(Unhealthy::Timeout),
            },
        }
    });
    tx.put(ROUTES, RouteTable::KEY, seen);
}

/// The other table's targets are asked by nobody, and drain in one turn.
fn connections(tx: &mut Transaction) {
    let Some(table) = tx.get(TABLES, RouteTable::CONNECT) else {
        return;
    };
    let before = tx.get(ROUTES, RouteTable::CONNECT);
    let before = before
        .map(|seen| ObservedRoutes::clone(&seen))
        .unwrap_or_default();
    let seen = observe(&table, &before, |_, target, known| {
        match (known, target.draining) {
            (Some(TargetHealth::Draining { .. }), true) => TargetHealth::Draining { done: true },
            (_, true) => TargetHealth::Draining { done: false },
            (_, false) => TargetHealth::Unchecked,
        }
    });
    if seen != before {
        tx.put(ROUTES, RouteTable::CONNECT, seen);
    }
}

/// Whether a task on a bridge is behind this port of its instance.
fn publishes(tx: &Transaction, wish: &DesiredTask, target: &Target) -> bool {
    let rows = tx.list(crate::table::TASKS);
    let row = rows.iter().find(|(_, row)| row.id == wish.id);
    let lodging = row.and_then(|(_, row)| row.lodging.as_ref());
    lodging.is_some_and(|it| {
        it.address == target.address && it.ports(Transport::Tcp).any(|port| port == target.port)
    })
}

/// What a load balancer with this table tells: every listener listens, and each target is as `health` finds it, which
/// is given the group's id and what was known before.
pub(super) fn observe(
    table: &RouteTable,
    before: &ObservedRoutes,
    mut health: impl FnMut(&str, &Target, Option<&TargetHealth>) -> TargetHealth,
) -> ObservedRoutes {
    let mut targets = Vec::new();
    for group in &table.target_groups {
        for target in &group.targets {
            let known = before.targets.iter().find(|it| {
                (&it.target_group, it.address, it.port) == (&group.id, target.address, target.port)
            });
            targets.push(ObservedTarget {
                target_group: group.id.clone(),
                address: target.address,
                port: target.port,
                health: health(&group.id, target, known.map(|it| &it.health)),
                in_flight: 0,
            });
        }
    }
    let listeners = table.listeners.iter().map(|it| ObservedListener {
        id: it.id.clone(),
        failure: None,
    });
    ObservedRoutes {
        generation: table.generation,
        listeners: listeners.collect(),
        targets,
    }
}
