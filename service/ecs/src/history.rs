//! Service deployments and service revisions in the store: begun by an operation, followed by the reconciler, kept for
//! a while after they are over, gone with their service.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base_id::{IdSource, Scope};
use base_store::{Snapshot, Transaction};
use contract::task::TaskPhase;
use jiff::Timestamp;

use crate::model::deployment::{Change, Image, KEPT, KEPT_MAX, ServiceDeployment, ServiceRevision, Status};
use crate::model::service::{Deployment, Service, State, Workload};
use crate::model::task::Task;
use crate::table::{self, SERVICE_DEPLOYMENTS, SERVICE_REVISIONS, key};

/// The names that a new deployment needs.
pub(crate) struct Names {
    deployment: String,
    revision: String,
    service_deployment: String,
}

impl Names {
    pub(crate) fn new(ids: &dyn IdSource) -> Self {
        let digits = |number: u128| format!("{:019}", number % 10_u128.pow(19));
        Self {
            deployment: format!("ecs-svc/{}", digits(ids.next())),
            revision: digits(ids.next()),
            service_deployment: ids.hex(21),
        }
    }
}

/// Tasks by how far they have come; those that were told to stop are neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) running: u32,
    pub(crate) pending: u32,
}

/// Counts tasks of one deployment (`ecs-svc/…`), or all of them.
pub(crate) fn counts(snapshot: &Snapshot, tasks: &[Arc<Task>], deployment: Option<&str>) -> Counts {
    let mut counts = Counts::default();
    let of = |task: &&Arc<Task>| deployment.is_none_or(|id| task.started_by.as_deref() == Some(id));
    for task in tasks.iter().filter(of) {
        if task.is_stopped() || task.stop.is_some() {
            continue;
        }
        match table::observed(snapshot, task).map(|seen| seen.phase) {
            Some(TaskPhase::Running) => counts.running += 1,
            Some(TaskPhase::Stopping | TaskPhase::Stopped) => {}
            _ => counts.pending += 1,
        }
    }
    counts
}

/// Counts tasks of one revision.
pub(crate) fn of_revision(
    snapshot: &Snapshot,
    service: &Service,
    tasks: &[Arc<Task>],
    revision: &str,
) -> Counts {
    let found = service.deployments.iter().find(|it| it.revision == revision);
    found.map_or(Counts::default(), |it| counts(snapshot, tasks, Some(&it.id)))
}

fn place(scope: &Scope, service: &str, id: &str) -> String {
    key(scope, &format!("{service}/{id}"))
}

/// A service's deployments, the latest first.
pub(crate) fn deployments(
    snapshot: &Snapshot,
    scope: &Scope,
    service: &Service,
) -> Vec<Arc<ServiceDeployment>> {
    let rows = snapshot.prefix(SERVICE_DEPLOYMENTS, &place(scope, &service.path(), ""));
    let mut rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
    rows.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
    rows
}

/// The latest of a service's deployments.
pub(crate) fn current(
    snapshot: &Snapshot,
    scope: &Scope,
    service: &Service,
) -> Option<Arc<ServiceDeployment>> {
    let id = service.service_deployment.as_deref()?;
    snapshot.get(SERVICE_DEPLOYMENTS, &place(scope, &service.path(), id))
}

/// A new deployment becomes the primary one; the one that was going on is asked to stop.
pub(crate) fn begin(
    tx: &mut Transaction,
    scope: &Scope,
    service: &mut Service,
    names: Names,
    workload: Workload,
    now: Timestamp,
) {
    let superseded = "Service deployment stopped because a newer service deployment was started.";
    change(
        tx,
        scope,
        service,
        Change::RequestStop(superseded.to_owned()),
        now,
    );
    let definition = table::definition_of(&tx.snapshot(), scope, &workload.task_definition);
    let images = definition
        .iter()
        .flat_map(|it| &it.spec.containers)
        .map(|it| Image {
            container: it.name.clone(),
            image: it.image.clone(),
            digest: None,
        });
    let revision = ServiceRevision {
        id: names.revision,
        service: service.path(),
        created_at: now,
        workload: workload.clone(),
        images: images.collect(),
    };
    let deployment = Deployment::new(names.deployment, revision.id.clone(), workload, now);
    service.deployments.insert(0, deployment.clone());
    service.complaint = None;
    let row = ServiceDeployment::new(names.service_deployment, service, &deployment, now);
    service.service_deployment = Some(row.id.clone());
    tx.put(
        SERVICE_REVISIONS,
        &place(scope, &service.path(), &revision.id),
        revision,
    );
    tx.put(
        SERVICE_DEPLOYMENTS,
        &place(scope, &service.path(), &row.id),
        row.clone(),
    );
    prune(tx, scope, service, now);
}

