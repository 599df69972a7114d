//! What is stored: namespaces, services and operations under `<account>/<region>/<id>`, instances under
//! `<account>/<region>/<service>/<id>`, what is left to do under `<account>/<region>/<namespace or service>/<operation>`.

use std::sync::Arc;

use aws_protocol::ApiError;
use base_id::Scope;
use base_store::{Snapshot, Table, Transaction};
use contract::dns::ObservedDns;

use crate::error;
use crate::model::{Instance, Namespace, Operation, Service, Work};

pub(crate) const NAMESPACES: Table<Namespace> = Table::new("servicediscovery/namespace", 1);
pub(crate) const SERVICES: Table<Service> = Table::new("servicediscovery/service", 1);
pub(crate) const INSTANCES: Table<Instance> = Table::new("servicediscovery/instance", 1);
/// How often the instances of a service, or their health, have changed; under the service.
pub(crate) const REVISIONS: Table<i64> = Table::new("servicediscovery/revision", 1);
pub(crate) const OPERATIONS: Table<Operation> = Table::new("servicediscovery/operation", 1);
pub(crate) const PENDING: Table<Work> = Table::new("servicediscovery/pending", 1);
/// Written by the name server.
pub(crate) const OBSERVED_DNS: Table<ObservedDns> = Table::new(ObservedDns::TABLE, 1);

pub(crate) fn key(scope: &Scope, id: &str) -> String {
    format!("{}/{id}", scope.key())
}

pub(crate) fn child(scope: &Scope, parent: &str, id: &str) -> String {
    format!("{}/{parent}/{id}", scope.key())
}

/// An id may be given as an ARN.
pub(crate) fn id_of(given: &str) -> &str {
    given.rsplit('/').next().unwrap_or(given)
}

pub(crate) fn namespace(snapshot: &Snapshot, scope: &Scope, given: &str) -> Result<Arc<Namespace>, ApiError> {
    let id = id_of(given);
    snapshot
        .get(NAMESPACES, &key(scope, id))
        .filter(|it| it.id == id && it.ready)
        .ok_or_else(error::namespace_not_found)
}

pub(crate) fn service(snapshot: &Snapshot, scope: &Scope, given: &str) -> Result<Arc<Service>, ApiError> {
    let id = id_of(given);
    snapshot
        .get(SERVICES, &key(scope, id))
        .filter(|it| it.id == id)
        .ok_or_else(error::service_not_found)
}

/// One that is leaving is not there any more.
pub(crate) fn instance(
    snapshot: &Snapshot,
    scope: &Scope,
    service: &str,
    id: &str,
) -> Result<Arc<Instance>, ApiError> {
    snapshot
        .get(INSTANCES, &child(scope, service, id))
        .filter(|it| !it.leaving)
        .ok_or_else(error::instance_not_found)
}

pub(crate) fn namespaces(snapshot: &Snapshot, scope: &Scope) -> Vec<Arc<Namespace>> {
    let rows = snapshot.prefix(NAMESPACES, &key(scope, ""));
    rows.into_iter().map(|(_, row)| row).collect()
}

pub(crate) fn services(snapshot: &Snapshot, scope: &Scope) -> Vec<Arc<Service>> {
    let rows = snapshot.prefix(SERVICES, &key(scope, ""));
    rows.into_iter().map(|(_, row)| row).collect()
}

pub(crate) fn services_of(snapshot: &Snapshot, scope: &Scope, namespace: &str) -> Vec<Arc<Service>> {
    let mut rows = services(snapshot, scope);
    rows.retain(|it| it.namespace == namespace);
    rows
}

/// Those that leave among them.
pub(crate) fn all_instances(snapshot: &Snapshot, scope: &Scope, service: &str) -> Vec<Arc<Instance>> {
    let rows = snapshot.prefix(INSTANCES, &child(scope, service, ""));
    rows.into_iter().map(|(_, row)| row).collect()
}

pub(crate) fn instances(snapshot: &Snapshot, scope: &Scope, service: &str) -> Vec<Arc<Instance>> {
    let mut rows = all_instances(snapshot, scope, service);
    rows.retain(|it| !it.leaving);
    rows
}

pub(crate) fn revision(snapshot: &Snapshot, scope: &Scope, service: &str) -> i64 {
    snapshot.get(REVISIONS, &key(scope, service)).map_or(1, |it| *it)
}

pub(crate) fn raise_revision(tx: &mut Transaction, scope: &Scope, service: &str) {
    let next = revision(&tx.snapshot(), scope, service) + 1;
    tx.put(REVISIONS, &key(scope, service), next);
}
