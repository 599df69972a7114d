//! Namespaces: made and told.

use aws_protocol::{ApiError, Context, page};
use aws_shape::servicediscovery::*;
use base_id::Scope;
use base_store::{Snapshot, Transaction};

use super::begin::{Begin, check_idle, new_id, operation_id};
use super::filter::{EQ, EQ_BEGINS_WITH, passes};
use super::{name, tag};
use crate::error::{self, bad_token, invalid, limit};
use crate::model::{self, NamespaceKind, OperationKind, Work};
use crate::table::{NAMESPACES, key};
use crate::{ServiceDiscovery, table};

const NAMESPACES_MAX: usize = 50;
pub(super) const PAGE_MAX: usize = 100;
const HTTP_NAME_CHARACTERS_MAX: usize = 1024;
const PRIVATE_NAME_CHARACTERS_MAX: usize = 253;
/// Of zones of namespaces, if nothing else is asked for: that a name is not there is soon forgotten.
const SOA_TTL_SECONDS_DEFAULT: i64 = 15;

struct New {
    name: String,
    kind: NamespaceKind,
    description: Option<String>,
    creator_request_id: Option<String>,
    tags: Option<Vec<Tag>>,
}

pub(super) async fn create_http_namespace(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: CreateHttpNamespaceRequest,
) -> Result<CreateHttpNamespaceResponse, ApiError> {
    name::check_namespace(&input.name, HTTP_NAME_CHARACTERS_MAX)?;
    let new = New {
        name: input.name,
        kind: NamespaceKind::Http,
        description: input.description,
        creator_request_id: input.creator_request_id,
        tags: input.tags,
    };
    let operation_id = Some(create(servicediscovery, context, new).await?);
    Ok(CreateHttpNamespaceResponse { operation_id })
}

pub(super) async fn create_private_dns_namespace(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: CreatePrivateDnsNamespaceRequest,
) -> Result<CreatePrivateDnsNamespaceResponse, ApiError> {
    name::check_namespace(&input.name, PRIVATE_NAME_CHARACTERS_MAX)?;
    check_vpc(servicediscovery, context, &input.vpc).await?;
    let soa = input.properties.map(|it| it.dns_properties.soa.ttl);
    let new = New {
        name: input.name.trim_end_matches('.').to_owned(),
        kind: NamespaceKind::Dns {
            vpc: Some(input.vpc),
            zone: None,
            soa_ttl_seconds: soa.unwrap_or(SOA_TTL_SECONDS_DEFAULT),
        },
        description: input.description,
        creator_request_id: input.creator_request_id,
        tags: input.tags,
    };
    let operation_id = Some(create(servicediscovery, context, new).await?);
    Ok(CreatePrivateDnsNamespaceResponse { operation_id })
}

pub(super) async fn create_public_dns_namespace(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: CreatePublicDnsNamespaceRequest,
) -> Result<CreatePublicDnsNamespaceResponse, ApiError> {
    let soa = input.properties.map(|it| it.dns_properties.soa.ttl);
    let new = New {
        name: input.name.trim_end_matches('.').to_owned(),
        kind: NamespaceKind::Dns {
            vpc: None,
            zone: None,
            soa_ttl_seconds: soa.unwrap_or(SOA_TTL_SECONDS_DEFAULT),
        },
        description: input.description,
        creator_request_id: input.creator_request_id,
        tags: input.tags,
    };
    let operation_id = Some(create(servicediscovery, context, new).await?);
    Ok(CreatePublicDnsNamespaceResponse { operation_id })
}

async fn check_vpc(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    vpc: &str,
) -> Result<(), ApiError> {
    let input = aws_shape::ec2::DescribeVpcsRequest {
        vpc_ids: Some(vec![vpc.to_owned()]),
        ..Default::default()
    };
    match servicediscovery
        .neighbours
        .ec2
        .describe_vpcs(context, input)
        .await
    {
        Ok(_) => Ok(()),
        Err(error) if error.is_internal() => Err(error),
        Err(error) => Err(invalid(error.message)),
    }
}

async fn create(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    new: New,
) -> Result<String, ApiError> {
    let operation = operation_id(&*servicediscovery.ids);
    let id = new_id(&*servicediscovery.ids, "ns");
    let now = servicediscovery.clock.now();
    let scope = context.scope.clone();
    let tags = tag::checked(new.tags.unwrap_or_default(), || namespace_arn(&scope, &id))?;
    // One that the caller leaves out is made by its client in AWS: it is like no other.
    let creator_request_id = new
        .creator_request_id
        .unwrap_or_else(|| servicediscovery.ids.uuid());
    let row = model::Namespace {
        http_name: new.name.clone(),
        name: new.name,
        ready: new.kind == NamespaceKind::Http,
        kind: new.kind,
        description: new.description.filter(|it| !it.is_empty()),
        created_at: now,
        creator_request_id,
        tags,
        id: id.clone(),
    };
    let (answered, within) = (operation.clone(), scope.clone());
    let written = servicediscovery.store.write(move |tx| {
        let row = admitted(tx, &scope, row)?;
        let begin = Begin {
            id: operation,
            kind: OperationKind::CreateNamespace,
            now,
            scope: &scope,
            targets: vec![("NAMESPACE", row.id.clone())],
        };
        let left = (!row.ready).then_some((row.id.as_str(), Work::CreateZone));
        begin.write(tx, left);
        tx.put(NAMESPACES, &key(&scope, &row.id), row.clone());
        Ok::<_, ApiError>(())
    });
    written.await?;
    // What does not work out now is done later.
    let _ = servicediscovery.converge(&within, &id).await;
    Ok(answered)
}

