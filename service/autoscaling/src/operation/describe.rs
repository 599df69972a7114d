//! Groups and their instances, as they are told.

use std::collections::BTreeSet;

use aws_protocol::{ApiError, Context, page};
use aws_shape::autoscaling::*;
use base_id::Scope;

use super::tag;
use crate::error::{bad_token, validation};
use crate::model::{self, Member};
use crate::{Autoscaling, table};

const GROUPS_MAX: usize = 100;
const GROUPS_DEFAULT: i32 = 50;

pub(super) fn arn(scope: &Scope, group: &model::Group) -> String {
    let resource = format!(
        "autoScalingGroup:{}:autoScalingGroupName/{}",
        group.uuid, group.name
    );
    scope.arn("autoscaling", &resource)
}

pub(super) async fn describe_auto_scaling_groups(
    autoscaling: &Autoscaling,
    context: &Context,
    input: AutoScalingGroupNamesType,
) -> Result<AutoScalingGroupsType, ApiError> {
    let names = input.auto_scaling_group_names.filter(|it| !it.is_empty());
    let filters = input.filters.unwrap_or_default();
    let mut found = Vec::new();
    for group in table::groups(&autoscaling.store.snapshot(), &context.scope) {
        let named = names.as_ref().is_none_or(|it| it.contains(&group.name));
        if named && matches(&group, &filters)? {
            found.push(group);
        }
    }
    let limit = input.max_records.or(Some(GROUPS_DEFAULT));
    let (found, next_token) =
        page(found, limit, GROUPS_MAX, input.next_token.as_deref()).map_err(bad_token)?;
    let with_instances = input.include_instances != Some(false);
    let shapes = found
        .iter()
        .map(|group| shape(&context.scope, group, with_instances));
    Ok(AutoScalingGroupsType {
        auto_scaling_groups: shapes.collect(),
        next_token,
    })
}