/// Something happens to the latest deployment of a service.
pub(crate) fn change(tx: &mut Transaction, scope: &Scope, service: &Service, change: Change, now: Timestamp) {
    let Some(row) = current(&tx.snapshot(), scope, service) else {
        return;
    };
    let mut row = ServiceDeployment::clone(&row);
    row.apply(change, now);
    tx.put(SERVICE_DEPLOYMENTS, &place(scope, &service.path(), &row.id), row);
}

/// What the scheduler has seen of a service's tasks is noted in the deployments that go on.
pub(crate) fn follow(
    tx: &mut Transaction,
    scope: &Scope,
    service: &Service,
    tasks: &[Arc<Task>],
    now: Timestamp,
) {
    let snapshot = tx.snapshot();
    let counts = |revision: &str| {
        let counts = of_revision(&snapshot, service, tasks, revision);
        (counts.running, counts.pending)
    };
    for before in deployments(&snapshot, scope, service) {
        if before.status.is_over() {
            continue;
        }
        let mut row = ServiceDeployment::clone(&before);
        row.apply(Change::Begin, now);
        row.note(service, counts, now);
        let is_current = service.service_deployment.as_ref() == Some(&row.id);
        if !is_current || service.state != State::Active {
            row.apply(Change::Stop, now);
        }
        if row != *before {
            let place = place(scope, &service.path(), &row.id);
            tx.put(SERVICE_DEPLOYMENTS, &place, row);
        }
    }
    for deployment in &service.deployments {
        learn(tx, scope, &snapshot, service, deployment, tasks);
    }
}

/// The digests of a deployment's images: pinned when its first task was placed, or found when it was pulled.
fn learn(
    tx: &mut Transaction,
    scope: &Scope,
    snapshot: &Snapshot,
    service: &Service,
    deployment: &Deployment,
    tasks: &[Arc<Task>],
) {
    let place = place(scope, &service.path(), &deployment.revision);
    let Some(row) = tx.get(SERVICE_REVISIONS, &place) else {
        return;
    };
    if row.images.iter().all(|it| it.digest.is_some()) {
        return;
    }
    let mut digests: BTreeMap<String, String> = BTreeMap::new();
    for task in tasks
        .iter()
        .filter(|it| it.started_by.as_ref() == Some(&deployment.id))
    {
        let seen = table::observed(snapshot, task);
        let pulled = seen.iter().flat_map(|it| &it.containers);
        digests.extend(pulled.filter_map(|it| Some((it.name.clone(), it.image_digest.clone()?))));
    }
    digests.extend(deployment.digests.clone());
    let mut row = ServiceRevision::clone(&row);
    row.learn(&digests);
    tx.put(SERVICE_REVISIONS, &place, row);
}

/// Only the latest deployments are kept, and the revisions that they or the service still name.
fn prune(tx: &mut Transaction, scope: &Scope, service: &Service, now: Timestamp) {
    let mut named: BTreeSet<String> = service.deployments.iter().map(|it| it.revision.clone()).collect();
    let rows = deployments(&tx.snapshot(), scope, service);
    for (at, row) in rows.iter().enumerate() {
        let is_old = at >= KEPT_MAX || row.created_at + KEPT < now;
        if is_old && row.status.is_over() {
            tx.delete(SERVICE_DEPLOYMENTS, &place(scope, &service.path(), &row.id));
            continue;
        }
        let of_row = std::iter::once(&row.target).chain(&row.sources);
        named.extend(of_row.map(|it| it.revision.clone()));
        named.extend(row.rollback.iter().map(|it| it.revision.clone()));
    }
    for (place, row) in tx.prefix(SERVICE_REVISIONS, &place(scope, &service.path(), "")) {
        if !named.contains(&row.id) {
            tx.delete(SERVICE_REVISIONS, &place);
        }
    }
}

/// A service that is deleted takes its deployments and revisions with it, as in AWS.
pub(crate) fn forget(tx: &mut Transaction, scope: &Scope, service: &Service) {
    let prefix = place(scope, &service.path(), "");
    for (place, _) in tx.prefix(SERVICE_DEPLOYMENTS, &prefix) {
        tx.delete(SERVICE_DEPLOYMENTS, &place);
    }
    for (place, _) in tx.prefix(SERVICE_REVISIONS, &prefix) {
        tx.delete(SERVICE_REVISIONS, &place);
    }
}

/// What a user has asked the scheduler to do with the deployment that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Stop,
    RollBack,
}

pub(crate) fn order(snapshot: &Snapshot, scope: &Scope, service: &Service) -> Option<Order> {
    if service.state != State::Active {
        return None;
    }
    match current(snapshot, scope, service)?.status {
        Status::StopRequested => Some(Order::Stop),
        Status::RollbackRequested => Some(Order::RollBack),
        _ => None,
    }
}
