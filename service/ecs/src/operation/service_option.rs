//! What requests for services and tasks say by themselves: counts, percentages, launch types, strategies.

use aws_protocol::ApiError;
use aws_shape::ecs::*;
use base_id::Scope;
use base_store::Snapshot;

use crate::error::{client, invalid, unsupported};
use crate::model::cluster::{Cluster, PROVIDERS, Strategy, launch as launch_of};
use crate::model::given;
use crate::model::service::{CircuitBreaker, Service};
use crate::model::task::Launch;
use crate::model::task_definition::TaskDefinition;
use crate::table;

/// Where tasks shall run, and with which capacity providers: none if a launch type is named.
pub(super) fn check_launch(
    launch: Option<&LaunchType>,
    strategy: Option<&Vec<CapacityProviderStrategyItem>>,
    cluster: &Cluster,
    (snapshot, scope): (&Snapshot, &Scope),
) -> Result<(Launch, Strategy), ApiError> {
    let given = strategy.map(Vec::as_slice).unwrap_or_default();
    if launch.is_some() && !given.is_empty() {
        return Err(invalid(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        ));
    }
    if !given.is_empty() {
        let strategy = self::strategy(given, &cluster.capacity_providers, (snapshot, scope))?;
        return Ok((launch_of(&strategy), strategy));
    }
    match launch {
        Some(LaunchType::Fargate) => Ok((Launch::Fargate, vec![])),
        None if !cluster.default_strategy.is_empty() => {
            let strategy = cluster.default_strategy.clone();
            Ok((launch_of(&strategy), strategy))
        }
        Some(LaunchType::Ec2) | None => Ok((Launch::Ec2, vec![])),
        Some(LaunchType::Other(other)) => Err(invalid(format!(
            "launch type should be one of [EC2,FARGATE,EXTERNAL,MANAGED_INSTANCES], not {other}"
        ))),
        Some(other) => Err(unsupported(&format!("the launch type {other}"))),
    }
}

const PROVIDERS_PER_STRATEGY_MAX: usize = 20;
const BASE_MAX: i32 = 100_000;
const WEIGHT_MAX: i32 = 1000;

/// A capacity provider strategy, of providers that the cluster has.
pub(super) fn strategy(
    given: &[CapacityProviderStrategyItem],
    associated: &[String],
    (snapshot, scope): (&Snapshot, &Scope),
) -> Result<Strategy, ApiError> {
    if given.len() > PROVIDERS_PER_STRATEGY_MAX {
        return Err(invalid(format!(
            "A capacity provider strategy can contain a maximum of {PROVIDERS_PER_STRATEGY_MAX} capacity providers."
        )));
    }
    let mut strategy = Strategy::new();
    for item in given {
        let name = provider(snapshot, scope, &item.capacity_provider)?;
        if strategy.iter().any(|(other, ..)| *other == name) {
            return Err(invalid(
                "A capacity provider may only be specified once in a strategy.",
            ));
        }
        if !associated.contains(&name) {
            return Err(invalid(
                "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster and try again.",
            ));
        }
        let (base, weight) = (item.base.unwrap_or(0), item.weight.unwrap_or(0));
        if !(0..=BASE_MAX).contains(&base) || !(0..=WEIGHT_MAX).contains(&weight) {
            return Err(invalid("Invalid capacity provider base or weight."));
        }
        strategy.push((name, base, weight));
    }
    let kinds = strategy
        .iter()
        .map(|(name, ..)| PROVIDERS.contains(&name.as_str()));
    if kinds.collect::<std::collections::BTreeSet<bool>>().len() > 1 {
        return Err(invalid(
            "A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and Fargate capacity providers.",
        ));
    }
    if strategy.iter().filter(|(_, base, _)| *base > 0).count() > 1 {
        return Err(invalid(
            "There are multiple capacity providers in the specified capacity provider strategy with a base value defined.",
        ));
    }
    if !strategy.is_empty() && strategy.iter().all(|(.., weight)| *weight == 0) {
        return Err(invalid(
            "At least one capacity provider must have a weight value greater than zero.",
        ));
    }
    Ok(strategy)
}

/// A capacity provider's name, from a name or an ARN.
pub(super) fn provider(snapshot: &Snapshot, scope: &Scope, given: &str) -> Result<String, ApiError> {
    let name = given.rsplit('/').next().unwrap_or(given);
    if PROVIDERS.contains(&name) || snapshot.get(table::PROVIDERS, &table::key(scope, name)).is_some() {
        return Ok(name.to_owned());
    }
    Err(invalid(
        "The specified capacity provider was not found. Specify a valid name or ARN and try again.",
    ))
}

