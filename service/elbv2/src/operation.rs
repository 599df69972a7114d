//! The operations, one line each.

mod balancer;
mod balancer_change;
mod certificate;
mod health;
mod listener;
mod tag;
mod target;
mod target_group;

use aws_protocol::{ApiError, operations};
use aws_shape::elbv2::*;

use crate::Elbv2;

operations! { Elbv2 as Api:
    create_load_balancer(CreateLoadBalancerInput) -> CreateLoadBalancerOutput = balancer;
    describe_load_balancers(DescribeLoadBalancersInput) -> DescribeLoadBalancersOutput = balancer;
    delete_load_balancer(DeleteLoadBalancerInput) -> DeleteLoadBalancerOutput = balancer;
    describe_load_balancer_attributes(DescribeLoadBalancerAttributesInput) -> DescribeLoadBalancerAttributesOutput = balancer;
    modify_load_balancer_attributes(ModifyLoadBalancerAttributesInput) -> ModifyLoadBalancerAttributesOutput = balancer;
    set_security_groups(SetSecurityGroupsInput) -> SetSecurityGroupsOutput = balancer_change;
    set_subnets(SetSubnetsInput) -> SetSubnetsOutput = balancer_change;
    describe_capacity_reservation(DescribeCapacityReservationInput) -> DescribeCapacityReservationOutput = balancer_change;
    describe_listener_attributes(DescribeListenerAttributesInput) -> DescribeListenerAttributesOutput = listener;
    modify_listener_attributes(ModifyListenerAttributesInput) -> ModifyListenerAttributesOutput = listener;
    create_listener(CreateListenerInput) -> CreateListenerOutput = listener;
    describe_listeners(DescribeListenersInput) -> DescribeListenersOutput = listener;
    modify_listener(ModifyListenerInput) -> ModifyListenerOutput = listener;
    delete_listener(DeleteListenerInput) -> DeleteListenerOutput = listener;
    add_listener_certificates(AddListenerCertificatesInput) -> AddListenerCertificatesOutput = certificate;
    remove_listener_certificates(RemoveListenerCertificatesInput) -> RemoveListenerCertificatesOutput = certificate;
    describe_listener_certificates(DescribeListenerCertificatesInput) -> DescribeListenerCertificatesOutput = certificate;
    describe_ssl_policies(DescribeSSLPoliciesInput) -> DescribeSSLPoliciesOutput = certificate;
    describe_rules(DescribeRulesInput) -> DescribeRulesOutput = listener;
    create_target_group(CreateTargetGroupInput) -> CreateTargetGroupOutput = target_group;
    describe_target_groups(DescribeTargetGroupsInput) -> DescribeTargetGroupsOutput = target_group;
    modify_target_group(ModifyTargetGroupInput) -> ModifyTargetGroupOutput = target_group;
    delete_target_group(DeleteTargetGroupInput) -> DeleteTargetGroupOutput = target_group;
    describe_target_group_attributes(DescribeTargetGroupAttributesInput) -> DescribeTargetGroupAttributesOutput = target_group;
    modify_target_group_attributes(ModifyTargetGroupAttributesInput) -> ModifyTargetGroupAttributesOutput = target_group;
    register_targets(RegisterTargetsInput) -> RegisterTargetsOutput = target;
    deregister_targets(DeregisterTargetsInput) -> DeregisterTargetsOutput = target;
    describe_target_health(DescribeTargetHealthInput) -> DescribeTargetHealthOutput = health;
    add_tags(AddTagsInput) -> AddTagsOutput = tag;
    remove_tags(RemoveTagsInput) -> RemoveTagsOutput = tag;
    describe_tags(DescribeTagsInput) -> DescribeTagsOutput = tag;
}

const PAGE_ITEMS_MAX: usize = 400;

/// A page, with ELB's word for its token.
fn page<T>(
    items: Vec<T>,
    size: Option<i32>,
    marker: Option<&str>,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    aws_protocol::page(items, size, PAGE_ITEMS_MAX, marker)
        .map_err(|_| crate::error::validation("The marker is invalid"))
}
