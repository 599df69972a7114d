//! Creating, updating and deleting services: the wish is written, the reconcilers do the rest.

use aws_protocol::{ApiError, Context};
use aws_shape::ecs::*;
use aws_shape::{ec2, elbv2};
use base_id::Scope;
use base_store::Snapshot;

use crate::Ecs;
use crate::error::{invalid, service_not_active, service_not_found, unsupported};
use crate::model::cluster::Cluster;
use crate::model::service::{self, CircuitBreaker, Deployment as Row, Network, State};
use crate::model::task_definition::TaskDefinition as Definition;
use crate::model::{name, service::LoadBalancer as Balancer};
use crate::table::{self, SERVICES, key};
use crate::view;

/// `ecs-svc/` and 19 digits.
fn deployment_id(ecs: &Ecs) -> String {
    format!("ecs-svc/{:019}", ecs.ids.next() % 10_u128.pow(19))
}

/// The launch type that is asked for is Fargate; on EC2 there is no instance here that could run anything.
pub(super) fn check_launch(
    launch: Option<&LaunchType>,
    strategy: Option<&Vec<CapacityProviderStrategyItem>>,
    cluster: &Cluster,
) -> Result<(), ApiError> {
    let providers = strategy.map(Vec::as_slice).unwrap_or_default();
    if launch.is_some() && !providers.is_empty() {
        return Err(invalid(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        ));
    }
    if !providers.is_empty() {
        return match providers.iter().find(|it| it.capacity_provider != "FARGATE") {
            Some(other) => Err(unsupported(&format!(
                "the capacity provider {}",
                other.capacity_provider
            ))),
            None => Ok(()),
        };
    }
    match launch {
        Some(LaunchType::Fargate) => Ok(()),
        // Only FARGATE can be in a cluster's default strategy.
        None if !cluster.default_strategy.is_empty() => Ok(()),
        Some(LaunchType::Ec2) | None => Err(invalid("No Container Instances were found in your cluster.")),
        Some(other) => Err(unsupported(&format!("the launch type {other}"))),
    }
}

/// Where the tasks' interfaces shall be; the subnets and groups exist.
pub(super) async fn network(
    ecs: &Ecs,
    context: &Context,
    definition: &Definition,
    configuration: Option<NetworkConfiguration>,
) -> Result<Network, ApiError> {
    if definition.spec.network_mode != "awsvpc" {
        return Err(invalid("Task definition does not support launch_type FARGATE."));
    }
    let Some(vpc) = configuration.and_then(|it| it.awsvpc_configuration) else {
        return Err(invalid(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ));
    };
    if vpc.subnets.is_empty() {
        return Err(invalid("subnets can not be empty."));
    }
    let groups = vpc.security_groups.unwrap_or_default();
    let subnets = ec2::DescribeSubnetsRequest {
        subnet_ids: Some(vpc.subnets.clone()),
        ..Default::default()
    };
    let found = ecs
        .neighbours
        .ec2
        .describe_subnets(context, subnets)
        .await
        .map_err(|error| unwrap(error, "subnet"))?;
    let mut vpcs: Vec<_> = found
        .subnets
        .into_iter()
        .flatten()
        .filter_map(|subnet| subnet.vpc_id)
        .collect();
    vpcs.dedup();
    if vpcs.len() > 1 {
        return Err(invalid(
            "Error retrieving subnet information: all subnets must be of one VPC.",
        ));
    }
    if !groups.is_empty() {
        let input = ec2::DescribeSecurityGroupsRequest {
            group_ids: Some(groups.clone()),
            ..Default::default()
        };
        let found = ecs.neighbours.ec2.describe_security_groups(context, input).await;
        let found = found
            .map_err(|error| unwrap(error, "security group"))?
            .security_groups
            .unwrap_or_default();
        if found.iter().any(|group| group.vpc_id.as_ref() != vpcs.first()) {
            return Err(invalid(
                "All subnets and security groups must belong to the same VPC.",
            ));
        }
    }
    let public_ip = vpc.assign_public_ip == Some(AssignPublicIp::Enabled);
    Ok(Network {
        subnets: vpc.subnets,
        groups,
        public_ip,
    })
}

fn unwrap(error: ApiError, what: &str) -> ApiError {
    if error.is_internal() {
        return error;
    }
    invalid(format!(
        "Error retrieving {what} information for [{}]: {} (ErrorCode: {})",
        what, error.message, error.code
    ))
}

