//! A data plane that remembers what really runs, and tells of it late, seldom, or not at all.

use std::collections::{BTreeMap, BTreeSet};

use base_store::{Store, StoreError, Table};
use contract::network::{DesiredNetwork, ObservedNetwork};
use contract::route::{ObservedRoutes, RouteTable, TargetHealth, Unhealthy};
use contract::task::{ContainerPhase, DesiredTask, ObservedTask, StopCause, StopKind, TaskPhase};
use jiff::Timestamp;

use super::dice::Dice;
use crate::table::{DESIRED, OBSERVED, ROUTES, TASKS};
use crate::tests::plane;

const TABLES: Table<RouteTable> = Table::new(RouteTable::TABLE, 1);
const NETWORKS: Table<DesiredNetwork> = Table::new(DesiredNetwork::TABLE, 1);
const SEEN_NETWORKS: Table<ObservedNetwork> = Table::new(ObservedNetwork::TABLE, 1);

/// How badly it behaves: times in a hundred, per task and step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Noise {
    /// Nothing happens to it this time.
    delays: u64,
    /// What happened is not told this time.
    loses: u64,
    /// A running task ends by itself.
    exits: u64,
    /// An image cannot be pulled.
    pulls_fail: u64,
    /// A target's health changes for no reason.
    flaps: u64,
    /// The whole data plane is gone for a while; one time in four everything that ran is gone with it.
    crashes: u64,
    /// The control process is killed now and then.
    pub(super) kills: bool,
}

impl Noise {
    pub(super) const NONE: Self = Self {
        delays: 0,
        loses: 0,
        exits: 0,
        pulls_fail: 0,
        flaps: 0,
        crashes: 0,
        kills: false,
    };
    /// Slow, and with a control process that dies, but nothing that runs is harmed.
    pub(super) const QUIET: Self = Self {
        delays: 30,
        kills: true,
        ..Self::NONE
    };

    pub(super) fn of(dice: &mut Dice) -> Self {
        match dice.below(4) {
            0 => Self::QUIET,
            1 => Self {
                exits: 5,
                pulls_fail: 20,
                ..Self::QUIET
            },
            2 => Self {
                loses: 30,
                flaps: 10,
                ..Self::QUIET
            },
            _ => Self {
                delays: 20,
                loses: 20,
                exits: 3,
                pulls_fail: 10,
                flaps: 5,
                crashes: 3,
                kills: true,
            },
        }
    }
}

pub(super) struct Node {
    pub(super) noise: Noise,
    /// Labels (`family:revision`) of tasks that never start.
    pub(super) broken: BTreeSet<String>,
    /// Labels of tasks that run and fail the load balancer's checks.
    pub(super) unwell: BTreeSet<String>,
    /// Instances that were terminated: nothing starts there any more.
    pub(super) gone: BTreeSet<String>,
    /// What really is, by task.
    truth: BTreeMap<String, ObservedTask>,
    labels: BTreeMap<String, String>,
    /// Targets that are unhealthy for no reason.
    flapping: BTreeSet<String>,
    /// Steps until it is back.
    down: u64,
}

impl Node {
    pub(super) fn new(noise: Noise) -> Self {
        Self {
            noise,
            broken: BTreeSet::new(),
            unwell: BTreeSet::new(),
            gone: BTreeSet::new(),
            truth: BTreeMap::new(),
            labels: BTreeMap::new(),
            flapping: BTreeSet::new(),
            down: 0,
        }
    }

    pub(super) fn come_back(&mut self) {
        self.down = 0;
        self.flapping.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.truth.is_empty()
    }

    pub(super) fn runs(&self, task: &str) -> bool {
        self.truth
            .get(task)
            .is_some_and(|it| it.phase == TaskPhase::Running)
    }

    /// It is there, or will be: not on its way out.
    pub(super) fn is_present(&self, task: &str) -> bool {
        self.truth
            .get(task)
            .is_none_or(|it| it.phase < TaskPhase::Stopping)
    }

    /// Something ends a task that runs.
    pub(super) fn kill(&mut self, task: &str, lost: bool, now: Timestamp) {
        let Some(it) = self
            .truth
            .get_mut(task)
            .filter(|it| it.phase == TaskPhase::Running)
        else {
            return;
        };
        if lost {
            plane::stopping(it, StopKind::Lost, "The task was lost", now);
            it.phase = TaskPhase::Stopped;
        } else {
            let reason = "Essential container in task exited";
            plane::stopping(it, StopKind::EssentialContainerExited, reason, now);
        }
    }

    /// One step of all tasks and networks.
    pub(super) async fn tasks(&mut self, store: &Store, dice: &mut Dice, now: Timestamp) {
        if self.down > 0 {
            self.down -= 1;
            return;
        }
        if dice.percent(self.noise.crashes) {
            self.down = 1 + dice.below(6);
            if dice.one_in(4) {
                let all: Vec<String> = self.truth.keys().cloned().collect();
                all.iter().for_each(|task| self.kill(task, true, now));
            }
            return;
        }
        let snapshot = store.snapshot();
        let wishes: BTreeMap<String, _> = snapshot.list(DESIRED).into_iter().collect();
        for (id, wish) in &wishes {
            if dice.percent(self.noise.delays) {
                continue;
            }
            self.labels.insert(id.clone(), wish.label.clone());
            let old = self.truth.remove(id);
            let new = self.moved(old, wish, dice, now);
            self.truth.insert(id.clone(), new);
        }
        // Without a wish it is killed at once.
        self.truth.retain(|id, _| wishes.contains_key(id));
        let told: Vec<ObservedTask> = self.truth.values().cloned().collect();
        let told = told.into_iter().filter(|_| !dice.percent(self.noise.loses));
        let told: Vec<ObservedTask> = told.collect();
        let there: BTreeSet<String> = self.truth.keys().cloned().collect();
        let done = store.write(move |tx| {
            for seen in told {
                let id = seen.id.clone();
                if tx.get(OBSERVED, &id).as_deref() != Some(&seen) {
                    tx.put(OBSERVED, &id, seen);
                }
            }
            for (id, _) in tx.list(OBSERVED) {
                if !there.contains(&id) {
                    tx.delete(OBSERVED, &id);
                }
            }
            for (id, network) in tx.list(NETWORKS) {
                let seen = ObservedNetwork {
                    id: id.clone(),
                    generation: network.generation,
                    failure: None,
                };
                tx.put(SEEN_NETWORKS, &id, seen);
            }
            Ok::<_, StoreError>(())
        });
        done.await.unwrap();
    }

