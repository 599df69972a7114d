//! What is there already under the application's name, and whether it is ours.

use aws_shape::{ecs, elbv2};

use super::balancer::{site, url};
use super::secure::is_secure;
use crate::aws::{DOMAIN_BEFORE_TAG, DOMAIN_TAG, FINGERPRINT_TAG, Tags};
use crate::deployer::Deployer;
use crate::failure::{Doing as _, Failure};
use crate::name::AppName;

/// Found before anything is made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Survey {
    pub balancer: Option<elbv2::LoadBalancer>,
    pub target_group: Option<elbv2::TargetGroup>,
    pub listeners: Vec<elbv2::Listener>,
    /// Not one that is gone and only still described.
    pub service: Option<ecs::Service>,
    /// Of the service's task definition.
    pub fingerprint: Option<String>,
    balancer_tags: Tags,
    target_group_tags: Tags,
    service_tags: Tags,
}

impl Survey {
    /// # Errors
    /// When something has the application's name and is somebody else's.
    pub fn check_ours(&self, name: &AppName, cluster: &str) -> Result<(), Failure> {
        let parts = [
            ("load balancer", self.balancer.is_some(), &self.balancer_tags),
            (
                "target group",
                self.target_group.is_some(),
                &self.target_group_tags,
            ),
            ("service", self.service.is_some(), &self.service_tags),
        ];
        match parts
            .into_iter()
            .find(|(_, there, tags)| *there && !tags.are_of(name, cluster))
        {
            Some((what, ..)) => Err(Failure::NotOurs {
                what,
                name: name.to_string(),
            }),
            None => Ok(()),
        }
    }

    /// The domain that leads to the load balancer.
    pub fn domain(&self) -> Option<&str> {
        self.balancer_tags.get(DOMAIN_TAG)
    }

    /// One whose place another takes, as long as something may be left of it.
    pub fn domain_before(&self) -> Option<&str> {
        self.balancer_tags.get(DOMAIN_BEFORE_TAG)
    }

    pub fn domains(&self) -> impl Iterator<Item = &str> {
        self.domain().into_iter().chain(self.domain_before())
    }

    /// Whether a listener speaks HTTPS.
    pub fn is_secure(&self) -> bool {
        self.listeners.iter().any(is_secure)
    }

    /// Where the application answers: by its domain if it has one; `None` without a load balancer.
    pub fn url(&self) -> Option<String> {
        let balancer = self.balancer.as_ref()?;
        let domain = self.domain();
        Some(domain.map_or_else(|| url(balancer), |domain| site(domain, self.is_secure())))
    }

    /// The same, leaving out what is somebody else's.
    pub fn only_ours(mut self, name: &AppName, cluster: &str) -> Self {
        if !self.balancer_tags.are_of(name, cluster) {
            self.balancer = None;
            self.listeners.clear();
            self.balancer_tags = Tags::default();
        }
        if !self.target_group_tags.are_of(name, cluster) {
            self.target_group = None;
        }
        if !self.service_tags.are_of(name, cluster) {
            self.service = None;
        }
        self
    }
}

impl Deployer {
    pub(crate) async fn survey(&self, name: &AppName) -> Result<Survey, Failure> {
        let (traffic, service) = tokio::try_join!(self.survey_traffic(name), self.survey_service(name))?;
        Ok(Survey {
            service: service.service,
            fingerprint: service.fingerprint,
            service_tags: service.service_tags,
            ..traffic
        })
    }

    /// The load balancer's side alone.
    pub(crate) async fn survey_traffic(&self, name: &AppName) -> Result<Survey, Failure> {
        let (balancer, target_group) =
            tokio::try_join!(self.find_balancer(name), self.find_target_group(name))?;
        let arn = balancer.as_ref().and_then(|it| it.load_balancer_arn.clone());
        let group_arn = target_group.as_ref().and_then(|it| it.target_group_arn.clone());
        let (tags, listeners) = tokio::try_join!(
            self.tags_of([&arn, &group_arn].into_iter().flatten().cloned().collect()),
            self.listeners_of(arn.clone()),
        )?;
        let tags_of = |arn: Option<&String>| {
            let found = tags.iter().find(|it| it.resource_arn.as_ref() == arn);
            Tags::from(found.and_then(|it| it.tags.clone()))
        };
        Ok(Survey {
            balancer_tags: tags_of(arn.as_ref()),
            target_group_tags: tags_of(group_arn.as_ref()),
            balancer,
            target_group,
            listeners,
            ..Default::default()
        })
    }

