//! What must hold: after every step, when the noise has ended, and when all is well again.

use std::collections::BTreeMap;

use aws_shape::ec2::Api as _;
use base_store::{Snapshot, Table};
use contract::route::{RouteTable, TargetHealth};
use contract::task::TaskPhase;

use super::NAMES;
use super::node::Node;
use crate::history;
use crate::model::service::{LoadBalancer, Rollout, Service, State};
use crate::model::task::{StopCode, Task};
use crate::table::{self, DESIRED, ROUTES, SERVICES, TASKS};
use crate::tests::world::{World, living};

/// Floor and ceiling of every service, against what really runs.
pub(super) struct Watch {
    /// Nothing but the control plane stops tasks, so it alone is to blame when too few serve.
    quiet: bool,
    seen: BTreeMap<String, Seen>,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    present: u32,
    /// It has had as many serving tasks as the floor asks for, and nobody has asked for anything since.
    reached: bool,
}

impl Watch {
    pub(super) fn new(quiet: bool) -> Self {
        Self {
            quiet,
            seen: BTreeMap::new(),
        }
    }

    /// Somebody has changed what is asked for, or has harmed a task: the floor has to be reached anew.
    pub(super) fn forgive(&mut self, service: &str) {
        if let Some(seen) = self.seen.get_mut(service) {
            seen.reached = false;
        }
    }

    pub(super) fn look(&mut self, snapshot: &Snapshot, node: &Node) {
        nobody_is_stopped_who_is_sent_requests(snapshot);
        for (_, service) in snapshot.list(SERVICES) {
            let active = service.state == State::Active;
            let desired = if active { service.desired } else { 0 };
            let floor = (desired * service.minimum_healthy_percent).div_ceil(100);
            let ceiling = desired * service.maximum_percent / 100;
            let tasks = living(snapshot, &service.name);
            let wanted = tasks.iter().filter(|task| task.stop.is_none());
            let present = wanted.clone().filter(|task| node.is_present(&task.id)).count() as u32;
            let serving = wanted.clone().filter(|task| serves(snapshot, node, task)).count() as u32;
            // Whoever has ended and has not been told of yet is taken for serving, and nobody can be blamed for that.
            let told = wanted.clone().all(|task| is_told(snapshot, node, task));
            let seen = self.seen.entry(service.name.clone()).or_default();
            assert!(
                present <= ceiling || present <= seen.present,
                "{}: {present} tasks are present, {} before; the ceiling is {ceiling}\n{service:#?}\n{tasks:#?}",
                service.name,
                seen.present
            );
            assert!(
                !self.quiet || !told || !seen.reached || serving >= floor,
                "{}: only {serving} tasks serve, the floor is {floor}\n{service:#?}\n{tasks:#?}",
                service.name
            );
            seen.present = present;
            // What is deleted, or has failed, promises nothing any more.
            seen.reached = active && told && (seen.reached || serving >= floor);
        }
    }
}

/// A task is told to stop only when the load balancers have drained it.
fn nobody_is_stopped_who_is_sent_requests(snapshot: &Snapshot) {
    let table = snapshot.get(Table::<RouteTable>::new(RouteTable::TABLE, 1), RouteTable::KEY);
    let targets = table
        .iter()
        .flat_map(|it| &it.target_groups)
        .flat_map(|it| &it.targets);
    let targets: Vec<_> = targets.collect();
    for (_, task) in snapshot.list(TASKS) {
        let told = snapshot
            .get(DESIRED, &task.id)
            .is_some_and(|wish| wish.stop.is_some());
        // Whoever goes with its instance is beyond all order.
        let notice = task
            .stop
            .as_ref()
            .is_some_and(|it| it.code == StopCode::TerminationNotice);
        if !told || notice {
            continue;
        }
        for place in task.load_balancers.iter().filter_map(|it| task.endpoint(it)) {
            let sent = targets
                .iter()
                .any(|it| (it.address, it.port) == place && !it.draining);
            assert!(
                !sent,
                "{} is told to stop, and requests are sent to {place:?}",
                task.id
            );
        }
    }
}

/// What is told of a task that ran is still true.
fn is_told(snapshot: &Snapshot, node: &Node, task: &Task) -> bool {
    let seen = table::observed(snapshot, task);
    seen.is_none_or(|it| it.phase != TaskPhase::Running) || node.runs(&task.id)
}

