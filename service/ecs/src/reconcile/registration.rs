//! Telling the load balancer who serves: tasks that run are registered, those that shall stop are taken out.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use aws_protocol::{ApiError, Context};
use aws_shape::elbv2;
use base_id::Scope;
use base_store::Snapshot;
use contract::task::TaskPhase;

use super::target::{self, Health};
use crate::model::service::Service;
use crate::model::task::{Stage, Task};
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
    let places = target::places(service, &mine);
    if places.is_empty() {
        return Ok(Health::new());
    }
    let before = target::health(ecs, &context, &places).await?;
    let held = held(snapshot, &scope);
    let mut said = Vec::new();
    for (group, port) in &places {
        let (new, gone) = changes(snapshot, &mine, &held, &before, group, *port);
        if register(ecs, &context, group, *port, &new).await? {
            said.push(event::registered(service, new.len(), group));
        }
        if deregister(ecs, &context, group, *port, &gone).await? {
            said.push(event::deregistered(service, gone.len(), group));
        }
    }
    if said.is_empty() {
        return Ok(before);
    }
    say(ecs, place, said).await?;
    target::health(ecs, &context, &places).await
}

/// Network and address of every task that is not history. Another task may have the address that a stopped one had.
fn held(snapshot: &Snapshot, scope: &Scope) -> BTreeSet<(String, Ipv4Addr)> {
    let tasks = snapshot.prefix(TASKS, &table::key(scope, ""));
    let living = tasks.iter().filter(|(_, task)| !task.is_stopped());
    living
        .filter_map(|(_, task)| task.attachment())
        .map(|it| (it.interface.network.clone(), it.interface.address))
        .collect()
}

/// Who shall be registered in one group, and who taken out of it. What others have registered there is theirs.
fn changes(
    snapshot: &Snapshot,
    mine: &[Arc<Task>],
    held: &BTreeSet<(String, Ipv4Addr)>,
    before: &Health,
    group: &str,
    port: u16,
) -> (Vec<Ipv4Addr>, Vec<Ipv4Addr>) {
    let (mut new, mut gone) = (Vec::new(), BTreeSet::new());
    let here = |task: &&Arc<Task>| {
        task.load_balancers
            .iter()
            .any(|it| (it.target_group.as_str(), it.port) == (group, port))
    };
    for task in mine.iter().filter(here) {
        let Some(interface) = task.attachment().map(|it| &it.interface) else {
            continue;
        };
        let address = interface.address;
        let state = before.get(&(group.to_owned(), address, port));
        if matches!(task.stage, Stage::Stopped { .. }) && held.contains(&(interface.network.clone(), address))
        {
            continue;
        }
        let runs = task.stop.is_none()
            && table::observed(snapshot, task).is_some_and(|seen| seen.phase == TaskPhase::Running);
        match state {
            None if runs => new.push(address),
            Some(health) if !runs && !target::is_draining(health) => drop(gone.insert(address)),
            _ => {}
        }
    }
    (new, gone.into_iter().collect())
}

async fn register(
    ecs: &Ecs,
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
    match ecs.neighbours.elbv2.register_targets(context, input).await {
        // The group is gone: there is nobody to register with.
        Err(error) if error.code == "TargetGroupNotFound" => Ok(false),
        result => result.map(|_| true),
    }
}

async fn deregister(
    ecs: &Ecs,
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
    match ecs.neighbours.elbv2.deregister_targets(context, input).await {
        Err(error) if error.code == "TargetGroupNotFound" => Ok(false),
        result => result.map(|_| true),
    }
}

async fn say(ecs: &Ecs, place: &str, said: Vec<String>) -> Result<(), ApiError> {
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

fn targets(addresses: &[Ipv4Addr], port: u16) -> Vec<elbv2::TargetDescription> {
    let target = |address: &Ipv4Addr| elbv2::TargetDescription {
        id: address.to_string(),
        port: Some(port.into()),
        ..Default::default()
    };
    addresses.iter().map(target).collect()
}
