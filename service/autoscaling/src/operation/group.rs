//! Creating, changing and deleting groups.

use aws_protocol::{ApiError, Context};
use aws_shape::autoscaling::*;

use super::group_check::{self, number};
use super::tag;
use crate::error::{unsupported, validation};
use crate::model::Group;
use crate::table::{self, GROUPS, key};
use crate::{Autoscaling, event};

/// AWS's own values where nothing is said.
const COOLDOWN_SECONDS: u32 = 300;
const NAME_CHARACTERS_MAX: usize = 255;

/// Members that have an effect in AWS and none here.
macro_rules! refuse {
    ($input:ident: $($field:ident = $name:literal),* $(,)?) => {$(
        if $input.$field.is_some() {
            return Err(unsupported($name));
        }
    )*};
}

/// What CreateAutoScalingGroup and UpdateAutoScalingGroup refuse alike.
macro_rules! refuse_both {
    ($input:ident) => {
        refuse!($input: placement_group = "PlacementGroup", availability_zone_ids = "AvailabilityZoneIds",
            availability_zone_impairment_policy = "AvailabilityZoneImpairmentPolicy",
            instance_lifecycle_policy = "InstanceLifecyclePolicy",
            instance_maintenance_policy = "InstanceMaintenancePolicy");
        if $input.max_instance_lifetime.is_some_and(|it| it != 0) {
            return Err(unsupported("MaxInstanceLifetime"));
        }
        if $input.capacity_rebalance == Some(true) {
            return Err(unsupported("CapacityRebalance"));
        }
        if $input.desired_capacity_type.as_ref().is_some_and(|it| it != "units") {
            return Err(unsupported("DesiredCapacityType other than units"));
        }
        if $input.deletion_protection.as_ref().is_some_and(|it| *it != DeletionProtection::None) {
            return Err(unsupported("DeletionProtection"));
        }
        let strategy = $input.availability_zone_distribution.as_ref();
        let strategy = strategy.and_then(|it| it.capacity_distribution_strategy.as_ref());
        if strategy.is_some_and(|it| *it != CapacityDistributionStrategy::BalancedBestEffort) {
            return Err(unsupported("AvailabilityZoneDistribution"));
        }
        let reserved = $input.capacity_reservation_specification.as_ref();
        let preference = reserved.and_then(|it| it.capacity_reservation_preference.as_ref());
        let target = reserved.and_then(|it| it.capacity_reservation_target.as_ref());
        if target.is_some() || preference.is_some_and(|it| !["default", "none"].contains(&it.as_str())) {
            return Err(unsupported("CapacityReservationSpecification"));
        }
    };
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let fits = (1..=NAME_CHARACTERS_MAX).contains(&name.chars().count());
    if !fits || name.contains([':', '/']) || name.chars().any(char::is_control) {
        return Err(validation(format!("The group name '{name}' is not valid.")));
    }
    Ok(())
}

pub(super) async fn create_auto_scaling_group(
    autoscaling: &Autoscaling,
    context: &Context,
    input: CreateAutoScalingGroupType,
) -> Result<(), ApiError> {
    check_name(&input.auto_scaling_group_name)?;
    refuse_both!(input);
    refuse!(input: instance_id = "InstanceId");
    if input
        .load_balancer_names
        .as_ref()
        .is_some_and(|it| !it.is_empty())
    {
        return Err(unsupported("LoadBalancerNames"));
    }
    if input.traffic_sources.as_ref().is_some_and(|it| !it.is_empty()) {
        return Err(unsupported("TrafficSources"));
    }
    if input
        .lifecycle_hook_specification_list
        .as_ref()
        .is_some_and(|it| !it.is_empty())
    {
        return Err(unsupported("LifecycleHookSpecificationList"));
    }
    group_check::only_template(
        input.launch_configuration_name.as_ref(),
        input.mixed_instances_policy.as_ref(),
    )?;
    let group = parse(autoscaling, context, input).await?;
    let scope = context.scope.clone();
    autoscaling
        .store
        .write(move |tx| {
            let place = key(&scope, &group.name);
            if tx.get(GROUPS, &place).is_some() {
                let message = format!(
                    "AutoScalingGroup by this name already exists - A group with the name {} already exists",
                    group.name
                );
                return Err(ApiError::client("AlreadyExists", message));
            }
            tx.put(GROUPS, &place, group);
            Ok(())
        })
        .await
}

async fn parse(
    autoscaling: &Autoscaling,
    context: &Context,
    input: CreateAutoScalingGroupType,
) -> Result<Group, ApiError> {
    let given = input.launch_template.ok_or_else(|| {
        validation("Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy parameter.")
    })?;
    let template = group_check::template(autoscaling, context, given).await?;
    let zones = input.availability_zones.unwrap_or_default();
    let identifier = input.vpc_zone_identifier.as_deref();
    let subnets = group_check::subnets(autoscaling, context, identifier, &zones).await?;
    let target_groups = input.target_group_ar_ns.unwrap_or_default();
    group_check::target_groups(autoscaling, context, &target_groups).await?;
    let (min, max) = (
        number("MinSize", input.min_size)?,
        number("MaxSize", input.max_size)?,
    );
    let desired = input
        .desired_capacity
        .map_or(Ok(min), |it| number("DesiredCapacity", it))?;
    let now = autoscaling.clock.now();
    let optional = |name, value: Option<i32>| value.map(|it| number(name, it)).transpose();
    let group = Group {
        uuid: autoscaling.ids.uuid(),
        created_at: now,
        template,
        min,
        max,
        desired,
        cooldown_seconds: optional("DefaultCooldown", input.default_cooldown)?.unwrap_or(COOLDOWN_SECONDS),
        subnets,
        target_groups,
        elb_checks: group_check::elb_checks(input.health_check_type.as_deref().unwrap_or("EC2"))?,
        grace_seconds: optional("HealthCheckGracePeriod", input.health_check_grace_period)?.unwrap_or(0),
        policies: group_check::policies(input.termination_policies.unwrap_or_default())?,
        protect_new: input.new_instances_protected_from_scale_in.unwrap_or(false),
        warmup_seconds: warmup(input.default_instance_warmup)?,
        service_role: input.service_linked_role_arn,
        context: input.context,
        metrics: Default::default(),
        suspended: Default::default(),
        tags: tag::parse(&input.auto_scaling_group_name, input.tags.unwrap_or_default())?,
        members: vec![],
        deleting: false,
        change: event::user_created(now, min, max, desired),
        scaled_at: None,
        replacing: 0,
        back_off: None,
        refreshes: vec![],
        moved: None,
        settled_at: None,
        name: input.auto_scaling_group_name,
    };
    group_check::sizes(&group)?;
    Ok(group)
}

