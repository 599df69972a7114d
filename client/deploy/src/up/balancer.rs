//! The load balancer with its listener and target group, on the ground of a network.

use aws_shape::elbv2::{
    self, Action, ActionTypeEnum, LoadBalancer, LoadBalancerSchemeEnum, LoadBalancerTypeEnum, Matcher,
    ProtocolEnum, TargetGroup, TargetTypeEnum,
};

use super::UpOptions;
use super::firewall::{Groups, LISTENER_PORT};
use super::network::Network;
use super::secure::is_redirected;
use super::survey::Survey;
use crate::aws::Tags;
use crate::check::App;
use crate::deployer::Deployer;
use crate::event::{Done, Outcome, Step};
use crate::failure::{Doing as _, Failure, present};
use crate::name::AppName;

const HEALTH_PATH_DEFAULT: &str = "/";
const HEALTH_CODES: &str = "200-399";
const HEALTH_INTERVAL_SECONDS: i32 = 5;
const HEALTH_TIMEOUT_SECONDS: i32 = 2;
const HEALTHY_AFTER: i32 = 2;
const UNHEALTHY_AFTER: i32 = 3;
/// How long requests that are under way may take when a task goes.
const DRAIN_SECONDS: &str = "10";

/// What a service stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ground {
    pub subnets: Vec<String>,
    /// Security group of the tasks.
    pub group: String,
    pub balancer: String,
    pub target_group: String,
    pub health_path: String,
    /// The load balancer's own name, and the zone that Route 53 knows it by.
    pub dns_name: String,
    pub dns_zone: String,
    pub balancer_url: String,
    /// As the domain says that was there before, if there was one.
    pub url: String,
}

/// Where an application with a domain answers.
pub(crate) fn site(domain: &str, is_secure: bool) -> String {
    let scheme = if is_secure { "https" } else { "http" };
    format!("{scheme}://{domain}/")
}

/// Where a load balancer answers. A local cloud tells its load balancers' addresses, because not every program
/// resolves names below `localhost`.
pub(crate) fn url(balancer: &LoadBalancer) -> String {
    let name = balancer.dns_name.clone().unwrap_or_default();
    let zones = balancer.availability_zones.iter().flatten();
    let address = zones
        .flat_map(|zone| zone.load_balancer_addresses.iter().flatten())
        .find_map(|it| it.ip_address.clone());
    match address {
        Some(address) if name.ends_with(".localhost") => format!("http://{address}/"),
        _ => format!("http://{name}/"),
    }
}

impl Deployer {
    /// Network, security groups and load balancer: each stands on the one before.
    pub(super) async fn ensure_ground(
        &self,
        app: &App,
        survey: &Survey,
        options: &UpOptions,
    ) -> Result<Ground, Failure> {
        let network = match survey.balancer.as_ref().and_then(network_of) {
            // A load balancer never leaves its VPC.
            Some(network) if options.vpc.as_ref().is_some_and(|vpc| *vpc != network.vpc) => {
                let (name, vpc) = (&app.name, &network.vpc);
                return Err(Failure::Network(format!(
                    "{name} is in the VPC {vpc} already and cannot move; take it down first"
                )));
            }
            Some(network) => {
                let summary = format!("{}, {} subnets", network.vpc, network.subnets.len());
                self.finished(Step::Network, Outcome::Unchanged, summary);
                network
            }
            None => self.ensure_network(options).await?,
        };
        let is_secure = options.domain.as_ref().is_some_and(|it| it.https) || survey.is_secure();
        let groups = self
            .ensure_groups(&app.name, &network.vpc, app.definition.port(), is_secure)
            .await?;
        let work = async {
            let (balancer, target_group) = tokio::try_join!(
                self.ensure_balancer(&app.name, survey, &network, &groups),
                self.ensure_target_group(app, survey, &network, options),
            )?;
            let arn = present(
                balancer.value.load_balancer_arn.clone(),
                "ELB",
                "the load balancer's ARN",
            )?;
            let group = present(
                target_group.value.target_group_arn.clone(),
                "ELB",
                "the target group's ARN",
            )?;
            let listening = self.ensure_listener(&app.name, survey, &arn, &group).await?;
            let outcome = match (balancer.outcome, target_group.outcome) {
                (Outcome::Made, _) => Outcome::Made,
                (_, Outcome::Unchanged) if !listening => Outcome::Unchanged,
                _ => Outcome::Changed,
            };
            let path = target_group.value.health_check_path.clone();
            let balancer_url = url(&balancer.value);
            let ground = Ground {
                url: survey.url().unwrap_or_else(|| balancer_url.clone()),
                balancer_url,
                dns_name: balancer.value.dns_name.clone().unwrap_or_default(),
                dns_zone: balancer
                    .value
                    .canonical_hosted_zone_id
                    .clone()
                    .unwrap_or_default(),
                subnets: network.subnets.clone(),
                group: groups.tasks.clone(),
                balancer: arn,
                target_group: group,
                health_path: path.unwrap_or_else(|| HEALTH_PATH_DEFAULT.to_owned()),
            };
            let summary = balancer.value.dns_name.unwrap_or_default();
            Ok(Done::new(outcome, summary, ground))
        };
        self.teller.step(Step::Balancer, work).await
    }