/// The strategy that is asked for: a number of tasks, or a daemon, which runs once on every instance.
pub(super) fn check_scheduling(input: &CreateServiceRequest) -> Result<(), ApiError> {
    match &input.scheduling_strategy {
        None | Some(SchedulingStrategy::Replica) => match input.desired_count {
            None => Err(invalid("DesiredCount is missing")),
            Some(_) => Ok(()),
        },
        Some(SchedulingStrategy::Other(_)) => {
            Err(invalid("Scheduling strategy should be one of [REPLICA,DAEMON]"))
        }
        Some(SchedulingStrategy::Daemon) => {
            if input.desired_count.is_some() {
                return Err(invalid(
                    "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again",
                ));
            }
            if given(&input.placement_strategy) {
                return Err(invalid(
                    "The daemon scheduling strategy does not support placement strategies. Remove the placement strategy and try again",
                ));
            }
            let most = input
                .deployment_configuration
                .as_ref()
                .and_then(|it| it.maximum_percent);
            if most.is_some_and(|percent| percent > 100) {
                return Err(invalid(
                    "The daemon scheduling strategy does not support values above 100 for maximumPercent on a deployment configuration. Change the maximumPercent value to 100, and try again",
                ));
            }
            if given(&input.capacity_provider_strategy) {
                return Err(invalid(
                    "Specifying a capacity provider strategy is not supported when you create a service using the DAEMON scheduling strategy.",
                ));
            }
            if input.launch_type == Some(LaunchType::Fargate) {
                return Err(invalid(
                    "The daemon scheduling strategy does not support the FARGATE launch type. Change the launch type and try again",
                ));
            }
            Ok(())
        }
    }
}

/// Who steers deployments: ECS itself.
pub(super) fn check_controller(given: Option<&DeploymentController>) -> Result<(), ApiError> {
    match given.map(|it| &it.type_) {
        None | Some(DeploymentControllerType::Ecs) => Ok(()),
        Some(DeploymentControllerType::Other(_)) => Err(invalid(
            "Deployment controller type should be one of [ECS,CODE_DEPLOY,EXTERNAL]",
        )),
        Some(other) => Err(unsupported(&format!("the deployment controller {other}"))),
    }
}

/// What a request says about how deployments go.
pub(super) fn apply_configuration(
    service: &mut Service,
    given: Option<DeploymentConfiguration>,
) -> Result<(), ApiError> {
    let Some(given) = given else { return Ok(()) };
    refuse_other_strategies(&given)?;
    let percent = |value: Option<i32>, old: u32, what: &str, most: i32| match value {
        None => Ok(old),
        Some(value) if (0..=most).contains(&value) => Ok(value.unsigned_abs()),
        Some(value) => Err(invalid(format!(
            "{what} must be between 0 and {most}, not {value}."
        ))),
    };
    let minimum = percent(
        given.minimum_healthy_percent,
        service.minimum_healthy_percent,
        "minimumHealthyPercent",
        100,
    )?;
    let maximum = percent(
        given.maximum_percent,
        service.maximum_percent,
        "maximumPercent",
        200,
    )?;
    if service.daemon && maximum > 100 {
        return Err(invalid(
            "The daemon scheduling strategy does not support values above 100 for maximumPercent on a deployment configuration. Change the maximumPercent value to 100, and try again",
        ));
    }
    if maximum < 100 {
        return Err(invalid("maximumPercent must be at least 100."));
    }
    if minimum == 100 && maximum == 100 {
        return Err(invalid(
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.",
        ));
    }
    (service.minimum_healthy_percent, service.maximum_percent) = (minimum, maximum);
    if let Some(breaker) = given.deployment_circuit_breaker {
        service.circuit_breaker = breaker.enable.then_some(CircuitBreaker {
            rollback: breaker.rollback,
        });
    }
    Ok(())
}

fn refuse_other_strategies(given: &DeploymentConfiguration) -> Result<(), ApiError> {
    match &given.strategy {
        None | Some(DeploymentStrategy::Rolling) => {}
        Some(DeploymentStrategy::Other(_)) => {
            return Err(invalid(
                "Deployment strategy should be one of [ROLLING,BLUE_GREEN,LINEAR,CANARY]",
            ));
        }
        Some(_) => return Err(unsupported("deployment strategies other than ROLLING")),
    }
    if given.alarms.as_ref().is_some_and(|it| it.enable)
        || given.lifecycle_hooks.as_ref().is_some_and(|it| !it.is_empty())
    {
        return Err(unsupported("deployment alarms and lifecycle hooks"));
    }
    if given.bake_time_in_minutes.is_some_and(|minutes| minutes != 0)
        || given.linear_configuration.is_some()
        || given.canary_configuration.is_some()
    {
        return Err(unsupported("bake times, linear and canary deployments"));
    }
    Ok(())
}

/// What a service had before, and whether anybody asked for it.
pub(super) struct Rebalancing {
    pub(super) on: bool,
    pub(super) asked: bool,
}

fn possible(service: &Service) -> bool {
    service.maximum_percent > 100 && service.placement.balances_zones()
}