/// -1 takes it away.
fn warmup(given: Option<i32>) -> Result<Option<u32>, ApiError> {
    given
        .filter(|it| *it != -1)
        .map(|it| number("DefaultInstanceWarmup", it))
        .transpose()
}

pub(super) async fn update_auto_scaling_group(
    autoscaling: &Autoscaling,
    context: &Context,
    input: UpdateAutoScalingGroupType,
) -> Result<(), ApiError> {
    refuse_both!(input);
    group_check::only_template(
        input.launch_configuration_name.as_ref(),
        input.mixed_instances_policy.as_ref(),
    )?;
    let scope = context.scope.clone();
    table::group(
        &autoscaling.store.snapshot(),
        &scope,
        &input.auto_scaling_group_name,
    )?;
    let template = match input.launch_template.clone() {
        Some(given) => Some(group_check::template(autoscaling, context, given).await?),
        None => None,
    };
    let zones = input.availability_zones.clone().unwrap_or_default();
    let moved = input.vpc_zone_identifier.as_deref().filter(|it| !it.is_empty());
    let subnets = if moved.is_some() || !zones.is_empty() {
        Some(group_check::subnets(autoscaling, context, moved, &zones).await?)
    } else {
        None
    };
    let now = autoscaling.clock.now();
    autoscaling
        .store
        .write(move |tx| {
            let mut group = table::group(&tx.snapshot(), &scope, &input.auto_scaling_group_name)?;
            if group.deleting {
                let message = "You cannot update an AutoScalingGroup that is being deleted.";
                return Err(ApiError::client("ScalingActivityInProgress", message));
            }
            if let Some(template) = template {
                group.template = template;
                group.back_off = None;
            }
            if let Some(subnets) = subnets {
                group.subnets = subnets;
            }
            let before = group.desired;
            resize(&mut group, &input)?;
            if group.desired != before {
                group.moved = None;
                group.change = event::user_changed(now, group.min, group.max, before, group.desired);
                group.back_off = None;
            }
            options(&mut group, input)?;
            tx.put(GROUPS, &key(&scope, &group.name), group.clone());
            Ok(())
        })
        .await
}

/// The desired capacity follows the bounds, unless it is said.
fn resize(group: &mut Group, input: &UpdateAutoScalingGroupType) -> Result<(), ApiError> {
    if let Some(min) = input.min_size {
        group.min = number("MinSize", min)?;
    }
    if let Some(max) = input.max_size {
        group.max = number("MaxSize", max)?;
    }
    group.desired = match input.desired_capacity {
        Some(desired) => number("DesiredCapacity", desired)?,
        None => group.desired.min(group.max).max(group.min),
    };
    group_check::sizes(group)
}

fn options(group: &mut Group, input: UpdateAutoScalingGroupType) -> Result<(), ApiError> {
    if let Some(seconds) = input.default_cooldown {
        group.cooldown_seconds = number("DefaultCooldown", seconds)?;
    }
    if let Some(kind) = input.health_check_type {
        group.elb_checks = group_check::elb_checks(&kind)?;
    }
    if let Some(seconds) = input.health_check_grace_period {
        group.grace_seconds = number("HealthCheckGracePeriod", seconds)?;
    }
    if let Some(policies) = input.termination_policies {
        group.policies = group_check::policies(policies)?;
    }
    if let Some(protect) = input.new_instances_protected_from_scale_in {
        group.protect_new = protect;
    }
    if input.default_instance_warmup.is_some() {
        group.warmup_seconds = warmup(input.default_instance_warmup)?;
    }
    if let Some(arn) = input.service_linked_role_arn {
        group.service_role = Some(arn);
    }
    if let Some(context) = input.context {
        group.context = Some(context);
    }
    Ok(())
}

pub(super) async fn delete_auto_scaling_group(
    autoscaling: &Autoscaling,
    context: &Context,
    input: DeleteAutoScalingGroupType,
) -> Result<(), ApiError> {
    let scope = context.scope.clone();
    autoscaling
        .store
        .write(move |tx| {
            let mut group = table::group(&tx.snapshot(), &scope, &input.auto_scaling_group_name)?;
            let place = key(&scope, &group.name);
            if group.members.is_empty() {
                tx.delete(GROUPS, &place);
                table::drop_activities(tx, &scope, &group.name);
                return Ok(());
            }
            if input.force_delete != Some(true) {
                let message = "You cannot delete an AutoScalingGroup while there are instances or pending spot instance request(s) still in the group.";
                return Err(ApiError::client("ResourceInUse", message));
            }
            (group.min, group.desired, group.deleting) = (0, 0, true);
            tx.put(GROUPS, &place, group);
            Ok(())
        })
        .await
}
