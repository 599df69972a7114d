//! How stored things look to a caller.

mod cluster;
mod definition;
mod deployment;
mod discovery;
mod instance;
mod provider;
mod service;
mod task;

use aws_shape::ecs as shape;
use base_id::Scope;
use base_store::Snapshot;
use contract::task::ObservedTask;

use crate::model::Tags;
use crate::model::task::{Stage, Task};
use crate::table;

pub(crate) use cluster::cluster;
pub(crate) use definition::{definition, definition_request};
pub(crate) use deployment::{brief, service_deployment, service_revision, status as deployment_status};
pub(crate) use instance::instance;
pub(crate) use provider::provider;
pub(crate) use service::{launch_type, service};
pub(crate) use task::whole_task;

pub(crate) fn tags(tags: &Tags) -> Vec<shape::Tag> {
    tags.iter()
        .map(|(key, value)| shape::Tag {
            key: Some(key.clone()),
            value: Some(value.clone()),
        })
        .collect()
}

pub(crate) fn cluster_arn(scope: &Scope, name: &str) -> String {
    scope.arn("ecs", &format!("cluster/{name}"))
}

pub(crate) fn instance_arn(scope: &Scope, cluster: &str, id: &str) -> String {
    scope.arn("ecs", &format!("container-instance/{cluster}/{id}"))
}

/// A task's observation: the present one, or the last one.
pub(crate) fn seen(snapshot: &Snapshot, task: &Task) -> Option<ObservedTask> {
    match &task.stage {
        Stage::Stopped { last, .. } => last.as_deref().cloned(),
        _ => table::observed(snapshot, task).map(|seen| ObservedTask::clone(&seen)),
    }
}
