//! The task definition and the service that runs it.

use std::time::Duration;

use aws_shape::ecs::{
    self, AwsVpcConfiguration, DeploymentCircuitBreaker, DeploymentConfiguration, LaunchType, LoadBalancer,
    NetworkConfiguration, PropagateTags,
};

use super::UpOptions;
use super::balancer::Ground;
use super::survey::Survey;
use crate::aws::{FINGERPRINT_TAG, Tags};
use crate::check::{App, Target};
use crate::definition::{PUBLIC_IP, Ready};
use crate::deployer::Deployer;
use crate::event::{Done, Outcome, Step};
use crate::failure::{Doing as _, Failure, present};
use crate::foresee;

/// On AWS a task may take a while to start; locally the first answer counts.
const GRACE_SECONDS_AWS: i32 = 60;
/// A new role takes a moment until all of AWS knows it.
const ROLE_KNOWN_AFTER: Duration = Duration::from_secs(3);
const ROLE_TRIES_MAX: usize = 20;

/// A registered task definition.
pub(crate) struct Registered {
    pub arn: String,
    pub is_new: bool,
    pub container: String,
    pub port: u16,
}

/// A deployment that is under way, or done already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deployment {
    pub id: String,
    pub changed: bool,
}

impl Deployer {
    /// Registers the definition, unless the service runs it already.
    pub(super) async fn register(
        &self,
        app: &App,
        survey: &Survey,
        ready: Ready,
    ) -> Result<Registered, Failure> {
        let label = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
        let Ready {
            mut request,
            fingerprint,
            container,
            port,
        } = ready;
        let work = async {
            let present_arn = survey.service.as_ref().and_then(|it| it.task_definition.clone());
            if let Some(arn) = present_arn.filter(|_| survey.fingerprint.as_ref() == Some(&fingerprint)) {
                let registered = Registered {
                    is_new: false,
                    container,
                    port,
                    arn,
                };
                return Ok(Done::new(Outcome::Unchanged, label(&registered.arn), registered));
            }
            let own = request.tags.take();
            let tags = Tags::of_app(&app.name, &self.cluster).with(FINGERPRINT_TAG, &fingerprint);
            request.tags = Some(own.into_iter().flatten().chain(tags.ecs()).collect());
            let arn = self.try_register(&request).await?;
            let registered = Registered {
                is_new: true,
                container,
                port,
                arn,
            };
            Ok(Done::new(Outcome::Made, label(&registered.arn), registered))
        };
        self.teller.step(Step::Definition, work).await
    }

    async fn try_register(&self, request: &ecs::RegisterTaskDefinitionRequest) -> Result<String, Failure> {
        let mut tries = 0;
        loop {
            let made = self
                .aws
                .ecs
                .register_task_definition(&self.aws.context, request.clone())
                .await;
            tries += 1;
            match made {
                Err(error)
                    if error.message.contains("Role is not valid")
                        && self.target == Target::Aws
                        && tries < ROLE_TRIES_MAX =>
                {
                    self.teller
                        .waiting(Step::Definition, "waiting until ECS knows the new role");
                    self.clock().sleep(ROLE_KNOWN_AFTER).await;
                }
                made => {
                    let made = made.doing("registering the task definition")?;
                    let arn = made.task_definition.and_then(|it| it.task_definition_arn);
                    return present(arn, "RegisterTaskDefinition", "the task definition's ARN");
                }
            }
        }
    }

    /// Makes the service, or changes what is not as it should be.
    pub(super) async fn deploy(
        &self,
        app: &App,
        survey: &Survey,
        definition: &Registered,
        ground: &Ground,
        options: &UpOptions,
    ) -> Result<Deployment, Failure> {
        let work = async {
            let mut old = survey.service.clone();
            if old.as_ref().and_then(|it| it.status.as_deref()) == Some("DRAINING") {
                self.wait_until_gone(app.name.as_str(), Step::Service).await?;
                old = None;
            }
            let name = app.name.as_str();
            match old {
                None => {
                    let input = self.new_service(app, definition, ground, options);
                    let made = self.aws.ecs.create_service(&self.aws.context, input).await;
                    let id = primary(made.doing("making the service")?.service)?;
                    Ok(Done::new(Outcome::Made, name, Deployment { id, changed: true }))
                }
                Some(old) => {
                    let input = self.change(&old, definition, ground, options);
                    let Some(input) = input else {
                        let id = primary(Some(old))?;
                        return Ok(Done::new(
                            Outcome::Unchanged,
                            name,
                            Deployment { id, changed: false },
                        ));
                    };
                    let is_rolled = input.task_definition.is_some() || input.force_new_deployment.is_some();
                    if is_rolled && let Some(blocked) = foresee::blocked(&old, options.desired, &self.cluster)
                    {
                        return Err(Failure::Foreseen(Box::new(blocked)));
                    }
                    let made = self.aws.ecs.update_service(&self.aws.context, input).await;
                    let id = primary(made.doing("updating the service")?.service)?;
                    Ok(Done::new(
                        Outcome::Changed,
                        name,
                        Deployment { id, changed: true },
                    ))
                }
            }
        };
        self.teller.step(Step::Service, work).await
    }

