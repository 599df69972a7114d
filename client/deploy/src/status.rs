//! How applications are, as data.

use aws_shape::{ecs, elbv2};
use jiff::Timestamp;
use serde::Serialize;

use crate::aws::{APP_TAG, Tags};
use crate::deployer::Deployer;
use crate::failure::{Doing as _, Failure};
use crate::name::AppName;
use crate::up::Survey;

/// Services that one call describes.
const SERVICES_PER_CALL: usize = 10;
/// Events that are shown.
const EVENTS_MAX: usize = 10;

/// One application.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    pub name: String,
    pub cluster: String,
    pub url: Option<String>,
    /// `ACTIVE` or `DRAINING`.
    pub state: String,
    pub desired: i32,
    pub running: i32,
    pub pending: i32,
    /// With its revision, such as `hello:3`.
    pub task_definition: String,
    /// The present one first.
    pub deployments: Vec<DeploymentStatus>,
    pub tasks: Vec<TaskStatus>,
    pub targets: Vec<TargetStatus>,
    /// The latest first.
    pub events: Vec<EventStatus>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeploymentStatus {
    pub id: String,
    pub task_definition: String,
    /// `IN_PROGRESS`, `COMPLETED`, `FAILED`.
    pub state: String,
    pub reason: String,
    pub desired: i32,
    pub running: i32,
    pub failed: i32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskStatus {
    pub id: String,
    pub task_definition: String,
    pub state: String,
    pub address: Option<String>,
    pub zone: Option<String>,
    pub started_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TargetStatus {
    pub address: String,
    pub port: Option<i32>,
    pub state: String,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventStatus {
    pub at: Option<Timestamp>,
    pub message: String,
}

impl Deployer {
    /// All applications of the cluster, by name.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn list(&self) -> Result<Vec<Status>, Failure> {
        let mut found = Vec::new();
        for service in self.app_services().await? {
            found.push(self.describe(service).await?);
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// One application.
    ///
    /// # Errors
    /// When there is none of this name.
    pub async fn status(&self, name: &AppName) -> Result<Status, Failure> {
        self.describe(self.app_service(name).await?).await
    }

    /// Where an application answers.
    ///
    /// # Errors
    /// When there is none of this name, or it has no load balancer.
    pub async fn url(&self, name: &AppName) -> Result<String, Failure> {
        if let Some(url) = self.survey_traffic(name).await?.url() {
            return Ok(url);
        }
        self.app_service(name).await?;
        Err(Failure::NoBalancer(name.to_string()))
    }

    /// The cluster's services that were made here.
    pub(crate) async fn app_services(&self) -> Result<Vec<ecs::Service>, Failure> {
        let (aws, mut arns) = (&self.aws, Vec::new());
        let mut input = ecs::ListServicesRequest {
            cluster: Some(self.cluster.clone()),
            ..Default::default()
        };
        loop {
            let page = aws.ecs.list_services(&aws.context, input.clone()).await;
            let Some(page) = page.found(&["ClusterNotFoundException"], "listing the applications")? else {
                return Ok(Vec::new());
            };
            arns.extend(page.service_arns.unwrap_or_default());
            input.next_token = page.next_token;
            if input.next_token.is_none() {
                break;
            }
        }
        let mut services = Vec::new();
        for some in arns.chunks(SERVICES_PER_CALL) {
            let input = ecs::DescribeServicesRequest {
                cluster: Some(self.cluster.clone()),
                services: some.to_vec(),
                include: Some(vec![ecs::ServiceField::Tags]),
            };
            let found = aws.ecs.describe_services(&aws.context, input).await;
            services.extend(
                found
                    .doing("looking at the applications")?
                    .services
                    .unwrap_or_default(),
            );
        }
        services.retain(|it| {
            let tags = Tags::from(it.tags.clone());
            it.status.as_deref() != Some("INACTIVE") && tags.are_ours() && tags.get(APP_TAG).is_some()
        });
        Ok(services)
    }

    async fn describe(&self, service: ecs::Service) -> Result<Status, Failure> {
        let name = service.service_name.clone().unwrap_or_default();
        let group = service
            .load_balancers
            .iter()
            .flatten()
            .find_map(|it| it.target_group_arn.clone());
        let (traffic, tasks, targets) = tokio::try_join!(
            async {
                match AppName::parse(&name) {
                    Ok(name) => self.survey_traffic(&name).await,
                    Err(_) => Ok(Survey::default()),
                }
            },
            self.tasks(&service, ecs::DesiredStatus::Running),
            self.targets(group),
        )?;
        let label = |arn: Option<&String>| short(arn.map_or("", String::as_str)).to_owned();
        Ok(Status {
            cluster: self.cluster.clone(),
            url: traffic.url(),
            state: service.status.clone().unwrap_or_default(),
            desired: service.desired_count.unwrap_or_default(),
            running: service.running_count.unwrap_or_default(),
            pending: service.pending_count.unwrap_or_default(),
            task_definition: label(service.task_definition.as_ref()),
            deployments: service.deployments.iter().flatten().map(deployment).collect(),
            tasks: tasks.iter().map(task).collect(),
            targets,
            events: service
                .events
                .iter()
                .flatten()
                .take(EVENTS_MAX)
                .map(|it| EventStatus {
                    at: it.created_at,
                    message: it.message.clone().unwrap_or_default(),
                })
                .collect(),
            name,
        })
    }

    async fn targets(&self, group: Option<String>) -> Result<Vec<TargetStatus>, Failure> {
        let Some(group) = group else { return Ok(Vec::new()) };
        let input = elbv2::DescribeTargetHealthInput {
            target_group_arn: group,
            ..Default::default()
        };
        let found = self
            .aws
            .elb
            .describe_target_health(&self.aws.context, input)
            .await;
        let found = found.found(&["TargetGroupNotFound"], "asking how the targets are")?;
        let all = found
            .and_then(|it| it.target_health_descriptions)
            .unwrap_or_default();
        Ok(all.into_iter().map(target).collect())
    }
}

fn deployment(it: &ecs::Deployment) -> DeploymentStatus {
    DeploymentStatus {
        id: it.id.clone().unwrap_or_default(),
        task_definition: short(it.task_definition.as_deref().unwrap_or_default()).to_owned(),
        state: it
            .rollout_state
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        reason: it.rollout_state_reason.clone().unwrap_or_default(),
        desired: it.desired_count.unwrap_or_default(),
        running: it.running_count.unwrap_or_default(),
        failed: it.failed_tasks.unwrap_or_default(),
    }
}

fn task(it: &ecs::Task) -> TaskStatus {
    let details = it
        .attachments
        .iter()
        .flatten()
        .flat_map(|one| one.details.iter().flatten());
    let address = details
        .into_iter()
        .find(|pair| pair.name.as_deref() == Some("privateIPv4Address"))
        .and_then(|pair| pair.value.clone());
    TaskStatus {
        id: short(it.task_arn.as_deref().unwrap_or_default()).to_owned(),
        task_definition: short(it.task_definition_arn.as_deref().unwrap_or_default()).to_owned(),
        state: it.last_status.clone().unwrap_or_default(),
        address,
        zone: it.availability_zone.clone(),
        started_at: it.started_at,
    }
}

fn target(it: elbv2::TargetHealthDescription) -> TargetStatus {
    let health = it.target_health.unwrap_or_default();
    let target = it.target.unwrap_or_default();
    TargetStatus {
        address: target.id,
        port: target.port,
        state: health.state.map(|state| state.to_string()).unwrap_or_default(),
        reason: health.description.filter(|text| !text.is_empty()),
    }
}

/// What stands behind the last slash of an ARN.
pub(crate) fn short(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}
