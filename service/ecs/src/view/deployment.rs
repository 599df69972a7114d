//! How service deployments and service revisions look to a caller.

use std::sync::Arc;

use aws_shape::ecs as shape;
use base_id::Scope;
use base_store::Snapshot;

use super::cluster_arn;
use super::discovery;
use super::service::{
    balancer, deployment_configuration, launch_type, network, platform_family, platform_version, strategy,
};
use crate::history;
use crate::model::deployment::{Breaker, ServiceDeployment, ServiceRevision, Status, Summary};
use crate::model::service::Service;
use crate::model::task::Task;
use crate::table;

/// `service` is cluster and name.
pub(super) fn deployment_arn(scope: &Scope, service: &str, id: &str) -> String {
    scope.arn("ecs", &format!("service-deployment/{service}/{id}"))
}

pub(super) fn revision_arn(scope: &Scope, service: &str, id: &str) -> String {
    scope.arn("ecs", &format!("service-revision/{service}/{id}"))
}

fn service_arn(scope: &Scope, service: &str) -> String {
    scope.arn("ecs", &format!("service/{service}"))
}

fn cluster_of(scope: &Scope, service: &str) -> String {
    cluster_arn(scope, service.split('/').next().unwrap_or(service))
}

pub(crate) fn status(status: Status) -> shape::ServiceDeploymentStatus {
    use shape::ServiceDeploymentStatus as Shape;
    match status {
        Status::Pending => Shape::Pending,
        Status::InProgress => Shape::InProgress,
        Status::Successful => Shape::Successful,
        Status::StopRequested => Shape::StopRequested,
        Status::Stopped => Shape::Stopped,
        Status::RollbackRequested => Shape::RollbackRequested,
        Status::RollbackInProgress => Shape::RollbackInProgress,
        Status::RollbackSuccessful => Shape::RollbackSuccessful,
        Status::RollbackFailed => Shape::RollbackFailed,
    }
}

pub(crate) fn brief(scope: &Scope, row: &ServiceDeployment) -> shape::ServiceDeploymentBrief {
    shape::ServiceDeploymentBrief {
        service_deployment_arn: Some(deployment_arn(scope, &row.service, &row.id)),
        service_arn: Some(service_arn(scope, &row.service)),
        cluster_arn: Some(cluster_of(scope, &row.service)),
        started_at: row.started_at,
        created_at: Some(row.created_at),
        finished_at: row.finished_at,
        target_service_revision_arn: Some(revision_arn(scope, &row.service, &row.target.revision)),
        status: Some(status(row.status)),
        status_reason: row.reason.clone(),
    }
}

/// One that goes on is shown with the tasks of now, one that is over with those of its end.
pub(crate) fn service_deployment(
    scope: &Scope,
    snapshot: &Snapshot,
    service: &Service,
    row: &ServiceDeployment,
) -> shape::ServiceDeployment {
    let tasks: Vec<Arc<Task>> = table::tasks(snapshot, scope, &service.cluster)
        .into_iter()
        .filter(|task| task.service() == Some(&service.name))
        .collect();
    let mut row = row.clone();
    let counts = |revision: &str| {
        let counts = history::of_revision(snapshot, service, &tasks, revision);
        (counts.running, counts.pending)
    };
    row.note(service, counts, row.updated_at);
    let summary = |it: &Summary| shape::ServiceRevisionSummary {
        arn: Some(revision_arn(scope, &row.service, &it.revision)),
        requested_task_count: Some(it.requested as i32),
        running_task_count: Some(it.running as i32),
        pending_task_count: Some(it.pending as i32),
        ..Default::default()
    };
    let rollback = row.rollback.as_ref().map(|it| shape::Rollback {
        reason: Some(it.reason.clone()),
        started_at: Some(it.started_at),
        service_revision_arn: Some(revision_arn(scope, &row.service, &it.revision)),
    });
    shape::ServiceDeployment {
        service_deployment_arn: Some(deployment_arn(scope, &row.service, &row.id)),
        service_arn: Some(service_arn(scope, &row.service)),
        cluster_arn: Some(cluster_of(scope, &row.service)),
        created_at: Some(row.created_at),
        started_at: row.started_at,
        finished_at: row.finished_at,
        stopped_at: row.stopped_at,
        updated_at: Some(row.updated_at),
        source_service_revisions: Some(row.sources.iter().map(summary).collect()),
        target_service_revision: Some(summary(&row.target)),
        status: Some(status(row.status)),
        status_reason: row.reason.clone(),
        deployment_configuration: Some(deployment_configuration(
            row.breaker.configured,
            row.minimum_healthy_percent,
            row.maximum_percent,
        )),
        rollback,
        deployment_circuit_breaker: Some(breaker(&row.breaker, row.status)),
        ..Default::default()
    }
}

fn breaker(breaker: &Breaker, of: Status) -> shape::ServiceDeploymentCircuitBreaker {
    use shape::ServiceDeploymentRollbackMonitorsStatus as Shape;
    let status = match breaker.configured {
        None => Shape::Disabled,
        Some(_) if breaker.triggered => Shape::Triggered,
        Some(_) if of.is_over() => Shape::MonitoringComplete,
        Some(_) => Shape::Monitoring,
    };
    shape::ServiceDeploymentCircuitBreaker {
        status: Some(status),
        failure_count: Some(breaker.failures as i32),
        threshold: Some(breaker.threshold as i32),
    }
}

pub(crate) fn service_revision(scope: &Scope, row: &ServiceRevision) -> shape::ServiceRevision {
    let workload = &row.workload;
    let images = row.images.iter().map(|it| shape::ContainerImage {
        container_name: Some(it.container.clone()),
        image_digest: it.digest.clone(),
        image: Some(it.image.clone()),
    });
    shape::ServiceRevision {
        service_revision_arn: Some(revision_arn(scope, &row.service, &row.id)),
        service_arn: Some(service_arn(scope, &row.service)),
        cluster_arn: Some(cluster_of(scope, &row.service)),
        task_definition: Some(workload.task_definition.clone()),
        capacity_provider_strategy: strategy(&workload.strategy),
        launch_type: launch_type(workload.launch, &workload.strategy),
        platform_version: platform_version(workload.launch, &workload.platform_version),
        platform_family: platform_family(workload.launch),
        load_balancers: Some(workload.load_balancers.iter().map(balancer).collect()),
        service_registries: Some(discovery::registries(&workload.discovery)),
        service_connect_configuration: workload.discovery.connect.as_ref().map(discovery::connect),
        network_configuration: network(&workload.network),
        container_images: Some(images.collect()),
        guard_duty_enabled: Some(false),
        created_at: Some(row.created_at),
        ..Default::default()
    }
}