    async fn ensure_balancer(
        &self,
        name: &AppName,
        survey: &Survey,
        network: &Network,
        groups: &Groups,
    ) -> Result<Done<LoadBalancer>, Failure> {
        if let Some(found) = &survey.balancer {
            return Ok(Done::new(Outcome::Unchanged, "", found.clone()));
        }
        let input = elbv2::CreateLoadBalancerInput {
            name: name.to_string(),
            subnets: Some(network.subnets.clone()),
            security_groups: Some(vec![groups.balancer.clone()]),
            scheme: Some(LoadBalancerSchemeEnum::InternetFacing),
            type_: Some(LoadBalancerTypeEnum::Application),
            tags: Some(Tags::of_app(name, &self.cluster).elb()),
            ..Default::default()
        };
        let made = self.aws.elb.create_load_balancer(&self.aws.context, input).await;
        let made = made.doing("making the load balancer")?.load_balancers;
        let made = made.and_then(|it| it.into_iter().next());
        let made = present(made, "CreateLoadBalancer", "the load balancer")?;
        Ok(Done::new(Outcome::Made, "", made))
    }

    async fn ensure_target_group(
        &self,
        app: &App,
        survey: &Survey,
        network: &Network,
        options: &UpOptions,
    ) -> Result<Done<TargetGroup>, Failure> {
        if let Some(found) = &survey.target_group {
            return self.check_target_group(found, options).await;
        }
        let path = options.health_path.as_deref().unwrap_or(HEALTH_PATH_DEFAULT);
        let input = elbv2::CreateTargetGroupInput {
            name: app.name.to_string(),
            protocol: Some(ProtocolEnum::Http),
            port: Some(app.definition.port().into()),
            vpc_id: Some(network.vpc.clone()),
            target_type: Some(TargetTypeEnum::Ip),
            health_check_path: Some(path.to_owned()),
            health_check_interval_seconds: Some(HEALTH_INTERVAL_SECONDS),
            health_check_timeout_seconds: Some(HEALTH_TIMEOUT_SECONDS),
            healthy_threshold_count: Some(HEALTHY_AFTER),
            unhealthy_threshold_count: Some(UNHEALTHY_AFTER),
            matcher: Some(Matcher {
                http_code: Some(HEALTH_CODES.to_owned()),
                grpc_code: None,
            }),
            tags: Some(Tags::of_app(&app.name, &self.cluster).elb()),
            ..Default::default()
        };
        let made = self.aws.elb.create_target_group(&self.aws.context, input).await;
        let made = made.doing("making the target group")?.target_groups;
        let made = made.and_then(|it| it.into_iter().next());
        let made = present(made, "CreateTargetGroup", "the target group")?;
        let attribute = elbv2::TargetGroupAttribute {
            key: Some("deregistration_delay.timeout_seconds".to_owned()),
            value: Some(DRAIN_SECONDS.to_owned()),
        };
        let input = elbv2::ModifyTargetGroupAttributesInput {
            target_group_arn: made.target_group_arn.clone().unwrap_or_default(),
            attributes: vec![attribute],
        };
        let set = self
            .aws
            .elb
            .modify_target_group_attributes(&self.aws.context, input)
            .await;
        set.doing("setting how long tasks are drained")?;
        Ok(Done::new(Outcome::Made, "", made))
    }

