//! Creating, updating and deleting services: the wish is written, the reconcilers do the rest.

use aws_protocol::{ApiError, Context};
use aws_shape::ecs::*;

use super::service_check::{
    active_definition, apply_configuration, balancers, check_launch, check_ports, desired, given, grace,
    network, platform, refuse_unserved,
};
use crate::Ecs;
use crate::error::{invalid, service_not_active, service_not_found};
use crate::model::service::{self, Deployment as Row, Network, State};
use crate::model::{name, service::LoadBalancer as Balancer};
use crate::table::{self, SERVICES, key};
use crate::view;

/// `ecs-svc/` and 19 digits.
fn deployment_id(ecs: &Ecs) -> String {
    format!("ecs-svc/{:019}", ecs.ids.next() % 10_u128.pow(19))
}

pub(super) async fn create_service(
    ecs: &Ecs,
    context: &Context,
    input: CreateServiceRequest,
) -> Result<CreateServiceResponse, ApiError> {
    let (scope, snapshot, now) = (context.scope.clone(), ecs.store.snapshot(), ecs.clock.now());
    let cluster = table::cluster(&snapshot, &scope, input.cluster.as_deref())?;
    if !name::is_valid(&input.service_name) {
        return Err(invalid(
            "Service names contain only letters, numbers, hyphens, and underscores.",
        ));
    }
    refuse_unserved(&[
        (input.role.is_some(), "role"),
        (
            input.availability_zone_rebalancing == Some(AvailabilityZoneRebalancing::Enabled),
            "availabilityZoneRebalancing",
        ),
        (given(&input.service_registries), "serviceRegistries"),
        (given(&input.placement_constraints), "placementConstraints"),
        (given(&input.placement_strategy), "placementStrategy"),
        (given(&input.volume_configurations), "volumeConfigurations"),
        (
            given(&input.vpc_lattice_configurations),
            "vpcLatticeConfigurations",
        ),
        (
            input
                .service_connect_configuration
                .as_ref()
                .is_some_and(|it| it.enabled),
            "serviceConnectConfiguration",
        ),
        (input.enable_execute_command == Some(true), "enableExecuteCommand"),
        (
            input.scheduling_strategy == Some(SchedulingStrategy::Daemon),
            "scheduling strategy DAEMON",
        ),
        (
            input
                .deployment_controller
                .as_ref()
                .is_some_and(|it| it.type_ != DeploymentControllerType::Ecs),
            "deployment controller",
        ),
    ])?;
    check_launch(
        input.launch_type.as_ref(),
        input.capacity_provider_strategy.as_ref(),
        &cluster,
    )?;
    let definition = input
        .task_definition
        .as_deref()
        .ok_or_else(|| invalid("TaskDefinition can not be blank."))?;
    let definition = active_definition(&snapshot, &scope, definition)?;
    let network = network(ecs, context, &definition, input.network_configuration).await?;
    let load_balancers = balancers(ecs, context, &definition, input.load_balancers).await?;
    let mut service = service::Service {
        arn: scope.arn("ecs", &format!("service/{}/{}", cluster.name, input.service_name)),
        name: input.service_name,
        cluster: cluster.name.clone(),
        state: State::Active,
        desired: desired(input.desired_count)?.unwrap_or(1),
        minimum_healthy_percent: 100,
        maximum_percent: 200,
        circuit_breaker: None,
        deployments: vec![Row::new(
            deployment_id(ecs),
            definition.arn.clone(),
            network.clone(),
            load_balancers.clone(),
            now,
        )],
        load_balancers,
        network,
        health_check_grace_seconds: grace(input.health_check_grace_period_seconds)?,
        created_at: now,
        created_by: context.principal_arn.clone(),
        platform_version: platform(input.platform_version)?.unwrap_or_else(|| "LATEST".to_owned()),
        enable_managed_tags: input.enable_ecs_managed_tags == Some(true),
        propagate_tags: input
            .propagate_tags
            .map_or("NONE".to_owned(), |it| it.as_str().to_owned()),
        client_token: input.client_token,
        events: vec![],
        steady: false,
        inactive_at: None,
        tags: table::tags(input.tags),
    };
    apply_configuration(&mut service, input.deployment_configuration)?;
    let service = ecs
        .store
        .write(move |tx| {
            table::cluster(&tx.snapshot(), &scope, Some(&service.cluster))?;
            let place = key(&scope, &format!("{}/{}", service.cluster, service.name));
            match tx.get(SERVICES, &place) {
                Some(old) if old.state == State::Active => {
                    // The same request sent again is answered, not refused.
                    if old.client_token.is_some() && old.client_token == service.client_token {
                        return Ok(service::Service::clone(&old));
                    }
                    return Err(invalid("Creation of service was not idempotent."));
                }
                Some(old) if old.state == State::Draining => {
                    return Err(invalid("Unable to Start a service that is still Draining."));
                }
                _ => tx.put(SERVICES, &place, service.clone()),
            }
            Ok(service)
        })
        .await?;
    let service = view::service(&context.scope, &service, &ecs.store.snapshot(), true);
    Ok(CreateServiceResponse {
        service: Some(service),
    })
}

