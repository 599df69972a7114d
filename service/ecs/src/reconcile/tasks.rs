//! Tasks: from the wish to the data plane, into the load balancer, out of it again, and to the last trace.
//!
//! The order inside one activation matters: first the load balancer is told who serves and who does not any more, then
//! tasks that nobody sends requests to are told to end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
use aws_shape::ec2;
use base_id::Scope;
use base_reconcile::{Outcome, Reconciler};
use base_store::{Snapshot, Transaction};
use contract::route::RouteTable;
use contract::task::{DesiredTask, ObservedTask, Stop, StopKind, TaskPhase};
use jiff::Timestamp;

use super::services::sooner;
use super::{connect, discovery, place, registration, target};
use crate::model::discovery::Until;
use crate::model::service::{Deployment, Service};
use crate::model::task::{Stage, StopCode, StopOrder, Task};
use crate::table::{self, DESIRED, INSTANCES, OBSERVED, ROUTES, SERVICES, TASKS};
use crate::{Ecs, event, lodging};

/// How long a stopped task can still be described, as in AWS.
const STOPPED_KEPT: Duration = Duration::from_secs(3600);

/// The reconciler of tasks.
pub struct Tasks(Ecs);

/// A service's name under its cluster, and what the load balancer says about its tasks.
type Healths = BTreeMap<String, target::Health>;

impl Tasks {
    /// What wakes it.
    pub const READS: &[&str] = &[
        TASKS.name,
        OBSERVED.name,
        ROUTES.name,
        RouteTable::TABLE,
        SERVICES.name,
        INSTANCES.name,
    ];

    pub fn new(ecs: Ecs) -> Self {
        Self(ecs)
    }

    async fn one(
        &self,
        snapshot: &Snapshot,
        place: &str,
        task: &Arc<Task>,
        healths: &Healths,
    ) -> Result<Outcome, ApiError> {
        let now = self.0.clock.now();
        let seen = table::observed(snapshot, task);
        match (&task.stage, seen) {
            (Stage::Stopped { .. }, _) if matches!(task.may_be_found(), Some(Until::Unlisted)) => {
                Ok(Outcome::Settled)
            }
            (Stage::Stopped { at, .. }, _) => self.forget(place, *at, now).await,
            (Stage::Provisioning, _) if task.stop.is_some() => self.finish(place, task, None).await,
            (Stage::Provisioning, _) if task.waits() => self.lodge(place, task).await,
            (Stage::Provisioning, _) => self.place(place, task).await,
            (Stage::Placed { .. }, Some(seen)) if seen.phase == TaskPhase::Stopped => {
                self.finish(place, task, Some(ObservedTask::clone(&seen))).await
            }
            (Stage::Placed { .. }, Some(seen))
                if seen.phase == TaskPhase::Stopping && task.stop.is_none() =>
            {
                self.acknowledge(place, task, &seen).await
            }
            (Stage::Placed { .. }, _) => {
                let Some(order) = &task.stop else {
                    return Ok(Outcome::Settled);
                };
                let registered = match healths.get(&service_place(place, task)) {
                    Some(health) => target::is_registered(health, task),
                    // What the load balancer has to do with it could not be found out this time.
                    None => !task.load_balancers.is_empty() && task.service().is_some(),
                };
                if registered || connect::is_served(snapshot, task) {
                    return Ok(Outcome::Settled);
                }
                match task.may_be_found() {
                    Some(Until::Unlisted) => return Ok(Outcome::Settled),
                    Some(Until::At(end)) if end > now => return Ok(Outcome::Until(end)),
                    Some(Until::At(_)) | None => {}
                }
                self.tell_to_stop(task, order).await
            }
        }
    }

