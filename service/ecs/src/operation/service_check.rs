//! What requests for services and tasks name of other services: subnets, security groups, target groups, ports.

use aws_protocol::{ApiError, Context};
use aws_shape::ecs::*;
use aws_shape::{ec2, elbv2};

use crate::Ecs;
use crate::error::{invalid, unsupported};
use crate::model::service::{LoadBalancer as Balancer, Network};
use crate::model::task::Launch;
use crate::model::task_definition::TaskDefinition as Definition;

const BALANCERS_PER_SERVICE_MAX: usize = 5;

/// Where the tasks' interfaces shall be; the subnets and groups exist.
pub(super) async fn network(
    ecs: &Ecs,
    context: &Context,
    definition: &Definition,
    launch: Launch,
    configuration: Option<NetworkConfiguration>,
) -> Result<Network, ApiError> {
    let vpc = configuration.and_then(|it| it.awsvpc_configuration);
    if definition.spec.network_mode != "awsvpc" {
        return match (launch, vpc) {
            (Launch::Fargate, _) => Err(invalid("Task definition does not support launch_type FARGATE.")),
            (_, Some(_)) => Err(invalid(
                "Network Configuration is not valid for the given networkMode of this task definition.",
            )),
            (_, None) => Ok(Network::default()),
        };
    }
    let Some(vpc) = vpc else {
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
    let found = found.subnets.unwrap_or_default();
    let zones = zones(&found, &vpc.subnets);
    let mut vpcs: Vec<_> = found.into_iter().filter_map(|subnet| subnet.vpc_id).collect();
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
    if public_ip && launch == Launch::Ec2 {
        return Err(invalid("Assign public IP is not supported for this launch type."));
    }
    Ok(Network {
        subnets: vpc.subnets,
        groups,
        public_ip,
        zones: if launch == Launch::Ec2 { zones } else { vec![] },
    })
}

/// The zones of these subnets, in their order.
fn zones(found: &[ec2::Subnet], ids: &[String]) -> Vec<String> {
    let zone = |id: &String| {
        let subnet = found.iter().find(|it| it.subnet_id.as_ref() == Some(id));
        subnet
            .and_then(|it| it.availability_zone.clone())
            .unwrap_or_default()
    };
    ids.iter().map(zone).collect()
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

/// The load balancers of a service: the container and port exist, the target group takes what the network mode has, and
/// is in use.
pub(super) async fn balancers(
    ecs: &Ecs,
    context: &Context,
    definition: &Definition,
    given: Option<Vec<LoadBalancer>>,
) -> Result<Vec<Balancer>, ApiError> {
    let mut balancers = Vec::new();
    for one in given.into_iter().flatten() {
        if one.load_balancer_name.is_some() {
            return Err(match definition.spec.fargate {
                true => invalid("Classic Load Balancers are not supported with Fargate."),
                false => unsupported("Classic Load Balancers"),
            });
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
        check_group(ecs, context, &group, &definition.spec.network_mode).await?;
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

async fn check_group(ecs: &Ecs, context: &Context, arn: &str, mode: &str) -> Result<(), ApiError> {
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
    let fitting = match mode {
        "awsvpc" => elbv2::TargetTypeEnum::Ip,
        _ => elbv2::TargetTypeEnum::Instance,
    };
    if let Some(other) = found
        .iter()
        .filter_map(|it| it.target_type.as_ref())
        .find(|it| **it != fitting)
    {
        return Err(invalid(format!(
            "The provided target group {arn} has target type {other}, which is incompatible with the {mode} network mode specified in the task definition."
        )));
    }
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
