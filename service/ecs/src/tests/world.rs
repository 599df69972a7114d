//! A cloud in memory: the services, their reconcilers, a data plane that pretends, and what must always hold.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_protocol::{ApiError, Context};
use aws_shape::ecs::*;
use aws_shape::{ec2, elbv2};
use base_clock::{Clock as _, ManualClock};
use base_id::{Scope, SequentialIds};
use base_reconcile::{Outcome, Reconciler};
use base_store::{Snapshot, Store};
use contract::route::{RouteTable, TargetHealth};
use contract::task::TaskPhase;
use ec2::Api as _;
use elbv2::Api as _;
use jiff::Timestamp;

use super::contract_fakes::{NoBlobs, NoLines, NoSecrets};
use super::group::Groups;
use super::machine::Machines;
use super::map::Map;
use super::plane::{self, Behaviour};
use crate::model::service::{Service as Row, State};
use crate::model::task::Task as TaskRow;
use crate::table::{self, DESIRED, OBSERVED, ROUTES, SERVICES, TASKS};
use crate::{Ecs, Neighbours};

pub(super) const REGISTRY: &str = "127.0.0.1:4566";

pub(super) struct World {
    pub(super) ecs: Ecs,
    pub(super) ec2: service_ec2::Ec2,
    pub(super) machines: Machines,
    pub(super) groups: Groups,
    pub(super) ecr: service_ecr::Ecr,
    pub(super) elbv2: service_elbv2::Elbv2,
    pub(super) logs: service_logs::Logs,
    pub(super) names: Map,
    pub(super) store: Store,
    pub(super) clock: Arc<ManualClock>,
    pub(super) context: Context,
    pub(super) behaviour: Behaviour,
    pub(super) subnets: Vec<String>,
    pub(super) vpc: String,
    pub(super) group: String,
    pub(super) ids: Arc<SequentialIds>,
    pub(super) reconcilers: Vec<Arc<dyn Reconciler>>,
}

/// Rounds in which everything must come to rest.
const ROUNDS_MAX: usize = 120;

/// What a service has that serves: per service, how many tasks are healthy, and how many are under way or run.
#[derive(Clone, Debug, Default)]
struct Census {
    serving: u32,
    living: u32,
}

/// Where tasks find what every task can reach.
pub(super) fn agent() -> crate::Agent {
    crate::Agent {
        metadata: "http://169.254.170.2".to_owned(),
        endpoint: "http://169.254.170.2:4566".to_owned(),
        sessions: "ws://127.0.0.1:4566".to_owned(),
    }
}