    /// It ends by itself: why is written down, and counted, before the last of its containers is gone.
    async fn acknowledge(&self, place: &str, task: &Task, seen: &ObservedTask) -> Result<Outcome, ApiError> {
        if seen.stop_cause.is_none() {
            return Ok(Outcome::Settled);
        }
        let (place, id) = (place.to_owned(), self.0.ids.hex(32));
        let now = self.0.clock.now();
        let scope = Scope::of_key(&place);
        let order = self.order(&scope, task, Some(seen)).await?;
        let version = task.version;
        self.0
            .store
            .write(move |tx| {
                let Some(row) = tx.get(TASKS, &place).filter(|row| row.version == version) else {
                    return Ok(Outcome::Again);
                };
                let mut task = Task::clone(&row);
                task.order_stop(order.code, &order.reason, order.at);
                count_failure(tx, &Scope::of_key(&place), &task, now, &id);
                tx.put(TASKS, &place, task);
                Ok::<_, ApiError>(Outcome::Settled)
            })
            .await
    }

    async fn forget(&self, place: &str, at: Timestamp, now: Timestamp) -> Result<Outcome, ApiError> {
        let due = at + STOPPED_KEPT;
        if due > now {
            return Ok(Outcome::Until(due));
        }
        let place = place.to_owned();
        self.0
            .store
            .write(move |tx| {
                tx.delete(TASKS, &place);
                Ok::<_, ApiError>(Outcome::Settled)
            })
            .await
    }

    /// Looks whether an instance can take it now.
    async fn lodge(&self, place: &str, task: &Arc<Task>) -> Result<Outcome, ApiError> {
        let (place, seen) = (place.to_owned(), Arc::clone(task));
        let now = self.0.clock.now();
        self.0
            .store
            .write(move |tx| {
                if tx.get(TASKS, &place).as_deref() != Some(&*seen) {
                    return Ok(Outcome::Again);
                }
                let (scope, snapshot) = (Scope::of_key(&place), tx.snapshot());
                let mut task = Task::clone(&seen);
                match table::definition_of(&snapshot, &scope, &seen.task_definition) {
                    Some(definition) => {
                        if lodging::lodge(&snapshot, &scope, &mut task, &definition).is_err() {
                            return Ok(Outcome::Settled);
                        }
                    }
                    None => {
                        let reason = "ResourceInitializationError: the task definition is gone";
                        task.order_stop(StopCode::FailedToStart, reason, now);
                    }
                }
                task.version += 1;
                tx.put(TASKS, &place, task);
                Ok::<_, ApiError>(Outcome::Again)
            })
            .await
    }

    /// Gives the task its interface and images and hands it over; a task that cannot be placed is stopped with the reason.
    async fn place(&self, place: &str, task: &Arc<Task>) -> Result<Outcome, ApiError> {
        let scope = Scope::of_key(place);
        let placed = match place::place(&self.0, &scope, task).await {
            Ok(placed) => placed,
            Err(place::Failure::Later(error)) => return Err(error),
            Err(place::Failure::Never(reason)) => {
                let now = self.0.clock.now();
                let order = StopOrder {
                    code: StopCode::FailedToStart,
                    reason,
                    at: now,
                };
                return self.end(place, task, None, order).await;
            }
        };
        let (place, seen) = (place.to_owned(), Arc::clone(task));
        self.0
            .store
            .write(move |tx| {
                if tx.get(TASKS, &place).as_deref() != Some(&*seen) {
                    return Ok(Outcome::Again);
                }
                placed.pin(tx, &scope, &seen);
                let upstreams = placed.upstreams;
                let stage = Stage::Placed {
                    attachment: placed.attachment,
                    digests: placed.digests,
                };
                tx.put(
                    TASKS,
                    &place,
                    Task {
                        stage,
                        upstreams,
                        version: seen.version + 1,
                        ..Task::clone(&seen)
                    },
                );
                tx.put(DESIRED, &seen.id, placed.desired);
                Ok::<_, ApiError>(Outcome::Settled)
            })
            .await
    }