/// It runs, and every load balancer that it is behind sends it requests.
fn serves(snapshot: &Snapshot, node: &Node, task: &Task) -> bool {
    let routes = snapshot.get(ROUTES, RouteTable::KEY);
    let is_sent = |balancer: &LoadBalancer| {
        let place = task.endpoint(balancer);
        routes.iter().flat_map(|it| &it.targets).any(|it| {
            it.target_group == balancer.target_group
                && Some((it.address, it.port)) == place
                && it.health == TargetHealth::Healthy
        })
    };
    let asked = |balancer: &LoadBalancer| node.is_well(&task.id) && is_sent(balancer);
    node.runs(&task.id) && task.load_balancers.iter().all(asked)
}

/// Nothing moves any more: every service is as desired, or says why not.
pub(super) async fn explained(world: &World) {
    one_interface_each(world).await;
    let snapshot = world.store.snapshot();
    for (_, service) in snapshot.list(SERVICES) {
        let current = history::current(&snapshot, &world.context.scope, &service);
        let all = history::deployments(&snapshot, &world.context.scope, &service);
        let going_on: Vec<_> = all.iter().filter(|it| !it.status.is_over()).collect();
        assert!(going_on.len() <= 1, "two deployments go on: {going_on:#?}");
        if service.state != State::Active {
            assert_eq!(service.state, State::Inactive, "{service:#?}");
            continue;
        }
        let rollout = service.primary().map(|it| it.rollout.clone());
        let failed = matches!(rollout, Some(Rollout::Failed { .. }));
        // The history and the service tell the same story.
        let over = current.as_ref().is_none_or(|it| it.status.is_over());
        let goes_on = matches!(rollout, Some(Rollout::InProgress { .. }));
        assert_ne!(over, goes_on, "{current:#?}\n{service:#?}");
        assert!(over || !service.steady, "steady in the middle: {service:#?}");
        assert!(is_explained(&service, failed), "nothing says why: {service:#?}");
    }
}

fn is_explained(service: &Service, failed: bool) -> bool {
    let said = |text: &str| service.events.iter().any(|event| event.message.contains(text));
    if service.steady {
        return said("has reached a steady state");
    }
    if failed {
        return said("deployment failed");
    }
    service.complaint.is_some()
}

/// All is as the last request asked, and what really runs is what is described.
pub(super) async fn as_wished(world: &World, node: &Node, group: &str) {
    let snapshot = world.store.snapshot();
    let (mut registered, mut wanted) = (0, 0);
    for name in NAMES {
        let found = snapshot.list(SERVICES).into_iter().map(|(_, it)| it);
        let Some(service) = found
            .filter(|it| it.state == State::Active)
            .find(|it| it.name == name)
        else {
            continue;
        };
        assert!(world.is_stable(name).await, "{service:#?}");
        assert!(service.steady, "{service:#?}");
        let tasks = living(&snapshot, name);
        assert_eq!(tasks.len(), service.desired as usize, "{tasks:#?}");
        wanted += tasks.len();
        for task in tasks {
            assert_eq!(task.started_by.as_ref(), service.primary().map(|it| &it.id));
            assert!(serves(&snapshot, node, &task), "{task:#?}");
            registered += task.load_balancers.len();
        }
    }
    assert_eq!(world.targets(group).await, vec!["healthy"; registered]);
    assert_eq!(snapshot.list(DESIRED).len(), wanted);
    one_interface_each(world).await;
}

/// However often the process died while it made them.
async fn one_interface_each(world: &World) {
    let wishes = world.store.snapshot().list(DESIRED);
    let wanted = wishes.iter().filter(|(_, wish)| wish.interface.is_some()).count();
    let interfaces = world
        .ec2
        .describe_network_interfaces(&world.context, Default::default());
    let interfaces = interfaces.await.unwrap().network_interfaces.unwrap();
    let of_tasks = interfaces.iter().filter(|it| {
        it.description
            .as_deref()
            .is_some_and(|text| text.starts_with("arn:aws:ecs:"))
    });
    assert_eq!(of_tasks.count(), wanted, "every task has one interface");
}