/// The load balancers of a service: the container and port exist, the target group takes addresses and is in use.
async fn balancers(
    ecs: &Ecs,
    context: &Context,
    definition: &Definition,
    given: Option<Vec<LoadBalancer>>,
) -> Result<Vec<Balancer>, ApiError> {
    let mut balancers = Vec::new();
    for one in given.into_iter().flatten() {
        if one.load_balancer_name.is_some() {
            return Err(unsupported("Classic Load Balancers"));
        }
        if one.advanced_configuration.is_some() {
            return Err(unsupported("advancedConfiguration of load balancers"));
        }
        let group = one
            .target_group_arn
            .ok_or_else(|| invalid("Target Group ARN can not be blank."))?;
        let container = one.container_name.unwrap_or_default();
        let port = one
            .container_port
            .and_then(|port| u16::try_from(port).ok())
            .unwrap_or_default();
        check_group(ecs, context, &group).await?;
        balancers.push(Balancer {
            target_group: group,
            container,
            port,
        });
    }
    if balancers.len() > BALANCERS_PER_SERVICE_MAX {
        return Err(invalid(format!(
            "load balancers can have at most {BALANCERS_PER_SERVICE_MAX} items."
        )));
    }
    check_ports(definition, &balancers)?;
    Ok(balancers)
}

fn check_ports(definition: &Definition, balancers: &[Balancer]) -> Result<(), ApiError> {
    for Balancer { container, port, .. } in balancers {
        let Some(known) = definition.spec.containers.iter().find(|it| it.name == *container) else {
            return Err(invalid(format!(
                "The container {container} does not exist in the task definition."
            )));
        };
        if !known.ports.contains(port) {
            return Err(invalid(format!(
                "The container {container} did not have a container port {port} defined."
            )));
        }
    }
    Ok(())
}

async fn check_group(ecs: &Ecs, context: &Context, arn: &str) -> Result<(), ApiError> {
    let input = elbv2::DescribeTargetGroupsInput {
        target_group_arns: Some(vec![arn.to_owned()]),
        ..Default::default()
    };
    let found = match ecs.neighbours.elbv2.describe_target_groups(context, input).await {
        Ok(found) => found.target_groups.unwrap_or_default(),
        Err(error) if error.is_internal() => return Err(error),
        Err(_) => {
            return Err(invalid(format!(
                "The specified target group does not exist. (targetGroupArn: {arn})"
            )));
        }
    };
    let used = found
        .iter()
        .any(|group| group.load_balancer_arns.as_ref().is_some_and(|it| !it.is_empty()));
    if !used {
        return Err(invalid(format!(
            "The target group with targetGroupArn {arn} does not have an associated load balancer."
        )));
    }
    Ok(())
}

/// What a request says about how deployments go.
fn apply_configuration(
    service: &mut service::Service,
    given: Option<DeploymentConfiguration>,
) -> Result<(), ApiError> {
    let Some(given) = given else { return Ok(()) };
    if given
        .strategy
        .as_ref()
        .is_some_and(|it| *it != DeploymentStrategy::Rolling)
    {
        return Err(unsupported("deployment strategies other than ROLLING"));
    }
    if given.alarms.as_ref().is_some_and(|it| it.enable)
        || given.lifecycle_hooks.as_ref().is_some_and(|it| !it.is_empty())
    {
        return Err(unsupported("deployment alarms and lifecycle hooks"));
    }
    if given.bake_time_in_minutes.is_some_and(|minutes| minutes != 0)
        || given.linear_configuration.is_some()
        || given.canary_configuration.is_some()
    {
        return Err(unsupported("bake times, linear and canary deployments"));
    }
    let percent = |value: Option<i32>, old: u32, what: &str, most: i32| match value {
        None => Ok(old),
        Some(value) if (0..=most).contains(&value) => Ok(value.unsigned_abs()),
        Some(value) => Err(invalid(format!(
            "{what} must be between 0 and {most}, not {value}."
        ))),
    };
    let minimum = percent(
        given.minimum_healthy_percent,
        service.minimum_healthy_percent,
        "minimumHealthyPercent",
        100,
    )?;
    let maximum = percent(
        given.maximum_percent,
        service.maximum_percent,
        "maximumPercent",
        200,
    )?;
    if maximum < 100 {
        return Err(invalid("maximumPercent must be at least 100."));
    }
    if minimum == 100 && maximum == 100 {
        return Err(invalid(
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.",
        ));
    }
    (service.minimum_healthy_percent, service.maximum_percent) = (minimum, maximum);
    if let Some(breaker) = given.deployment_circuit_breaker {
        service.circuit_breaker = breaker.enable.then_some(CircuitBreaker {
            rollback: breaker.rollback,
        });
    }
    Ok(())
}

