//! Service deployments and service revisions: the history of a service, and the way to stop what is under way.

use std::sync::Arc;

use aws_protocol::{ApiError, Context, page};
use aws_shape::ecs::*;
use base_id::Scope;
use base_store::Snapshot;

use super::{PAGE_ITEMS_MAX, missing};
use crate::Ecs;
use crate::error::{invalid, service_not_found};
use crate::history;
use crate::model::deployment;
use crate::model::deployment::{Change, Status};
use crate::model::service::{Service, State};
use crate::table::{self, SERVICE_DEPLOYMENTS, SERVICE_REVISIONS, SERVICES, key};
use crate::view;

const ARNS_PER_CALL_MAX: usize = 20;

pub(super) async fn list_service_deployments(
    ecs: &Ecs,
    context: &Context,
    input: ListServiceDeploymentsRequest,
) -> Result<ListServiceDeploymentsResponse, ApiError> {
    let (scope, snapshot) = (&context.scope, ecs.store.snapshot());
    let cluster = table::cluster(&snapshot, scope, input.cluster.as_deref())?;
    let service = table::service(&snapshot, scope, &cluster.name, &input.service)
        .filter(|it| it.state != State::Inactive)
        .ok_or_else(service_not_found)?;
    let statuses = input.status.unwrap_or_default();
    if statuses
        .iter()
        .any(|it| matches!(it, ServiceDeploymentStatus::Other(_)))
    {
        return Err(invalid(
            "status should be one of [PENDING,SUCCESSFUL,STOPPED,STOP_REQUESTED,IN_PROGRESS,ROLLBACK_REQUESTED,ROLLBACK_IN_PROGRESS,ROLLBACK_SUCCESSFUL,ROLLBACK_FAILED]",
        ));
    }
    let (after, before) = input.created_at.map_or((None, None), |it| (it.after, it.before));
    if let (Some(after), Some(before)) = (after, before)
        && after > before
    {
        return Err(invalid(
            "createdAt.after must not be later than createdAt.before.",
        ));
    }
    let wanted = |row: &deployment::ServiceDeployment| {
        (statuses.is_empty() || statuses.contains(&view::deployment_status(row.status)))
            && after.is_none_or(|after| row.created_at > after)
            && before.is_none_or(|before| row.created_at < before)
    };
    let rows = history::deployments(&snapshot, scope, &service);
    let rows = rows.iter().filter(|row| wanted(row));
    let briefs = rows.map(|row| view::brief(scope, row)).collect();
    let limit = input.max_results.or(Some(20));
    let (briefs, next_token) = page(briefs, limit, PAGE_ITEMS_MAX, input.next_token.as_deref())?;
    Ok(ListServiceDeploymentsResponse {
        service_deployments: Some(briefs),
        next_token,
    })
}

/// The part of an ARN behind `<kind>/`: cluster, service and id.
fn path<'a>(scope: &Scope, kind: &str, arn: &'a str) -> Option<(&'a str, &'a str, &'a str)> {
    let rest = arn.strip_prefix(scope.arn("ecs", &format!("{kind}/")).as_str())?;
    let mut parts = rest.split('/');
    let path = (parts.next()?, parts.next()?, parts.next()?);
    parts.next().is_none().then_some(path)
}

fn check_arns(arns: &[String], what: &str) -> Result<(), ApiError> {
    if arns.is_empty() {
        return Err(invalid(format!("{what} cannot be empty.")));
    }
    if arns.len() > ARNS_PER_CALL_MAX {
        return Err(invalid(format!(
            "{what} can have at most {ARNS_PER_CALL_MAX} items."
        )));
    }
    Ok(())
}

/// The service whose deployment or revision this is.
fn service_of(snapshot: &Snapshot, scope: &Scope, path: (&str, &str, &str)) -> Option<Arc<Service>> {
    snapshot.get(SERVICES, &key(scope, &format!("{}/{}", path.0, path.1)))
}

fn place(scope: &Scope, path: (&str, &str, &str)) -> String {
    key(scope, &format!("{}/{}/{}", path.0, path.1, path.2))
}

