//! Container instances and tasks on them.

use aws_shape::ec2::InstanceStateName;
use aws_shape::ecs::*;
use aws_shape::elbv2::TargetTypeEnum;
use contract::task::{HostNetwork, TaskPhase};

use super::world::World;
use crate::table::{DESIRED, OBSERVED};

fn resource(name: &str, value: i32) -> Resource {
    Resource {
        name: Some(name.into()),
        type_: Some("INTEGER".into()),
        integer_value: Some(value),
        ..Default::default()
    }
}

/// What the agents of these instances can do.
const CAPABILITIES: [&str; 6] = [
    "com.amazonaws.ecs.capability.docker-remote-api.1.18",
    "com.amazonaws.ecs.capability.privileged-container",
    "com.amazonaws.ecs.capability.task-iam-role",
    "com.amazonaws.ecs.capability.task-iam-role-network-host",
    "ecs.capability.task-eni",
    "ecs.capability.container-ordering",
];

fn registration(id: &str, cpu: i32, memory: i32) -> RegisterContainerInstanceRequest {
    let ports = ["22", "2375", "2376", "51678", "51679"].map(str::to_owned);
    RegisterContainerInstanceRequest {
        instance_identity_document: Some(format!(r#"{{"instanceId":"{id}","region":"us-east-1"}}"#)),
        total_resources: Some(vec![
            resource("CPU", cpu),
            resource("MEMORY", memory),
            Resource {
                name: Some("PORTS".into()),
                type_: Some("STRINGSET".into()),
                string_set_value: Some(ports.to_vec()),
                ..Default::default()
            },
        ]),
        version_info: Some(VersionInfo {
            agent_version: Some("1.89.2".into()),
            ..Default::default()
        }),
        attributes: Some(
            CAPABILITIES
                .iter()
                .map(|name| Attribute {
                    name: (*name).into(),
                    ..Default::default()
                })
                .collect(),
        ),
        ..Default::default()
    }
}

/// An EC2 instance that joins the cluster; returns the container instance's ARN.
pub(super) async fn join(world: &World, number: u8, zone: &str) -> String {
    let id = format!("i-{number:017x}");
    world
        .machines
        .run(&id, zone, &world.vpc, &format!("10.0.1.{number}"));
    let answer = world
        .ecs
        .register_container_instance(&world.context, registration(&id, 2048, 2000))
        .await
        .unwrap();
    answer.container_instance.unwrap().container_instance_arn.unwrap()
}

/// The guide's own: bridge, a fixed port.
pub(super) fn guide(host_port: Option<i32>) -> RegisterTaskDefinitionRequest {
    RegisterTaskDefinitionRequest {
        family: "guide".into(),
        requires_compatibilities: Some(vec![Compatibility::Ec2]),
        container_definitions: vec![ContainerDefinition {
            name: Some("app".into()),
            image: Some("nginx".into()),
            memory: Some(500),
            cpu: Some(256),
            privileged: Some(true),
            interactive: Some(true),
            pseudo_terminal: Some(true),
            port_mappings: Some(vec![PortMapping {
                container_port: Some(8502),
                host_port,
                ..Default::default()
            }]),
            ..Default::default()
        }],
        ..Default::default()
    }
}

pub(super) async fn define(world: &World, input: RegisterTaskDefinitionRequest) {
    let made = world.ecs.register_task_definition(&world.context, input).await;
    made.unwrap();
}

pub(super) fn service(desired: i32) -> CreateServiceRequest {
    CreateServiceRequest {
        service_name: "web".into(),
        task_definition: Some("guide".into()),
        desired_count: Some(desired),
        launch_type: Some(LaunchType::Ec2),
        availability_zone_rebalancing: Some(AvailabilityZoneRebalancing::Disabled),
        ..Default::default()
    }
}

async fn described(world: &World, arn: &str) -> ContainerInstance {
    let input = DescribeContainerInstancesRequest {
        container_instances: vec![arn.into()],
        include: Some(vec![ContainerInstanceField::ContainerInstanceHealth]),
        ..Default::default()
    };
    let answer = world
        .ecs
        .describe_container_instances(&world.context, input)
        .await;
    answer.unwrap().container_instances.unwrap().remove(0)
}

fn amount<'a>(all: &'a Option<Vec<Resource>>, name: &str) -> &'a Resource {
    let mut all = all.as_ref().unwrap().iter();
    all.find(|it| it.name.as_deref() == Some(name)).unwrap()
}