    /// Another health check path was asked for.
    async fn check_target_group(
        &self,
        found: &TargetGroup,
        options: &UpOptions,
    ) -> Result<Done<TargetGroup>, Failure> {
        let wanted = options.health_path.as_ref();
        if wanted.is_none_or(|path| found.health_check_path.as_ref() == Some(path)) {
            return Ok(Done::new(Outcome::Unchanged, "", found.clone()));
        }
        let input = elbv2::ModifyTargetGroupInput {
            target_group_arn: found.target_group_arn.clone().unwrap_or_default(),
            health_check_path: wanted.cloned(),
            ..Default::default()
        };
        let changed = self.aws.elb.modify_target_group(&self.aws.context, input).await;
        changed.doing("changing the health check")?;
        let mut group = found.clone();
        group.health_check_path = wanted.cloned();
        Ok(Done::new(Outcome::Changed, "", group))
    }

    /// Returns whether anything had to be done.
    async fn ensure_listener(
        &self,
        name: &AppName,
        survey: &Survey,
        arn: &str,
        group: &str,
    ) -> Result<bool, Failure> {
        let port = Some(i32::from(LISTENER_PORT));
        let Some(found) = survey.listeners.iter().find(|it| it.port == port) else {
            let input = elbv2::CreateListenerInput {
                load_balancer_arn: arn.to_owned(),
                protocol: Some(ProtocolEnum::Http),
                port,
                default_actions: forward(group),
                tags: Some(Tags::of_app(name, &self.cluster).elb()),
                ..Default::default()
            };
            let made = self.aws.elb.create_listener(&self.aws.context, input).await;
            made.doing("making the listener")?;
            return Ok(true);
        };
        if survey.is_secure() && is_redirected(found) {
            return Ok(false);
        }
        let mut leads = found.default_actions.iter().flatten();
        if leads.any(|action| leads_to(action, group)) {
            return Ok(false);
        }
        let input = elbv2::ModifyListenerInput {
            listener_arn: found.listener_arn.clone().unwrap_or_default(),
            default_actions: Some(forward(group)),
            ..Default::default()
        };
        let changed = self.aws.elb.modify_listener(&self.aws.context, input).await;
        changed.doing("leading the listener to the target group")?;
        Ok(true)
    }
}

/// What sends requests to a target group.
pub(super) fn forward(group: &str) -> Vec<Action> {
    vec![Action {
        type_: ActionTypeEnum::Forward,
        target_group_arn: Some(group.to_owned()),
        ..Default::default()
    }]
}

pub(super) fn leads_to(action: &Action, group: &str) -> bool {
    let weighted = action
        .forward_config
        .iter()
        .flat_map(|it| it.target_groups.iter().flatten());
    action.target_group_arn.as_deref() == Some(group)
        || weighted
            .into_iter()
            .any(|it| it.target_group_arn.as_deref() == Some(group))
}

fn network_of(balancer: &LoadBalancer) -> Option<Network> {
    let zones = balancer.availability_zones.iter().flatten();
    Some(Network {
        vpc: balancer.vpc_id.clone()?,
        subnets: zones.filter_map(|zone| zone.subnet_id.clone()).collect(),
    })
}