fn matches(group: &model::Group, filters: &[Filter]) -> Result<bool, ApiError> {
    for filter in filters {
        let name = filter.name.as_deref().unwrap_or_default();
        let values = filter.values.as_deref().unwrap_or_default();
        let named = |value: &String| values.contains(value);
        let found = match name {
            "tag-key" => group.tags.keys().any(named),
            "tag-value" => group.tags.values().any(|tag| named(&tag.value)),
            _ => match name.strip_prefix("tag:") {
                Some(key) => group.tags.get(key).is_some_and(|tag| named(&tag.value)),
                None => return Err(validation(format!("The filter name '{name}' is not valid."))),
            },
        };
        if !found {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) fn template_shape(template: &model::Template) -> LaunchTemplateSpecification {
    LaunchTemplateSpecification {
        launch_template_id: Some(template.id.clone()),
        launch_template_name: Some(template.name.clone()),
        version: Some(template.version.clone()),
    }
}

fn health(member: &Member) -> &'static str {
    let well = member.unhealthy.is_none() && member.counts();
    if well { "Healthy" } else { "Unhealthy" }
}

fn instance_shape(member: &Member) -> Option<Instance> {
    Some(Instance {
        instance_id: member.instance.clone()?,
        instance_type: member.kind.clone(),
        availability_zone: member.zone.clone(),
        lifecycle_state: member.lifecycle().into(),
        health_status: health(member).to_owned(),
        launch_template: member.template.as_ref().map(template_shape),
        protected_from_scale_in: member.protected,
        ..Default::default()
    })
}

fn shape(scope: &Scope, group: &model::Group, with_instances: bool) -> AutoScalingGroup {
    let zones: BTreeSet<String> = group.subnets.iter().map(|(_, zone)| zone.clone()).collect();
    let subnets: Vec<&str> = group.subnets.iter().map(|(subnet, _)| subnet.as_str()).collect();
    let usual = || vec!["Default".to_owned()];
    let role = format!(
        "arn:aws:iam::{}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
        scope.account
    );
    let metric = |name: &String| EnabledMetric {
        metric: Some(name.clone()),
        granularity: Some(super::process::GRANULARITY.to_owned()),
    };
    let suspended = |(name, why): (&String, &String)| SuspendedProcess {
        process_name: Some(name.clone()),
        suspension_reason: Some(why.clone()),
    };
    AutoScalingGroup {
        auto_scaling_group_name: group.name.clone(),
        auto_scaling_group_arn: Some(arn(scope, group)),
        launch_template: Some(template_shape(&group.template)),
        min_size: group.min as i32,
        max_size: group.max as i32,
        desired_capacity: group.desired as i32,
        default_cooldown: group.cooldown_seconds as i32,
        availability_zones: zones.into_iter().collect(),
        load_balancer_names: Some(vec![]),
        target_group_ar_ns: Some(group.target_groups.clone()),
        health_check_type: if group.elb_checks { "ELB" } else { "EC2" }.to_owned(),
        health_check_grace_period: Some(group.grace_seconds as i32),
        instances: with_instances.then(|| group.members.iter().filter_map(instance_shape).collect()),
        created_time: group.created_at,
        suspended_processes: Some(group.suspended.iter().map(suspended).collect()),
        vpc_zone_identifier: Some(subnets.join(",")),
        enabled_metrics: Some(group.metrics.iter().map(metric).collect()),
        status: group.deleting.then(|| "Delete in progress".to_owned()),
        tags: Some(tag::shapes(group)),
        termination_policies: Some(
            Some(group.policies.clone())
                .filter(|it| !it.is_empty())
                .unwrap_or_else(usual),
        ),
        new_instances_protected_from_scale_in: Some(group.protect_new),
        service_linked_role_arn: Some(group.service_role.clone().unwrap_or(role)),
        context: group.context.clone(),
        default_instance_warmup: group.warmup_seconds.map(|it| it as i32),
        traffic_sources: Some(
            group
                .target_groups
                .iter()
                .map(|arn| TrafficSourceIdentifier {
                    identifier: arn.clone(),
                    type_: Some("elbv2".to_owned()),
                })
                .collect(),
        ),
        availability_zone_distribution: Some(AvailabilityZoneDistribution {
            capacity_distribution_strategy: Some(CapacityDistributionStrategy::BalancedBestEffort),
        }),
        capacity_reservation_specification: Some(CapacityReservationSpecification {
            capacity_reservation_preference: Some("default".into()),
            capacity_reservation_target: None,
        }),
        ..Default::default()
    }
}

pub(super) async fn describe_auto_scaling_instances(
    autoscaling: &Autoscaling,
    context: &Context,
    input: DescribeAutoScalingInstancesType,
) -> Result<AutoScalingInstancesType, ApiError> {
    let wanted = input.instance_ids.filter(|it| !it.is_empty());
    let mut found = Vec::new();
    for group in table::groups(&autoscaling.store.snapshot(), &context.scope) {
        for member in &group.members {
            let Some(told) = instance_shape(member) else {
                continue;
            };
            if wanted.as_ref().is_none_or(|it| it.contains(&told.instance_id)) {
                found.push(AutoScalingInstanceDetails {
                    instance_id: told.instance_id,
                    instance_type: told.instance_type,
                    auto_scaling_group_name: group.name.clone(),
                    availability_zone: told.availability_zone,
                    lifecycle_state: member.lifecycle().to_owned(),
                    health_status: health(member).to_uppercase(),
                    launch_template: told.launch_template,
                    protected_from_scale_in: told.protected_from_scale_in,
                    ..Default::default()
                });
            }
        }
    }
    let limit = input.max_records.or(Some(GROUPS_DEFAULT));
    let (found, next_token) =
        page(found, limit, GROUPS_DEFAULT as usize, input.next_token.as_deref()).map_err(bad_token)?;
    Ok(AutoScalingInstancesType {
        auto_scaling_instances: Some(found),
        next_token,
    })
}
