//! Capacity providers that are Auto Scaling groups: made, changed, deleted.

use aws_protocol::{ApiError, Context};
use aws_shape::autoscaling::{self, AutoScalingGroup};
use aws_shape::ecs::*;

use super::tag;
use crate::Ecs;
use crate::error::{client, invalid, unsupported};
use crate::model::cluster::PROVIDERS as BUILT_IN;
use crate::model::name;
use crate::model::provider::{Provider, Scaling};
use crate::model::service::State;
use crate::table::{CLUSTERS, PROVIDERS, SERVICES, key};
use crate::view;

const STEP_MAX: u32 = 10_000;
const WARMUP_SECONDS_MAX: u32 = 10_000;

fn in_use(message: impl Into<String>) -> ApiError {
    ApiError::client("ResourceInUseException", message)
}

fn not_found() -> ApiError {
    client("The specified capacity provider does not exist. Specify a valid name or ARN and try again.")
}

pub(super) async fn create_capacity_provider(
    ecs: &Ecs,
    context: &Context,
    input: CreateCapacityProviderRequest,
) -> Result<CreateCapacityProviderResponse, ApiError> {
    let scope = context.scope.clone();
    let lower = input.name.to_lowercase();
    let reserved = ["aws", "ecs", "fargate"]
        .iter()
        .any(|head| lower.starts_with(head));
    if !name::is_valid(&input.name) || reserved {
        return Err(invalid(
            "The specified capacity provider name is invalid. Up to 255 characters are allowed, including letters (upper and lowercase), numbers, underscores, and hyphens. The name cannot be prefixed with \"aws\", \"ecs\", or \"fargate\". Specify a valid name and try again.",
        ));
    }
    if input.cluster.is_some() || input.managed_instances_provider.is_some() {
        return Err(unsupported("capacity providers of managed instances"));
    }
    let given = input
        .auto_scaling_group_provider
        .ok_or_else(|| invalid("An Auto Scaling group provider must be specified."))?;
    let group = group(ecs, context, &given.auto_scaling_group_arn).await?;
    let scaling = scaling(Scaling::default(), given.managed_scaling)?;
    let protection = given.managed_termination_protection == Some(ManagedTerminationProtection::Enabled);
    check_protection(protection, &scaling, &group)?;
    let new = Provider {
        arn: scope.arn("ecs", &format!("capacity-provider/{}", input.name)),
        name: input.name,
        group_arn: group.auto_scaling_group_arn.clone().unwrap_or_default(),
        group: group.auto_scaling_group_name.clone(),
        scaling,
        protection,
        draining: given.managed_draining != Some(ManagedDraining::Disabled),
        updated: false,
        low_since: None,
        size: None,
        attributes: Default::default(),
        tags: tag::parse(input.tags)?,
    };
    let row = ecs
        .store
        .write(move |tx| {
            let place = key(&scope, &new.name);
            if tx.get(PROVIDERS, &place).is_some() {
                return Err(client(
                    "The specified capacity provider already exists. To change the configuration of an existing capacity provider, update the capacity provider.",
                ));
            }
            tx.put(PROVIDERS, &place, new.clone());
            Ok(new)
        })
        .await?;
    Ok(CreateCapacityProviderResponse {
        capacity_provider: Some(view::provider(&row, true)),
    })
}

/// An Auto Scaling group by name or ARN, which ends in `autoScalingGroupName/<name>`.
async fn group(ecs: &Ecs, context: &Context, given: &str) -> Result<AutoScalingGroup, ApiError> {
    let name = match given.split_once("autoScalingGroupName/") {
        Some((_, name)) => name,
        None => given,
    };
    let input = autoscaling::AutoScalingGroupNamesType {
        auto_scaling_group_names: Some(vec![name.to_owned()]),
        ..Default::default()
    };
    let answer = ecs
        .neighbours
        .autoscaling
        .describe_auto_scaling_groups(context, input)
        .await?;
    let is_meant = |group: &AutoScalingGroup| {
        !given.starts_with("arn:") || group.auto_scaling_group_arn.as_deref() == Some(given)
    };
    answer.auto_scaling_groups.into_iter().find(is_meant).ok_or_else(|| {
        client("The specified Auto Scaling group ARN is invalid. Specify a valid Auto Scaling group ARN and try again.")
    })
}