fn refuse_unserved(some: &[(bool, &str)]) -> Result<(), ApiError> {
    match some.iter().find(|(given, _)| *given) {
        Some((_, what)) => Err(unsupported(&format!("the service's {what}"))),
        None => Ok(()),
    }
}

fn given<T>(list: &Option<Vec<T>>) -> bool {
    list.as_ref().is_some_and(|list| !list.is_empty())
}

const DESIRED_TASKS_MAX: u32 = 5000;
const BALANCERS_PER_SERVICE_MAX: usize = 5;
const GRACE_SECONDS_MAX: i32 = i32::MAX;

fn desired(count: Option<i32>) -> Result<Option<u32>, ApiError> {
    let check = |count: i32| {
        let fits = u32::try_from(count)
            .ok()
            .filter(|count| *count <= DESIRED_TASKS_MAX);
        fits.ok_or_else(|| invalid(format!("desiredCount must be between 0 and {DESIRED_TASKS_MAX}.")))
    };
    count.map(check).transpose()
}

fn grace(seconds: Option<i32>) -> Result<Option<u32>, ApiError> {
    let refuse = |_| {
        invalid(format!(
            "healthCheckGracePeriodSeconds must be between 0 and {GRACE_SECONDS_MAX}."
        ))
    };
    seconds
        .map(|seconds| u32::try_from(seconds).map_err(refuse))
        .transpose()
}

/// The only platform version there is, however it is called.
pub(super) fn platform(given: Option<String>) -> Result<Option<String>, ApiError> {
    match given.as_deref() {
        None | Some("LATEST" | "1.4.0") => Ok(given),
        Some(other) => Err(unsupported(&format!("the platform version {other}"))),
    }
}

fn active_definition(
    snapshot: &Snapshot,
    scope: &Scope,
    given: &str,
) -> Result<std::sync::Arc<Definition>, ApiError> {
    let definition = table::definition(snapshot, scope, given)
        .map_err(|_| crate::error::client("TaskDefinition not found."))?;
    if !definition.is_active() {
        return Err(crate::error::client("TaskDefinition is inactive"));
    }
    Ok(definition)
}

pub(super) async fn create_service(
    ecs: &Ecs,
    context: &Context,
    input: CreateServiceRequest,
) -> Result<CreateServiceResponse, ApiError> {
    let (scope, snapshot, now) = (context.scope.clone(), ecs.store.snapshot(), ecs.clock.now());
    let cluster = table::cluster(&snapshot, &scope, input.cluster.as_deref())?;
    if !name::is_valid(&input.service_name) {
        return Err(invalid(
            "Service names contain only letters, numbers, hyphens, and underscores.",
        ));
    }
    refuse_unserved(&[
        (input.role.is_some(), "role"),
        (
            input.availability_zone_rebalancing == Some(AvailabilityZoneRebalancing::Enabled),
            "availabilityZoneRebalancing",
        ),
        (given(&input.service_registries), "serviceRegistries"),
        (given(&input.placement_constraints), "placementConstraints"),
        (given(&input.placement_strategy), "placementStrategy"),
        (given(&input.volume_configurations), "volumeConfigurations"),
        (
            given(&input.vpc_lattice_configurations),
            "vpcLatticeConfigurations",
        ),
        (
            input
                .service_connect_configuration
                .as_ref()
                .is_some_and(|it| it.enabled),
            "serviceConnectConfiguration",
        ),
        (input.enable_execute_command == Some(true), "enableExecuteCommand"),
        (
            input.scheduling_strategy == Some(SchedulingStrategy::Daemon),
            "scheduling strategy DAEMON",
        ),
        (
            input
                .deployment_controller
                .as_ref()
                .is_some_and(|it| it.type_ != DeploymentControllerType::Ecs),
            "deployment controller",
        ),
    ])?;
    check_launch(
        input.launch_type.as_ref(),
        input.capacity_provider_strategy.as_ref(),
        &cluster,
    )?;
    let definition = input
        .task_definition
        .as_deref()
        .ok_or_else(|| invalid("TaskDefinition can not be blank."))?;
    let definition = active_definition(&snapshot, &scope, definition)?;
    let network = network(ecs, context, &definition, input.network_configuration).await?;
    let load_balancers = balancers(ecs, context, &definition, input.load_balancers).await?;
    let mut service = service::Service {
        arn: scope.arn("ecs", &format!("service/{}/{}", cluster.name, input.service_name)),
        name: input.service_name,
        cluster: cluster.name.clone(),
        state: State::Active,
        desired: desired(input.desired_count)?.unwrap_or(1),
        minimum_healthy_percent: 100,
        maximum_percent: 200,
        circuit_breaker: None,
        deployments: vec![Row::new(
            deployment_id(ecs),
            definition.arn.clone(),
            network.clone(),
            load_balancers.clone(),
            now,
        )],
        load_balancers,
        network,
        health_check_grace_seconds: grace(input.health_check_grace_period_seconds)?,
        created_at: now,
        created_by: context.principal_arn.clone(),
        platform_version: platform(input.platform_version)?.unwrap_or_else(|| "LATEST".to_owned()),
        enable_managed_tags: input.enable_ecs_managed_tags == Some(true),
        propagate_tags: input
            .propagate_tags
            .map_or("NONE".to_owned(), |it| it.as_str().to_owned()),
        client_token: input.client_token,
        events: vec![],
        steady: false,
        inactive_at: None,
        tags: table::tags(input.tags),
    };
    apply_configuration(&mut service, input.deployment_configuration)?;
    let service = ecs
        .store
        .write(move |tx| {
            table::cluster(&tx.snapshot(), &scope, Some(&service.cluster))?;
            let place = key(&scope, &format!("{}/{}", service.cluster, service.name));
            match tx.get(SERVICES, &place) {
                Some(old) if old.state == State::Active => {
                    // The same request sent again is answered, not refused.
                    if old.client_token.is_some() && old.client_token == service.client_token {
                        return Ok(service::Service::clone(&old));
                    }
                    return Err(invalid("Creation of service was not idempotent."));
                }
                Some(old) if old.state == State::Draining => {
                    return Err(invalid("Unable to Start a service that is still Draining."));
                }
                _ => tx.put(SERVICES, &place, service.clone()),
            }
            Ok(service)
        })
        .await?;
    let service = view::service(&context.scope, &service, &ecs.store.snapshot(), true);
    Ok(CreateServiceResponse {
        service: Some(service),
    })
}