    fn new_service(
        &self,
        app: &App,
        definition: &Registered,
        ground: &Ground,
        options: &UpOptions,
    ) -> ecs::CreateServiceRequest {
        ecs::CreateServiceRequest {
            cluster: Some(self.cluster.clone()),
            service_name: app.name.to_string(),
            task_definition: Some(definition.arn.clone()),
            load_balancers: Some(vec![balanced(definition, ground)]),
            desired_count: Some(options.desired.map_or(1, count)),
            launch_type: Some(LaunchType::Fargate),
            deployment_configuration: Some(rolling()),
            network_configuration: Some(network(ground)),
            health_check_grace_period_seconds: Some(self.grace_seconds()),
            propagate_tags: Some(PropagateTags::Service),
            // On AWS it takes permissions of the task's role, which is the application's own.
            enable_execute_command: (self.target == Target::Local).then_some(true),
            tags: Some(Tags::of_app(&app.name, &self.cluster).ecs()),
            ..Default::default()
        }
    }

    /// Only what differs: AWS takes a load balancer that is named again for a new one. `None` when nothing does.
    fn change(
        &self,
        old: &ecs::Service,
        definition: &Registered,
        ground: &Ground,
        options: &UpOptions,
    ) -> Option<ecs::UpdateServiceRequest> {
        let desired = options.desired.map(count);
        let input = ecs::UpdateServiceRequest {
            cluster: Some(self.cluster.clone()),
            service: old.service_name.clone().unwrap_or_default(),
            task_definition: definition.is_new.then(|| definition.arn.clone()),
            load_balancers: (!is_balanced(old, definition, ground))
                .then(|| vec![balanced(definition, ground)]),
            desired_count: desired.filter(|_| old.desired_count != desired),
            network_configuration: (!is_grounded(old, ground)).then(|| network(ground)),
            // What has failed is tried again, even when nothing of it has changed.
            force_new_deployment: (!definition.is_new && has_failed(old)).then_some(true),
            ..Default::default()
        };
        let is_change = input.task_definition.is_some()
            || input.load_balancers.is_some()
            || input.desired_count.is_some()
            || input.network_configuration.is_some()
            || input.force_new_deployment.is_some();
        is_change.then_some(input)
    }

    fn grace_seconds(&self) -> i32 {
        match self.target {
            Target::Local => 0,
            Target::Aws => GRACE_SECONDS_AWS,
        }
    }

    /// Until nothing of a service is left but its memory.
    pub(crate) async fn wait_until_gone(&self, name: &str, step: Step) -> Result<(), Failure> {
        let wait = self.wait(format!("the service {name} is still stopping"));
        while let Some(service) = self.find_service(name).await? {
            let left = service.running_count.unwrap_or_default() + service.pending_count.unwrap_or_default();
            self.teller.waiting(
                step,
                format!("waiting until the service has stopped, {left} tasks left"),
            );
            wait.again().await?;
        }
        Ok(())
    }
}

fn count(desired: u32) -> i32 {
    i32::try_from(desired).unwrap_or(i32::MAX)
}

/// Old tasks stay until new ones answer; what does not come up is taken back.
fn rolling() -> DeploymentConfiguration {
    DeploymentConfiguration {
        minimum_healthy_percent: Some(100),
        maximum_percent: Some(200),
        deployment_circuit_breaker: Some(DeploymentCircuitBreaker {
            enable: true,
            rollback: true,
        }),
        ..Default::default()
    }
}

fn balanced(definition: &Registered, ground: &Ground) -> LoadBalancer {
    LoadBalancer {
        target_group_arn: Some(ground.target_group.clone()),
        container_name: Some(definition.container.clone()),
        container_port: Some(definition.port.into()),
        ..Default::default()
    }
}

fn network(ground: &Ground) -> NetworkConfiguration {
    NetworkConfiguration {
        awsvpc_configuration: Some(AwsVpcConfiguration {
            subnets: ground.subnets.clone(),
            security_groups: Some(vec![ground.group.clone()]),
            assign_public_ip: Some(PUBLIC_IP),
        }),
    }
}

fn primary(service: Option<ecs::Service>) -> Result<String, Failure> {
    let deployments = service.and_then(|it| it.deployments).unwrap_or_default();
    let primary = deployments
        .into_iter()
        .find(|it| it.status.as_deref() == Some("PRIMARY"));
    present(primary.and_then(|it| it.id), "ECS", "the service's deployment")
}

fn is_balanced(old: &ecs::Service, definition: &Registered, ground: &Ground) -> bool {
    let wanted = balanced(definition, ground);
    old.load_balancers.iter().flatten().any(|it| {
        (&it.target_group_arn, &it.container_name, it.container_port)
            == (
                &wanted.target_group_arn,
                &wanted.container_name,
                wanted.container_port,
            )
    })
}

fn is_grounded(old: &ecs::Service, ground: &Ground) -> bool {
    let vpc = old.network_configuration.as_ref();
    let vpc = vpc.and_then(|it| it.awsvpc_configuration.as_ref());
    vpc.is_some_and(|it| same_members(&it.subnets, &ground.subnets))
}

fn has_failed(old: &ecs::Service) -> bool {
    let primary = old.deployments.iter().flatten().next();
    primary.is_some_and(|it| it.rollout_state == Some(ecs::DeploymentRolloutState::Failed))
}

fn same_members(one: &[String], other: &[String]) -> bool {
    one.len() == other.len() && one.iter().all(|it| other.contains(it))
}