impl World {
    /// A VPC with a load balancer and a target group in use, a cluster, and `web:1`.
    pub(super) async fn new() -> Self {
        let store = Store::in_memory();
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap()));
        let ids = Arc::new(SequentialIds::default());
        let ec2 = service_ec2::Ec2::new(store.clone(), clock.clone(), ids.clone());
        let ecr = service_ecr::Ecr::new(
            store.clone(),
            clock.clone(),
            ids.clone(),
            Arc::new(NoBlobs),
            REGISTRY.to_owned(),
        );
        let machines = Machines::new(ec2.clone());
        let groups = Groups::default();
        let elbv2 = service_elbv2::Elbv2::new(
            store.clone(),
            clock.clone(),
            ids.clone(),
            Arc::new(machines.clone()),
            "127.64.0.0/24".parse().unwrap(),
        );
        let logs = service_logs::Logs::new(store.clone(), clock.clone(), Arc::new(NoLines));
        let names = Map::default();
        let neighbours = Neighbours {
            autoscaling: Arc::new(groups.clone()),
            ec2: Arc::new(machines.clone()),
            ecr: Arc::new(ecr.clone()),
            elbv2: Arc::new(elbv2.clone()),
            logs: Arc::new(logs.clone()),
            names: Arc::new(names.clone()),
            secrets: Arc::new(NoSecrets),
            parameters: Arc::new(NoSecrets),
            registry: REGISTRY.to_owned(),
            agent: agent(),
        };
        let ecs = Ecs::new(store.clone(), clock.clone(), ids.clone(), neighbours);
        let context = Context {
            scope: Scope::new("000000000000", "us-east-1"),
            request_id: "r".into(),
            principal_arn: "arn:aws:iam::000000000000:root".into(),
            access_key: "k".into(),
        };
        let mut world = Self {
            ecs,
            ec2,
            machines,
            groups,
            ecr,
            elbv2,
            logs,
            names,
            store,
            clock,
            context,
            behaviour: Behaviour::default(),
            subnets: vec![],
            vpc: String::new(),
            group: String::new(),
            ids,
            reconcilers: vec![],
        };
        world.reconcilers = world.control(world.ecs.clone());
        world.network().await;
        world.group = world.target_group("web").await;
        let cluster = world.ecs.create_cluster(&world.context, Default::default()).await;
        cluster.unwrap();
        world.define("web").await;
        world.settle().await;
        world
    }

    /// What the control process runs: the reconcilers, those of ECS working through `ecs`.
    pub(super) fn control(&self, ecs: Ecs) -> Vec<Arc<dyn Reconciler>> {
        vec![
            Arc::new(crate::Services::new(ecs.clone())),
            Arc::new(crate::Tasks::new(ecs.clone())),
            Arc::new(crate::Instances::new(ecs.clone())),
            Arc::new(crate::Capacity::new(ecs.clone())),
            Arc::new(crate::Connections::new(ecs.clone())),
            Arc::new(crate::Definitions::new(ecs)),
            Arc::new(service_ec2::Networks::new(self.store.clone(), self.clock.clone())),
            Arc::new(service_elbv2::Balancers::new(self.elbv2.clone())),
            Arc::new(service_elbv2::Targets::new(self.elbv2.clone())),
            Arc::new(service_elbv2::Routes::new(self.elbv2.clone())),
        ]
    }

    async fn network(&mut self) {
        let input = ec2::CreateVpcRequest {
            cidr_block: Some("10.0.0.0/16".into()),
            ..Default::default()
        };
        let vpc = self.ec2.create_vpc(&self.context, input).await.unwrap();
        self.vpc = vpc.vpc.unwrap().vpc_id.unwrap();
        for (range, zone) in [("10.0.1.0/24", "us-east-1a"), ("10.0.2.0/24", "us-east-1b")] {
            let input = ec2::CreateSubnetRequest {
                vpc_id: self.vpc.clone(),
                cidr_block: Some(range.into()),
                availability_zone: Some(zone.into()),
                ..Default::default()
            };
            let subnet = self.ec2.create_subnet(&self.context, input).await.unwrap();
            self.subnets.push(subnet.subnet.unwrap().subnet_id.unwrap());
        }
    }

    /// A target group that a load balancer of the same name uses.
    pub(super) async fn target_group(&self, name: &str) -> String {
        self.target_group_of(name, elbv2::TargetTypeEnum::Ip).await
    }

    pub(super) async fn target_group_of(&self, name: &str, kind: elbv2::TargetTypeEnum) -> String {
        let (elb, context) = (&self.elbv2, &self.context);
        let input = elbv2::CreateLoadBalancerInput {
            name: name.into(),
            subnets: Some(self.subnets.clone()),
            ..Default::default()
        };
        let balancer = elb.create_load_balancer(context, input).await.unwrap();
        let balancer = balancer
            .load_balancers
            .unwrap()
            .remove(0)
            .load_balancer_arn
            .unwrap();
        let input = elbv2::CreateTargetGroupInput {
            name: name.into(),
            protocol: Some(elbv2::ProtocolEnum::Http),
            port: Some(80),
            vpc_id: Some(self.vpc.clone()),
            target_type: Some(kind),
            ..Default::default()
        };
        let group = elb.create_target_group(context, input).await.unwrap();
        let group = group.target_groups.unwrap().remove(0).target_group_arn.unwrap();
        let input = elbv2::CreateListenerInput {
            load_balancer_arn: balancer,
            protocol: Some(elbv2::ProtocolEnum::Http),
            port: Some(80),
            default_actions: vec![elbv2::Action {
                type_: elbv2::ActionTypeEnum::Forward,
                target_group_arn: Some(group.clone()),
                ..Default::default()
            }],
            ..Default::default()
        };
        elb.create_listener(context, input).await.unwrap();
        group
    }

    pub(super) fn definition(family: &str) -> RegisterTaskDefinitionRequest {
        RegisterTaskDefinitionRequest {
            family: family.into(),
            network_mode: Some(NetworkMode::Awsvpc),
            requires_compatibilities: Some(vec![Compatibility::Fargate]),
            cpu: Some("256".into()),
            memory: Some("512".into()),
            container_definitions: vec![ContainerDefinition {
                name: Some("app".into()),
                image: Some("nginx".into()),
                port_mappings: Some(vec![PortMapping {
                    container_port: Some(80),
                    ..Default::default()
                }]),
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    /// Another revision of a family; returns `family:revision`.
    pub(super) async fn define(&self, family: &str) -> String {
        let input = Self::definition(family);
        let made = self
            .ecs
            .register_task_definition(&self.context, input)
            .await
            .unwrap();
        let made = made.task_definition.unwrap();
        format!("{family}:{}", made.revision.unwrap())
    }

    pub(super) fn vpc_configuration(&self) -> Option<NetworkConfiguration> {
        Some(NetworkConfiguration {
            awsvpc_configuration: Some(AwsVpcConfiguration {
                subnets: self.subnets.clone(),
                ..Default::default()
            }),
        })
    }

    pub(super) fn service(&self, name: &str, desired: i32) -> CreateServiceRequest {
        CreateServiceRequest {
            service_name: name.into(),
            task_definition: Some("web:1".into()),
            desired_count: Some(desired),
            launch_type: Some(LaunchType::Fargate),
            network_configuration: self.vpc_configuration(),
            ..Default::default()
        }
    }

    pub(super) fn behind(&self, group: &str) -> Option<Vec<LoadBalancer>> {
        Some(vec![LoadBalancer {
            target_group_arn: Some(group.into()),
            container_name: Some("app".into()),
            container_port: Some(80),
            ..Default::default()
        }])
    }

    pub(super) async fn create(&self, input: CreateServiceRequest) -> Result<Service, ApiError> {
        let made = self.ecs.create_service(&self.context, input).await?;
        Ok(made.service.unwrap())
    }

    pub(super) async fn update(&self, input: UpdateServiceRequest) -> Result<Service, ApiError> {
        let made = self.ecs.update_service(&self.context, input).await?;
        Ok(made.service.unwrap())
    }

    pub(super) async fn roll(&self, name: &str, definition: &str) -> Service {
        let input = UpdateServiceRequest {
            service: name.into(),
            task_definition: Some(definition.into()),
            ..Default::default()
        };
        self.update(input).await.unwrap()
    }

    pub(super) async fn scale(&self, name: &str, desired: i32) -> Service {
        let input = UpdateServiceRequest {
            service: name.into(),
            desired_count: Some(desired),
            ..Default::default()
        };
        self.update(input).await.unwrap()
    }

    pub(super) async fn delete(&self, name: &str) -> Result<Service, ApiError> {
        let input = DeleteServiceRequest {
            service: name.into(),
            force: Some(true),
            ..Default::default()
        };
        Ok(self
            .ecs
            .delete_service(&self.context, input)
            .await?
            .service
            .unwrap())
    }

    pub(super) async fn describe(&self, name: &str) -> Service {
        let input = DescribeServicesRequest {
            services: vec![name.into()],
            ..Default::default()
        };
        let answer = self.ecs.describe_services(&self.context, input).await.unwrap();
        answer.services.unwrap().remove(0)
    }

    /// What `aws ecs wait services-stable` asks.
    pub(super) async fn is_stable(&self, name: &str) -> bool {
        let service = self.describe(name).await;
        service.deployments.unwrap().len() == 1 && service.running_count == service.desired_count
    }

    pub(super) async fn events(&self, name: &str) -> Vec<String> {
        let events = self.describe(name).await.events.unwrap().into_iter();
        events.filter_map(|event| event.message).collect()
    }

    pub(super) async fn task(&self, id: &str) -> Task {
        let input = DescribeTasksRequest {
            tasks: vec![id.into()],
            ..Default::default()
        };
        let answer = self.ecs.describe_tasks(&self.context, input).await.unwrap();
        answer.tasks.unwrap().remove(0)
    }

    /// Tasks of a service that are not history.
    pub(super) fn living(&self, name: &str) -> Vec<Arc<TaskRow>> {
        living(&self.store.snapshot(), name)
    }

    pub(super) fn row(&self, name: &str) -> Arc<Row> {
        let snapshot = self.store.snapshot();
        table::service(&snapshot, &self.context.scope, "default", name).unwrap()
    }

    pub(super) async fn crash(&self, id: &str, lost: bool) {
        plane::crash(&self.store, id, lost, self.clock.now()).await;
    }

    /// Targets of a group with what the load balancer says.
    pub(super) async fn targets(&self, group: &str) -> Vec<String> {
        let input = elbv2::DescribeTargetHealthInput {
            target_group_arn: group.into(),
            ..Default::default()
        };
        let answer = self
            .elbv2
            .describe_target_health(&self.context, input)
            .await
            .unwrap();
        let all = answer.target_health_descriptions.unwrap().into_iter();
        all.map(|it| it.target_health.unwrap().state.unwrap().to_string())
            .collect()
    }

    /// One activation of one reconciler, or a step of the data plane; looks at what must always hold.
    pub(super) async fn turn(&self, which: usize) -> Outcome {
        let Some(reconciler) = self.reconcilers.get(which % (self.reconcilers.len() + 1)) else {
            plane::step(&self.store, &self.behaviour, self.clock.now()).await;
            return Outcome::Settled;
        };
        let before = self.store.snapshot();
        let outcome = reconciler.activate().await.unwrap();
        if reconciler.name() == "ecs services" {
            check(&before, &self.store.snapshot());
        }
        outcome
    }

    /// Until nothing changes any more. Returns when something becomes due.
    pub(super) async fn settle(&self) -> Option<Timestamp> {
        self.settle_watching(async |_| {}).await
    }

    /// The same; `look` is asked after every turn.
    pub(super) async fn settle_watching(&self, look: impl AsyncFn(&Self)) -> Option<Timestamp> {
        for _ in 0..ROUNDS_MAX {
            let before = self.store.snapshot().commit();
            let (mut again, mut due) = (false, None);
            for which in 0..=self.reconcilers.len() {
                match self.turn(which).await {
                    Outcome::Again => again = true,
                    Outcome::Until(at) => due = Some(due.map_or(at, |due: Timestamp| due.min(at))),
                    Outcome::Settled => {}
                }
                look(self).await;
            }
            if !again && self.store.snapshot().commit() == before {
                return due;
            }
        }
        panic!(
            "nothing comes to rest: {:#?}",
            self.store.snapshot().list(SERVICES)
        );
    }

    /// Lets time pass whenever everything waits for it, until the service is stable.
    pub(super) async fn settle_stable(&self, name: &str) {
        for _ in 0..40 {
            let due = self.settle().await;
            if self.is_stable(name).await {
                return;
            }
            let now = self.clock.now();
            let wait = due.map_or(Duration::from_secs(1), |due| {
                Duration::try_from(due.duration_since(now)).unwrap_or_default()
            });
            self.clock.advance(wait.max(Duration::from_secs(1)));
        }
        panic!("{name} does not become stable: {:#?}", self.describe(name).await);
    }

    /// No task, interface, target or wish is left of what ECS did.
    pub(super) async fn assert_nothing_left(&self) {
        let snapshot = self.store.snapshot();
        assert!(snapshot.list(DESIRED).is_empty(), "desired tasks are left");
        assert!(snapshot.list(OBSERVED).is_empty(), "observed tasks are left");
        let stopped = snapshot.list(TASKS).iter().all(|(_, task)| task.is_stopped());
        assert!(stopped, "tasks are left");
        let interfaces = self
            .ec2
            .describe_network_interfaces(&self.context, Default::default());
        let interfaces = interfaces.await.unwrap().network_interfaces.unwrap();
        let of_tasks = interfaces.iter().filter(|it| {
            it.description
                .as_deref()
                .is_some_and(|text| text.starts_with("arn:aws:ecs:"))
        });
        assert_eq!(of_tasks.count(), 0, "interfaces are left");
        let routes = snapshot
            .get(
                base_store::Table::<RouteTable>::new(RouteTable::TABLE, 1),
                RouteTable::KEY,
            )
            .unwrap();
        assert!(
            routes.target_groups.iter().all(|it| it.targets.is_empty()),
            "targets are left"
        );
    }
}

pub(super) fn living(snapshot: &Snapshot, name: &str) -> Vec<Arc<TaskRow>> {
    let rows = snapshot.list(TASKS).into_iter().map(|(_, row)| row);
    rows.filter(|row| row.service() == Some(name) && !row.is_stopped())
        .collect()
}

/// What our own decision may not do: stop a serving task below the floor, start one above the ceiling.
pub(super) fn check(before: &Snapshot, after: &Snapshot) {
    let (old, new) = (census(before), census(after));
    for (place, service) in after.list(SERVICES) {
        let (old, new) = (old.get(&place).cloned(), new.get(&place).cloned());
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        let active = service.state == State::Active;
        let desired = if active { service.desired } else { 0 };
        let floor = (desired * service.minimum_healthy_percent).div_ceil(100);
        let ceiling = desired * service.maximum_percent / 100;
        assert!(
            new.serving >= old.serving || new.serving >= floor,
            "{place}: {old:?} -> {new:?} is below the floor of {floor}"
        );
        assert!(
            new.living <= old.living || new.living <= ceiling,
            "{place}: {old:?} -> {new:?} is above the ceiling of {ceiling}"
        );
    }
}

fn census(snapshot: &Snapshot) -> BTreeMap<String, Census> {
    let routes = snapshot.get(ROUTES, RouteTable::KEY);
    let mut all = BTreeMap::new();
    for (place, service) in snapshot.list(SERVICES) {
        let mut census = Census::default();
        for task in living(snapshot, &service.name) {
            let seen = table::observed(snapshot, &task);
            let phase = seen.map_or(TaskPhase::Provisioning, |seen| seen.phase);
            if task.stop.is_some() || phase >= TaskPhase::Stopping {
                continue;
            }
            census.living += 1;
            let healthy = task.load_balancers.iter().all(|balancer| {
                let endpoint = task.endpoint(balancer);
                routes.as_ref().is_some_and(|routes| {
                    routes.targets.iter().any(|it| {
                        it.target_group == balancer.target_group
                            && Some((it.address, it.port)) == endpoint
                            && it.health == TargetHealth::Healthy
                    })
                })
            });
            if phase == TaskPhase::Running && healthy {
                census.serving += 1;
            }
        }
        all.insert(place, census);
    }
    all
}
