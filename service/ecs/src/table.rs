//! What is stored, all under `<account>/<region>/`: clusters and capacity providers by name, task definitions by `<family>:<revision>` (ten
//! digits, so that they sort), services by `<cluster>/<name>`, tasks and container instances by `<cluster>/<id>`, service deployments and
//! revisions by `<cluster>/<service>/<id>`, account settings by `<name>/<principal>`.

use std::sync::Arc;

use aws_protocol::ApiError;
use base_id::Scope;
use base_store::{Snapshot, Table};
use contract::route::ObservedRoutes;
use contract::task::{DesiredTask, ObservedTask};

use crate::error::{client, cluster_not_found};
use crate::model::cluster::Cluster;
use crate::model::deployment::{ServiceDeployment, ServiceRevision};
use crate::model::instance::Instance;
use crate::model::provider::Provider;
use crate::model::service::Service;
use crate::model::task::Task;
use crate::model::task_definition::TaskDefinition;
use crate::model::{Tags, name};

pub(crate) const CLUSTERS: Table<Cluster> = Table::new("ecs/cluster", 1);
/// Capacity providers that are Auto Scaling groups.
pub(crate) const PROVIDERS: Table<Provider> = Table::new("ecs/capacity_provider", 1);
/// Container instances.
pub(crate) const INSTANCES: Table<Instance> = Table::new("ecs/container_instance", 1);
pub(crate) const DEFINITIONS: Table<TaskDefinition> = Table::new("ecs/task_definition", 1);
pub(crate) const SERVICES: Table<Service> = Table::new("ecs/service", 1);
pub(crate) const SERVICE_DEPLOYMENTS: Table<ServiceDeployment> = Table::new("ecs/service_deployment", 1);
pub(crate) const SERVICE_REVISIONS: Table<ServiceRevision> = Table::new("ecs/service_revision", 1);
/// What account settings were set to.
pub(crate) const SETTINGS: Table<String> = Table::new("ecs/account_setting", 1);
pub(crate) const TASKS: Table<Task> = Table::new("ecs/task", 1);
/// The last revision of each family, which is never given out again.
pub(crate) const REVISIONS: Table<u32> = Table::new("ecs/revision", 1);
pub(crate) const DESIRED: Table<DesiredTask> = Table::new(DesiredTask::TABLE, 1);
pub(crate) const OBSERVED: Table<ObservedTask> = Table::new(ObservedTask::TABLE, 1);
pub(crate) const ROUTES: Table<ObservedRoutes> = Table::new(ObservedRoutes::TABLE, 1);

pub(crate) fn key(scope: &Scope, rest: &str) -> String {
    format!("{}/{rest}", scope.key())
}

pub(crate) fn definition_key(scope: &Scope, family: &str, revision: u32) -> String {
    key(scope, &format!("{family}:{revision:010}"))
}

/// An active cluster, by name or ARN; `default` exists from the beginning in no account, as in AWS.
pub(crate) fn cluster(
    snapshot: &Snapshot,
    scope: &Scope,
    given: Option<&str>,
) -> Result<Arc<Cluster>, ApiError> {
    let found = snapshot.get(CLUSTERS, &key(scope, &name::cluster(given)));
    found
        .filter(|cluster| !cluster.inactive)
        .ok_or_else(cluster_not_found)
}

/// A task definition by family (the latest active revision), `family:revision` or ARN.
pub(crate) fn definition(
    snapshot: &Snapshot,
    scope: &Scope,
    given: &str,
) -> Result<Arc<TaskDefinition>, ApiError> {
    let (family, revision) = name::task_definition(scope, given)?;
    let found = match revision {
        Some(revision) => snapshot.get(DEFINITIONS, &definition_key(scope, &family, revision)),
        None => {
            let all = snapshot.prefix(DEFINITIONS, &key(scope, &format!("{family}:")));
            all.into_iter()
                .rev()
                .map(|(_, row)| row)
                .find(|row| row.is_active())
        }
    };
    found.ok_or_else(|| client("Unable to describe task definition."))
}

/// The task definition with this ARN, whatever its state.
pub(crate) fn definition_of(snapshot: &Snapshot, scope: &Scope, arn: &str) -> Option<Arc<TaskDefinition>> {
    let (family, revision) = name::task_definition(scope, arn).ok()?;
    snapshot.get(DEFINITIONS, &definition_key(scope, &family, revision?))
}

/// A service by name or ARN, whatever its state.
pub(crate) fn service(
    snapshot: &Snapshot,
    scope: &Scope,
    cluster: &str,
    given: &str,
) -> Option<Arc<Service>> {
    snapshot.get(
        SERVICES,
        &key(scope, &format!("{cluster}/{}", name::service(given))),
    )
}

pub(crate) fn tasks(snapshot: &Snapshot, scope: &Scope, cluster: &str) -> Vec<Arc<Task>> {
    let rows = snapshot.prefix(TASKS, &key(scope, &format!("{cluster}/")));
    rows.into_iter().map(|(_, row)| row).collect()
}

pub(crate) fn instances(snapshot: &Snapshot, scope: &Scope, cluster: &str) -> Vec<Arc<Instance>> {
    let rows = snapshot.prefix(INSTANCES, &key(scope, &format!("{cluster}/")));
    rows.into_iter().map(|(_, row)| row).collect()
}

/// A container instance by id or ARN.
pub(crate) fn instance(
    snapshot: &Snapshot,
    scope: &Scope,
    cluster: &str,
    given: &str,
) -> Option<Arc<Instance>> {
    let id = given.rsplit('/').next().unwrap_or(given);
    snapshot.get(INSTANCES, &key(scope, &format!("{cluster}/{id}")))
}

/// Whether a capacity provider adds instances when tasks wait for them.
pub(crate) fn grows(snapshot: &Snapshot, scope: &Scope, name: &str) -> bool {
    let provider = snapshot.get(PROVIDERS, &key(scope, name));
    provider.is_some_and(|it| it.scaling.enabled)
}

pub(crate) fn observed(snapshot: &Snapshot, task: &Task) -> Option<Arc<ObservedTask>> {
    snapshot.get(OBSERVED, &task.id)
}

pub(crate) fn tags(given: Option<Vec<aws_shape::ecs::Tag>>) -> Tags {
    let pairs = given.into_iter().flatten();
    pairs
        .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
        .collect()
}
