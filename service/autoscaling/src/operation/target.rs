//! The load balancers' target groups that a group's instances serve in.

use aws_protocol::{ApiError, Context, page};
use aws_shape::autoscaling::*;

use super::group_check;
use crate::Autoscaling;
use crate::error::{bad_token, validation};
use crate::model::Stage;
use crate::table::{self, GROUPS, key};

const PAGE_MAX: usize = 100;

pub(super) async fn attach_load_balancer_target_groups(
    autoscaling: &Autoscaling,
    context: &Context,
    input: AttachLoadBalancerTargetGroupsType,
) -> Result<AttachLoadBalancerTargetGroupsResultType, ApiError> {
    group_check::target_groups(autoscaling, context, &input.target_group_ar_ns).await?;
    let scope = context.scope.clone();
    autoscaling
        .store
        .write(move |tx| {
            let mut group = table::group(&tx.snapshot(), &scope, &input.auto_scaling_group_name)?;
            for arn in input.target_group_ar_ns {
                if !group.target_groups.contains(&arn) {
                    group.target_groups.push(arn);
                }
            }
            tx.put(GROUPS, &key(&scope, &group.name), group.clone());
            Ok(AttachLoadBalancerTargetGroupsResultType {})
        })
        .await
}

pub(super) async fn detach_load_balancer_target_groups(
    autoscaling: &Autoscaling,
    context: &Context,
    input: DetachLoadBalancerTargetGroupsType,
) -> Result<DetachLoadBalancerTargetGroupsResultType, ApiError> {
    let scope = context.scope.clone();
    autoscaling
        .store
        .write(move |tx| {
            let mut group = table::group(&tx.snapshot(), &scope, &input.auto_scaling_group_name)?;
            let unknown = |arn: &&String| !group.target_groups.contains(arn);
            if let Some(unknown) = input.target_group_ar_ns.iter().find(unknown) {
                let message =
                    format!("Trying to remove Target Groups that are not part of the group: {unknown}");
                return Err(validation(message));
            }
            group
                .target_groups
                .retain(|arn| !input.target_group_ar_ns.contains(arn));
            tx.put(GROUPS, &key(&scope, &group.name), group.clone());
            Ok(DetachLoadBalancerTargetGroupsResultType {})
        })
        .await
}

pub(super) async fn describe_load_balancer_target_groups(
    autoscaling: &Autoscaling,
    context: &Context,
    input: DescribeLoadBalancerTargetGroupsRequest,
) -> Result<DescribeLoadBalancerTargetGroupsResponse, ApiError> {
    let group = table::group(
        &autoscaling.store.snapshot(),
        &context.scope,
        &input.auto_scaling_group_name,
    )?;
    let serving: Vec<_> = group
        .members
        .iter()
        .filter(|it| it.stage == Stage::InService)
        .collect();
    let states = group.target_groups.iter().map(|arn| {
        let all = serving.iter().all(|it| it.registered.contains(arn));
        let state = match (all, serving.is_empty()) {
            (true, true) => "Added",
            (true, false) => "InService",
            _ => "Adding",
        };
        LoadBalancerTargetGroupState {
            load_balancer_target_group_arn: Some(arn.clone()),
            state: Some(state.to_owned()),
        }
    });
    let (states, next_token) = page(
        states.collect(),
        input.max_records,
        PAGE_MAX,
        input.next_token.as_deref(),
    )
    .map_err(bad_token)?;
    Ok(DescribeLoadBalancerTargetGroupsResponse {
        load_balancer_target_groups: Some(states),
        next_token,
    })
}