pub(super) async fn update_service(
    ecs: &Ecs,
    context: &Context,
    input: UpdateServiceRequest,
) -> Result<UpdateServiceResponse, ApiError> {
    let (scope, snapshot, now) = (context.scope.clone(), ecs.store.snapshot(), ecs.clock.now());
    let cluster = table::cluster(&snapshot, &scope, input.cluster.as_deref())?;
    let old =
        table::service(&snapshot, &scope, &cluster.name, &input.service).ok_or_else(service_not_found)?;
    if old.state != State::Active {
        return Err(service_not_active());
    }
    refuse_unserved(&[
        (
            input.availability_zone_rebalancing == Some(AvailabilityZoneRebalancing::Enabled),
            "availabilityZoneRebalancing",
        ),
        (
            input
                .deployment_controller
                .as_ref()
                .is_some_and(|it| it.type_ != DeploymentControllerType::Ecs),
            "deployment controller",
        ),
        (given(&input.service_registries), "serviceRegistries"),
        (given(&input.placement_constraints), "placementConstraints"),
        (given(&input.placement_strategy), "placementStrategy"),
        (given(&input.volume_configurations), "volumeConfigurations"),
        (
            given(&input.vpc_lattice_configurations),
            "vpcLatticeConfigurations",
        ),
        (
            input
                .service_connect_configuration
                .as_ref()
                .is_some_and(|it| it.enabled),
            "serviceConnectConfiguration",
        ),
        (input.enable_execute_command == Some(true), "enableExecuteCommand"),
    ])?;
    if given(&input.capacity_provider_strategy) {
        check_launch(None, input.capacity_provider_strategy.as_ref(), &cluster)?;
    }
    let wish = wish(ecs, context, &old, input).await?;
    let (new_id, name) = (deployment_id(ecs), old.name.clone());
    let service = ecs
        .store
        .write(move |tx| {
            let found =
                table::service(&tx.snapshot(), &scope, &cluster.name, &name).ok_or_else(service_not_found)?;
            if found.state != State::Active {
                return Err(service_not_active());
            }
            let service = wish.applied(&found, new_id, now)?;
            tx.put(
                SERVICES,
                &key(&scope, &format!("{}/{}", service.cluster, service.name)),
                service.clone(),
            );
            Ok(service)
        })
        .await?;
    let service = view::service(&context.scope, &service, &ecs.store.snapshot(), false);
    Ok(UpdateServiceResponse {
        service: Some(service),
    })
}