/// Whether there may be one more of this name; with the name that it is found by over the API.
fn admitted(
    tx: &Transaction,
    scope: &Scope,
    mut row: model::Namespace,
) -> Result<model::Namespace, ApiError> {
    let all = table::namespaces(&tx.snapshot(), scope);
    let vpc = |kind: &NamespaceKind| match kind {
        NamespaceKind::Http => None,
        NamespaceKind::Dns { vpc, .. } => vpc.clone(),
    };
    let same = |it: &&std::sync::Arc<model::Namespace>| it.name.eq_ignore_ascii_case(&row.name);
    for other in all.iter().filter(same) {
        if other.creator_request_id == row.creator_request_id {
            check_idle(tx, scope, &other.id, |_| true)?;
        }
        // Networks do not see each other's zones, so they may have the same names.
        if vpc(&row.kind).is_none() || vpc(&other.kind).is_none() || vpc(&row.kind) == vpc(&other.kind) {
            return Err(error::namespace_exists(&other.id, &other.creator_request_id));
        }
    }
    if all.iter().any(|it| it.http_name == row.http_name) {
        row.http_name = format!("{}_{}", row.name, row.id);
    }
    if all.len() >= NAMESPACES_MAX {
        let message = format!(
            "The resource can't be created because you've reached the quota on the number of namespaces \
             ({NAMESPACES_MAX})."
        );
        return Err(limit(message));
    }
    Ok(row)
}

pub(super) fn namespace_arn(scope: &Scope, id: &str) -> String {
    scope.arn("servicediscovery", &format!("namespace/{id}"))
}

fn kind_shape(kind: &NamespaceKind) -> NamespaceType {
    match kind {
        NamespaceKind::Http => NamespaceType::Http,
        NamespaceKind::Dns { vpc: Some(_), .. } => NamespaceType::DnsPrivate,
        NamespaceKind::Dns { vpc: None, .. } => NamespaceType::DnsPublic,
    }
}

fn properties(row: &model::Namespace) -> NamespaceProperties {
    NamespaceProperties {
        dns_properties: match &row.kind {
            NamespaceKind::Http => None,
            NamespaceKind::Dns {
                zone,
                soa_ttl_seconds,
                ..
            } => Some(DnsProperties {
                hosted_zone_id: zone.clone(),
                soa: Some(SOA {
                    ttl: *soa_ttl_seconds,
                }),
            }),
        },
        http_properties: Some(HttpProperties {
            http_name: Some(row.http_name.clone()),
        }),
    }
}

fn count(snapshot: &Snapshot, scope: &Scope, id: &str) -> Option<i32> {
    i32::try_from(table::services_of(snapshot, scope, id).len()).ok()
}

pub(super) async fn get_namespace(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: GetNamespaceRequest,
) -> Result<GetNamespaceResponse, ApiError> {
    let snapshot = servicediscovery.store.snapshot();
    let scope = &context.scope;
    let row = table::namespace(&snapshot, scope, &input.id)?;
    Ok(GetNamespaceResponse {
        namespace: Some(Namespace {
            id: Some(row.id.clone()),
            arn: Some(namespace_arn(scope, &row.id)),
            resource_owner: Some(scope.account.clone()),
            name: Some(row.name.clone()),
            type_: Some(kind_shape(&row.kind)),
            description: row.description.clone(),
            service_count: count(&snapshot, scope, &row.id),
            properties: Some(properties(&row)),
            create_date: Some(row.created_at),
            creator_request_id: Some(row.creator_request_id.clone()),
        }),
    })
}

pub(super) async fn list_namespaces(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: ListNamespacesRequest,
) -> Result<ListNamespacesResponse, ApiError> {
    let snapshot = servicediscovery.store.snapshot();
    let scope = &context.scope;
    let mut found = table::namespaces(&snapshot, scope);
    found.retain(|it| it.ready);
    for filter in input.filters.unwrap_or_default() {
        let mut kept = Vec::new();
        for row in found {
            let (fact, allowed) = match &filter.name {
                NamespaceFilterName::Type => (kind_shape(&row.kind).to_string(), EQ_BEGINS_WITH),
                NamespaceFilterName::Name => (row.name.clone(), EQ_BEGINS_WITH),
                NamespaceFilterName::HttpName => (row.http_name.clone(), EQ_BEGINS_WITH),
                _ => ("SELF".to_owned(), EQ),
            };
            let condition = filter.condition.as_ref();
            if passes(filter.name.as_str(), condition, &filter.values, allowed, &fact)? {
                kept.push(row);
            }
        }
        found = kept;
    }
    let (found, next_token) =
        page(found, input.max_results, PAGE_MAX, input.next_token.as_deref()).map_err(bad_token)?;
    let shapes = found.iter().map(|row| NamespaceSummary {
        id: Some(row.id.clone()),
        arn: Some(namespace_arn(scope, &row.id)),
        resource_owner: Some(scope.account.clone()),
        name: Some(row.name.clone()),
        type_: Some(kind_shape(&row.kind)),
        description: row.description.clone(),
        service_count: count(&snapshot, scope, &row.id),
        properties: Some(properties(row)),
        create_date: Some(row.created_at),
    });
    Ok(ListNamespacesResponse {
        namespaces: Some(shapes.collect()),
        next_token,
    })
}
