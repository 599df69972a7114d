//! The operations, one line each; the nouns' files say what happens.

mod activity;
pub(crate) mod policy;
mod schedule;
mod tag;
mod target;
mod tracking;

use aws_protocol::operations;
use aws_shape::applicationautoscaling::*;

use crate::AppScaling;

operations! { AppScaling as Api:
    register_scalable_target(RegisterScalableTargetRequest) -> RegisterScalableTargetResponse = target;
    describe_scalable_targets(DescribeScalableTargetsRequest) -> DescribeScalableTargetsResponse = target;
    deregister_scalable_target(DeregisterScalableTargetRequest) -> DeregisterScalableTargetResponse = target;
    put_scaling_policy(PutScalingPolicyRequest) -> PutScalingPolicyResponse = policy;
    describe_scaling_policies(DescribeScalingPoliciesRequest) -> DescribeScalingPoliciesResponse = policy;
    delete_scaling_policy(DeleteScalingPolicyRequest) -> DeleteScalingPolicyResponse = policy;
    describe_scaling_activities(DescribeScalingActivitiesRequest) -> DescribeScalingActivitiesResponse = activity;
    put_scheduled_action(PutScheduledActionRequest) -> PutScheduledActionResponse = schedule;
    describe_scheduled_actions(DescribeScheduledActionsRequest) -> DescribeScheduledActionsResponse = schedule;
    delete_scheduled_action(DeleteScheduledActionRequest) -> DeleteScheduledActionResponse = schedule;
    tag_resource(TagResourceRequest) -> TagResourceResponse = tag;
    untag_resource(UntagResourceRequest) -> UntagResourceResponse = tag;
    list_tags_for_resource(ListTagsForResourceRequest) -> ListTagsForResourceResponse = tag;
}

/// Refuses a namespace that nothing is served for; listing one is an empty list in AWS, as nothing can be in it.
fn is_served(namespace: &ServiceNamespace) -> bool {
    namespace.as_str() == crate::resource::NAMESPACE
}