/// Whether tasks shall be spread evenly again when zones go out of balance: on by default in a new service (`old` is
/// none) that may have more tasks than it desires. What is on by default only gives way to a change that excludes it.
pub(super) fn zone_rebalancing(
    given: Option<&AvailabilityZoneRebalancing>,
    old: Option<Rebalancing>,
    service: &Service,
) -> Result<bool, ApiError> {
    let wanted = match given {
        Some(AvailabilityZoneRebalancing::Enabled) => true,
        Some(AvailabilityZoneRebalancing::Disabled) => false,
        Some(_) => {
            return Err(invalid(
                "availabilityZoneRebalancing should be one of [ENABLED,DISABLED]",
            ));
        }
        None => match old {
            Some(Rebalancing { on, asked: true }) => on,
            Some(Rebalancing { on, .. }) => return Ok(on && possible(service)),
            None => return Ok(possible(service)),
        },
    };
    if wanted && !service.placement.balances_zones() {
        return Err(invalid(
            "Availability Zone Rebalancing does not support a placement strategy that does not begin with spread over attribute:ecs.availability-zone.",
        ));
    }
    if wanted && service.maximum_percent <= 100 {
        return Err(invalid(
            "Availability Zone Rebalancing does not support maximumPercent <= 100 % as deployment configuration.",
        ));
    }
    Ok(wanted)
}

pub(super) fn propagate_tags(given: Option<&PropagateTags>) -> Result<Option<String>, ApiError> {
    match given {
        Some(PropagateTags::Other(_)) => Err(invalid(
            "propagateTags should be one of [TASK_DEFINITION,SERVICE,NONE]",
        )),
        given => Ok(given.map(|it| it.as_str().to_owned())),
    }
}

const CLIENT_TOKEN_CHARACTERS_MAX: usize = 36;

pub(super) fn client_token(given: Option<String>) -> Result<Option<String>, ApiError> {
    let given = given.filter(|token| !token.is_empty());
    if given
        .as_ref()
        .is_some_and(|token| token.len() > CLIENT_TOKEN_CHARACTERS_MAX)
    {
        return Err(invalid(format!(
            "idempotency token longer than {CLIENT_TOKEN_CHARACTERS_MAX}."
        )));
    }
    Ok(given)
}

pub(super) fn refuse_unserved(some: &[(bool, &str)]) -> Result<(), ApiError> {
    match some.iter().find(|(given, _)| *given) {
        Some((_, what)) => Err(unsupported(&format!("the service's {what}"))),
        None => Ok(()),
    }
}

const DESIRED_TASKS_MAX: u32 = 5000;
const GRACE_SECONDS_MAX: i32 = i32::MAX;

/// `what` is how AWS calls the number in this request.
pub(super) fn desired(count: Option<i32>, what: &str) -> Result<Option<u32>, ApiError> {
    let check = |count: i32| {
        let Ok(count) = u32::try_from(count) else {
            return Err(invalid(format!("{what} can not be lesser than 0")));
        };
        if count > DESIRED_TASKS_MAX {
            return Err(invalid(format!(
                "desiredCount must be between 0 and {DESIRED_TASKS_MAX}."
            )));
        }
        Ok(count)
    };
    count.map(check).transpose()
}

pub(super) fn grace(seconds: Option<i32>) -> Result<Option<u32>, ApiError> {
    let refuse = |_| {
        invalid(format!(
            "healthCheckGracePeriodSeconds must be between 0 and {GRACE_SECONDS_MAX}."
        ))
    };
    seconds
        .map(|seconds| u32::try_from(seconds).map_err(refuse))
        .transpose()
}

/// The only platform version there is, however it is called; instances have none.
pub(super) fn platform(launch: Launch, given: Option<String>) -> Result<Option<String>, ApiError> {
    let given = given.filter(|version| !version.is_empty());
    if launch == Launch::Ec2 && given.is_some() {
        return Err(invalid(
            "The platform version must be null when specifying an EC2 launch type.",
        ));
    }
    match given.as_deref() {
        None | Some("LATEST" | "1.4.0") => Ok(given),
        Some("1.3.0" | "1.2.0" | "1.1.0" | "1.0.0") => Err(unsupported(&format!(
            "the platform version {}",
            given.unwrap_or_default()
        ))),
        Some(_) => Err(ApiError::client(
            "PlatformUnknownException",
            "The specified platform does not exist.",
        )),
    }
}

pub(super) fn active_definition(
    snapshot: &Snapshot,
    scope: &Scope,
    given: &str,
) -> Result<std::sync::Arc<TaskDefinition>, ApiError> {
    let definition =
        table::definition(snapshot, scope, given).map_err(|_| client("TaskDefinition not found."))?;
    if !definition.is_active() {
        return Err(client("TaskDefinition is inactive"));
    }
    Ok(definition)
}