pub(super) async fn update_service(
    ecs: &Ecs,
    context: &Context,
    input: UpdateServiceRequest,
) -> Result<UpdateServiceResponse, ApiError> {
    let (scope, snapshot, now) = (context.scope.clone(), ecs.store.snapshot(), ecs.clock.now());
    let cluster = table::cluster(&snapshot, &scope, input.cluster.as_deref())?;
    let old =
        table::service(&snapshot, &scope, &cluster.name, &input.service).ok_or_else(service_not_found)?;
    if old.state != State::Active {
        return Err(service_not_active());
    }
    refuse_unserved(&[
        (
            input.availability_zone_rebalancing == Some(AvailabilityZoneRebalancing::Enabled),
            "availabilityZoneRebalancing",
        ),
        (
            input
                .deployment_controller
                .as_ref()
                .is_some_and(|it| it.type_ != DeploymentControllerType::Ecs),
            "deployment controller",
        ),
        (given(&input.service_registries), "serviceRegistries"),
        (given(&input.placement_constraints), "placementConstraints"),
        (given(&input.placement_strategy), "placementStrategy"),
        (given(&input.volume_configurations), "volumeConfigurations"),
        (
            given(&input.vpc_lattice_configurations),
            "vpcLatticeConfigurations",
        ),
        (
            input
                .service_connect_configuration
                .as_ref()
                .is_some_and(|it| it.enabled),
            "serviceConnectConfiguration",
        ),
        (input.enable_execute_command == Some(true), "enableExecuteCommand"),
    ])?;
    if given(&input.capacity_provider_strategy) {
        check_launch(None, input.capacity_provider_strategy.as_ref(), &cluster)?;
    }
    let wish = wish(ecs, context, &old, input).await?;
    let (new_id, name) = (deployment_id(ecs), old.name.clone());
    let service = ecs
        .store
        .write(move |tx| {
            let found =
                table::service(&tx.snapshot(), &scope, &cluster.name, &name).ok_or_else(service_not_found)?;
            if found.state != State::Active {
                return Err(service_not_active());
            }
            let service = wish.applied(&found, new_id, now)?;
            tx.put(
                SERVICES,
                &key(&scope, &format!("{}/{}", service.cluster, service.name)),
                service.clone(),
            );
            Ok(service)
        })
        .await?;
    let service = view::service(&context.scope, &service, &ecs.store.snapshot(), false);
    Ok(UpdateServiceResponse {
        service: Some(service),
    })
}

/// What an update asks for, checked; what it does not name stays as it is when it is written.
struct Wish {
    task_definition: Option<String>,
    network: Option<Network>,
    load_balancers: Option<Vec<Balancer>>,
    desired: Option<u32>,
    grace_seconds: Option<u32>,
    configuration: Option<DeploymentConfiguration>,
    force: bool,
    managed_tags: Option<bool>,
    propagate_tags: Option<String>,
    platform_version: Option<String>,
}

