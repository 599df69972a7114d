//! Placing a task: which bytes its images are, where its lines go, what its secrets say, and its place in the network.

mod container;
mod image;
mod interface;
mod log;
mod secret;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use aws_protocol::ApiError;
use base_id::Scope;
use base_store::Transaction;
use contract::task::{BridgeEnd, DesiredTask, Host, HostNetwork};

use crate::Ecs;
use crate::model::container::Container;
use crate::model::discovery::Upstream;
use crate::model::instance::{Lodging, Mode};
use crate::model::service::{Service, State};
use crate::model::task::{Attachment, Launch, Task};
use crate::model::task_definition::{TaskDefinition, TaskSpec};
use crate::plan::connect;
use crate::table::{self, SERVICES};
use container::Found;
pub(super) use interface::interfaces;

/// A task that is ready for the data plane.
pub(super) struct Placed {
    pub(super) attachment: Option<Attachment>,
    pub(super) digests: BTreeMap<String, String>,
    pub(super) upstreams: Vec<Upstream>,
    pub(super) desired: DesiredTask,
}

pub(super) enum Failure {
    /// It will not work next time either; a sentence for whoever describes the task.
    Never(String),
    /// Ours: the next activation tries again.
    Later(ApiError),
}

impl Placed {
    /// Keeps the digests with the deployment, so that its next task runs the same bytes.
    pub(super) fn pin(&self, tx: &mut Transaction, scope: &Scope, task: &Task) {
        let Some(name) = task.service() else { return };
        let place = table::key(scope, &format!("{}/{name}", task.cluster));
        let Some(service) = tx.get(SERVICES, &place) else {
            return;
        };
        let mut service = Service::clone(&service);
        if let Some(deployment) = service
            .deployments
            .iter_mut()
            .find(|it| Some(&it.id) == task.started_by.as_ref())
            && deployment.digests != self.digests
        {
            deployment.digests.extend(self.digests.clone());
            tx.put(SERVICES, &place, service);
        }
    }
}

pub(super) async fn place(ecs: &Ecs, scope: &Scope, task: &Task) -> Result<Placed, Failure> {
    let context = Ecs::own_context(scope, "ecs-tasks");
    let snapshot = ecs.store.snapshot();
    let definition = table::definition_of(&snapshot, scope, &task.task_definition).ok_or_else(|| {
        Failure::Never("ResourceInitializationError: the task definition is gone".to_owned())
    })?;
    let pinned = pinned(&snapshot, scope, task);
    let mut founds = Vec::new();
    for one in &definition.spec.containers {
        log::prepare(ecs, scope, one).await?;
        let pinned = pinned.get(&one.name).filter(|_| one.pinned);
        founds.push(Found {
            digest: image::digest(ecs, &context, one, pinned).await?,
            secrets: secret::values(ecs, scope, one).await?,
        });
    }
    let attachment = match task.launch {
        Launch::Fargate | Launch::Ec2 if definition.spec.network_mode == "awsvpc" => {
            Some(interface::attach(ecs, &context, task).await?)
        }
        Launch::Fargate | Launch::Ec2 | Launch::External => None,
    };
    let names = definition.spec.containers.iter().map(|one| &one.name);
    let digests = names
        .zip(&founds)
        .filter_map(|(name, found)| Some((name.clone(), found.digest.clone()?)))
        .collect();
    let upstreams = upstreams(&snapshot, scope, task);
    let task = &Task {
        upstreams: upstreams.clone(),
        ..task.clone()
    };
    let desired = desired(ecs, scope, task, &definition, &founds, attachment.as_ref());
    Ok(Placed {
        attachment,
        digests,
        upstreams,
        desired,
    })
}

/// What it reaches by aliases: what there is in its namespace now, as in AWS.
fn upstreams(snapshot: &base_store::Snapshot, scope: &Scope, task: &Task) -> Vec<Upstream> {
    let Some(own) = &task.discovery.connect else {
        return vec![];
    };
    let services = snapshot.prefix(SERVICES, &table::key(scope, ""));
    let active = services
        .iter()
        .filter(|(_, service)| service.state == State::Active);
    connect::upstreams(
        own,
        active.filter_map(|(_, service)| service.discovery.connect.as_ref()),
    )
}

/// The task's place on its instance, in the data plane's words.
fn host(lodging: &Lodging, spec: &TaskSpec) -> Host {
    let end = |one: &Container| BridgeEnd {
        address: lodging
            .addresses
            .get(&one.name)
            .copied()
            .unwrap_or(Ipv4Addr::UNSPECIFIED),
        publish: lodging.publish.get(&one.name).cloned().unwrap_or_default(),
    };
    Host {
        disk: lodging.ec2_instance.clone(),
        network: match lodging.mode {
            Mode::Apart => HostNetwork::Apart,
            Mode::Shared => HostNetwork::Shared,
            Mode::Bridge => HostNetwork::Bridge(spec.containers.iter().map(end).collect()),
        },
    }
}

/// The digests that the task's deployment runs.
fn pinned(snapshot: &base_store::Snapshot, scope: &Scope, task: &Task) -> BTreeMap<String, String> {
    let service = task
        .service()
        .and_then(|name| table::service(snapshot, scope, &task.cluster, name));
    let deployments = service.iter().flat_map(|service| &service.deployments);
    let mut own = deployments.filter(|it| Some(&it.id) == task.started_by.as_ref());
    own.next()
        .map(|deployment| deployment.digests.clone())
        .unwrap_or_default()
}

fn desired(
    ecs: &Ecs,
    scope: &Scope,
    task: &Task,
    definition: &TaskDefinition,
    founds: &[Found],
    attachment: Option<&Attachment>,
) -> DesiredTask {
    let spec = &definition.spec;
    let size = task.size(Some(spec));
    let containers = founds.iter().enumerate();
    DesiredTask {
        id: task.id.clone(),
        generation: 1,
        label: definition.label(),
        cpu_units: size.cpu_units,
        memory_mib: size.memory_mib,
        interface: attachment.map(|attachment| attachment.interface.clone()),
        host: task.lodging.as_ref().map(|it| host(it, spec)),
        containers: containers
            .map(|(index, found)| container::desired(ecs, scope, task, definition, index, found))
            .collect(),
        volumes: spec.volumes.clone(),
        processes: spec.processes,
        ipc: spec.ipc,
        stop: None,
    }
}
