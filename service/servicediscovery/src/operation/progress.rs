//! Operations, told.

use std::sync::Arc;

use aws_protocol::{ApiError, Context, page};
use aws_shape::servicediscovery::*;

use super::filter::{EQ, EQ_IN, passes};
use super::namespace::PAGE_MAX;
use crate::ServiceDiscovery;
use crate::error::{bad_token, invalid, operation_not_found};
use crate::model::{self, Status};
use crate::table::{self, OPERATIONS, key};

pub(super) async fn get_operation(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: GetOperationRequest,
) -> Result<GetOperationResponse, ApiError> {
    let scope = &context.scope;
    let found = servicediscovery
        .store
        .snapshot()
        .get(OPERATIONS, &key(scope, &input.operation_id));
    let own = input.owner_account.is_none_or(|it| it == scope.account);
    let row = found.filter(|_| own).ok_or_else(operation_not_found)?;
    let (code, message) = match &row.status {
        Status::Fail { code, message } => (Some(code.clone()), Some(message.clone())),
        _ => (None, None),
    };
    Ok(GetOperationResponse {
        operation: Some(Operation {
            id: Some(row.id.clone()),
            owner_account: Some(scope.account.clone()),
            type_: Some(row.kind.as_str().into()),
            status: Some(row.status.as_str().into()),
            error_message: message,
            error_code: code,
            create_date: Some(row.created_at),
            update_date: Some(row.updated_at),
            targets: Some(row.targets.clone()),
        }),
    })
}

/// Seconds since 1970, as the filter's values are.
fn within(row: &model::Operation, filter: &OperationFilter) -> Result<bool, ApiError> {
    let values: Option<Vec<f64>> = filter.values.iter().map(|it| it.parse().ok()).collect();
    match (values.as_deref(), &filter.condition) {
        (Some(&[from, until]), Some(FilterCondition::Between)) => {
            let at = row.updated_at.as_millisecond() as f64 / 1000.0;
            Ok((from..=until).contains(&at))
        }
        _ => {
            let message =
                "The filter UPDATE_DATE takes the condition BETWEEN and two timestamps in Unix format.";
            Err(invalid(message))
        }
    }
}

fn matches(row: &model::Operation, filter: &OperationFilter) -> Result<bool, ApiError> {
    let target = |name: &str| row.targets.get(name).map_or("", String::as_str);
    let (fact, allowed) = match &filter.name {
        OperationFilterName::NamespaceId => (target("NAMESPACE"), EQ),
        OperationFilterName::ServiceId => (target("SERVICE"), EQ),
        OperationFilterName::Status => (row.status.as_str(), EQ_IN),
        OperationFilterName::Type => (row.kind.as_str(), EQ_IN),
        _ => return within(row, filter),
    };
    let values: Vec<String> = filter
        .values
        .iter()
        .map(|it| table::id_of(it).to_owned())
        .collect();
    passes(
        filter.name.as_str(),
        filter.condition.as_ref(),
        &values,
        allowed,
        fact,
    )
}

pub(super) async fn list_operations(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: ListOperationsRequest,
) -> Result<ListOperationsResponse, ApiError> {
    let rows = servicediscovery
        .store
        .snapshot()
        .prefix(OPERATIONS, &key(&context.scope, ""));
    let mut found: Vec<Arc<model::Operation>> = Vec::new();
    for (_, row) in rows {
        let mut fits = true;
        for filter in input.filters.iter().flatten() {
            fits = fits && matches(&row, filter)?;
        }
        if fits {
            found.push(row);
        }
    }
    found.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
    let (found, next_token) =
        page(found, input.max_results, PAGE_MAX, input.next_token.as_deref()).map_err(bad_token)?;
    let shapes = found.iter().map(|row| OperationSummary {
        id: Some(row.id.clone()),
        status: Some(row.status.as_str().into()),
    });
    Ok(ListOperationsResponse {
        operations: Some(shapes.collect()),
        next_token,
    })
}
