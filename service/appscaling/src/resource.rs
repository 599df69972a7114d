//! What is scaled: the desired count of an ECS service, seen and set through ECS's own interface.

use aws_protocol::{ApiError, Context};
use aws_shape::ecs;
use base_id::Scope;

use crate::{AppScaling, error};

pub(crate) const NAMESPACE: &str = "ecs";
pub(crate) const DIMENSION: &str = "ecs:service:DesiredCount";

/// A service by its resource id, `service/<cluster>/<name>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    pub id: String,
    pub cluster: String,
    pub service: String,
}

impl Resource {
    /// # Errors
    /// When it is not the desired count of an ECS service.
    pub(crate) fn parse(namespace: &str, id: &str, dimension: &str) -> Result<Self, ApiError> {
        if namespace != NAMESPACE {
            return Err(error::validation(format!(
                "Wharf scales ECS services only; the service namespace is {namespace}."
            )));
        }
        if dimension != DIMENSION {
            return Err(error::validation(format!(
                "Unsupported service namespace, resource type or scalable dimension: {dimension}"
            )));
        }
        let mut parts = id.split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("service"), Some(cluster), Some(service), None)
                if !cluster.is_empty() && !service.is_empty() =>
            {
                Ok(Self {
                    id: id.to_owned(),
                    cluster: cluster.to_owned(),
                    service: service.to_owned(),
                })
            }
            _ => Err(error::validation(format!(
                "Unsupported service namespace, resource type or scalable dimension: the resource id {id} is not of the form service/<cluster>/<service>"
            ))),
        }
    }

    /// Of an id that was parsed before.
    pub(crate) fn of(id: &str) -> Result<Self, String> {
        Self::parse(NAMESPACE, id, DIMENSION).map_err(|error| error.message)
    }
}

/// How a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub desired: i32,
    pub running: i32,
    /// A deployment is on its way.
    pub is_deploying: bool,
}

pub(crate) fn own_context(scope: &Scope) -> Context {
    Context {
        scope: scope.clone(),
        request_id: "application-autoscaling".to_owned(),
        principal_arn: "arn:aws:iam::aws:role/ecs.application-autoscaling.amazonaws.com".to_owned(),
        access_key: String::new(),
    }
}

impl AppScaling {
    /// # Errors
    /// When ECS does not answer.
    pub(crate) async fn look(&self, scope: &Scope, resource: &Resource) -> Result<Option<Seen>, ApiError> {
        let input = ecs::DescribeServicesRequest {
            cluster: Some(resource.cluster.clone()),
            services: vec![resource.service.clone()],
            ..Default::default()
        };
        let found = match self
            .neighbours
            .ecs
            .describe_services(&own_context(scope), input)
            .await
        {
            Ok(found) => found,
            Err(error) if error.code == "ClusterNotFoundException" => return Ok(None),
            Err(error) => return Err(error),
        };
        let service = found.services.unwrap_or_default().into_iter().next();
        let service = service.filter(|it| it.status.as_deref() == Some("ACTIVE"));
        Ok(service.map(|it| Seen {
            desired: it.desired_count.unwrap_or(0),
            running: it.running_count.unwrap_or(0),
            is_deploying: it.deployments.is_some_and(|all| all.len() > 1),
        }))
    }

    /// # Errors
    /// When ECS refuses.
    pub(crate) async fn set(&self, scope: &Scope, resource: &Resource, desired: i32) -> Result<(), ApiError> {
        let input = ecs::UpdateServiceRequest {
            cluster: Some(resource.cluster.clone()),
            service: resource.service.clone(),
            desired_count: Some(desired),
            ..Default::default()
        };
        self.neighbours
            .ecs
            .update_service(&own_context(scope), input)
            .await
            .map(drop)
    }
}