    fn moved(
        &self,
        old: Option<ObservedTask>,
        wish: &DesiredTask,
        dice: &mut Dice,
        now: Timestamp,
    ) -> ObservedTask {
        let Some(mut it) = old else {
            return plane::fresh(wish);
        };
        it.generation = wish.generation;
        match it.phase {
            TaskPhase::Stopped => {}
            TaskPhase::Stopping => {
                it.phase = TaskPhase::Stopped;
                it.stopped_at = Some(now);
                plane::contain(&mut it, ContainerPhase::Stopped);
            }
            _ if wish.stop.is_some() => {
                let reason = wish.stop.as_ref().map_or("", |it| it.reason.as_str());
                plane::stopping(&mut it, StopKind::Requested, reason, now);
            }
            _ if wish.host.as_ref().is_some_and(|it| self.gone.contains(&it.disk)) => {
                plane::stopping(&mut it, StopKind::Lost, "The task was lost", now);
                it.phase = TaskPhase::Stopped;
            }
            TaskPhase::Provisioning => it.phase = TaskPhase::Pending,
            TaskPhase::Pending
                if self.broken.contains(&wish.label) || dice.percent(self.noise.pulls_fail) =>
            {
                plane::stopping(
                    &mut it,
                    StopKind::FailedToStart,
                    "CannotPullContainerError: no",
                    now,
                );
            }
            TaskPhase::Pending => {
                it.phase = TaskPhase::Running;
                it.started_at = Some(now);
                plane::contain(&mut it, ContainerPhase::Running);
            }
            TaskPhase::Running if dice.percent(self.noise.exits) => {
                it.phase = TaskPhase::Stopping;
                it.stopping_at = Some(now);
                it.stop_cause = Some(StopCause {
                    kind: StopKind::EssentialContainerExited,
                    reason: "OutOfMemoryError: Container killed due to memory usage".to_owned(),
                });
            }
            TaskPhase::Running => {}
        }
        it
    }

    /// One step of the load balancers.
    pub(super) async fn routes(&mut self, store: &Store, dice: &mut Dice) {
        let snapshot = store.snapshot();
        let Some(table) = snapshot.get(TABLES, RouteTable::KEY) else {
            return;
        };
        if self.down > 0 || dice.percent(self.noise.loses) {
            return;
        }
        let before = snapshot.get(ROUTES, RouteTable::KEY);
        let before = before.map(|it| ObservedRoutes::clone(&it)).unwrap_or_default();
        let mut holders = BTreeMap::new();
        for (id, wish) in snapshot.list(DESIRED) {
            if let Some(interface) = &wish.interface {
                holders.insert((interface.address, 0), id);
            }
        }
        // On an instance it is the port that leads to a task.
        for (_, task) in snapshot.list(TASKS) {
            let Some(lodging) = task.lodging.as_ref().filter(|_| !task.is_stopped()) else {
                continue;
            };
            for port in lodging.publish.values().flatten() {
                holders.insert((lodging.address, port.host_port), task.id.clone());
            }
        }
        let seen = plane::observe(&table, &before, |group, target, known| {
            let name = format!("{group} {} {}", target.address, target.port);
            let holder = holders.get(&(target.address, target.port));
            let holder = holder.or_else(|| holders.get(&(target.address, 0)));
            if dice.percent(self.noise.flaps) && !self.flapping.remove(&name) {
                self.flapping.insert(name.clone());
            }
            match (known, target.draining) {
                (known, true) if dice.percent(self.noise.delays) => known
                    .filter(|it| matches!(it, TargetHealth::Draining { .. }))
                    .cloned()
                    .unwrap_or(TargetHealth::Draining { done: false }),
                (Some(TargetHealth::Draining { .. }), true) => TargetHealth::Draining { done: true },
                (_, true) => TargetHealth::Draining { done: false },
                (None, false) => TargetHealth::Initial,
                (Some(_), false) => match holder {
                    Some(id) if self.is_well(id) && !self.flapping.contains(&name) => TargetHealth::Healthy,
                    _ => TargetHealth::Unhealthy(Unhealthy::Timeout),
                },
            }
        });
        let done = store.write(move |tx| {
            if tx.get(ROUTES, RouteTable::KEY).as_deref() != Some(&seen) {
                tx.put(ROUTES, RouteTable::KEY, seen);
            }
            Ok::<_, StoreError>(())
        });
        done.await.unwrap();
    }

    /// It runs, and answers health checks if anybody asks.
    pub(super) fn is_well(&self, task: &str) -> bool {
        self.runs(task)
            && self
                .labels
                .get(task)
                .is_none_or(|label| !self.unwell.contains(label))
    }
}
