//! The operations, one line each; the nouns' files say what happens.

mod activity;
mod capacity;
mod describe;
mod group;
mod group_check;
mod instance;
pub(crate) mod policy;
mod policy_check;
mod process;
mod refresh;
mod schedule;
mod tag;
mod target;
mod tracking;

use aws_protocol::operations;
use aws_shape::autoscaling::*;

use crate::Autoscaling;

operations! { Autoscaling as Api:
    create_auto_scaling_group(CreateAutoScalingGroupType) -> () = group;
    update_auto_scaling_group(UpdateAutoScalingGroupType) -> () = group;
    delete_auto_scaling_group(DeleteAutoScalingGroupType) -> () = group;
    describe_auto_scaling_groups(AutoScalingGroupNamesType) -> AutoScalingGroupsType = describe;
    describe_auto_scaling_instances(DescribeAutoScalingInstancesType) -> AutoScalingInstancesType = describe;
    describe_scaling_activities(DescribeScalingActivitiesType) -> ActivitiesType = activity;
    set_desired_capacity(SetDesiredCapacityType) -> () = capacity;
    set_instance_protection(SetInstanceProtectionQuery) -> SetInstanceProtectionAnswer = instance;
    set_instance_health(SetInstanceHealthQuery) -> () = instance;
    terminate_instance_in_auto_scaling_group(TerminateInstanceInAutoScalingGroupType) -> ActivityType = capacity;
    attach_instances(AttachInstancesQuery) -> () = instance;
    detach_instances(DetachInstancesQuery) -> DetachInstancesAnswer = instance;
    enable_metrics_collection(EnableMetricsCollectionQuery) -> () = process;
    disable_metrics_collection(DisableMetricsCollectionQuery) -> () = process;
    suspend_processes(ScalingProcessQuery) -> () = process;
    resume_processes(ScalingProcessQuery) -> () = process;
    describe_metric_collection_types(DescribeMetricCollectionTypesRequest) -> DescribeMetricCollectionTypesAnswer = process;
    describe_scaling_process_types(DescribeScalingProcessTypesRequest) -> ProcessesType = process;
    describe_termination_policy_types(DescribeTerminationPolicyTypesRequest) -> DescribeTerminationPolicyTypesAnswer = process;
    put_scaling_policy(PutScalingPolicyType) -> PolicyARNType = policy;
    describe_policies(DescribePoliciesType) -> PoliciesType = policy;
    delete_policy(DeletePolicyType) -> () = policy;
    execute_policy(ExecutePolicyType) -> () = policy;
    describe_adjustment_types(DescribeAdjustmentTypesRequest) -> DescribeAdjustmentTypesAnswer = policy_check;
    put_scheduled_update_group_action(PutScheduledUpdateGroupActionType) -> () = schedule;
    batch_put_scheduled_update_group_action(BatchPutScheduledUpdateGroupActionType) -> BatchPutScheduledUpdateGroupActionAnswer = schedule;
    describe_scheduled_actions(DescribeScheduledActionsType) -> ScheduledActionsType = schedule;
    delete_scheduled_action(DeleteScheduledActionType) -> () = schedule;
    batch_delete_scheduled_action(BatchDeleteScheduledActionType) -> BatchDeleteScheduledActionAnswer = schedule;
    create_or_update_tags(CreateOrUpdateTagsType) -> () = tag;
    delete_tags(DeleteTagsType) -> () = tag;
    describe_tags(DescribeTagsType) -> TagsType = tag;
    attach_load_balancer_target_groups(AttachLoadBalancerTargetGroupsType) -> AttachLoadBalancerTargetGroupsResultType = target;
    detach_load_balancer_target_groups(DetachLoadBalancerTargetGroupsType) -> DetachLoadBalancerTargetGroupsResultType = target;
    describe_load_balancer_target_groups(DescribeLoadBalancerTargetGroupsRequest) -> DescribeLoadBalancerTargetGroupsResponse = target;
    start_instance_refresh(StartInstanceRefreshType) -> StartInstanceRefreshAnswer = refresh;
    describe_instance_refreshes(DescribeInstanceRefreshesType) -> DescribeInstanceRefreshesAnswer = refresh;
    cancel_instance_refresh(CancelInstanceRefreshType) -> CancelInstanceRefreshAnswer = refresh;
}