#[tokio::test]
async fn an_instance_tells_what_is_left_of_it() {
    let world = World::new().await;
    let arn = join(&world, 1, "us-east-1a").await;
    define(&world, guide(Some(80))).await;
    world.create(service(1)).await.unwrap();
    world.settle_stable("web").await;
    let one = described(&world, &arn).await;
    assert_eq!(one.status.as_deref(), Some("ACTIVE"));
    assert_eq!(
        (one.running_tasks_count, one.pending_tasks_count),
        (Some(1), Some(0))
    );
    assert_eq!(one.agent_connected, Some(true));
    assert_eq!(amount(&one.registered_resources, "CPU").integer_value, Some(2048));
    assert_eq!(
        amount(&one.remaining_resources, "CPU").integer_value,
        Some(2048 - 256)
    );
    assert_eq!(
        amount(&one.remaining_resources, "MEMORY").integer_value,
        Some(1500)
    );
    let ports = amount(&one.remaining_resources, "PORTS")
        .string_set_value
        .clone()
        .unwrap();
    assert_eq!(ports, ["22", "80", "2375", "2376", "51678", "51679"]);
    let zone = one
        .attributes
        .unwrap()
        .into_iter()
        .find(|it| it.name == "ecs.availability-zone");
    assert_eq!(zone.unwrap().value.as_deref(), Some("us-east-1a"));

    let task = world.task(&world.living("web")[0].id).await;
    assert_eq!(task.container_instance_arn.as_ref(), Some(&arn));
    assert_eq!(task.launch_type, Some(LaunchType::Ec2));
    assert_eq!(task.attachments, Some(vec![]));
    let binding = task.containers.unwrap()[0]
        .network_bindings
        .clone()
        .unwrap()
        .remove(0);
    assert_eq!(
        (binding.host_port, binding.container_port),
        (Some(80), Some(8502))
    );
    let (_, wish) = world.store.snapshot().list(DESIRED).remove(0);
    let host = wish.host.clone().unwrap();
    assert_eq!(host.disk, "i-00000000000000001");
    let HostNetwork::Bridge(ends) = host.network else {
        panic!("it is on the bridge")
    };
    assert_eq!(ends[0].address.to_string(), "172.17.0.2");
    assert!(wish.containers[0].linux.privileged && wish.interface.is_none());
    let described = world.describe("web").await;
    assert_eq!(
        described.network_configuration, None,
        "clients cannot live with an empty one"
    );
    assert_eq!(described.launch_type, Some(LaunchType::Ec2));
}

#[tokio::test]
async fn a_fixed_port_is_given_once_and_the_service_says_why_it_waits() {
    let world = World::new().await;
    let first = join(&world, 1, "us-east-1a").await;
    define(&world, guide(Some(80))).await;
    world.create(service(2)).await.unwrap();
    world.settle().await;
    let id = first.rsplit('/').next().unwrap();
    let sentence = format!(
        "(service web) was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance {id}) is already using a port required by your task. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
    );
    let said = |events: Vec<String>| events.into_iter().filter(|it| *it == sentence).count();
    assert_eq!(said(world.events("web").await), 1);
    for _ in 0..5 {
        world.clock.advance(std::time::Duration::from_secs(60));
        world.settle().await;
    }
    assert_eq!(said(world.events("web").await), 1, "it is not said over and over");
    join(&world, 2, "us-east-1b").await;
    world.settle_stable("web").await;
    let places: Vec<_> = world
        .living("web")
        .iter()
        .map(|it| it.lodging.clone().unwrap().instance)
        .collect();
    assert_ne!(places[0], places[1]);
    // With no free instance a rolling update cannot begin, and goes as soon as one may be stopped.
    define(&world, guide(Some(80))).await;
    world.roll("web", "guide:2").await;
    world.settle().await;
    assert!(!world.is_stable("web").await);
    let input = UpdateServiceRequest {
        service: "web".into(),
        deployment_configuration: Some(DeploymentConfiguration {
            minimum_healthy_percent: Some(50),
            maximum_percent: Some(100),
            ..Default::default()
        }),
        ..Default::default()
    };
    world.update(input).await.unwrap();
    world.settle_stable("web").await;
    let all_new = world
        .living("web")
        .iter()
        .all(|it| it.task_definition.ends_with("guide:2"));
    assert!(all_new);
}

