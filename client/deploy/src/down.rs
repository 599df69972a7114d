//! `wharf down`: takes away what `wharf up` made for an application, and with the last one what all of them shared.
//!
//! Only what carries the tags that say so: a VPC, a role or a repository that was there before stays.

mod domain;
mod ground;
mod shared;

use aws_protocol::ApiError;
use aws_shape::{ecr, ecs, logs};
use futures::StreamExt as _;

use crate::aws::Tags;
use crate::deployer::Deployer;
use crate::engine::Engine;
use crate::event::{Done, Outcome, Step};
use crate::failure::{Doing as _, Failure};
use crate::name::AppName;
use crate::up::Survey;

/// Calls at the same time where there may be hundreds.
const CALLS_PARALLEL: usize = 8;
/// What says that something is gone already.
const GONE: [&str; 16] = [
    "ClusterNotFoundException",
    "Gateway.NotAttached",
    "InvalidAssociationID.NotFound",
    "InvalidGroup.NotFound",
    "InvalidInternetGatewayID.NotFound",
    "InvalidRouteTableID.NotFound",
    "InvalidSubnetID.NotFound",
    "InvalidVpcID.NotFound",
    "ListenerNotFound",
    "LoadBalancerNotFound",
    "NoSuchEntity",
    "NoSuchHostedZone",
    "RepositoryNotFoundException",
    "ResourceNotFoundException",
    "ServiceNotFoundException",
    "TargetGroupNotFound",
];
/// What says that something else must be gone first.
const HELD: [&str; 4] = [
    "DependencyViolation",
    "ResourceInUse",
    "ResourceInUseException",
    "UpdateInProgressException",
];

/// What was taken away.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Removed {
    pub name: String,
    /// Whether there was anything of it at all.
    pub found: bool,
    /// Whether it was the last one, so that the network and what else was shared is gone too.
    pub last: bool,
}

impl Deployer {
    /// Removes an application. `engine`, if there is one, forgets the images that were pushed.
    ///
    /// # Errors
    /// When a step fails; the same call goes on from there.
    pub async fn down(&self, name: &AppName, engine: Option<&Engine>) -> Result<Removed, Failure> {
        let (survey, groups) = tokio::try_join!(self.survey(name), self.groups(name, None))?;
        let survey = survey.only_ours(name, &self.cluster);
        let mut found = survey.service.is_some()
            || survey.balancer.is_some()
            || survey.target_group.is_some()
            || !groups.is_empty();
        let definition = survey.service.as_ref().and_then(|it| it.task_definition.clone());
        let log_groups = self.app_log_groups(name, definition.as_deref()).await;
        let traffic = async {
            self.remove_domain(name, &survey).await?;
            self.remove_balancer(&survey).await
        };
        tokio::try_join!(self.remove_service(&survey), traffic)?;
        self.remove_target_group(&survey).await?;
        let (_, definitions, logs, repository) = tokio::try_join!(
            self.remove_groups(name, groups),
            self.remove_definitions(name, definition.as_deref()),
            self.remove_logs(name, &log_groups),
            self.remove_repository(name, engine),
        )?;
        found |= definitions || logs || repository;
        let last = self.is_last().await?;
        if last {
            self.remove_shared().await?;
        }
        Ok(Removed {
            name: name.to_string(),
            found,
            last,
        })
    }

    async fn remove_service(&self, survey: &Survey) -> Result<(), Failure> {
        let Some(name) = survey.service.as_ref().and_then(|it| it.service_name.clone()) else {
            return Ok(());
        };
        let work = async {
            let input = ecs::DeleteServiceRequest {
                cluster: Some(self.cluster.clone()),
                service: name.clone(),
                force: Some(true),
            };
            let deleted = self.aws.ecs.delete_service(&self.aws.context, input).await;
            deleted.found(
                &["ServiceNotFoundException", "ServiceNotActiveException"],
                "deleting the service",
            )?;
            self.wait_until_gone(&name, Step::Service).await?;
            Ok(Done::new(Outcome::Removed, name.clone(), ()))
        };
        self.teller.step(Step::Service, work).await
    }

    /// Task definitions of the family that were made here; AWS keeps them as inactive ones.
    async fn remove_definitions(&self, name: &AppName, definition: Option<&str>) -> Result<bool, Failure> {
        let family_of = |arn: &str| {
            let label = crate::status::short(arn);
            label.split(':').next().unwrap_or_default().to_owned()
        };
        let mut families = vec![name.to_string()];
        families.extend(
            definition
                .map(family_of)
                .filter(|family| *family != name.as_str()),
        );
        let mut arns = Vec::new();
        for family in families {
            arns.extend(self.definitions(&family).await?);
        }
        let ours = futures::stream::iter(arns)
            .map(async |arn| {
                let is_ours = self.definition_tags(&arn).await?.are_of(name, &self.cluster);
                Ok::<_, Failure>(is_ours.then_some(arn))
            })
            .buffer_unordered(CALLS_PARALLEL);
        let ours: Vec<Option<String>> = futures::TryStreamExt::try_collect(ours).await?;
        let ours: Vec<String> = ours.into_iter().flatten().collect();
        if ours.is_empty() {
            return Ok(false);
        }
        let work = async {
            for arn in &ours {
                let input = ecs::DeregisterTaskDefinitionRequest {
                    task_definition: arn.clone(),
                };
                let gone = self
                    .aws
                    .ecs
                    .deregister_task_definition(&self.aws.context, input)
                    .await;
                gone.doing("deregistering a task definition")?;
            }
            Ok(Done::new(Outcome::Removed, counted(ours.len(), "revision"), true))
        };
        self.teller.step(Step::Definition, work).await
    }

