//! Namespaces: changed and deleted.

use aws_protocol::{ApiError, Context};
use aws_shape::servicediscovery::*;

use super::begin::{Begin, check_idle, operation_id};
use crate::ServiceDiscovery;
use crate::error::{in_use, invalid};
use crate::model::{self, NamespaceKind, OperationKind, Work};
use crate::table::{self, NAMESPACES, key};

pub(super) async fn delete_namespace(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: DeleteNamespaceRequest,
) -> Result<DeleteNamespaceResponse, ApiError> {
    let operation = operation_id(&*servicediscovery.ids);
    let now = servicediscovery.clock.now();
    let scope = context.scope.clone();
    let id = table::id_of(&input.id).to_owned();
    let (answered, parent) = (operation.clone(), id.clone());
    let written = servicediscovery.store.write(move |tx| {
        check_idle(tx, &scope, &id, |_| true)?;
        let row = table::namespace(&tx.snapshot(), &scope, &id)?;
        if !table::services_of(&tx.snapshot(), &scope, &id).is_empty() {
            let message =
                "Namespace has associated services; delete the services before deleting the namespace";
            return Err(in_use(message));
        }
        let begin = Begin {
            id: operation,
            kind: OperationKind::DeleteNamespace,
            now,
            scope: &scope,
            targets: vec![("NAMESPACE", id.clone())],
        };
        let place = key(&scope, &id);
        if row.kind == NamespaceKind::Http {
            begin.write(tx, None);
            tx.delete(NAMESPACES, &place);
        } else {
            begin.write(tx, Some((&id, Work::DeleteZone)));
            let mut row = model::Namespace::clone(&row);
            row.ready = false;
            tx.put(NAMESPACES, &place, row);
        }
        Ok(())
    });
    written.await?;
    let _ = servicediscovery.converge(&context.scope, &parent).await;
    Ok(DeleteNamespaceResponse {
        operation_id: Some(answered),
    })
}

/// What a namespace must be for an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Http,
    Private,
    Public,
}

fn sort(kind: &NamespaceKind) -> Sort {
    match kind {
        NamespaceKind::Http => Sort::Http,
        NamespaceKind::Dns { vpc: Some(_), .. } => Sort::Private,
        NamespaceKind::Dns { vpc: None, .. } => Sort::Public,
    }
}

pub(super) async fn update_http_namespace(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: UpdateHttpNamespaceRequest,
) -> Result<UpdateHttpNamespaceResponse, ApiError> {
    let description = Some(input.namespace.description);
    let operation_id = update(
        servicediscovery,
        context,
        &input.id,
        Sort::Http,
        description,
        None,
    )
    .await?;
    Ok(UpdateHttpNamespaceResponse {
        operation_id: Some(operation_id),
    })
}

pub(super) async fn update_private_dns_namespace(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: UpdatePrivateDnsNamespaceRequest,
) -> Result<UpdatePrivateDnsNamespaceResponse, ApiError> {
    let change = input.namespace;
    let soa = change.properties.map(|it| it.dns_properties.soa.ttl);
    let sort = Sort::Private;
    let operation_id = update(
        servicediscovery,
        context,
        &input.id,
        sort,
        change.description,
        soa,
    )
    .await?;
    Ok(UpdatePrivateDnsNamespaceResponse {
        operation_id: Some(operation_id),
    })
}

pub(super) async fn update_public_dns_namespace(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: UpdatePublicDnsNamespaceRequest,
) -> Result<UpdatePublicDnsNamespaceResponse, ApiError> {
    let change = input.namespace;
    let soa = change.properties.map(|it| it.dns_properties.soa.ttl);
    let sort = Sort::Public;
    let operation_id = update(
        servicediscovery,
        context,
        &input.id,
        sort,
        change.description,
        soa,
    )
    .await?;
    Ok(UpdatePublicDnsNamespaceResponse {
        operation_id: Some(operation_id),
    })
}

async fn update(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    given: &str,
    wanted: Sort,
    description: Option<String>,
    soa: Option<i64>,
) -> Result<String, ApiError> {
    let operation = operation_id(&*servicediscovery.ids);
    let now = servicediscovery.clock.now();
    let scope = context.scope.clone();
    let id = table::id_of(given).to_owned();
    let (answered, parent) = (operation.clone(), id.clone());
    let written = servicediscovery.store.write(move |tx| {
        check_idle(tx, &scope, &id, |_| true)?;
        let before = table::namespace(&tx.snapshot(), &scope, &id)?;
        if sort(&before.kind) != wanted {
            return Err(invalid(
                "The namespace is not of the type that this operation updates.",
            ));
        }
        let mut row = model::Namespace::clone(&before);
        if let Some(description) = description {
            row.description = Some(description).filter(|it| !it.is_empty());
        }
        if let (Some(wanted), NamespaceKind::Dns { soa_ttl_seconds, .. }) = (soa, &mut row.kind) {
            *soa_ttl_seconds = wanted;
        }
        let begin = Begin {
            id: operation,
            kind: OperationKind::UpdateNamespace,
            now,
            scope: &scope,
            targets: vec![("NAMESPACE", id.clone())],
        };
        let left = (row.kind != before.kind).then(|| {
            let before = Box::new(model::Namespace::clone(&before));
            (id.as_str(), Work::UpdateZone { before })
        });
        begin.write(tx, left);
        tx.put(NAMESPACES, &key(&scope, &id), row);
        Ok(())
    });
    written.await?;
    let _ = servicediscovery.converge(&context.scope, &parent).await;
    Ok(answered)
}