#[tokio::test]
async fn a_terminated_instance_takes_its_tasks_along_and_the_service_recovers() {
    let world = World::new().await;
    let first = join(&world, 1, "us-east-1a").await;
    let second = join(&world, 2, "us-east-1b").await;
    define(&world, guide(None)).await;
    world.create(service(2)).await.unwrap();
    world.settle_stable("web").await;
    let lost = world.living("web").into_iter();
    let lost = lost
        .into_iter()
        .find(|it| first.ends_with(&it.lodging.clone().unwrap().instance))
        .unwrap();
    world
        .machines
        .set("i-00000000000000001", InstanceStateName::Terminated);
    world.settle_stable("web").await;
    let task = world.task(&lost.id).await;
    assert_eq!(
        task.stopped_reason.as_deref(),
        Some("Host EC2 (instance i-00000000000000001) terminated.")
    );
    assert_eq!(task.stop_code, Some(TaskStopCode::TerminationNotice));
    let all_there = world
        .living("web")
        .iter()
        .all(|it| second.ends_with(&it.lodging.clone().unwrap().instance));
    assert!(all_there);
    let ports: Vec<_> = world
        .living("web")
        .iter()
        .map(|it| it.lodging.clone().unwrap().publish["app"][0].host_port)
        .collect();
    assert!(ports[0] != ports[1] && ports.iter().all(|port| (32768..=60999).contains(port)));
    let left = world
        .ecs
        .list_container_instances(&world.context, Default::default())
        .await
        .unwrap();
    assert_eq!(left.container_instance_arns, Some(vec![second]));
    let failures = world.describe("web").await.deployments.unwrap()[0].failed_tasks;
    assert_eq!(failures, Some(0), "its deployment is not to blame");
}

#[tokio::test]
async fn draining_replaces_the_tasks_of_services_elsewhere_and_leaves_the_others() {
    let world = World::new().await;
    let first = join(&world, 1, "us-east-1a").await;
    define(&world, guide(None)).await;
    world.create(service(2)).await.unwrap();
    world.settle_stable("web").await;
    let input = RunTaskRequest {
        task_definition: "guide".into(),
        launch_type: Some(LaunchType::Ec2),
        ..Default::default()
    };
    let alone = world
        .ecs
        .run_task(&world.context, input)
        .await
        .unwrap()
        .tasks
        .unwrap()
        .remove(0);
    let second = join(&world, 2, "us-east-1a").await;
    let input = UpdateContainerInstancesStateRequest {
        container_instances: vec![first.clone()],
        status: ContainerInstanceStatus::Draining,
        ..Default::default()
    };
    world
        .ecs
        .update_container_instances_state(&world.context, input)
        .await
        .unwrap();
    world.settle_stable("web").await;
    assert_eq!(described(&world, &first).await.running_tasks_count, Some(1));
    assert_eq!(
        described(&world, &first).await.status.as_deref(),
        Some("DRAINING")
    );
    assert_eq!(described(&world, &second).await.running_tasks_count, Some(2));
    assert_eq!(
        world.task(&alone.task_arn.unwrap()).await.last_status.as_deref(),
        Some("RUNNING")
    );
}