/// What a request says of managed scaling; what it does not name stays, or is AWS's default once scaling is managed.
fn scaling(old: Scaling, given: Option<ManagedScaling>) -> Result<Scaling, ApiError> {
    let Some(given) = given else { return Ok(old) };
    let number = |value: Option<i32>, old: Option<u32>, least: u32, most: u32, what: &str| match value {
        None => Ok(old),
        Some(value) => match u32::try_from(value).ok().filter(|it| (least..=most).contains(it)) {
            Some(value) => Ok(Some(value)),
            None => Err(client(format!(
                "The managed scaling {what} must be between {least} and {most}."
            ))),
        },
    };
    let enabled = match &given.status {
        None => old.enabled,
        Some(ManagedScalingStatus::Enabled) => true,
        Some(ManagedScalingStatus::Disabled) => false,
        Some(_) => {
            return Err(client(
                "Managed scaling status should be one of [ENABLED,DISABLED]",
            ));
        }
    };
    let known = |old: Option<u32>, default: u32| old.or(enabled.then_some(default));
    let scaling = Scaling {
        enabled,
        target: number(
            given.target_capacity,
            known(old.target, Scaling::TARGET_DEFAULT),
            1,
            100,
            "target capacity",
        )?,
        step_least: number(
            given.minimum_scaling_step_size,
            known(old.step_least, Scaling::STEP_LEAST_DEFAULT),
            1,
            STEP_MAX,
            "minimum step size",
        )?,
        step_most: number(
            given.maximum_scaling_step_size,
            known(old.step_most, Scaling::STEP_MOST_DEFAULT),
            1,
            STEP_MAX,
            "maximum step size",
        )?,
        warmup_seconds: number(
            given.instance_warmup_period,
            known(old.warmup_seconds, Scaling::WARMUP_SECONDS_DEFAULT),
            0,
            WARMUP_SECONDS_MAX,
            "instance warmup period",
        )?,
    };
    if scaling.step_least > scaling.step_most {
        return Err(client(
            "The managed scaling minimum step size must not be greater than the maximum step size.",
        ));
    }
    Ok(scaling)
}

fn check_protection(wanted: bool, scaling: &Scaling, group: &AutoScalingGroup) -> Result<(), ApiError> {
    let invalid = |why: &str| {
        client(format!(
            "The managed termination protection setting for the capacity provider is invalid. To enable managed termination protection for a capacity provider, {why}"
        ))
    };
    if wanted && !scaling.enabled {
        return Err(invalid(
            "the capacity provider must have managed scaling enabled.",
        ));
    }
    if wanted && group.new_instances_protected_from_scale_in != Some(true) {
        return Err(invalid(
            "the Auto Scaling group must have instance protection from scale in enabled.",
        ));
    }
    Ok(())
}

pub(super) async fn update_capacity_provider(
    ecs: &Ecs,
    context: &Context,
    input: UpdateCapacityProviderRequest,
) -> Result<UpdateCapacityProviderResponse, ApiError> {
    let (scope, snapshot) = (context.scope.clone(), ecs.store.snapshot());
    if input.cluster.is_some() || input.managed_instances_provider.is_some() {
        return Err(unsupported("capacity providers of managed instances"));
    }
    let given = input
        .auto_scaling_group_provider
        .ok_or_else(|| invalid("An Auto Scaling group provider must be specified."))?;
    let place = key(&scope, &name::service(&input.name));
    let old = snapshot.get(PROVIDERS, &place).ok_or_else(not_found)?;
    let protection = match &given.managed_termination_protection {
        None => old.protection,
        Some(wanted) => *wanted == ManagedTerminationProtection::Enabled,
    };
    let scaling = scaling(old.scaling.clone(), given.managed_scaling)?;
    if protection {
        let group = group(ecs, context, &old.group_arn).await?;
        check_protection(protection, &scaling, &group)?;
    }
    let draining = given.managed_draining;
    let row = ecs
        .store
        .write(move |tx| {
            let old = tx.get(PROVIDERS, &place).ok_or_else(not_found)?;
            let row = Provider {
                scaling,
                protection,
                draining: draining.map_or(old.draining, |it| it != ManagedDraining::Disabled),
                updated: true,
                low_since: None,
                ..Provider::clone(&old)
            };
            tx.put(PROVIDERS, &place, row.clone());
            Ok::<_, ApiError>(row)
        })
        .await?;
    Ok(UpdateCapacityProviderResponse {
        capacity_provider: Some(view::provider(&row, true)),
    })
}

pub(super) async fn delete_capacity_provider(
    ecs: &Ecs,
    context: &Context,
    input: DeleteCapacityProviderRequest,
) -> Result<DeleteCapacityProviderResponse, ApiError> {
    let (scope, name) = (context.scope.clone(), name::service(&input.capacity_provider));
    if BUILT_IN.contains(&name.as_str()) {
        return Err(client(format!(
            "The {name} capacity provider is reserved and cannot be deleted."
        )));
    }
    let row = ecs
        .store
        .write(move |tx| {
            let place = key(&scope, &name);
            let row = tx.get(PROVIDERS, &place).ok_or_else(not_found)?;
            let prefix = key(&scope, "");
            let clusters = tx.prefix(CLUSTERS, &prefix);
            let user = clusters
                .iter()
                .find(|(_, it)| !it.inactive && it.capacity_providers.contains(&name));
            if let Some((_, cluster)) = user {
                return Err(in_use(format!(
                    "The capacity provider cannot be deleted because it is associated with cluster: {}. Remove the capacity provider from the cluster and try again.",
                    cluster.name
                )));
            }
            let services = tx.prefix(SERVICES, &prefix);
            let uses = |strategy: &crate::model::cluster::Strategy| strategy.iter().any(|(it, ..)| *it == name);
            if services
                .iter()
                .any(|(_, it)| it.state != State::Inactive && uses(&it.strategy))
            {
                return Err(in_use("The specified capacity provider is in use and cannot be removed."));
            }
            tx.delete(PROVIDERS, &place);
            Ok(row)
        })
        .await?;
    Ok(DeleteCapacityProviderResponse {
        capacity_provider: Some(CapacityProvider {
            status: Some(CapacityProviderStatus::Inactive),
            update_status: Some(CapacityProviderUpdateStatus::DeleteComplete),
            ..view::provider(&row, true)
        }),
    })
}
