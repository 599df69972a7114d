//! Services: changed and deleted.

use aws_protocol::{ApiError, Context};
use aws_shape::servicediscovery::*;

use super::begin::{Begin, check_idle, operation_id};
use super::service_check::{self, Given};
use crate::ServiceDiscovery;
use crate::error::in_use;
use crate::model::{self, OperationKind, Work};
use crate::table::{self, REVISIONS, SERVICES, key};

pub(super) async fn delete_service(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: DeleteServiceRequest,
) -> Result<DeleteServiceResponse, ApiError> {
    let scope = context.scope.clone();
    let written = servicediscovery.store.write(move |tx| {
        let snapshot = tx.snapshot();
        let row = table::service(&snapshot, &scope, &input.id)?;
        if !table::all_instances(&snapshot, &scope, &row.id).is_empty() {
            let message =
                "Service contains registered instances; delete the instances before deleting the service";
            return Err(in_use(message));
        }
        let place = key(&scope, &row.id);
        tx.delete(SERVICES, &place);
        tx.delete(REVISIONS, &place);
        Ok(DeleteServiceResponse {})
    });
    written.await
}

/// What is left out of DnsConfig and HealthCheckConfig is taken away, as in AWS; a custom check stays.
pub(super) async fn update_service(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: UpdateServiceRequest,
) -> Result<UpdateServiceResponse, ApiError> {
    let operation = operation_id(&*servicediscovery.ids);
    let now = servicediscovery.clock.now();
    let scope = context.scope.clone();
    let id = table::id_of(&input.id).to_owned();
    let (answered, parent) = (operation.clone(), id.clone());
    let written = servicediscovery.store.write(move |tx| {
        let before = table::service(&tx.snapshot(), &scope, &id)?;
        check_idle(tx, &scope, &id, |it| matches!(it, Work::Service { .. }))?;
        let namespace = table::namespace(&tx.snapshot(), &scope, &before.namespace)?;
        let policy = before.dns.as_ref().map(|it| it.policy);
        let change = input.service;
        let given = Given {
            only_http: false,
            dns: change
                .dns_config
                .as_ref()
                .map(|it| (policy, it.dns_records.as_slice())),
            check: change.health_check_config.as_ref(),
            custom_check: before.custom_check,
        };
        let made = service_check::parse(&namespace, given)?;
        let mut row = model::Service::clone(&before);
        row.dns = made.dns;
        row.check = made.check;
        if let Some(description) = change.description {
            row.description = Some(description).filter(|it| !it.is_empty());
        }
        let begin = Begin {
            id: operation,
            kind: OperationKind::UpdateService,
            now,
            scope: &scope,
            targets: vec![("SERVICE", id.clone())],
        };
        let left = (row.dns != before.dns || row.check != before.check).then(|| {
            let before = Box::new(model::Service::clone(&before));
            (id.as_str(), Work::Service { before })
        });
        begin.write(tx, left);
        tx.put(SERVICES, &key(&scope, &id), row);
        Ok::<_, ApiError>(())
    });
    written.await?;
    let _ = servicediscovery.converge(&context.scope, &parent).await;
    Ok(UpdateServiceResponse {
        operation_id: Some(answered),
    })
}