#[tokio::test]
async fn a_load_balancer_reaches_instances_by_their_ports() {
    let world = World::new().await;
    let group = world.target_group_of("inst", TargetTypeEnum::Instance).await;
    join(&world, 1, "us-east-1a").await;
    join(&world, 2, "us-east-1b").await;
    define(&world, guide(None)).await;
    let behind = |group: &str| {
        let mut balancers = world.behind(group).unwrap();
        balancers[0].container_port = Some(8502);
        Some(balancers)
    };
    let wrong = CreateServiceRequest {
        load_balancers: behind(&world.group),
        ..service(2)
    };
    let error = world.create(wrong).await.unwrap_err();
    assert_eq!(
        error.message,
        format!(
            "The provided target group {} has target type ip, which is incompatible with the bridge network mode specified in the task definition.",
            world.group
        )
    );
    let input = CreateServiceRequest {
        load_balancers: behind(&group),
        role: Some("ecs".into()),
        ..service(2)
    };
    let made = world.create(input).await.unwrap();
    assert_eq!(
        made.role_arn.as_deref(),
        Some("arn:aws:iam::000000000000:role/ecs")
    );
    world.settle_stable("web").await;
    assert_eq!(world.targets(&group).await, ["healthy", "healthy"]);
    define(&world, guide(None)).await;
    world.roll("web", "guide:2").await;
    world.settle_stable("web").await;
    assert_eq!(world.targets(&group).await, ["healthy", "healthy"]);
    world
        .machines
        .set("i-00000000000000001", InstanceStateName::Terminated);
    world.settle_stable("web").await;
    assert_eq!(world.targets(&group).await, ["healthy", "healthy"]);
    world.delete("web").await.unwrap();
    world.settle().await;
    world.assert_nothing_left().await;
}

#[tokio::test]
async fn what_fits_nowhere_is_a_failure_with_a_reason() {
    let world = World::new().await;
    let run = |count: i32| RunTaskRequest {
        task_definition: "guide".into(),
        count: Some(count),
        launch_type: Some(LaunchType::Ec2),
        ..Default::default()
    };
    define(&world, guide(Some(80))).await;
    let error = world.ecs.run_task(&world.context, run(1)).await.unwrap_err();
    assert_eq!(
        error.message,
        "No Container Instances were found in your cluster."
    );
    let arn = join(&world, 1, "us-east-1a").await;
    let answer = world.ecs.run_task(&world.context, run(3)).await.unwrap();
    assert_eq!(answer.tasks.unwrap().len(), 1);
    let reasons = |failures: Option<Vec<Failure>>| -> Vec<(String, String)> {
        let all = failures.unwrap().into_iter();
        all.map(|it| (it.arn.unwrap(), it.reason.unwrap())).collect()
    };
    assert_eq!(
        reasons(answer.failures),
        [(arn.clone(), "RESOURCE:PORTS".to_owned())]
    );
    let constrained = RunTaskRequest {
        placement_constraints: Some(vec![PlacementConstraint {
            type_: Some(PlacementConstraintType::MemberOf),
            expression: Some("attribute:ecs.instance-type =~ g2.*".into()),
        }]),
        ..run(1)
    };
    let answer = world.ecs.run_task(&world.context, constrained).await.unwrap();
    let expected = "MemberOf placement constraint unsatisfied.".to_owned();
    assert_eq!(reasons(answer.failures), [(arn.clone(), expected)]);
    let start = StartTaskRequest {
        container_instances: vec![arn.clone(), "0123".into()],
        task_definition: "guide".into(),
        ..Default::default()
    };
    let answer = world.ecs.start_task(&world.context, start).await.unwrap();
    let failures = reasons(answer.failures);
    assert_eq!(failures[0].1, "RESOURCE:PORTS");
    assert_eq!(failures[1].1, "MISSING");
}

#[tokio::test]
async fn a_daemon_runs_once_on_every_instance() {
    let world = World::new().await;
    join(&world, 1, "us-east-1a").await;
    let second = join(&world, 2, "us-east-1b").await;
    define(&world, guide(None)).await;
    let input = CreateServiceRequest {
        desired_count: None,
        scheduling_strategy: Some(SchedulingStrategy::Daemon),
        ..service(0)
    };
    let made = world.create(input).await.unwrap();
    assert_eq!(
        made.desired_count,
        Some(2),
        "whoever waits for it waits for these"
    );
    world.settle_stable("web").await;
    let on = |world: &World| {
        let living = world.living("web").into_iter();
        let mut on: Vec<_> = living
            .map(|it| it.lodging.clone().unwrap().ec2_instance)
            .collect();
        on.sort();
        on
    };
    assert_eq!(on(&world).len(), 2);
    join(&world, 3, "us-east-1b").await;
    world.settle_stable("web").await;
    let mut once = on(&world);
    once.dedup();
    assert_eq!(once.len(), 3);
    let input = UpdateContainerInstancesStateRequest {
        container_instances: vec![second],
        status: ContainerInstanceStatus::Draining,
        ..Default::default()
    };
    world
        .ecs
        .update_container_instances_state(&world.context, input)
        .await
        .unwrap();
    world.settle_stable("web").await;
    assert_eq!(on(&world), ["i-00000000000000001", "i-00000000000000003"]);
    assert_eq!(world.describe("web").await.desired_count, Some(2));
    define(&world, guide(None)).await;
    world.roll("web", "guide:2").await;
    world.settle_stable("web").await;
    assert!(
        world
            .living("web")
            .iter()
            .all(|it| it.task_definition.ends_with("guide:2"))
    );
}