    async fn definitions(&self, family: &str) -> Result<Vec<String>, Failure> {
        let mut input = ecs::ListTaskDefinitionsRequest {
            family_prefix: Some(family.to_owned()),
            status: Some(ecs::TaskDefinitionStatus::Active),
            ..Default::default()
        };
        let mut arns = Vec::new();
        loop {
            let page = self
                .aws
                .ecs
                .list_task_definitions(&self.aws.context, input.clone())
                .await;
            let page = page.doing("listing the task definitions")?;
            arns.extend(page.task_definition_arns.unwrap_or_default());
            input.next_token = page.next_token;
            if input.next_token.is_none() {
                return Ok(arns);
            }
        }
    }

    async fn remove_logs(&self, name: &AppName, groups: &[String]) -> Result<bool, Failure> {
        let (aws, mut ours) = (&self.aws, Vec::new());
        for group in groups {
            let input = logs::DescribeLogGroupsRequest {
                log_group_name_prefix: Some(group.clone()),
                ..Default::default()
            };
            let found = aws.logs.describe_log_groups(&aws.context, input).await;
            let found = found
                .doing("looking for the log group")?
                .log_groups
                .unwrap_or_default();
            let Some(found) = found
                .into_iter()
                .find(|it| it.log_group_name.as_ref() == Some(group))
            else {
                continue;
            };
            let arn = found.log_group_arn.or(found.arn).unwrap_or_default();
            let input = logs::ListTagsForResourceRequest {
                resource_arn: arn.trim_end_matches(":*").to_owned(),
            };
            let tags = aws.logs.list_tags_for_resource(&aws.context, input).await;
            let tags = tags.found(&GONE, "asking whose log group it is")?;
            if Tags::from(tags.and_then(|it| it.tags)).are_of(name, &self.cluster) {
                ours.push(group.clone());
            }
        }
        if ours.is_empty() {
            return Ok(false);
        }
        let work = async {
            for group in &ours {
                let input = logs::DeleteLogGroupRequest {
                    log_group_name: group.clone(),
                };
                let gone = aws.logs.delete_log_group(&aws.context, input).await;
                gone.found(&GONE, "deleting the log group")?;
            }
            Ok(Done::new(Outcome::Removed, ours.join(", "), true))
        };
        self.teller.step(Step::Logs, work).await
    }

    async fn remove_repository(&self, name: &AppName, engine: Option<&Engine>) -> Result<bool, Failure> {
        let aws = &self.aws;
        let Some(found) = self.find_repository(name).await? else {
            return Ok(false);
        };
        let input = ecr::ListTagsForResourceRequest {
            resource_arn: found.repository_arn.unwrap_or_default(),
        };
        let tags = aws.ecr.list_tags_for_resource(&aws.context, input).await;
        let tags = tags.found(&GONE, "asking whose repository it is")?;
        if !Tags::from(tags.and_then(|it| it.tags)).are_of(name, &self.cluster) {
            return Ok(false);
        }
        let uri = found.repository_uri.unwrap_or_default();
        let work = async {
            let input = ecr::DeleteRepositoryRequest {
                repository_name: name.to_string(),
                force: Some(true),
                ..Default::default()
            };
            let gone = aws.ecr.delete_repository(&aws.context, input).await;
            gone.found(&GONE, "deleting the repository")?;
            Ok(Done::new(Outcome::Removed, uri.clone(), true))
        };
        self.teller.step(Step::Repository, work).await?;
        if let Some(engine) = engine {
            let work = async {
                let count = engine.forget(&uri).await?;
                Ok::<_, Failure>(Done::new(
                    Outcome::Removed,
                    format!("{} on this machine", counted(count, "name")),
                    (),
                ))
            };
            self.teller.step(Step::Images, work).await?;
        }
        Ok(true)
    }

    /// Tries again as long as something else is in the way; what is gone already is as good as removed.
    async fn persist<T>(
        &self,
        step: Step,
        what: &str,
        call: impl AsyncFn() -> Result<T, ApiError>,
    ) -> Result<(), Failure> {
        let wait = self.wait(format!("{what} is still in use"));
        loop {
            match call().await {
                Err(error) if HELD.contains(&error.code.as_str()) => {
                    self.teller
                        .waiting(step, format!("waiting until nothing uses {what} any more"));
                    wait.again().await?;
                }
                other => {
                    other.found(&GONE, format!("deleting {what}"))?;
                    return Ok(());
                }
            }
        }
    }
}

/// `1 revision`, `2 revisions`.
fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
