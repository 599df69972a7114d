//! What a plan means for the deployments and for the service itself: completed, failed, rolled back, gone, and the
//! sentences about it.

use std::sync::Arc;

use base_id::Scope;
use base_store::Transaction;
use jiff::Timestamp;

use crate::event;
use crate::history::{self, Order};
use crate::model::deployment::Change;
use crate::model::service::{Deployment, Rollout, Service, State};
use crate::model::task::Task;
use crate::plan::rolling::Steps;

/// Time and new names, as they were handed in.
pub(super) struct Hand<'a> {
    pub(super) scope: &'a Scope,
    pub(super) now: Timestamp,
    pub(super) new_id: &'a dyn Fn() -> String,
}

/// What the plan says about the deployments and the service itself; `order` is what a user asks of the deployment.
pub(super) fn conclude(
    tx: &mut Transaction,
    service: &mut Service,
    steps: &Steps,
    order: Option<Order>,
    tasks: &[Arc<Task>],
    hand: &Hand<'_>,
) {
    if let Some(end) = End::of(steps, order) {
        fail(tx, service, end, hand);
        return;
    }
    if steps.complete && service.state == State::Active {
        complete(tx, service, hand);
    }
    if service.state == State::Draining && tasks.is_empty() {
        service.state = State::Inactive;
        service.inactive_at = Some(hand.now);
        service.deployments.clear();
        service.service_deployment = None;
        history::forget(tx, hand.scope, service);
    }
    forget_superseded(service, tasks);
    if steps.blocked {
        let sentence = event::blocked(service);
        service.complain((hand.new_id)(), hand.now, sentence);
    }
    if steps.throttled {
        let sentence = event::inconsistent(service);
        service.complain((hand.new_id)(), hand.now, sentence);
    }
    if steps.steady && !service.steady && service.state == State::Active {
        service.say((hand.new_id)(), hand.now, event::steady(service));
        service.complaint = None;
    }
    service.steady = steps.steady;
}

fn complete(tx: &mut Transaction, service: &mut Service, hand: &Hand<'_>) {
    service.deployments.truncate(1);
    let Some(primary) = service.deployments.first_mut() else {
        return;
    };
    let reason = format!("ECS deployment {} completed.", primary.id);
    primary.rollout = Rollout::Completed { reason };
    primary.was_complete = true;
    primary.updated_at = hand.now;
    (primary.failed_tasks, primary.last_failure) = (0, None);
    let primary = primary.clone();
    service.say((hand.new_id)(), hand.now, event::completed(service, &primary));
    history::change(tx, hand.scope, service, Change::Complete, hand.now);
}

/// Deployments that never worked and have no tasks (any more) are history once another has taken their place.
fn forget_superseded(service: &mut Service, tasks: &[Arc<Task>]) {
    let mut worked = false;
    let mut at = 0;
    service.deployments.retain(|it| {
        at += 1;
        // The first that worked is what the circuit breaker goes back to.
        let target = !worked && it.has_worked();
        worked |= target;
        let has_tasks = tasks.iter().any(|task| task.started_by.as_ref() == Some(&it.id));
        at == 1 || target || has_tasks || matches!(it.rollout, Rollout::Failed { .. })
    });
}

/// Why a deployment ends without being completed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Breaker,
    Order(Order),
}

impl End {
    fn of(steps: &Steps, order: Option<Order>) -> Option<Self> {
        order
            .map(Self::Order)
            .or_else(|| steps.fail.then_some(Self::Breaker))
    }

    /// Behind `deployment failed: `.
    fn event(self) -> &'static str {
        match self {
            Self::Breaker => "tasks failed to start",
            Self::Order(_) => "it was stopped by a user",
        }
    }

    /// The rollout state's reason; `last` is why the last task stopped.
    fn rollout(self, last: Option<&str>) -> String {
        match (self, last) {
            (Self::Breaker, None) => "ECS deployment circuit breaker: tasks failed to start.".to_owned(),
            (Self::Breaker, Some(last)) => {
                format!("ECS deployment circuit breaker: tasks failed to start. Last stopped reason: {last}")
            }
            (Self::Order(_), _) => "ECS deployment stopped by a user.".to_owned(),
        }
    }

    /// The service deployment's status reason.
    fn status(self, back: bool) -> String {
        let end = if back { "rolled back" } else { "failed" };
        match self {
            Self::Breaker => {
                format!("Service deployment {end} because the circuit breaker threshold was exceeded.")
            }
            Self::Order(Order::RollBack) => {
                format!("Service deployment {end} because a user requested a rollback.")
            }
            Self::Order(Order::Stop) => "Service deployment stopped because a user requested it.".to_owned(),
        }
    }
}

/// The deployment has failed, and the last one that worked takes over if that is wanted.
fn fail(tx: &mut Transaction, service: &mut Service, end: End, hand: &Hand<'_>) {
    let Some(failed) = service.deployments.first_mut() else {
        return;
    };
    let last = failed.last_failure.clone();
    let reason = end.rollout(last.as_deref());
    failed.rollout = Rollout::Failed { reason };
    failed.updated_at = hand.now;
    let failed = failed.clone();
    service.say(
        (hand.new_id)(),
        hand.now,
        event::failed(service, &failed, end.event()),
    );
    if end == End::Breaker {
        history::change(tx, hand.scope, service, Change::Open, hand.now);
    }
    let rollback = match end {
        End::Breaker => service.circuit_breaker.is_some_and(|it| it.rollback),
        End::Order(order) => order == Order::RollBack,
    };
    // Also one that is being gone back to while the next try begins.
    let worked = |it: &Deployment| it.has_worked() && !matches!(it.rollout, Rollout::Failed { .. });
    let target = service.deployments.iter().position(worked).filter(|_| rollback);
    let mut status = end.status(target.is_some());
    if let (End::Breaker, Some(last)) = (end, last) {
        status = format!("{status} Last stopped reason: {last}");
    }
    let Some(at) = target else {
        history::change(tx, hand.scope, service, Change::Fail(status), hand.now);
        return;
    };
    let old = service.deployments.remove(at);
    let change = Change::GoBack {
        reason: status,
        revision: old.revision.clone(),
    };
    go_back(service, old, end, hand);
    history::change(tx, hand.scope, service, change, hand.now);
}

/// A deployment that once worked is the primary one again.
fn go_back(service: &mut Service, mut old: Deployment, end: End, hand: &Hand<'_>) {
    old.updated_at = hand.now;
    // What failed while it was the primary deployment says nothing about its second life.
    (old.failed_tasks, old.last_failure_at, old.last_failure) = (0, None, None);
    let workload = old.workload();
    (service.network, service.load_balancers) = (workload.network, workload.load_balancers);
    service.discovery = workload.discovery;
    (service.strategy, service.platform_version) = (workload.strategy, workload.platform_version);
    service.launch = workload.launch;
    let who = match end {
        End::Breaker => "ECS deployment circuit breaker: ",
        End::Order(_) => "ECS deployment ",
    };
    let reason = format!("{who}rolling back to deploymentId {}.", old.id);
    old.rollout = Rollout::InProgress { reason };
    service.complaint = None;
    service.say((hand.new_id)(), hand.now, event::rolling_back(service, &old.id));
    service.deployments.insert(0, old);
}
