//! Tasks that belong to no service.

use aws_shape::ecr::Api as _;
use aws_shape::ecs::*;
use aws_shape::logs::Api as _;
use contract::image::{Catalog as _, PutManifest, Tenant};
use contract::task::Health;

use super::world::{REGISTRY, World};
use crate::table::DESIRED;

fn run(world: &World) -> RunTaskRequest {
    RunTaskRequest {
        task_definition: "web:1".into(),
        launch_type: Some(LaunchType::Fargate),
        network_configuration: world.vpc_configuration(),
        ..Default::default()
    }
}

async fn start(world: &World, input: RunTaskRequest) -> String {
    let answer = world.ecs.run_task(&world.context, input).await.unwrap();
    answer.tasks.unwrap().remove(0).task_arn.unwrap()
}

#[tokio::test]
async fn a_task_runs_and_is_stopped_by_its_user() {
    let world = World::new().await;
    let arn = start(&world, run(&world)).await;
    assert_eq!(
        world.task(&arn).await.last_status.as_deref(),
        Some("PROVISIONING")
    );
    world.settle().await;
    let task = world.task(&arn).await;
    assert_eq!(task.last_status.as_deref(), Some("RUNNING"));
    assert_eq!(
        task.containers.unwrap()[0].last_status.as_deref(),
        Some("RUNNING")
    );
    assert_eq!(task.attachments.unwrap()[0].status.as_deref(), Some("ATTACHED"));
    let input = StopTaskRequest {
        task: arn.clone(),
        reason: Some("enough".into()),
        ..Default::default()
    };
    let task = world
        .ecs
        .stop_task(&world.context, input)
        .await
        .unwrap()
        .task
        .unwrap();
    assert_eq!(task.desired_status.as_deref(), Some("STOPPED"));
    world.settle().await;
    let task = world.task(&arn).await;
    assert_eq!(task.last_status.as_deref(), Some("STOPPED"));
    assert_eq!(task.stop_code, Some(TaskStopCode::UserInitiated));
    assert_eq!(task.stopped_reason.as_deref(), Some("enough"));
    assert_eq!(task.containers.unwrap()[0].exit_code, Some(0));
    world.assert_nothing_left().await;
    world.clock.advance(std::time::Duration::from_secs(3601));
    world.settle().await;
    let input = DescribeTasksRequest {
        tasks: vec![arn],
        ..Default::default()
    };
    let answer = world.ecs.describe_tasks(&world.context, input).await.unwrap();
    assert_eq!(answer.failures.unwrap()[0].reason.as_deref(), Some("MISSING"));
}

#[tokio::test]
async fn a_task_that_is_stopped_at_any_moment_leaves_nothing() {
    for turns in 0..18 {
        let world = World::new().await;
        let arn = start(&world, run(&world)).await;
        for which in 0..turns {
            world.turn(which).await;
        }
        let input = StopTaskRequest {
            task: arn.clone(),
            ..Default::default()
        };
        world.ecs.stop_task(&world.context, input).await.unwrap();
        world.settle().await;
        let task = world.task(&arn).await;
        assert_eq!(task.stopped_reason.as_deref(), Some("Task stopped by user"));
        world.assert_nothing_left().await;
    }
}

#[tokio::test]
async fn a_task_that_cannot_start_says_why() {
    let mut world = World::new().await;
    world.behaviour.broken.insert("web:1".into());
    let arn = start(&world, run(&world)).await;
    world.settle().await;
    let task = world.task(&arn).await;
    assert_eq!(task.stop_code, Some(TaskStopCode::TaskFailedToStart));
    assert_eq!(
        task.stopped_reason.as_deref(),
        Some("CannotPullContainerError: no")
    );
    world.assert_nothing_left().await;
}

#[tokio::test]
async fn a_lost_task_that_had_started_did_not_fail_to_start() {
    let world = World::new().await;
    let arn = start(&world, run(&world)).await;
    world.settle().await;
    let id = arn.rsplit('/').next().unwrap();
    world.crash(id, true).await;
    world.settle().await;
    let task = world.task(&arn).await;
    assert_eq!(task.stop_code, Some(TaskStopCode::EssentialContainerExited));
    assert_eq!(task.stopped_reason.as_deref(), Some("The task was lost"));
}

#[tokio::test]
async fn the_same_request_again_starts_nothing_more() {
    let world = World::new().await;
    let input = RunTaskRequest {
        client_token: Some("once".into()),
        count: Some(2),
        ..run(&world)
    };
    let first = start(&world, input.clone()).await;
    assert_eq!(start(&world, input.clone()).await, first);
    assert_eq!(world.store.snapshot().list(crate::table::TASKS).len(), 2);
    let other = world.define("other").await;
    let input = RunTaskRequest {
        task_definition: other,
        ..input
    };
    let refused = world.ecs.run_task(&world.context, input).await.unwrap_err();
    assert_eq!(refused.code, "ConflictException");
}