pub(super) async fn describe_service_deployments(
    ecs: &Ecs,
    context: &Context,
    input: DescribeServiceDeploymentsRequest,
) -> Result<DescribeServiceDeploymentsResponse, ApiError> {
    let (scope, snapshot) = (&context.scope, ecs.store.snapshot());
    check_arns(&input.service_deployment_arns, "serviceDeploymentArns")?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for arn in input.service_deployment_arns {
        let path = path(scope, "service-deployment", &arn)
            .ok_or_else(|| invalid(format!("Invalid service deployment ARN: {arn}")))?;
        let row = snapshot.get(SERVICE_DEPLOYMENTS, &place(scope, path));
        match (row, service_of(&snapshot, scope, path)) {
            (Some(row), Some(service)) => {
                found.push(view::service_deployment(scope, &snapshot, &service, &row));
            }
            _ => failures.push(missing(arn)),
        }
    }
    Ok(DescribeServiceDeploymentsResponse {
        service_deployments: Some(found),
        failures: Some(failures),
    })
}

pub(super) async fn describe_service_revisions(
    ecs: &Ecs,
    context: &Context,
    input: DescribeServiceRevisionsRequest,
) -> Result<DescribeServiceRevisionsResponse, ApiError> {
    let (scope, snapshot) = (&context.scope, ecs.store.snapshot());
    check_arns(&input.service_revision_arns, "serviceRevisionArns")?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for arn in input.service_revision_arns {
        let path = path(scope, "service-revision", &arn)
            .ok_or_else(|| invalid(format!("Invalid service revision ARN: {arn}")))?;
        match snapshot.get(SERVICE_REVISIONS, &place(scope, path)) {
            Some(row) => found.push(view::service_revision(scope, &row)),
            None => failures.push(missing(arn)),
        }
    }
    Ok(DescribeServiceRevisionsResponse {
        service_revisions: Some(found),
        failures: Some(failures),
    })
}

/// Writes the order; the scheduler follows it.
pub(super) async fn stop_service_deployment(
    ecs: &Ecs,
    context: &Context,
    input: StopServiceDeploymentRequest,
) -> Result<StopServiceDeploymentResponse, ApiError> {
    let (scope, now, arn) = (
        context.scope.clone(),
        ecs.clock.now(),
        input.service_deployment_arn,
    );
    let back = match input.stop_type {
        None | Some(StopServiceDeploymentStopType::Rollback) => true,
        Some(StopServiceDeploymentStopType::Abort) => false,
        Some(_) => return Err(invalid("stopType should be one of [ABORT,ROLLBACK]")),
    };
    let answer = arn.clone();
    ecs.store
        .write(move |tx| {
            let path = path(&scope, "service-deployment", &arn)
                .ok_or_else(|| invalid(format!("Invalid service deployment ARN: {arn}")))?;
            let snapshot = tx.snapshot();
            let row = snapshot.get(SERVICE_DEPLOYMENTS, &place(&scope, path));
            let (Some(row), Some(service)) = (row, service_of(&snapshot, &scope, path)) else {
                return Err(ApiError::client(
                    "ServiceDeploymentNotFoundException",
                    "Service deployment not found.",
                ));
            };
            if row.status.is_over() {
                return Err(conflict("it is not in progress"));
            }
            let mut deployments = service.deployments.iter().skip(1);
            let worked = deployments.any(|it| it.has_worked());
            let begins = matches!(row.status, Status::Pending | Status::InProgress);
            if back && begins && !worked {
                return Err(conflict("there is no completed deployment to go back to"));
            }
            let change = if back {
                Change::RequestRollback
            } else {
                Change::RequestStop("Service deployment stopped because a user requested it.".to_owned())
            };
            let mut row = deployment::ServiceDeployment::clone(&row);
            // One that is already being stopped or undone goes on with that.
            if begins {
                row.apply(change, now);
            }
            tx.put(SERVICE_DEPLOYMENTS, &place(&scope, path), row);
            Ok(())
        })
        .await?;
    Ok(StopServiceDeploymentResponse {
        service_deployment_arn: Some(answer),
    })
}

fn conflict(why: &str) -> ApiError {
    ApiError::client(
        "ConflictException",
        format!("The service deployment cannot be stopped: {why}."),
    )
}
