//! Attributes of services.

use aws_protocol::{ApiError, Context};
use aws_shape::servicediscovery::*;

use super::service::service_arn;
use crate::ServiceDiscovery;
use crate::model;
use crate::table::{self, SERVICES, key};

const ATTRIBUTES_MAX: usize = 30;

pub(super) async fn get_service_attributes(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: GetServiceAttributesRequest,
) -> Result<GetServiceAttributesResponse, ApiError> {
    let snapshot = servicediscovery.store.snapshot();
    let row = table::service(&snapshot, &context.scope, &input.service_id)?;
    Ok(GetServiceAttributesResponse {
        service_attributes: Some(ServiceAttributes {
            service_arn: Some(service_arn(&context.scope, &row.id)),
            resource_owner: Some(context.scope.account.clone()),
            attributes: Some(row.attributes.clone()),
        }),
    })
}

pub(super) async fn update_service_attributes(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: UpdateServiceAttributesRequest,
) -> Result<UpdateServiceAttributesResponse, ApiError> {
    let scope = context.scope.clone();
    let written = servicediscovery.store.write(move |tx| {
        let row = table::service(&tx.snapshot(), &scope, &input.service_id)?;
        let mut row = model::Service::clone(&row);
        row.attributes.extend(input.attributes);
        if row.attributes.len() > ATTRIBUTES_MAX {
            let message = "The attribute can't be added to the service because you've exceeded the quota for the \
                           number of attributes you can add to a service.";
            return Err(ApiError::client("ServiceAttributesLimitExceededException", message));
        }
        tx.put(SERVICES, &key(&scope, &row.id), row.clone());
        Ok(UpdateServiceAttributesResponse {})
    });
    written.await
}

pub(super) async fn delete_service_attributes(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: DeleteServiceAttributesRequest,
) -> Result<DeleteServiceAttributesResponse, ApiError> {
    let scope = context.scope.clone();
    let written = servicediscovery.store.write(move |tx| {
        let row = table::service(&tx.snapshot(), &scope, &input.service_id)?;
        let mut row = model::Service::clone(&row);
        row.attributes.retain(|name, _| !input.attributes.contains(name));
        tx.put(SERVICES, &key(&scope, &row.id), row.clone());
        Ok(DeleteServiceAttributesResponse {})
    });
    written.await
}
