//! Creating, updating and deleting services: the wish is written, the reconcilers do the rest.

use aws_protocol::{ApiError, Context};
use aws_shape::ecs::*;

use super::service_check::{balancers, check_ports, network};
use super::service_discovery::discovery;
use super::service_option::{
    Rebalancing, active_definition, apply_configuration, check_controller, check_launch, check_scheduling,
    client_token, desired, grace, platform, propagate_tags, refuse_unserved, zone_rebalancing,
};
use super::service_place::{self, placement, role};
use crate::Ecs;
use crate::error::{invalid, service_not_active, service_not_found};
use crate::history::{self, Names};
use crate::lodging;
use crate::model::cluster::{self, Cluster, Strategy};
use crate::model::deployment::Change;
use crate::model::discovery::Discovery;
use crate::model::placement::{Constraint, Strategy as Preference};
use crate::model::service::{self, LoadBalancer as Balancer, Network, State, Workload};
use crate::model::task::Launch;
use crate::model::task_definition::TaskDefinition;
use crate::model::{given, name};
use crate::table::{self, SERVICES, key};
use crate::view;

pub(super) async fn create_service(
    ecs: &Ecs,
    context: &Context,
    input: CreateServiceRequest,
) -> Result<CreateServiceResponse, ApiError> {
    let (scope, snapshot, now) = (context.scope.clone(), ecs.store.snapshot(), ecs.clock.now());
    let cluster = table::cluster(&snapshot, &scope, input.cluster.as_deref())?;
    check_creation(&input)?;
    let asked = format!("{input:?}");
    let tags = table::tags(input.tags.clone());
    let (service, workload) = new_service(ecs, context, &cluster, input).await?;
    let service = service::Service {
        asked: service.client_token.as_ref().map(|_| asked).unwrap_or_default(),
        tags,
        ..service
    };
    let names = Names::new(&*ecs.ids);
    let service = ecs
        .store
        .write(move |tx| {
            table::cluster(&tx.snapshot(), &scope, Some(&service.cluster))?;
            let place = key(&scope, &service.path());
            match tx.get(SERVICES, &place) {
                Some(old) if old.state == State::Active => {
                    // The same request sent again is answered, not refused.
                    let same = old.client_token.is_some() && old.client_token == service.client_token;
                    if same && old.asked == service.asked {
                        return Ok(service::Service::clone(&old));
                    }
                    return Err(invalid("Creation of service was not idempotent."));
                }
                Some(old) if old.state == State::Draining => {
                    return Err(invalid("Unable to Start a service that is still Draining."));
                }
                _ => {}
            }
            let mut service = service;
            history::begin(tx, &scope, &mut service, names, workload, now);
            // Whoever waits until the service is stable shall not find a daemon that wants no tasks yet.
            if let Some(places) = lodging::daemon_places(&tx.snapshot(), &scope, &service) {
                service.desired = places.len() as u32;
            }
            tx.put(SERVICES, &place, service.clone());
            Ok(service)
        })
        .await?;
    let service = view::service(&context.scope, &service, &ecs.store.snapshot(), true);
    Ok(CreateServiceResponse {
        service: Some(service),
    })
}

/// What can be said about a request without looking at anything else.
fn check_creation(input: &CreateServiceRequest) -> Result<(), ApiError> {
    if !name::is_valid(&input.service_name) {
        return Err(invalid(
            "Service names contain only letters, numbers, hyphens, and underscores.",
        ));
    }
    check_scheduling(input)?;
    check_controller(input.deployment_controller.as_ref())?;
    refuse_unserved(&[
        (given(&input.volume_configurations), "volumeConfigurations"),
        (
            given(&input.vpc_lattice_configurations),
            "vpcLatticeConfigurations",
        ),
    ])
}