    async fn tell_to_stop(&self, task: &Task, order: &StopOrder) -> Result<Outcome, ApiError> {
        let (id, reason) = (task.id.clone(), order.reason.clone());
        self.0
            .store
            .write(move |tx| {
                if let Some(row) = tx.get(DESIRED, &id).filter(|row| row.stop.is_none()) {
                    let generation = row.generation + 1;
                    tx.put(
                        DESIRED,
                        &id,
                        DesiredTask {
                            generation,
                            stop: Some(Stop { reason }),
                            ..DesiredTask::clone(&row)
                        },
                    );
                }
                Ok::<_, ApiError>(Outcome::Settled)
            })
            .await
    }

    /// Why a task that nobody told to stop has stopped: with its instance, if that does not stand any more.
    async fn order(
        &self,
        scope: &Scope,
        task: &Task,
        last: Option<&ObservedTask>,
    ) -> Result<StopOrder, ApiError> {
        let order = order_of(last, self.0.clock.now());
        let Some(lodging) = task.lodging.as_ref().filter(|_| task.stop.is_none()) else {
            return Ok(order);
        };
        let what = super::instances::fate(&self.0, scope, &lodging.ec2_instance).await?;
        Ok(match what {
            None => order,
            Some(what) => StopOrder {
                code: StopCode::TerminationNotice,
                reason: event::host_gone(&lodging.ec2_instance, what),
                at: order.at,
            },
        })
    }

    /// Nothing of it runs any more.
    async fn finish(
        &self,
        place: &str,
        task: &Task,
        last: Option<ObservedTask>,
    ) -> Result<Outcome, ApiError> {
        let order = self.order(&Scope::of_key(place), task, last.as_ref()).await?;
        self.end(place, task, last, order).await
    }

    /// Its interface goes, and what was seen last is kept. `order` is why, unless that is known already.
    async fn end(
        &self,
        place: &str,
        task: &Task,
        last: Option<ObservedTask>,
        order: StopOrder,
    ) -> Result<Outcome, ApiError> {
        let scope = Scope::of_key(place);
        let context = Ecs::own_context(&scope, "ecs-tasks");
        self.remove_interfaces(&context, task).await?;
        let now = self.0.clock.now();
        let (place, id) = (place.to_owned(), self.0.ids.hex(32));
        let ran = last.as_ref().is_some_and(|last| last.started_at.is_some());
        self.0
            .store
            .write(move |tx| {
                let Some(row) = tx.get(TASKS, &place).filter(|row| !row.is_stopped()) else {
                    return Ok(Outcome::Settled);
                };
                let mut done = Task::clone(&row);
                if done.stop.is_none() {
                    done.order_stop(order.code, &order.reason, order.at);
                    count_failure(tx, &scope, &done, now, &id);
                } else {
                    say_stopped(tx, &scope, &done, ran, (now, &id));
                }
                done.stage = Stage::Stopped {
                    attachment: row.attachment().cloned(),
                    last: last.map(Box::new),
                    at: now,
                };
                done.version += 1;
                let desired = done.id.clone();
                tx.put(TASKS, &place, done);
                tx.delete(DESIRED, &desired);
                Ok::<_, ApiError>(Outcome::Settled)
            })
            .await
    }

    async fn remove_interfaces(&self, context: &Context, task: &Task) -> Result<(), ApiError> {
        for interface in place::interfaces(&self.0, context, task).await? {
            let Some(id) = interface.network_interface_id else {
                continue;
            };
            let input = ec2::DeleteNetworkInterfaceRequest {
                network_interface_id: id,
                dry_run: None,
            };
            match self
                .0
                .neighbours
                .ec2
                .delete_network_interface(context, input)
                .await
            {
                // Gone already: that is what was wanted.
                Err(error) if error.code == "InvalidNetworkInterfaceID.NotFound" => {}
                result => result?,
            }
        }
        Ok(())
    }
}

