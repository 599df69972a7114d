//! Instances, found by the names of their namespace and service.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_protocol::{ApiError, Context};
use aws_shape::servicediscovery::*;
use base_id::Scope;
use base_store::Snapshot;

use super::health::{Seen, status};
use crate::ServiceDiscovery;
use crate::error::{namespace_not_found, service_not_found};
use crate::model;
use crate::table;

/// How many are told if nothing else is asked for.
const INSTANCES_DEFAULT: usize = 100;

fn named(
    snapshot: &Snapshot,
    scope: &Scope,
    owner: Option<&str>,
    namespace: &str,
    service: &str,
) -> Result<Arc<model::Service>, ApiError> {
    let mut namespaces = table::namespaces(snapshot, scope).into_iter();
    let namespace = namespaces
        .find(|it| it.ready && it.http_name == namespace && owner.is_none_or(|it| it == scope.account))
        .ok_or_else(namespace_not_found)?;
    let mut services = table::services_of(snapshot, scope, &namespace.id).into_iter();
    services
        .find(|it| it.name == service)
        .ok_or_else(service_not_found)
}

pub(super) async fn discover_instances_revision(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: DiscoverInstancesRevisionRequest,
) -> Result<DiscoverInstancesRevisionResponse, ApiError> {
    let snapshot = servicediscovery.store.snapshot();
    let scope = &context.scope;
    let owner = input.owner_account.as_deref();
    let service = named(
        &snapshot,
        scope,
        owner,
        &input.namespace_name,
        &input.service_name,
    )?;
    Ok(DiscoverInstancesRevisionResponse {
        instances_revision: Some(table::revision(&snapshot, scope, &service.id)),
    })
}

fn has(instance: &model::Instance, wanted: &BTreeMap<String, String>) -> bool {
    wanted
        .iter()
        .all(|(name, value)| instance.attributes.get(name) == Some(value))
}

pub(super) async fn discover_instances(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: DiscoverInstancesRequest,
) -> Result<DiscoverInstancesResponse, ApiError> {
    let snapshot = servicediscovery.store.snapshot();
    let scope = &context.scope;
    let owner = input.owner_account.as_deref();
    let service = named(
        &snapshot,
        scope,
        owner,
        &input.namespace_name,
        &input.service_name,
    )?;
    let seen = Seen::of(&snapshot);
    let wanted = input.query_parameters.unwrap_or_default();
    let mut found: Vec<(Arc<model::Instance>, HealthStatus)> =
        table::instances(&snapshot, scope, &service.id)
            .into_iter()
            .filter(|it| has(it, &wanted))
            .map(|it| {
                let status = status(&service, &it, &seen);
                (it, status)
            })
            .collect();
    if service.custom_check.is_some() || service.check.is_some() {
        choose(&mut found, input.health_status.as_ref());
    }
    if let Some(wanted) = input.optional_parameters
        && found.iter().any(|(it, _)| has(it, &wanted))
    {
        found.retain(|(it, _)| has(it, &wanted));
    }
    let limit = input.max_results.and_then(|it| usize::try_from(it).ok());
    found.truncate(limit.unwrap_or(INSTANCES_DEFAULT));
    let shapes = found.into_iter().map(|(row, status)| HttpInstanceSummary {
        instance_id: Some(row.id.clone()),
        namespace_name: Some(input.namespace_name.clone()),
        service_name: Some(service.name.clone()),
        health_status: Some(status),
        attributes: Some(row.attributes.clone()),
    });
    Ok(DiscoverInstancesResponse {
        instances: Some(shapes.collect()),
        instances_revision: Some(table::revision(&snapshot, scope, &service.id)),
    })
}

/// What a health check has not seen yet counts as healthy, as in Route 53.
fn choose(found: &mut Vec<(Arc<model::Instance>, HealthStatus)>, wanted: Option<&HealthStatusFilter>) {
    let well = |it: &HealthStatus| *it != HealthStatus::Unhealthy;
    match wanted {
        Some(HealthStatusFilter::All) => {}
        Some(HealthStatusFilter::Unhealthy) => found.retain(|(_, it)| !well(it)),
        Some(HealthStatusFilter::HealthyOrElseAll) if found.iter().all(|(_, it)| !well(it)) => {}
        _ => found.retain(|(_, it)| well(it)),
    }
}