/// What an update asks for, checked; what it does not name stays as it is when it is written.
struct Wish {
    task_definition: Option<String>,
    network: Option<Network>,
    load_balancers: Option<Vec<Balancer>>,
    desired: Option<u32>,
    grace_seconds: Option<u32>,
    configuration: Option<DeploymentConfiguration>,
    force: bool,
    managed_tags: Option<bool>,
    propagate_tags: Option<String>,
    platform_version: Option<String>,
}

async fn wish(
    ecs: &Ecs,
    context: &Context,
    old: &service::Service,
    input: UpdateServiceRequest,
) -> Result<Wish, ApiError> {
    let (scope, snapshot) = (&context.scope, ecs.store.snapshot());
    let present = old
        .primary()
        .map(|it| it.task_definition.clone())
        .unwrap_or_default();
    let definition = match &input.task_definition {
        Some(given) => active_definition(&snapshot, scope, given)?,
        None => table::definition(&snapshot, scope, &present)?,
    };
    let network = match input.network_configuration {
        Some(configuration) => Some(network(ecs, context, &definition, Some(configuration)).await?),
        None => None,
    };
    let load_balancers = match input.load_balancers {
        Some(given) => Some(balancers(ecs, context, &definition, Some(given)).await?),
        None => {
            // The new task definition must have what the load balancers lead to.
            check_ports(&definition, &old.load_balancers)?;
            None
        }
    };
    Ok(Wish {
        task_definition: input.task_definition.map(|_| definition.arn.clone()),
        network,
        load_balancers,
        desired: desired(input.desired_count)?,
        grace_seconds: grace(input.health_check_grace_period_seconds)?,
        configuration: input.deployment_configuration,
        force: input.force_new_deployment == Some(true),
        managed_tags: input.enable_ecs_managed_tags,
        propagate_tags: input.propagate_tags.map(|it| it.as_str().to_owned()),
        platform_version: platform(input.platform_version)?,
    })
}

impl Wish {
    fn applied(
        self,
        found: &service::Service,
        new_id: String,
        now: jiff::Timestamp,
    ) -> Result<service::Service, ApiError> {
        let mut service = service::Service::clone(found);
        apply_configuration(&mut service, self.configuration)?;
        service.desired = self.desired.unwrap_or(service.desired);
        service.health_check_grace_seconds = self.grace_seconds.or(service.health_check_grace_seconds);
        service.enable_managed_tags = self.managed_tags.unwrap_or(service.enable_managed_tags);
        service.propagate_tags = self.propagate_tags.unwrap_or(service.propagate_tags);
        service.platform_version = self.platform_version.unwrap_or(service.platform_version);
        service.network = self.network.unwrap_or(service.network);
        service.load_balancers = self.load_balancers.unwrap_or(service.load_balancers);
        service.steady = false;
        let Some(primary) = service.primary() else {
            return Err(service_not_active());
        };
        let definition = self
            .task_definition
            .unwrap_or_else(|| primary.task_definition.clone());
        let same = primary.task_definition == definition
            && primary.network == service.network
            && primary.load_balancers == service.load_balancers;
        if !same || self.force {
            let (network, balancers) = (service.network.clone(), service.load_balancers.clone());
            let new = Row::new(new_id, definition, network, balancers, now);
            service.deployments.insert(0, new);
        }
        Ok(service)
    }
}

pub(super) async fn delete_service(
    ecs: &Ecs,
    context: &Context,
    input: DeleteServiceRequest,
) -> Result<DeleteServiceResponse, ApiError> {
    let scope = context.scope.clone();
    let service = ecs
        .store
        .write(move |tx| {
            let snapshot = tx.snapshot();
            let cluster = table::cluster(&snapshot, &scope, input.cluster.as_deref())?;
            let found = table::service(&snapshot, &scope, &cluster.name, &input.service)
                .ok_or_else(service_not_found)?;
            match found.state {
                State::Active => {}
                State::Draining => return Ok(service::Service::clone(&found)),
                State::Inactive => return Err(service_not_found()),
            }
            if found.desired > 0 && input.force != Some(true) {
                return Err(invalid(
                    "The service cannot be stopped while it is scaled above 0.",
                ));
            }
            let mut service = service::Service::clone(&found);
            service.state = State::Draining;
            service.steady = false;
            tx.put(
                SERVICES,
                &key(&scope, &format!("{}/{}", service.cluster, service.name)),
                service.clone(),
            );
            Ok(service)
        })
        .await?;
    let service = view::service(&context.scope, &service, &ecs.store.snapshot(), false);
    Ok(DeleteServiceResponse {
        service: Some(service),
    })
}
