//! Load balancers that change: other subnets, other security groups; and the capacity that nobody reserves here.

use aws_protocol::{ApiError, Context};
use aws_shape::elbv2::*;

use super::balancer::{feet, groups, refuse_mapped, zones};
use crate::Elbv2;
use crate::error::{configuration, unsupported, validation};
use crate::model;
use crate::table::{self, LOAD_BALANCERS, key};

pub(super) async fn set_security_groups(
    elb: &Elbv2,
    context: &Context,
    input: SetSecurityGroupsInput,
) -> Result<SetSecurityGroupsOutput, ApiError> {
    let scope = context.scope.clone();
    if input
        .enforce_security_group_inbound_rules_on_private_link_traffic
        .is_some()
    {
        return Err(unsupported("rules for traffic over PrivateLink"));
    }
    if input.security_groups.is_empty() {
        return Err(validation("At least one security group must be specified"));
    }
    let balancer = table::balancer(&elb.store.snapshot(), &scope, &input.load_balancer_arn)?;
    let new = groups(elb, context, &balancer.vpc, Some(input.security_groups)).await?;
    let answer = new.clone();
    elb.store
        .write(move |tx| {
            let found = table::balancer(&tx.snapshot(), &scope, &input.load_balancer_arn)?;
            let mut row = model::LoadBalancer::clone(&found);
            row.regroup |= row.groups != new;
            row.groups = new;
            tx.put(LOAD_BALANCERS, &key(&scope, &row.name), row);
            Ok::<_, ApiError>(())
        })
        .await?;
    Ok(SetSecurityGroupsOutput {
        security_group_ids: Some(answer),
        ..Default::default()
    })
}

pub(super) async fn set_subnets(
    elb: &Elbv2,
    context: &Context,
    input: SetSubnetsInput,
) -> Result<SetSubnetsOutput, ApiError> {
    let scope = context.scope.clone();
    let not_ipv4 = input
        .ip_address_type
        .as_ref()
        .is_some_and(|it| *it != IpAddressType::Ipv4);
    if not_ipv4 || input.enable_prefix_for_ipv6_source_nat.is_some() {
        return Err(unsupported("IPv6 load balancers"));
    }
    refuse_mapped(input.subnet_mappings.as_deref())?;
    let balancer = table::balancer(&elb.store.snapshot(), &scope, &input.load_balancer_arn)?;
    let (vpc, new) = feet(elb, context, input.subnets, input.subnet_mappings).await?;
    if vpc != balancer.vpc {
        return Err(configuration(
            "The subnets must belong to the load balancer's VPC",
        ));
    }
    let row = elb
        .store
        .write(move |tx| {
            let found = table::balancer(&tx.snapshot(), &scope, &input.load_balancer_arn)?;
            let mut row = model::LoadBalancer::clone(&found);
            let old = std::mem::replace(&mut row.feet, new);
            for foot in old {
                match row.feet.iter_mut().find(|it| it.subnet == foot.subnet) {
                    Some(same) => *same = foot,
                    None => row.left.extend(foot.interface.map(|it| it.id)),
                }
            }
            tx.put(LOAD_BALANCERS, &key(&scope, &row.name), row.clone());
            Ok::<_, ApiError>(row)
        })
        .await?;
    Ok(SetSubnetsOutput {
        availability_zones: Some(zones(&row)),
        ip_address_type: Some(IpAddressType::Ipv4),
        ..Default::default()
    })
}

/// Nothing is reserved.
pub(super) async fn describe_capacity_reservation(
    elb: &Elbv2,
    context: &Context,
    input: DescribeCapacityReservationInput,
) -> Result<DescribeCapacityReservationOutput, ApiError> {
    table::balancer(&elb.store.snapshot(), &context.scope, &input.load_balancer_arn)?;
    Ok(DescribeCapacityReservationOutput {
        capacity_reservation_state: Some(vec![]),
        ..Default::default()
    })
}
