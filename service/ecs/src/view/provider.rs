//! How a capacity provider looks to a caller.

use aws_shape::ecs as shape;

use super::tags;
use crate::model::provider::Provider;

pub(crate) fn provider(row: &Provider, with_tags: bool) -> shape::CapacityProvider {
    let number = |value: Option<u32>| value.map(|value| value as i32);
    let scaling = &row.scaling;
    let switch = |on: bool| if on { "ENABLED" } else { "DISABLED" };
    shape::CapacityProvider {
        capacity_provider_arn: Some(row.arn.clone()),
        name: Some(row.name.clone()),
        status: Some(shape::CapacityProviderStatus::Active),
        auto_scaling_group_provider: Some(shape::AutoScalingGroupProvider {
            auto_scaling_group_arn: row.group_arn.clone(),
            managed_scaling: Some(shape::ManagedScaling {
                status: Some(switch(scaling.enabled).into()),
                target_capacity: number(scaling.target),
                minimum_scaling_step_size: number(scaling.step_least),
                maximum_scaling_step_size: number(scaling.step_most),
                instance_warmup_period: number(scaling.warmup_seconds),
            }),
            managed_termination_protection: Some(switch(row.protection).into()),
            managed_draining: Some(switch(row.draining).into()),
        }),
        update_status: Some(match row.updated {
            true => shape::CapacityProviderUpdateStatus::UpdateComplete,
            false => shape::CapacityProviderUpdateStatus::CreateComplete,
        }),
        tags: Some(if with_tags { tags(&row.tags) } else { vec![] }),
        type_: Some(shape::CapacityProviderType::Ec2Autoscaling),
        ..Default::default()
    }
}
