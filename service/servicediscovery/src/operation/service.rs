//! Services: made and told.

use aws_protocol::{ApiError, Context, page};
use aws_shape::servicediscovery::*;
use base_id::Scope;
use base_store::Snapshot;

use super::begin::new_id;
use super::filter::{EQ, EQ_IN, passes};
use super::namespace::PAGE_MAX;
use super::service_check::{self, Given};
use super::{name, tag};
use crate::error::{self, bad_token, invalid};
use crate::model::{self, NamespaceKind, Policy};
use crate::table::{SERVICES, key};
use crate::{ServiceDiscovery, table};

pub(super) async fn create_service(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: CreateServiceRequest,
) -> Result<CreateServiceResponse, ApiError> {
    name::check_service(&input.name)?;
    let scope = context.scope.clone();
    let id = new_id(&*servicediscovery.ids, "srv");
    let now = servicediscovery.clock.now();
    let creator_request_id = input
        .creator_request_id
        .clone()
        .unwrap_or_else(|| servicediscovery.ids.uuid());
    let tags = tag::checked(input.tags.clone().unwrap_or_default(), || {
        service_arn(&scope, &id)
    })?;
    let given = namespace_of(&input)?;
    let written = servicediscovery.store.write(move |tx| {
        let snapshot = tx.snapshot();
        let namespace = table::namespace(&snapshot, &scope, &given)?;
        let made = service_check::parse(&namespace, Given::of(&input))?;
        let by_dns = namespace.kind != NamespaceKind::Http;
        let same = |it: &model::Service| match by_dns {
            // Names in DNS do not tell capitals apart.
            true => it.name.eq_ignore_ascii_case(&input.name),
            false => it.name == input.name,
        };
        let others = table::services_of(&snapshot, &scope, &namespace.id);
        if let Some(other) = others.iter().find(|it| same(it)) {
            let arn = service_arn(&scope, &other.id);
            return Err(error::service_exists(&other.id, arn, &other.creator_request_id));
        }
        let row = model::Service {
            id,
            name: input.name,
            namespace: namespace.id.clone(),
            description: input.description.filter(|it| !it.is_empty()),
            created_at: now,
            creator_request_id,
            dns: made.dns,
            check: made.check,
            custom_check: made.custom_check,
            tags,
            attributes: Default::default(),
        };
        tx.put(SERVICES, &key(&scope, &row.id), row.clone());
        Ok(shape(&tx.snapshot(), &scope, &row))
    });
    Ok(CreateServiceResponse {
        service: Some(written.await?),
    })
}

/// It may be named in two places.
fn namespace_of(input: &CreateServiceRequest) -> Result<String, ApiError> {
    let inner = input.dns_config.as_ref().and_then(|it| it.namespace_id.clone());
    match (&input.namespace_id, inner) {
        (Some(outer), Some(inner)) if table::id_of(outer) != table::id_of(&inner) => Err(invalid(
            "The namespace IDs of the service and of its DnsConfig must be the same.",
        )),
        (Some(id), _) => Ok(id.clone()),
        (None, Some(id)) => Ok(id),
        (None, None) => Err(invalid("NamespaceId is required.")),
    }
}

pub(super) fn service_arn(scope: &Scope, id: &str) -> String {
    scope.arn("servicediscovery", &format!("service/{id}"))
}

fn dns_shape(row: &model::Service) -> Option<DnsConfig> {
    let dns = row.dns.as_ref()?;
    let records = dns.records.iter().map(|(kind, ttl)| DnsRecord {
        type_: kind.as_str().into(),
        ttl: *ttl,
    });
    Some(DnsConfig {
        namespace_id: Some(row.namespace.clone()),
        routing_policy: Some(match dns.policy {
            Policy::Multivalue => RoutingPolicy::Multivalue,
            Policy::Weighted => RoutingPolicy::Weighted,
        }),
        dns_records: records.collect(),
    })
}

fn kind_shape(row: &model::Service) -> ServiceType {
    match row.dns {
        Some(_) => ServiceType::DnsHttp,
        None => ServiceType::Http,
    }
}

fn check_shape(row: &model::Service) -> Option<HealthCheckConfig> {
    let check = row.check.as_ref()?;
    Some(HealthCheckConfig {
        type_: check.protocol.as_str().into(),
        resource_path: check.path.clone(),
        failure_threshold: Some(check.failure_threshold),
    })
}

fn custom_shape(row: &model::Service) -> Option<HealthCheckCustomConfig> {
    row.custom_check
        .map(|failure_threshold| HealthCheckCustomConfig { failure_threshold })
}

fn count(snapshot: &Snapshot, scope: &Scope, id: &str) -> Option<i32> {
    i32::try_from(table::instances(snapshot, scope, id).len()).ok()
}

fn shape(snapshot: &Snapshot, scope: &Scope, row: &model::Service) -> Service {
    Service {
        id: Some(row.id.clone()),
        arn: Some(service_arn(scope, &row.id)),
        resource_owner: Some(scope.account.clone()),
        name: Some(row.name.clone()),
        namespace_id: Some(row.namespace.clone()),
        description: row.description.clone(),
        instance_count: count(snapshot, scope, &row.id),
        dns_config: dns_shape(row),
        type_: Some(kind_shape(row)),
        health_check_config: check_shape(row),
        health_check_custom_config: custom_shape(row),
        create_date: Some(row.created_at),
        creator_request_id: Some(row.creator_request_id.clone()),
        created_by_account: Some(scope.account.clone()),
    }
}

pub(super) async fn get_service(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: GetServiceRequest,
) -> Result<GetServiceResponse, ApiError> {
    let snapshot = servicediscovery.store.snapshot();
    let row = table::service(&snapshot, &context.scope, &input.id)?;
    Ok(GetServiceResponse {
        service: Some(shape(&snapshot, &context.scope, &row)),
    })
}

pub(super) async fn list_services(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: ListServicesRequest,
) -> Result<ListServicesResponse, ApiError> {
    let snapshot = servicediscovery.store.snapshot();
    let scope = &context.scope;
    let mut found = table::services(&snapshot, scope);
    for filter in input.filters.unwrap_or_default() {
        let values: Vec<String> = filter
            .values
            .iter()
            .map(|it| table::id_of(it).to_owned())
            .collect();
        let mut kept = Vec::new();
        for row in found {
            let (fact, allowed) = match &filter.name {
                ServiceFilterName::NamespaceId => (row.namespace.as_str(), EQ_IN),
                _ => ("SELF", EQ),
            };
            if passes(
                filter.name.as_str(),
                filter.condition.as_ref(),
                &values,
                allowed,
                fact,
            )? {
                kept.push(row);
            }
        }
        found = kept;
    }
    let (found, next_token) =
        page(found, input.max_results, PAGE_MAX, input.next_token.as_deref()).map_err(bad_token)?;
    let shapes = found.iter().map(|row| ServiceSummary {
        id: Some(row.id.clone()),
        arn: Some(service_arn(scope, &row.id)),
        resource_owner: Some(scope.account.clone()),
        name: Some(row.name.clone()),
        type_: Some(kind_shape(row)),
        description: row.description.clone(),
        instance_count: count(&snapshot, scope, &row.id),
        dns_config: dns_shape(row).map(|it| DnsConfig {
            namespace_id: None,
            ..it
        }),
        health_check_config: check_shape(row),
        health_check_custom_config: custom_shape(row),
        create_date: Some(row.created_at),
        created_by_account: Some(scope.account.clone()),
    });
    Ok(ListServicesResponse {
        services: Some(shapes.collect()),
        next_token,
    })
}
