//! How well instances are: told by whoever may, or seen by Route 53.

use std::collections::BTreeMap;

use aws_protocol::{ApiError, Context, page};
use aws_shape::servicediscovery::*;
use base_store::Snapshot;

use super::begin::operation_id;
use super::namespace::PAGE_MAX;
use crate::ServiceDiscovery;
use crate::error::{bad_token, custom_health_not_found};
use crate::model::{self, Work};
use crate::table::{self, INSTANCES, OBSERVED_DNS, PENDING, child};

/// What the name server sees of the health checks, by id.
pub(super) struct Seen(BTreeMap<String, bool>);

impl Seen {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let rows = snapshot.list(OBSERVED_DNS);
        let checks = rows.iter().flat_map(|(_, row)| &row.checks);
        Self(checks.map(|it| (it.id.clone(), it.healthy)).collect())
    }
}

pub(super) fn status(service: &model::Service, instance: &model::Instance, seen: &Seen) -> HealthStatus {
    let healthy = match (&service.custom_check, &instance.check) {
        (Some(_), _) => Some(instance.healthy),
        (None, Some((id, _))) => seen.0.get(id).copied(),
        (None, None) => None,
    };
    match healthy {
        Some(true) => HealthStatus::Healthy,
        Some(false) => HealthStatus::Unhealthy,
        None => HealthStatus::Unknown,
    }
}

pub(super) async fn get_instances_health_status(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: GetInstancesHealthStatusRequest,
) -> Result<GetInstancesHealthStatusResponse, ApiError> {
    let snapshot = servicediscovery.store.snapshot();
    let scope = &context.scope;
    let service = table::service(&snapshot, scope, &input.service_id)?;
    let found = match input.instances {
        None => table::instances(&snapshot, scope, &service.id),
        Some(ids) => ids
            .iter()
            .map(|id| table::instance(&snapshot, scope, &service.id, id))
            .collect::<Result<_, _>>()?,
    };
    let (found, next_token) =
        page(found, input.max_results, PAGE_MAX, input.next_token.as_deref()).map_err(bad_token)?;
    let seen = Seen::of(&snapshot);
    let told = found
        .iter()
        .map(|it| (it.id.clone(), status(&service, it, &seen)));
    Ok(GetInstancesHealthStatusResponse {
        status: Some(told.collect()),
        next_token,
    })
}

pub(super) async fn update_instance_custom_health_status(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: UpdateInstanceCustomHealthStatusRequest,
) -> Result<(), ApiError> {
    let work = operation_id(&*servicediscovery.ids);
    let scope = context.scope.clone();
    let service_id = table::id_of(&input.service_id).to_owned();
    let parent = service_id.clone();
    let written = servicediscovery.store.write(move |tx| {
        let snapshot = tx.snapshot();
        let service = table::service(&snapshot, &scope, &service_id)?;
        let row = table::instance(&snapshot, &scope, &service_id, &input.instance_id)?;
        if service.custom_check.is_none() {
            return Err(custom_health_not_found());
        }
        let healthy = input.status == CustomHealthStatus::Healthy;
        if row.healthy == healthy {
            return Ok(());
        }
        let mut row = model::Instance::clone(&row);
        row.healthy = healthy;
        tx.put(INSTANCES, &child(&scope, &service_id, &input.instance_id), row);
        table::raise_revision(tx, &scope, &service_id);
        if service.dns.is_some() {
            let instance = input.instance_id;
            tx.put(
                PENDING,
                &child(&scope, &service_id, &work),
                Work::Health { instance },
            );
        }
        Ok(())
    });
    written.await?;
    let _ = servicediscovery.converge(&context.scope, &parent).await;
    Ok(())
}
