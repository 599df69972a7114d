//! What requests for services and tasks have in common: each member is checked, with the neighbours where it names
//! something of theirs.

use aws_protocol::{ApiError, Context};
use aws_shape::ecs::*;
use aws_shape::{ec2, elbv2};
use base_id::Scope;
use base_store::Snapshot;

use crate::Ecs;
use crate::error::{invalid, unsupported};
use crate::model::cluster::Cluster;
use crate::model::service::{self, CircuitBreaker, LoadBalancer as Balancer, Network};
use crate::model::task_definition::TaskDefinition as Definition;
use crate::table;

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
pub(super) async fn balancers(
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

pub(super) fn check_ports(definition: &Definition, balancers: &[Balancer]) -> Result<(), ApiError> {
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
pub(super) fn apply_configuration(
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

pub(super) fn refuse_unserved(some: &[(bool, &str)]) -> Result<(), ApiError> {
    match some.iter().find(|(given, _)| *given) {
        Some((_, what)) => Err(unsupported(&format!("the service's {what}"))),
        None => Ok(()),
    }
}

pub(super) fn given<T>(list: &Option<Vec<T>>) -> bool {
    list.as_ref().is_some_and(|list| !list.is_empty())
}

const DESIRED_TASKS_MAX: u32 = 5000;
const BALANCERS_PER_SERVICE_MAX: usize = 5;
const GRACE_SECONDS_MAX: i32 = i32::MAX;

pub(super) fn desired(count: Option<i32>) -> Result<Option<u32>, ApiError> {
    let check = |count: i32| {
        let fits = u32::try_from(count)
            .ok()
            .filter(|count| *count <= DESIRED_TASKS_MAX);
        fits.ok_or_else(|| invalid(format!("desiredCount must be between 0 and {DESIRED_TASKS_MAX}.")))
    };
    count.map(check).transpose()
}

pub(super) fn grace(seconds: Option<i32>) -> Result<Option<u32>, ApiError> {
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

pub(super) fn active_definition(
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