/// The service that a request asks for, without a deployment yet, and what its first one brings.
async fn new_service(
    ecs: &Ecs,
    context: &Context,
    cluster: &Cluster,
    input: CreateServiceRequest,
) -> Result<(service::Service, Workload), ApiError> {
    let (scope, snapshot, now) = (&context.scope, ecs.store.snapshot(), ecs.clock.now());
    let daemon = input.scheduling_strategy == Some(SchedulingStrategy::Daemon);
    let (launch, strategy) = check_launch(
        input.launch_type.as_ref(),
        input.capacity_provider_strategy.as_ref(),
        cluster,
        (&snapshot, scope),
    )?;
    let definition = input
        .task_definition
        .as_deref()
        .filter(|it| !it.is_empty())
        .ok_or_else(|| invalid("TaskDefinition can not be blank."))?;
    let definition = active_definition(&snapshot, scope, definition)?;
    let placement = placement(launch, input.placement_constraints, input.placement_strategy)?;
    let network = network(ecs, context, &definition, launch, input.network_configuration).await?;
    let load_balancers = balancers(ecs, context, &definition, input.load_balancers).await?;
    let role = role(scope, input.role, &definition.spec.network_mode, &load_balancers)?;
    let (registries, connect) = (input.service_registries, input.service_connect_configuration);
    let before = (&Discovery::default(), cluster.namespace.as_deref());
    let workload = Workload {
        task_definition: definition.arn.clone(),
        network,
        load_balancers,
        discovery: discovery(ecs, context, &definition, registries, connect, before).await?,
        strategy,
        launch,
        platform_version: platform(launch, input.platform_version)?.unwrap_or_else(|| "LATEST".to_owned()),
    };
    let mut service = service::Service {
        arn: scope.arn("ecs", &format!("service/{}/{}", cluster.name, input.service_name)),
        name: input.service_name,
        cluster: cluster.name.clone(),
        state: State::Active,
        desired: desired(input.desired_count, "DesiredCount")?.unwrap_or_default(),
        minimum_healthy_percent: if daemon { 0 } else { 100 },
        maximum_percent: if daemon { 100 } else { 200 },
        circuit_breaker: None,
        deployments: vec![],
        load_balancers: workload.load_balancers.clone(),
        discovery: workload.discovery.clone(),
        network: workload.network.clone(),
        health_check_grace_seconds: grace(input.health_check_grace_period_seconds)?,
        created_at: now,
        created_by: context.principal_arn.clone(),
        platform_version: workload.platform_version.clone(),
        enable_managed_tags: input.enable_ecs_managed_tags == Some(true),
        propagate_tags: propagate_tags(input.propagate_tags.as_ref())?.unwrap_or_else(|| "NONE".to_owned()),
        strategy: workload.strategy.clone(),
        launch,
        placement,
        role,
        daemon,
        execute_command: input.enable_execute_command == Some(true),
        zone_rebalancing: false,
        zone_rebalancing_asked: input.availability_zone_rebalancing.is_some(),
        client_token: client_token(input.client_token)?,
        asked: String::new(),
        events: vec![],
        steady: false,
        complaint: None,
        service_deployment: None,
        inactive_at: None,
        tags: Default::default(),
    };
    apply_configuration(&mut service, input.deployment_configuration)?;
    let wanted = input.availability_zone_rebalancing.as_ref();
    service.zone_rebalancing = zone_rebalancing(wanted, None, &service)?;
    Ok((service, workload))
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
    check_controller(input.deployment_controller.as_ref())?;
    refuse_unserved(&[
        (given(&input.volume_configurations), "volumeConfigurations"),
        (
            given(&input.vpc_lattice_configurations),
            "vpcLatticeConfigurations",
        ),
    ])?;
    let wish = wish(ecs, context, &cluster, &old, input).await?;
    let (names, name) = (Names::new(&*ecs.ids), old.name.clone());
    let service = ecs
        .store
        .write(move |tx| {
            let found =
                table::service(&tx.snapshot(), &scope, &cluster.name, &name).ok_or_else(service_not_found)?;
            if found.state != State::Active {
                return Err(service_not_active());
            }
            let mut service = service::Service::clone(&found);
            if let Some(workload) = wish.apply(&mut service)? {
                history::begin(tx, &scope, &mut service, names, workload, now);
            }
            tx.put(SERVICES, &key(&scope, &service.path()), service.clone());
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
    /// What it was made from, unless the request itself says what it shall be.
    discovery_before: Option<Discovery>,
    discovery: Discovery,
    strategy: Option<Strategy>,
    constraints: Option<Vec<Constraint>>,
    strategies: Option<Vec<Preference>>,
    desired: Option<u32>,
    grace_seconds: Option<u32>,
    configuration: Option<DeploymentConfiguration>,
    zone_rebalancing: Option<AvailabilityZoneRebalancing>,
    execute_command: Option<bool>,
    force: bool,
    managed_tags: Option<bool>,
    propagate_tags: Option<String>,
    platform_version: Option<String>,
}

async fn wish(
    ecs: &Ecs,
    context: &Context,
    cluster: &Cluster,
    old: &service::Service,
    mut input: UpdateServiceRequest,
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
    let load_balancers = match input.load_balancers.take() {
        Some(given) => Some(balancers(ecs, context, &definition, Some(given)).await?),
        None => {
            // The new task definition must have what the load balancers lead to.
            check_ports(&definition, &old.load_balancers)?;
            None
        }
    };
    let (registries, connect) = (
        input.service_registries.take(),
        input.service_connect_configuration.take(),
    );
    let named = registries.is_some() || connect.is_some();
    let before = (&old.discovery, cluster.namespace.as_deref());
    let discovery = discovery(ecs, context, &definition, registries, connect, before).await?;
    // An empty strategy is the way back to a launch type.
    let strategy = match &input.capacity_provider_strategy {
        Some(given) => Some(super::service_option::strategy(
            given,
            &cluster.capacity_providers,
            (&snapshot, scope),
        )?),
        None => None,
    };
    let launch = match &strategy {
        Some(strategy) if !strategy.is_empty() => cluster::launch(strategy),
        _ => old.launch,
    };
    let configuration = input.network_configuration.take();
    let network = network_of(ecs, context, &definition, (old, launch), configuration).await?;
    service_place::check_daemon(old, &input)?;
    let placement = placement(
        launch,
        input.placement_constraints.clone(),
        input.placement_strategy.clone(),
    )?;
    Ok(Wish {
        task_definition: input.task_definition.map(|_| definition.arn.clone()),
        network,
        constraints: input.placement_constraints.map(|_| placement.constraints),
        strategies: input.placement_strategy.map(|_| placement.strategies),
        load_balancers,
        discovery_before: (!named).then(|| old.discovery.clone()),
        discovery,
        strategy,
        desired: desired(input.desired_count, "Task count")?,
        grace_seconds: grace(input.health_check_grace_period_seconds)?,
        configuration: input.deployment_configuration,
        zone_rebalancing: input.availability_zone_rebalancing,
        execute_command: input.enable_execute_command,
        force: input.force_new_deployment == Some(true),
        managed_tags: input.enable_ecs_managed_tags,
        propagate_tags: propagate_tags(input.propagate_tags.as_ref())?,
        platform_version: platform(launch, input.platform_version)?,
    })
}

/// The network that an update brings: a definition with another network mode needs another one, or none.
async fn network_of(
    ecs: &Ecs,
    context: &Context,
    definition: &TaskDefinition,
    (old, launch): (&service::Service, Launch),
    configuration: Option<NetworkConfiguration>,
) -> Result<Option<Network>, ApiError> {
    let awsvpc = definition.spec.network_mode == "awsvpc";
    if configuration.is_none() && awsvpc && !old.network.subnets.is_empty() {
        return Ok(None);
    }
    let network = network(ecs, context, definition, launch, configuration).await?;
    Ok(Some(network))
}

impl Wish {
    /// Changes the service; answers what a new deployment has to bring, if there shall be one.
    fn apply(self, service: &mut service::Service) -> Result<Option<Workload>, ApiError> {
        apply_configuration(service, self.configuration)?;
        service.zone_rebalancing = zone_rebalancing(
            self.zone_rebalancing.as_ref(),
            Some(Rebalancing {
                on: service.zone_rebalancing,
                asked: service.zone_rebalancing_asked,
            }),
            service,
        )?;
        service.zone_rebalancing_asked |= self.zone_rebalancing.is_some();
        service.desired = self.desired.unwrap_or(service.desired);
        service.health_check_grace_seconds = self.grace_seconds.or(service.health_check_grace_seconds);
        service.enable_managed_tags = self.managed_tags.unwrap_or(service.enable_managed_tags);
        service.execute_command = self.execute_command.unwrap_or(service.execute_command);
        if let Some(propagate) = self.propagate_tags {
            service.propagate_tags = propagate;
        }
        service.placement.constraints = self
            .constraints
            .unwrap_or_else(|| service.placement.constraints.clone());
        service.placement.strategies = self
            .strategies
            .unwrap_or_else(|| service.placement.strategies.clone());
        service.steady = false;
        let Some(primary) = service.primary() else {
            return Err(service_not_active());
        };
        let old = primary.workload();
        let new = Workload {
            task_definition: self
                .task_definition
                .unwrap_or_else(|| old.task_definition.clone()),
            network: self.network.unwrap_or_else(|| service.network.clone()),
            load_balancers: self
                .load_balancers
                .unwrap_or_else(|| service.load_balancers.clone()),
            // Somebody else may have changed it meanwhile, which stays.
            discovery: match self.discovery_before {
                Some(before) if before != service.discovery => service.discovery.clone(),
                _ => self.discovery,
            },
            launch: match &self.strategy {
                Some(strategy) if !strategy.is_empty() => cluster::launch(strategy),
                _ => service.launch,
            },
            strategy: self.strategy.unwrap_or_else(|| service.strategy.clone()),
            platform_version: self
                .platform_version
                .unwrap_or_else(|| service.platform_version.clone()),
        };
        service.network = new.network.clone();
        service.load_balancers = new.load_balancers.clone();
        service.discovery = new.discovery.clone();
        (service.strategy, service.launch) = (new.strategy.clone(), new.launch);
        service.platform_version = new.platform_version.clone();
        Ok((new != old || self.force).then_some(new))
    }
}

pub(super) async fn delete_service(
    ecs: &Ecs,
    context: &Context,
    input: DeleteServiceRequest,
) -> Result<DeleteServiceResponse, ApiError> {
    let (scope, now) = (context.scope.clone(), ecs.clock.now());
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
            let deleted = "Service deployment stopped because the service was deleted.";
            history::change(tx, &scope, &service, Change::RequestStop(deleted.to_owned()), now);
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
