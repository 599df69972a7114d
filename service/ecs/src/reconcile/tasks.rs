//! Tasks: from the wish to the data plane, into the load balancer, out of it again, and to the last trace.
//!
//! The order inside one activation matters: first the load balancer is told who serves and who does not any more, then
//! tasks that nobody sends requests to are told to end.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
use aws_shape::{ec2, elbv2};
use base_id::Scope;
use base_reconcile::{Outcome, Reconciler};
use base_store::Snapshot;
use contract::route::RouteTable;
use contract::task::{DesiredTask, ObservedTask, Stop, StopKind, TaskPhase};
use jiff::Timestamp;

use super::services::sooner;
use super::{place, target};
use crate::model::service::Service;
use crate::model::task::{Stage, StopCode, StopOrder, Task};
use crate::table::{self, DESIRED, OBSERVED, ROUTES, SERVICES, TASKS};
use crate::{Ecs, event};

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
    ];

    pub fn new(ecs: Ecs) -> Self {
        Self(ecs)
    }

    /// Registers tasks that run and deregisters those that shall stop. Returns what the target groups say afterwards.
    async fn targets(
        &self,
        snapshot: &Snapshot,
        place: &str,
        service: &Service,
    ) -> Result<target::Health, ApiError> {
        let scope = table::scope_of(place);
        let context = Ecs::own_context(&scope, "ecs-tasks");
        let before = target::health(&self.0, &context, service).await?;
        let tasks = table::tasks(snapshot, &scope, &service.cluster);
        let mine: Vec<&Arc<Task>> = tasks
            .iter()
            .filter(|task| task.service() == Some(&service.name))
            .collect();
        let mut said = Vec::new();
        for balancer in &service.load_balancers {
            let group = &balancer.target_group;
            let state = |address: Ipv4Addr| before.get(&(group.clone(), address, balancer.port));
            let (mut new, mut gone) = (Vec::new(), Vec::new());
            for task in &mine {
                let Stage::Placed { attachment, .. } = &task.stage else {
                    continue;
                };
                let address = attachment.interface.address;
                let runs =
                    table::observed(snapshot, task).is_some_and(|seen| seen.phase == TaskPhase::Running);
                match state(address) {
                    None if runs && task.stop.is_none() => new.push(address),
                    Some(health) if (task.stop.is_some() || !runs) && !target::is_draining(health) => {
                        gone.push(address)
                    }
                    _ => {}
                }
            }
            // What is registered at an address that no task of this service has any more.
            let held = |address: &Ipv4Addr| {
                mine.iter().any(|task| {
                    !task.is_stopped()
                        && task
                            .attachment()
                            .is_some_and(|it| it.interface.address == *address)
                })
            };
            let orphans = before.iter().filter(|((one, address, _), health)| {
                one == group && !held(address) && !target::is_draining(health)
            });
            gone.extend(orphans.map(|((_, address, _), _)| *address));
            if self.register(&context, group, balancer.port, &new).await? {
                said.push(event::registered(service, new.len(), group));
            }
            if self.deregister(&context, group, balancer.port, &gone).await? {
                said.push(event::deregistered(service, gone.len(), group));
            }
        }
        if said.is_empty() {
            return Ok(before);
        }
        self.say(place, said).await?;
        target::health(&self.0, &context, service).await
    }

    async fn register(
        &self,
        context: &Context,
        group: &str,
        port: u16,
        who: &[Ipv4Addr],
    ) -> Result<bool, ApiError> {
        if who.is_empty() {
            return Ok(false);
        }
        let input = elbv2::RegisterTargetsInput {
            target_group_arn: group.to_owned(),
            targets: targets(who, port),
        };
        match self.0.neighbours.elbv2.register_targets(context, input).await {
            // The group is gone: there is nobody to register with.
            Err(error) if error.code == "TargetGroupNotFound" => Ok(false),
            result => result.map(|_| true),
        }
    }

    async fn deregister(
        &self,
        context: &Context,
        group: &str,
        port: u16,
        who: &[Ipv4Addr],
    ) -> Result<bool, ApiError> {
        if who.is_empty() {
            return Ok(false);
        }
        let input = elbv2::DeregisterTargetsInput {
            target_group_arn: group.to_owned(),
            targets: targets(who, port),
        };
        match self.0.neighbours.elbv2.deregister_targets(context, input).await {
            Err(error) if error.code == "TargetGroupNotFound" => Ok(false),
            result => result.map(|_| true),
        }
    }

    async fn say(&self, place: &str, said: Vec<String>) -> Result<(), ApiError> {
        let (place, now, ids) = (place.to_owned(), self.0.clock.now(), Arc::clone(&self.0.ids));
        self.0
            .store
            .write(move |tx| {
                let Some(service) = tx.get(SERVICES, &place) else {
                    return Ok(());
                };
                let mut service = Service::clone(&service);
                said.into_iter()
                    .for_each(|message| service.say(ids.hex(32), now, message));
                tx.put(SERVICES, &place, service);
                Ok(())
            })
            .await
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
            (Stage::Stopped { at, .. }, _) => self.forget(place, *at, now).await,
            (Stage::Provisioning, _) if task.stop.is_some() => self.finish(place, task, None).await,
            (Stage::Provisioning, _) => self.place(place, task).await,
            (Stage::Placed { .. }, Some(seen)) if seen.phase == TaskPhase::Stopped => {
                self.finish(place, task, Some(ObservedTask::clone(&seen))).await
            }
            (Stage::Placed { attachment, .. }, _) => {
                let Some(order) = &task.stop else {
                    return Ok(Outcome::Settled);
                };
                let service = task.service().map(|name| format!("{}/{name}", task.cluster));
                let health =
                    service.and_then(|service| healths.get(&table::key(&table::scope_of(place), &service)));
                if health.is_some_and(|health| target::is_registered(health, attachment.interface.address)) {
                    return Ok(Outcome::Settled);
                }
                self.tell_to_stop(task, order).await
            }
        }
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

    /// Gives the task its interface and images and hands it over; a task that cannot be placed is stopped with the reason.
    async fn place(&self, place: &str, task: &Arc<Task>) -> Result<Outcome, ApiError> {
        let scope = table::scope_of(place);
        let placed = match place::place(&self.0, &scope, task).await {
            Ok(placed) => placed,
            Err(place::Failure::Later(error)) => return Err(error),
            Err(place::Failure::Never(reason)) => {
                let now = self.0.clock.now();
                let mut failed = Task::clone(task);
                failed.order_stop(StopCode::FailedToStart, &reason, now);
                return self.finish(place, &Arc::new(failed), None).await;
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
                let stage = Stage::Placed {
                    attachment: placed.attachment,
                    digests: placed.digests,
                };
                tx.put(
                    TASKS,
                    &place,
                    Task {
                        stage,
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

    /// Nothing of it runs any more: its interface goes, and what was seen last is kept.
    async fn finish(
        &self,
        place: &str,
        task: &Arc<Task>,
        last: Option<ObservedTask>,
    ) -> Result<Outcome, ApiError> {
        let scope = table::scope_of(place);
        let context = Ecs::own_context(&scope, "ecs-tasks");
        self.remove_interfaces(&context, task).await?;
        let now = self.0.clock.now();
        let (place, task, ids) = (place.to_owned(), Arc::clone(task), Arc::clone(&self.0.ids));
        self.0
            .store
            .write(move |tx| {
                if tx.get(TASKS, &place).is_none_or(|row| row.is_stopped()) {
                    return Ok(Outcome::Settled);
                }
                let mut done = Task::clone(&task);
                if done.stop.is_none() {
                    done.stop = Some(order_of(last.as_ref(), now));
                }
                account(tx, &scope, &done, now, &ids.hex(32));
                done.stage = Stage::Stopped {
                    attachment: task.attachment().cloned(),
                    last,
                    at: now,
                };
                done.version += 1;
                tx.put(TASKS, &place, done);
                tx.delete(DESIRED, &task.id);
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
            self.0
                .neighbours
                .ec2
                .delete_network_interface(context, input)
                .await?;
        }
        Ok(())
    }
}

fn targets(addresses: &[Ipv4Addr], port: u16) -> Vec<elbv2::TargetDescription> {
    let target = |address: &Ipv4Addr| elbv2::TargetDescription {
        id: address.to_string(),
        port: Some(port.into()),
        ..Default::default()
    };
    addresses.iter().map(target).collect()
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
    let code = match cause.kind {
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
fn account(tx: &mut base_store::Transaction, scope: &Scope, task: &Task, now: Timestamp, id: &str) {
    let Some(name) = task.service() else { return };
    let place = table::key(scope, &format!("{}/{name}", task.cluster));
    let Some(service) = tx.get(SERVICES, &place) else {
        return;
    };
    let mut service = Service::clone(&service);
    let order = task.stop.as_ref();
    let by_itself = order.is_some_and(|it| {
        matches!(
            it.code,
            StopCode::FailedToStart | StopCode::EssentialContainerExited
        )
    });
    if by_itself {
        let reason = order.map(|it| it.reason.clone()).unwrap_or_default();
        service.say(
            id.to_owned(),
            now,
            event::task_failed(&service, &task.id, &reason),
        );
        if let Some(deployment) = service
            .deployments
            .iter_mut()
            .find(|it| Some(&it.id) == task.started_by.as_ref())
        {
            deployment.failed_tasks += 1;
            deployment.last_failure_at = Some(now);
            deployment.updated_at = now;
        }
    } else {
        service.say(
            id.to_owned(),
            now,
            event::stopped(&service, std::slice::from_ref(&task.id)),
        );
    }
    tx.put(SERVICES, &place, service);
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
            if service.load_balancers.is_empty() {
                continue;
            }
            match self.targets(&snapshot, &place, &service).await {
                Ok(health) => drop(healths.insert(place, health)),
                Err(error) => return Err(format!("targets of {place}: {error}")),
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
