//! Looking at services.

use aws_protocol::{ApiError, Context, page};
use aws_shape::ecs::*;

use super::{PAGE_ITEMS_MAX, missing};
use crate::Ecs;
use crate::error::invalid;
use crate::model::name;
use crate::model::service::{Service, State};
use crate::table::{self, SERVICES, key};
use crate::view;

const SERVICES_PER_CALL_MAX: usize = 10;

pub(super) async fn describe_services(
    ecs: &Ecs,
    context: &Context,
    input: DescribeServicesRequest,
) -> Result<DescribeServicesResponse, ApiError> {
    let (scope, snapshot) = (&context.scope, ecs.store.snapshot());
    let cluster = table::cluster(&snapshot, scope, input.cluster.as_deref())?;
    if input.services.is_empty() {
        return Err(invalid("Services cannot be empty."));
    }
    if input.services.len() > SERVICES_PER_CALL_MAX {
        return Err(invalid(format!(
            "Services can have at most {SERVICES_PER_CALL_MAX} items."
        )));
    }
    let with_tags = input.include.unwrap_or_default().contains(&ServiceField::Tags);
    let (mut services, mut failures) = (Vec::new(), Vec::new());
    for given in input.services {
        match table::service(&snapshot, scope, &cluster.name, &given) {
            Some(service) => services.push(view::service(scope, &service, &snapshot, with_tags)),
            None => {
                let name = name::service(&given);
                failures.push(missing(
                    scope.arn("ecs", &format!("service/{}/{name}", cluster.name)),
                ));
            }
        }
    }
    Ok(DescribeServicesResponse {
        services: Some(services),
        failures: Some(failures),
    })
}

pub(super) async fn list_services(
    ecs: &Ecs,
    context: &Context,
    input: ListServicesRequest,
) -> Result<ListServicesResponse, ApiError> {
    let (scope, snapshot) = (&context.scope, ecs.store.snapshot());
    let cluster = table::cluster(&snapshot, scope, input.cluster.as_deref())?;
    let launch = input.launch_type;
    let of_launch = |row: &Service| match &launch {
        None => true,
        // One with capacity providers has no launch type.
        Some(launch) => view::launch_type(row.launch, &row.strategy).as_ref() == Some(launch),
    };
    let scheduling = input.scheduling_strategy;
    let of_scheduling = |row: &Service| {
        let daemon = scheduling.as_ref().map(|it| *it == SchedulingStrategy::Daemon);
        daemon.is_none_or(|daemon| daemon == row.daemon)
    };
    // Those that ECS manages itself are Express services, of which there are none.
    let customer = input
        .resource_management_type
        .is_none_or(|it| it == ResourceManagementType::Customer);
    let rows = snapshot.prefix(SERVICES, &key(scope, &format!("{}/", cluster.name)));
    let arns = rows
        .into_iter()
        .filter(|(_, row)| row.state == State::Active && of_launch(row) && of_scheduling(row) && customer);
    let arns = arns.map(|(_, row)| row.arn.clone()).collect();
    let limit = input.max_results.or(Some(10));
    let (arns, next_token) = page(arns, limit, PAGE_ITEMS_MAX, input.next_token.as_deref())?;
    Ok(ListServicesResponse {
        service_arns: Some(arns),
        next_token,
    })
}

/// There is no Service Connect, so no namespace has services.
pub(super) async fn list_services_by_namespace(
    _: &Ecs,
    _: &Context,
    input: ListServicesByNamespaceRequest,
) -> Result<ListServicesByNamespaceResponse, ApiError> {
    if input.namespace.is_empty() {
        return Err(invalid("Namespace cannot be empty."));
    }
    let none: Vec<String> = vec![];
    let (arns, next_token) = page(
        none,
        input.max_results,
        PAGE_ITEMS_MAX,
        input.next_token.as_deref(),
    )?;
    Ok(ListServicesByNamespaceResponse {
        service_arns: Some(arns),
        next_token,
    })
}
