//! The nouns: clusters, container instances, task definitions, services and tasks.

pub(crate) mod cluster;
pub(crate) mod container;
pub(crate) mod deployment;
pub(crate) mod discovery;
pub(crate) mod instance;
pub(crate) mod name;
pub(crate) mod placement;
pub(crate) mod provider;
pub(crate) mod service;
pub(crate) mod size;
pub(crate) mod task;
pub(crate) mod task_definition;

use std::collections::BTreeMap;

pub(crate) type Tags = BTreeMap<String, String>;

/// Whether a list in a request says anything: clients send empty ones for nothing.
pub(crate) fn given<T>(list: &Option<Vec<T>>) -> bool {
    list.as_ref().is_some_and(|list| !list.is_empty())
}