/// Why a task that nobody told to stop has stopped.
fn order_of(last: Option<&ObservedTask>, now: Timestamp) -> StopOrder {
    let cause = last.and_then(|last| last.stop_cause.clone());
    let at = last.and_then(|last| last.stopping_at).unwrap_or(now);
    let Some(cause) = cause else {
        return StopOrder {
            code: StopCode::FailedToStart,
            reason: "Task stopped for an unknown reason".into(),
            at,
        };
    };
    let started = last.is_some_and(|last| last.started_at.is_some());
    let code = match cause.kind {
        StopKind::Lost if started => StopCode::EssentialContainerExited,
        StopKind::FailedToStart | StopKind::Lost => StopCode::FailedToStart,
        StopKind::EssentialContainerExited => StopCode::EssentialContainerExited,
        StopKind::Requested => StopCode::ServiceScheduler,
    };
    StopOrder {
        code,
        reason: cause.reason,
        at,
    }
}

/// A task that ended by itself counts against its deployment, and its service says so.
fn count_failure(tx: &mut Transaction, scope: &Scope, task: &Task, now: Timestamp, id: &str) {
    let Some(order) = &task.stop else { return };
    if matches!(
        order.code,
        StopCode::ServiceScheduler | StopCode::TerminationNotice
    ) {
        return;
    }
    change_service(tx, scope, task, |service| {
        let sentence = event::task_failed(service, &task.id, &order.reason);
        service.say(id.to_owned(), now, sentence);
        let own = |it: &&mut Deployment| Some(&it.id) == task.started_by.as_ref();
        if let Some(deployment) = service.deployments.iter_mut().find(own) {
            deployment.count_failure(now, &order.reason);
        }
    });
}

/// `ran`: it had come as far as running before it was stopped.
fn say_stopped(tx: &mut Transaction, scope: &Scope, task: &Task, ran: bool, (now, id): (Timestamp, &str)) {
    let by_itself =
        |code: StopCode| matches!(code, StopCode::FailedToStart | StopCode::EssentialContainerExited);
    if task.stop.as_ref().is_none_or(|it| by_itself(it.code)) {
        return;
    }
    change_service(tx, scope, task, |service| {
        let sentence = if ran {
            event::stopped(service, std::slice::from_ref(&task.id))
        } else {
            event::stopped_pending(service, 1)
        };
        service.say(id.to_owned(), now, sentence);
    });
}

fn change_service(tx: &mut Transaction, scope: &Scope, task: &Task, change: impl FnOnce(&mut Service)) {
    let Some(name) = task.service() else { return };
    let place = table::key(scope, &format!("{}/{name}", task.cluster));
    if let Some(service) = tx.get(SERVICES, &place) {
        let mut service = Service::clone(&service);
        change(&mut service);
        tx.put(SERVICES, &place, service);
    }
}

/// The key of the service that a task belongs to.
fn service_place(place: &str, task: &Task) -> String {
    let name = task.service().unwrap_or_default();
    table::key(&Scope::of_key(place), &format!("{}/{name}", task.cluster))
}

#[async_trait]
impl Reconciler for Tasks {
    fn name(&self) -> &'static str {
        "ecs tasks"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let snapshot = self.0.store.snapshot();
        let (mut outcome, mut failures, mut healths) = (Outcome::Settled, Vec::new(), Healths::new());
        for (place, service) in snapshot.list(SERVICES) {
            match registration::follow(&self.0, &snapshot, &place, &service).await {
                Ok(health) => drop(healths.insert(place.clone(), health)),
                Err(error) => failures.push(format!("targets of {place}: {error}")),
            }
            if let Err(error) = discovery::follow(&self.0, &snapshot, &place, &service).await {
                failures.push(format!("names of {place}: {error}"));
            }
        }
        for (place, task) in snapshot.list(TASKS) {
            match self.one(&snapshot, &place, &task, &healths).await {
                Ok(next) => outcome = sooner(outcome, next),
                Err(error) => failures.push(format!("{place}: {error}")),
            }
        }
        if failures.is_empty() {
            Ok(outcome)
        } else {
            Err(failures.join("; "))
        }
    }
}
