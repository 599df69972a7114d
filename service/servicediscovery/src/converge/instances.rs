//! Records and health checks of a service's instances.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_protocol::ApiError;
use base_id::Scope;
use base_store::Transaction;

use super::{failed, finish, reference};
use crate::ServiceDiscovery;
use crate::model::{CheckTarget, Instance, Namespace, NamespaceKind, Record, Service, Status, Work};
use crate::plan::{self, Step};
use crate::table::{self, INSTANCES, NAMESPACES, PENDING, SERVICES};
use crate::zone::{self, BATCH_STEPS_MAX, Failure};

/// What is to become of an instance.
struct Change {
    id: String,
    wants: Vec<Record>,
    check: Option<(String, CheckTarget)>,
    /// A health check that nothing needs afterwards.
    old_check: Option<String>,
    steps: Vec<Step>,
}

type Results = BTreeMap<String, Result<Change, Failure>>;

pub(super) async fn converge(
    servicediscovery: &ServiceDiscovery,
    scope: &Scope,
    id: &str,
    works: Vec<(String, Arc<Work>)>,
) -> Result<(), String> {
    let snapshot = servicediscovery.store.snapshot();
    let service = snapshot.get(SERVICES, &table::key(scope, id));
    let namespace = service
        .as_ref()
        .and_then(|it| snapshot.get(NAMESPACES, &table::key(scope, &it.namespace)));
    let results = match (&service, &namespace) {
        (Some(service), Some(namespace)) => {
            let mut changes = Vec::new();
            let mut results = Results::new();
            for (instance, operation) in concerned(&works, &table::all_instances(&snapshot, scope, id)) {
                match change(servicediscovery, scope, namespace, service, &instance, &operation).await {
                    Ok(change) => changes.push(change),
                    Err(Failure::Later(why)) => return Err(why),
                    Err(failure) => drop(results.insert(instance.id.clone(), Err(failure))),
                }
            }
            publish(servicediscovery, scope, namespace, changes, &mut results).await?;
            results
        }
        _ => Results::new(),
    };
    let saved = save(servicediscovery, scope, id, works, results).await;
    saved.map_err(|error| error.to_string())
}

/// The instances to look at, each with the operation that asks for it.
fn concerned(works: &[(String, Arc<Work>)], all: &[Arc<Instance>]) -> Vec<(Arc<Instance>, String)> {
    let mut wanted: BTreeMap<&str, &str> = BTreeMap::new();
    for (operation, work) in works {
        match &**work {
            Work::Service { .. } => {
                for instance in all {
                    wanted.entry(&instance.id).or_insert(operation);
                }
            }
            Work::Register { instance, .. } | Work::Deregister { instance } | Work::Health { instance } => {
                wanted.insert(instance, operation);
            }
            Work::CreateZone | Work::DeleteZone | Work::UpdateZone { .. } => {}
        }
    }
    all.iter()
        .filter_map(|it| Some((it.clone(), (*wanted.get(it.id.as_str())?).to_owned())))
        .collect()
}

async fn change(
    servicediscovery: &ServiceDiscovery,
    scope: &Scope,
    namespace: &Namespace,
    service: &Service,
    instance: &Instance,
    operation: &str,
) -> Result<Change, Failure> {
    let target = plan::check_target(service, &instance.attributes).filter(|_| !instance.leaving);
    let has = instance.check.clone();
    let check = match (target, &has) {
        (None, _) => None,
        (Some(target), Some((id, looks_at))) if *looks_at == target => Some((id.clone(), target)),
        (Some(target), _) => {
            let reference = reference(operation, &instance.id);
            let id = zone::create_check(servicediscovery, scope, &target, reference).await?;
            Some((id, target))
        }
    };
    let check_id = check.as_ref().map(|(id, _)| id.as_str());
    let old_check = has.map(|(id, _)| id).filter(|id| Some(id.as_str()) != check_id);
    let wants = plan::records(&namespace.name, service, instance, check_id);
    Ok(Change {
        id: instance.id.clone(),
        steps: plan::steps(&instance.published, &wants),
        wants,
        old_check,
        check,
    })
}