fn logging(group: &str, create: bool) -> RegisterTaskDefinitionRequest {
    let mut input = World::definition("logging");
    let options = [
        ("awslogs-group", group),
        ("awslogs-region", "us-east-1"),
        ("awslogs-stream-prefix", "app"),
        ("awslogs-create-group", if create { "true" } else { "false" }),
    ];
    let options = options.map(|(key, value)| (key.to_owned(), value.to_owned()));
    input.container_definitions[0].log_configuration = Some(LogConfiguration {
        log_driver: LogDriver::Awslogs,
        options: Some(options.into()),
        secret_options: None,
    });
    input
}

#[tokio::test]
async fn a_missing_log_group_is_a_reason_or_is_made() {
    let world = World::new().await;
    for (create, expected) in [(false, "STOPPED"), (true, "RUNNING")] {
        let input = logging("/app", create);
        world
            .ecs
            .register_task_definition(&world.context, input)
            .await
            .unwrap();
        let input = RunTaskRequest {
            task_definition: "logging".into(),
            ..run(&world)
        };
        let arn = start(&world, input).await;
        world.settle().await;
        let task = world.task(&arn).await;
        assert_eq!(task.last_status.as_deref(), Some(expected));
        if !create {
            let reason = task.stopped_reason.unwrap();
            assert!(
                reason.contains("cannot find the Amazon CloudWatch log group '/app'"),
                "{reason}"
            );
        }
    }
    let groups = world
        .logs
        .describe_log_groups(&world.context, Default::default())
        .await
        .unwrap();
    assert_eq!(groups.log_groups.unwrap().len(), 1);
}

async fn push(world: &World, digest: &str) {
    let tenant = Tenant {
        account: "000000000000".into(),
        region: "us-east-1".into(),
    };
    let manifest = PutManifest {
        digest: digest.into(),
        media_type: "application/vnd.oci.image.manifest.v1+json".into(),
        tags: vec!["latest".into()],
        blobs: Vec::new(),
        children: Vec::new(),
        size_bytes: 1,
        config_media_type: None,
        subject: None,
        at: base_clock::Clock::now(&*world.clock),
    };
    world.ecr.put(&tenant, "web", manifest).await.unwrap();
}

#[tokio::test]
async fn all_tasks_of_a_deployment_run_the_same_bytes() {
    let world = World::new().await;
    let input = aws_shape::ecr::CreateRepositoryRequest {
        repository_name: "web".into(),
        ..Default::default()
    };
    world.ecr.create_repository(&world.context, input).await.unwrap();
    let (first, second) = (
        format!("sha256:{}", "1".repeat(64)),
        format!("sha256:{}", "2".repeat(64)),
    );
    push(&world, &first).await;
    let mut definition = World::definition("pinned");
    definition.container_definitions[0].image = Some(format!("{REGISTRY}/web"));
    world
        .ecs
        .register_task_definition(&world.context, definition)
        .await
        .unwrap();
    let input = CreateServiceRequest {
        task_definition: Some("pinned".into()),
        ..world.service("pinned", 1)
    };
    world.create(input).await.unwrap();
    world.settle().await;
    push(&world, &second).await;
    world.scale("pinned", 2).await;
    world.settle().await;
    let digests = || {
        let rows = world.store.snapshot().list(DESIRED).into_iter();
        let digests = rows.map(|(_, row)| row.containers[0].image.digest.clone().unwrap());
        digests.collect::<Vec<_>>()
    };
    assert_eq!(digests(), [first.clone(), first]);
    let input = UpdateServiceRequest {
        service: "pinned".into(),
        force_new_deployment: Some(true),
        ..Default::default()
    };
    world.update(input).await.unwrap();
    world.settle().await;
    assert_eq!(digests(), [second.clone(), second]);
}

#[tokio::test]
async fn only_essential_containers_with_a_check_decide_on_health() {
    let mut world = World::new().await;
    let mut definition = World::definition("checked");
    let check = HealthCheck {
        command: vec!["CMD-SHELL".into(), "true".into()],
        ..Default::default()
    };
    definition.container_definitions.push(ContainerDefinition {
        name: Some("side".into()),
        image: Some("nginx".into()),
        essential: Some(false),
        health_check: Some(check),
        ..Default::default()
    });
    world
        .ecs
        .register_task_definition(&world.context, definition)
        .await
        .unwrap();
    let input = CreateServiceRequest {
        task_definition: Some("checked".into()),
        ..world.service("checked", 1)
    };
    world.create(input).await.unwrap();
    world.behaviour.container_health = Some(Health::Unhealthy);
    world.settle_stable("checked").await;
    let id = world.living("checked")[0].id.clone();
    assert_eq!(world.task(&id).await.health_status, Some(HealthStatus::Unknown));
}
