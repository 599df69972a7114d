//! Telling the load balancer who serves: tasks that run are registered, those that shall stop are taken out.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_protocol::{ApiError, Context};
use aws_shape::elbv2;
use base_id::Scope;
use base_store::Snapshot;
use contract::task::TaskPhase;

use super::target::{self, Health};
use crate::model::service::{LoadBalancer, Service};
use crate::model::task::Task;
use crate::table::{self, SERVICES, TASKS};
use crate::{Ecs, event};

/// Registers and deregisters as the tasks of one service need it; returns what the target groups say afterwards.
pub(super) async fn follow(
    ecs: &Ecs,
    snapshot: &Snapshot,
    place: &str,
    service: &Service,
) -> Result<Health, ApiError> {
    let scope = Scope::of_key(place);
    let context = Ecs::own_context(&scope, "ecs-tasks");
    let tasks = table::tasks(snapshot, &scope, &service.cluster);
    let mine: Vec<Arc<Task>> = tasks
        .into_iter()
        .filter(|task| task.service() == Some(&service.name))
        .collect();
    let groups = target::groups(service, &mine);
    if groups.is_empty() {
        return Ok(Health::new());
    }
    let before = target::health(ecs, &context, &groups).await?;
    let held = held(snapshot, &scope);
    let mut said = Vec::new();
    for group in &groups {
        let (new, gone) = changes(snapshot, &mine, &held, &before, group);
        if register(ecs, &context, group, &new).await? {
            said.push(event::registered(service, new.len(), group));
        }
        if deregister(ecs, &context, group, &gone).await? {
            said.push(event::deregistered(service, gone.len(), group));
        }
    }
    if said.is_empty() {
        return Ok(before);
    }
    say(ecs, place, said).await?;
    target::health(ecs, &context, &groups).await
}

/// An address or EC2 instance, and a port.
type Target = (String, u16);

/// What of the network a task has to itself, by balancer: an address in a network, or a port of an instance.
fn hold(task: &Task, balancer: &LoadBalancer) -> Option<(String, String)> {
    match task.attachment() {
        Some(it) => Some((it.interface.network.clone(), it.interface.address.to_string())),
        None => task
            .target(balancer)
            .map(|(instance, port)| (instance, port.to_string())),
    }
}

/// What every task holds that is not history. Another task may have the address or port that a stopped one had.
fn held(snapshot: &Snapshot, scope: &Scope) -> BTreeSet<(String, String)> {
    let tasks = snapshot.prefix(TASKS, &table::key(scope, ""));
    let mut all = BTreeSet::new();
    for (_, task) in tasks.iter().filter(|(_, task)| !task.is_stopped()) {
        if let Some(it) = task.attachment() {
            all.insert((it.interface.network.clone(), it.interface.address.to_string()));
        }
        let Some(lodging) = &task.lodging else { continue };
        for port in lodging.publish.values().flatten() {
            all.insert((lodging.ec2_instance.clone(), port.host_port.to_string()));
        }
    }
    all
}

/// Who shall be registered in one group, and who taken out of it. What others have registered there is theirs.
fn changes(
    snapshot: &Snapshot,
    mine: &[Arc<Task>],
    held: &BTreeSet<(String, String)>,
    before: &Health,
    group: &str,
) -> (Vec<Target>, Vec<Target>) {
    let (mut new, mut gone) = (BTreeSet::new(), BTreeSet::new());
    for task in mine {
        let here = task.load_balancers.iter().filter(|it| it.target_group == group);
        for balancer in here {
            let Some(target) = task.target(balancer) else {
                continue;
            };
            let has_heir = hold(task, balancer).is_some_and(|it| held.contains(&it));
            if task.is_stopped() && has_heir {
                continue;
            }
            let runs = task.stop.is_none()
                && table::observed(snapshot, task).is_some_and(|seen| seen.phase == TaskPhase::Running);
            match target::state(before, task, balancer) {
                None if runs => drop(new.insert(target)),
                Some(health) if !runs && !target::is_draining(health) => drop(gone.insert(target)),
                _ => {}
            }
        }
    }
    (new.into_iter().collect(), gone.into_iter().collect())
}

async fn register(ecs: &Ecs, context: &Context, group: &str, who: &[Target]) -> Result<bool, ApiError> {
    if who.is_empty() {
        return Ok(false);
    }
    let input = elbv2::RegisterTargetsInput {
        target_group_arn: group.to_owned(),
        targets: targets(who),
    };
    match ecs.neighbours.elbv2.register_targets(context, input).await {
        // The group is gone, or the instance: there is nobody to register with, or to register.
        Err(error) if ["TargetGroupNotFound", "InvalidTarget"].contains(&error.code.as_ref()) => Ok(false),
        result => result.map(|_| true),
    }
}

async fn deregister(ecs: &Ecs, context: &Context, group: &str, who: &[Target]) -> Result<bool, ApiError> {
    if who.is_empty() {
        return Ok(false);
    }
    let input = elbv2::DeregisterTargetsInput {
        target_group_arn: group.to_owned(),
        targets: targets(who),
    };
    match ecs.neighbours.elbv2.deregister_targets(context, input).await {
        Err(error) if ["TargetGroupNotFound", "InvalidTarget"].contains(&error.code.as_ref()) => Ok(false),
        result => result.map(|_| true),
    }
}

pub(super) async fn say(ecs: &Ecs, place: &str, said: Vec<String>) -> Result<(), ApiError> {
    let (place, now, ids) = (place.to_owned(), ecs.clock.now(), Arc::clone(&ecs.ids));
    ecs.store
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

fn targets(who: &[Target]) -> Vec<elbv2::TargetDescription> {
    let target = |(id, port): &Target| elbv2::TargetDescription {
        id: id.clone(),
        port: Some((*port).into()),
        ..Default::default()
    };
    who.iter().map(target).collect()
}
