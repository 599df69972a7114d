//! What the tasks need that wait: instances that are there and free for them, and further ones.

use std::collections::BTreeSet;
use std::sync::Arc;

use base_id::Scope;
use base_store::Snapshot;

use super::{House, request};
use crate::model::provider::Provider;
use crate::model::task::Task;
use crate::plan::placement::{self, Request};
use crate::plan::query::Facts;
use crate::table;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Need {
    /// Instances that are there without a task, and get one as soon as it is placed.
    pub(crate) taken: u32,
    /// Further instances.
    pub(crate) missing: u32,
}

/// What the waiting tasks of a capacity provider need, of which these instances are there. A task that waits may just not
/// have been placed yet on an instance that came for it: no other one shall come. What a new instance has is known from
/// those that were there; before the first one is, one is a beginning.
pub(crate) fn need(
    snapshot: &Snapshot,
    scope: &Scope,
    provider: &Provider,
    there: &[&House],
    waiting: &[Arc<Task>],
) -> Need {
    let Some(empty) = empty(provider) else {
        return Need {
            taken: 0,
            missing: u32::from(!waiting.is_empty()),
        };
    };
    let mut standing: Vec<placement::Instance> = there.iter().map(|it| it.pictured(snapshot)).collect();
    let mut new: Vec<placement::Instance> = Vec::new();
    let mut taken = BTreeSet::new();
    for task in waiting {
        let Some(definition) = table::definition_of(snapshot, scope, &task.task_definition) else {
            continue;
        };
        let mut request = request(task, &definition);
        if let Some(at) = move_in(&mut standing, &request) {
            if !there[at].is_busy(snapshot, scope) {
                taken.insert(at);
            }
            continue;
        }
        // In which zone the next one will be nobody knows.
        request.zones.clear();
        if move_in(&mut new, &request).is_none() {
            let mut one = vec![empty.clone()];
            if move_in(&mut one, &request).is_some() {
                new.append(&mut one);
            }
        }
    }
    Need {
        taken: taken.len() as u32,
        missing: new.len() as u32,
    }
}

/// An instance as the provider's next one will be.
fn empty(provider: &Provider) -> Option<placement::Instance> {
    let size = provider.size.as_ref()?;
    Some(placement::Instance {
        facts: Facts {
            attributes: provider.attributes.clone(),
            agent_connected: true,
            ..Facts::default()
        },
        active: true,
        cpu: size.cpu,
        memory: size.memory,
        tcp: size.tcp.clone(),
        udp: size.udp.clone(),
        ..placement::Instance::default()
    })
}

/// Puts a task on the first instance that it fits on; returns which.
fn move_in(instances: &mut [placement::Instance], request: &Request) -> Option<usize> {
    let at = instances
        .iter()
        .position(|one| placement::lack(one, request).is_none())?;
    let one = &mut instances[at];
    one.cpu -= request.cpu;
    one.memory -= request.memory;
    one.tcp.extend(&request.tcp);
    one.udp.extend(&request.udp);
    one.wanted.push(request.group.clone());
    Some(at)
}