/// In one batch, as far as it has room. If that is refused, one by one, so that what is wrong with one instance is
/// not held against the others.
async fn publish(
    servicediscovery: &ServiceDiscovery,
    scope: &Scope,
    namespace: &Namespace,
    mut changes: Vec<Change>,
    results: &mut Results,
) -> Result<(), String> {
    let zone = match &namespace.kind {
        NamespaceKind::Dns { zone: Some(zone), .. } => zone.as_str(),
        _ => "",
    };
    while !changes.is_empty() {
        let mut steps = 0;
        let fits = changes.iter().take_while(|it| {
            steps += it.steps.len();
            steps <= BATCH_STEPS_MAX
        });
        let count = fits.count().max(1);
        let together: Vec<Change> = changes.drain(..count).collect();
        let all = together.iter().flat_map(|it| it.steps.clone()).collect();
        let done = zone::change(servicediscovery, scope, zone, all).await;
        for change in together {
            let result = match &done {
                Err(Failure::Never { .. }) if count > 1 => {
                    zone::change(servicediscovery, scope, zone, change.steps.clone()).await
                }
                done => done.clone(),
            };
            match result {
                Err(Failure::Later(why)) => return Err(why),
                Err(failure) => drop(results.insert(change.id.clone(), Err(failure))),
                Ok(()) => {
                    if let Some(old) = &change.old_check {
                        match zone::delete_check(servicediscovery, scope, old).await {
                            Err(Failure::Later(why)) => return Err(why),
                            Err(Failure::Never { .. }) | Ok(()) => {}
                        }
                    }
                    results.insert(change.id.clone(), Ok(change));
                }
            }
        }
    }
    Ok(())
}

async fn save(
    servicediscovery: &ServiceDiscovery,
    scope: &Scope,
    service: &str,
    works: Vec<(String, Arc<Work>)>,
    results: Results,
) -> Result<(), ApiError> {
    let now = servicediscovery.clock.now();
    let (scope, service) = (scope.clone(), service.to_owned());
    servicediscovery
        .store
        .write(move |tx| {
            for change in results.values().flatten() {
                let place = table::child(&scope, &service, &change.id);
                if let Some(row) = tx.get(INSTANCES, &place) {
                    let mut row = Instance::clone(&row);
                    row.published = change.wants.clone();
                    row.check = change.check.clone();
                    tx.put(INSTANCES, &place, row);
                }
            }
            for (operation, work) in &works {
                let status = settle(tx, &scope, &service, operation, work, &results);
                finish(tx, &scope, &service, operation, status, now);
            }
            Ok(())
        })
        .await
}

/// What an operation's end means for the rows.
fn settle(
    tx: &mut Transaction,
    scope: &Scope,
    service: &str,
    operation: &str,
    work: &Work,
    results: &Results,
) -> Status {
    let failure_of = |instance: &str| results.get(instance).and_then(|it| it.as_ref().err());
    match work {
        Work::Register { instance, before } => {
            let Some(failure) = failure_of(instance) else {
                return Status::Success;
            };
            let place = table::child(scope, service, instance);
            match before {
                Some(before) => tx.put(INSTANCES, &place, Instance::clone(before)),
                None => tx.delete(INSTANCES, &place),
            }
            table::raise_revision(tx, scope, service);
            failed(failure)
        }
        Work::Deregister { instance } => {
            let place = table::child(scope, service, instance);
            let Some(failure) = failure_of(instance) else {
                tx.delete(INSTANCES, &place);
                return Status::Success;
            };
            if let Some(row) = tx.get(INSTANCES, &place) {
                let mut row = Instance::clone(&row);
                row.leaving = false;
                tx.put(INSTANCES, &place, row);
                table::raise_revision(tx, scope, service);
            }
            failed(failure)
        }
        Work::Service { before } => {
            let Some(failure) = results.values().find_map(|it| it.as_ref().err()) else {
                return Status::Success;
            };
            tx.put(SERVICES, &table::key(scope, service), Service::clone(before));
            // Those that have changed already are changed back.
            let changed: BTreeSet<&String> = results.values().flatten().map(|it| &it.id).collect();
            for (index, instance) in changed.into_iter().enumerate() {
                let place = table::child(scope, service, &format!("{operation}-{index}"));
                let instance = instance.clone();
                tx.put(PENDING, &place, Work::Health { instance });
            }
            failed(failure)
        }
        _ => Status::Success,
    }
}