#[tokio::test]
async fn the_same_instance_registers_again_as_itself() {
    let world = World::new().await;
    let arn = join(&world, 1, "us-east-1a").await;
    define(&world, guide(Some(80))).await;
    world.create(service(1)).await.unwrap();
    world.settle_stable("web").await;
    let lost = world.living("web")[0].id.clone();
    world
        .machines
        .set("i-00000000000000001", InstanceStateName::Stopped);
    world.settle().await;
    let one = described(&world, &arn).await;
    assert_eq!(
        (one.status.as_deref(), one.agent_connected),
        (Some("ACTIVE"), Some(false))
    );
    let reason = world.task(&lost).await.stopped_reason;
    assert_eq!(
        reason.as_deref(),
        Some("Host EC2 (instance i-00000000000000001) stopped.")
    );
    let waiting = world.events("web").await;
    assert!(
        waiting
            .iter()
            .any(|it| it.contains("doesn't have the agent connected")),
        "{waiting:?}"
    );
    assert_eq!(join(&world, 1, "us-east-1a").await, arn);
    world.settle_stable("web").await;
    let seen = world.store.snapshot().list(OBSERVED);
    assert!(seen.iter().any(|(_, it)| it.phase == TaskPhase::Running));
}

#[tokio::test]
async fn an_instance_registers_only_as_itself() {
    let world = World::new().await;
    join(&world, 1, "us-east-1a").await;
    let mut context = world.context.clone();
    context.principal_arn = "arn:aws:sts::000000000000:assumed-role/ecs/i-00000000000000002".into();
    let request = registration("i-00000000000000001", 1024, 1000);
    let error = world
        .ecs
        .register_container_instance(&context, request.clone())
        .await
        .unwrap_err();
    assert_eq!(error.code, "ClientException");
    let unknown = registration("i-0000000000000dead", 1024, 1000);
    assert!(
        world
            .ecs
            .register_container_instance(&world.context, unknown)
            .await
            .is_err()
    );
    let elsewhere = RegisterContainerInstanceRequest {
        cluster: Some("nowhere".into()),
        ..request
    };
    let error = world
        .ecs
        .register_container_instance(&world.context, elsewhere)
        .await
        .unwrap_err();
    assert_eq!(error.code, "ClusterNotFoundException");
}

#[tokio::test]
async fn rebalancing_that_nobody_asked_for_gives_way_to_a_roll_out_without_room() {
    let world = World::new().await;
    join(&world, 1, "us-east-1a").await;
    define(&world, guide(None)).await;
    let update = || UpdateServiceRequest {
        service: "web".into(),
        deployment_configuration: Some(DeploymentConfiguration {
            minimum_healthy_percent: Some(0),
            maximum_percent: Some(100),
            ..Default::default()
        }),
        ..Default::default()
    };
    let by_default = CreateServiceRequest {
        availability_zone_rebalancing: None,
        ..service(1)
    };
    let made = world.create(by_default).await.unwrap();
    assert_eq!(
        made.availability_zone_rebalancing,
        Some(AvailabilityZoneRebalancing::Enabled)
    );
    let changed = world.update(update()).await.unwrap();
    assert_eq!(
        changed.availability_zone_rebalancing,
        Some(AvailabilityZoneRebalancing::Disabled)
    );
    let asked = UpdateServiceRequest {
        availability_zone_rebalancing: Some(AvailabilityZoneRebalancing::Enabled),
        ..update()
    };
    assert!(world.update(asked).await.is_err());
}