async fn wish(
    ecs: &Ecs,
    context: &Context,
    old: &service::Service,
    input: UpdateServiceRequest,
) -> Result<Wish, ApiError> {
    let (scope, snapshot) = (&context.scope, ecs.store.snapshot());
    let present = old
        .primary()
        .map(|it| it.task_definition.clone())
        .unwrap_or_default();
    let definition = match &input.task_definition {
        Some(given) => active_definition(&snapshot, scope, given)?,
        None => table::definition(&snapshot, scope, &present)?,
    };
    let network = match input.network_configuration {
        Some(configuration) => Some(network(ecs, context, &definition, Some(configuration)).await?),
        None => None,
    };
    let load_balancers = match input.load_balancers {
        Some(given) => Some(balancers(ecs, context, &definition, Some(given)).await?),
        None => {
            // The new task definition must have what the load balancers lead to.
            check_ports(&definition, &old.load_balancers)?;
            None
        }
    };
    Ok(Wish {
        task_definition: input.task_definition.map(|_| definition.arn.clone()),
        network,
        load_balancers,
        desired: desired(input.desired_count)?,
        grace_seconds: grace(input.health_check_grace_period_seconds)?,
        configuration: input.deployment_configuration,
        force: input.force_new_deployment == Some(true),
        managed_tags: input.enable_ecs_managed_tags,
        propagate_tags: input.propagate_tags.map(|it| it.as_str().to_owned()),
        platform_version: platform(input.platform_version)?,
    })
}

impl Wish {
    fn applied(
        self,
        found: &service::Service,
        new_id: String,
        now: jiff::Timestamp,
    ) -> Result<service::Service, ApiError> {
        let mut service = service::Service::clone(found);
        apply_configuration(&mut service, self.configuration)?;
        service.desired = self.desired.unwrap_or(service.desired);
        service.health_check_grace_seconds = self.grace_seconds.or(service.health_check_grace_seconds);
        service.enable_managed_tags = self.managed_tags.unwrap_or(service.enable_managed_tags);
        service.propagate_tags = self.propagate_tags.unwrap_or(service.propagate_tags);
        service.platform_version = self.platform_version.unwrap_or(service.platform_version);
        service.network = self.network.unwrap_or(service.network);
        service.load_balancers = self.load_balancers.unwrap_or(service.load_balancers);
        service.steady = false;
        let Some(primary) = service.primary() else {
            return Err(service_not_active());
        };
        let definition = self
            .task_definition
            .unwrap_or_else(|| primary.task_definition.clone());
        let same = primary.task_definition == definition
            && primary.network == service.network
            && primary.load_balancers == service.load_balancers;
        if !same || self.force {
            let (network, balancers) = (service.network.clone(), service.load_balancers.clone());
            let new = Row::new(new_id, definition, network, balancers, now);
            service.deployments.insert(0, new);
        }
        Ok(service)
    }
}

pub(super) async fn delete_service(
    ecs: &Ecs,
    context: &Context,
    input: DeleteServiceRequest,
) -> Result<DeleteServiceResponse, ApiError> {
    let scope = context.scope.clone();
    let service = ecs
        .store
        .write(move |tx| {
            let snapshot = tx.snapshot();
            let cluster = table::cluster(&snapshot, &scope, input.cluster.as_deref())?;
            let found = table::service(&snapshot, &scope, &cluster.name, &input.service)
                .ok_or_else(service_not_found)?;
            match found.state {
                State::Active => {}
                State::Draining => return Ok(service::Service::clone(&found)),
                State::Inactive => return Err(service_not_found()),
            }
            if found.desired > 0 && input.force != Some(true) {
                return Err(invalid(
                    "The service cannot be stopped while it is scaled above 0.",
                ));
            }
            let mut service = service::Service::clone(&found);
            service.state = State::Draining;
            service.steady = false;
            tx.put(
                SERVICES,
                &key(&scope, &format!("{}/{}", service.cluster, service.name)),
                service.clone(),
            );
            Ok(service)
        })
        .await?;
    let service = view::service(&context.scope, &service, &ecs.store.snapshot(), false);
    Ok(DeleteServiceResponse {
        service: Some(service),
    })
}