    pub(crate) async fn find_balancer(&self, name: &AppName) -> Result<Option<elbv2::LoadBalancer>, Failure> {
        let input = elbv2::DescribeLoadBalancersInput {
            names: Some(vec![name.to_string()]),
            ..Default::default()
        };
        let found = self
            .aws
            .elb
            .describe_load_balancers(&self.aws.context, input)
            .await;
        let found = found.found(&["LoadBalancerNotFound"], "looking for the load balancer")?;
        Ok(found.and_then(|it| it.load_balancers?.into_iter().next()))
    }

    pub(crate) async fn find_target_group(
        &self,
        name: &AppName,
    ) -> Result<Option<elbv2::TargetGroup>, Failure> {
        let input = elbv2::DescribeTargetGroupsInput {
            names: Some(vec![name.to_string()]),
            ..Default::default()
        };
        let found = self
            .aws
            .elb
            .describe_target_groups(&self.aws.context, input)
            .await;
        let found = found.found(&["TargetGroupNotFound"], "looking for the target group")?;
        Ok(found.and_then(|it| it.target_groups?.into_iter().next()))
    }

    pub(super) async fn tags_of(&self, arns: Vec<String>) -> Result<Vec<elbv2::TagDescription>, Failure> {
        if arns.is_empty() {
            return Ok(Vec::new());
        }
        let input = elbv2::DescribeTagsInput { resource_arns: arns };
        let found = self.aws.elb.describe_tags(&self.aws.context, input).await;
        let found = found.doing("asking whose load balancer it is")?;
        Ok(found.tag_descriptions.unwrap_or_default())
    }

    pub(super) async fn listeners_of(
        &self,
        balancer: Option<String>,
    ) -> Result<Vec<elbv2::Listener>, Failure> {
        if balancer.is_none() {
            return Ok(Vec::new());
        }
        let input = elbv2::DescribeListenersInput {
            load_balancer_arn: balancer,
            ..Default::default()
        };
        let found = self.aws.elb.describe_listeners(&self.aws.context, input).await;
        let found = found.found(&["LoadBalancerNotFound"], "looking for the listener")?;
        Ok(found.and_then(|it| it.listeners).unwrap_or_default())
    }

    async fn survey_service(&self, name: &AppName) -> Result<Survey, Failure> {
        let Some(service) = self.find_service(name.as_str()).await? else {
            return Ok(Survey::default());
        };
        let fingerprint = match &service.task_definition {
            Some(arn) => self
                .definition_tags(arn)
                .await?
                .get(FINGERPRINT_TAG)
                .map(str::to_owned),
            None => None,
        };
        Ok(Survey {
            service_tags: Tags::from(service.tags.clone()),
            service: Some(service),
            fingerprint,
            ..Default::default()
        })
    }

    /// With its tags; `None` when there is none, or no cluster.
    pub(crate) async fn find_service(&self, name: &str) -> Result<Option<ecs::Service>, Failure> {
        let input = ecs::DescribeServicesRequest {
            cluster: Some(self.cluster.clone()),
            services: vec![name.to_owned()],
            include: Some(vec![ecs::ServiceField::Tags]),
        };
        let found = self.aws.ecs.describe_services(&self.aws.context, input).await;
        let found = found.found(&["ClusterNotFoundException"], "looking for the service")?;
        let service = found.and_then(|it| it.services?.into_iter().next());
        Ok(service.filter(|it| it.status.as_deref() != Some("INACTIVE")))
    }

    /// An application's service.
    ///
    /// # Errors
    /// When there is no such application.
    pub(crate) async fn app_service(&self, name: &AppName) -> Result<ecs::Service, Failure> {
        let service = self.find_service(name.as_str()).await?;
        service.ok_or_else(|| Failure::NoApp {
            name: name.to_string(),
            cluster: self.cluster.clone(),
        })
    }

    /// None for a definition that is gone.
    pub(crate) async fn definition_tags(&self, arn: &str) -> Result<Tags, Failure> {
        let input = ecs::DescribeTaskDefinitionRequest {
            task_definition: arn.to_owned(),
            include: Some(vec![ecs::TaskDefinitionField::Tags]),
        };
        let found = self
            .aws
            .ecs
            .describe_task_definition(&self.aws.context, input)
            .await;
        let found = found.found(&["ClientException"], "looking at the present task definition")?;
        Ok(Tags::from(found.and_then(|it| it.tags)))
    }
}
