//! What RunTask changes in a task, and what it refuses.

use aws_protocol::ApiError;
use aws_shape::ecs::*;
use contract::exec::Sessions as _;
use contract::task::DesiredTask;

use super::world::World;
use crate::table::DESIRED;

fn run(world: &World) -> RunTaskRequest {
    RunTaskRequest {
        task_definition: "web:1".into(),
        launch_type: Some(LaunchType::Fargate),
        network_configuration: world.vpc_configuration(),
        ..Default::default()
    }
}

async fn started(world: &World, input: RunTaskRequest) -> (Task, DesiredTask) {
    let answer = world.ecs.run_task(&world.context, input).await.unwrap();
    let arn = answer.tasks.unwrap().remove(0).task_arn.unwrap();
    world.settle().await;
    let wish = world.store.snapshot().list(DESIRED).remove(0).1;
    (world.task(&arn).await, DesiredTask::clone(&wish))
}

fn overriding(world: &World, one: ContainerOverride) -> RunTaskRequest {
    RunTaskRequest {
        overrides: Some(TaskOverride {
            container_overrides: Some(vec![one]),
            ..Default::default()
        }),
        ..run(world)
    }
}

#[tokio::test]
async fn tasks_are_refused_in_the_words_of_aws() {
    let world = World::new().await;
    let long = || ContainerOverride {
        name: Some("app".into()),
        command: Some(vec!["x".repeat(8193)]),
        ..Default::default()
    };
    for (input, code, words) in [
        (
            RunTaskRequest {
                cluster: Some("no".into()),
                ..run(&world)
            },
            "ClusterNotFoundException",
            "Cluster not found.",
        ),
        (
            RunTaskRequest {
                task_definition: "no".into(),
                ..run(&world)
            },
            "ClientException",
            "TaskDefinition not found.",
        ),
        (
            RunTaskRequest {
                count: Some(11),
                ..run(&world)
            },
            "InvalidParameterException",
            "Count can not be less than 1 or more than 10.",
        ),
        (
            RunTaskRequest {
                started_by: Some("x".repeat(129)),
                ..run(&world)
            },
            "InvalidParameterException",
            "startedBy can have at most 128 characters.",
        ),
        (
            RunTaskRequest {
                group: Some("service:web".into()),
                ..run(&world)
            },
            "InvalidParameterException",
            "The group name must not begin with 'service:'.",
        ),
        (
            RunTaskRequest {
                launch_type: None,
                ..run(&world)
            },
            "InvalidParameterException",
            "No Container Instances were found in your cluster.",
        ),
        (
            RunTaskRequest {
                launch_type: Some(LaunchType::External),
                ..run(&world)
            },
            "InvalidParameterException",
            "Task definition does not support launch_type EXTERNAL.",
        ),
        (
            RunTaskRequest {
                network_configuration: None,
                ..run(&world)
            },
            "InvalidParameterException",
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ),
        (
            RunTaskRequest {
                propagate_tags: Some(PropagateTags::Service),
                ..run(&world)
            },
            "InvalidParameterException",
            "Tags can only be propagated from the task definition when a task is run on its own.",
        ),
        (
            overriding(
                &world,
                ContainerOverride {
                    name: Some("db".into()),
                    ..Default::default()
                },
            ),
            "InvalidParameterException",
            "Override for container named db is not a container in the TaskDefinition.",
        ),
        (
            overriding(&world, long()),
            "InvalidParameterException",
            "Container Overrides length must be at most 8192",
        ),
    ] {
        let ApiError {
            code: said, message, ..
        } = world.ecs.run_task(&world.context, input).await.unwrap_err();
        assert_eq!((said.as_ref(), message.as_str()), (code, words));
    }
}

#[tokio::test]
async fn overrides_reach_the_containers() {
    let world = World::new().await;
    let mut input = overriding(
        &world,
        ContainerOverride {
            name: Some("app".into()),
            command: Some(vec!["migrate".into()]),
            environment: Some(vec![KeyValuePair {
                name: Some("MODE".into()),
                value: Some("once".into()),
            }]),
            memory: Some(200),
            cpu: Some(64),
            ..Default::default()
        },
    );
    let overrides = input.overrides.as_mut().unwrap();
    overrides.cpu = Some("512".into());
    overrides.memory = Some("1024".into());
    overrides.task_role_arn = Some("arn:aws:iam::000000000000:role/app".into());
    let (task, wish) = started(&world, input).await;
    assert_eq!(
        (task.cpu.as_deref(), task.memory.as_deref()),
        (Some("512"), Some("1024"))
    );
    assert_eq!(
        task.overrides.unwrap().task_role_arn.as_deref(),
        Some("arn:aws:iam::000000000000:role/app")
    );
    assert_eq!((wish.cpu_units, wish.memory_mib), (Some(512), Some(1024)));
    let app = &wish.containers[0];
    assert_eq!(app.command.as_deref(), Some(&["migrate".to_owned()][..]));
    assert_eq!((app.cpu_units, app.memory_mib), (Some(64), Some(200)));
    let variable = |name: &str| {
        let found = app.environment.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    assert_eq!(variable("MODE"), Some("once"));
    assert_eq!(variable("AWS_REGION"), Some("us-east-1"));
    assert_eq!(variable("AWS_ENDPOINT_URL"), Some("http://169.254.170.2:4566"));
    let metadata = format!(
        "http://169.254.170.2/v4/{}",
        contract::task::runtime_id(&wish.id, 0)
    );
    assert_eq!(variable("ECS_CONTAINER_METADATA_URI_V4"), Some(metadata.as_str()));
    assert!(
        variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
            .unwrap()
            .starts_with("/v2/credentials/")
    );
}

#[tokio::test]
async fn a_task_on_the_machine_itself_has_no_interface() {
    let world = World::new().await;
    let mut definition = World::definition("box");
    definition.network_mode = Some(NetworkMode::None);
    definition.requires_compatibilities = Some(vec![Compatibility::External]);
    let app = &mut definition.container_definitions[0];
    app.port_mappings = None;
    app.hostname = Some("box".into());
    app.mount_points = Some(vec![MountPoint {
        source_volume: Some("a".into()),
        container_path: Some("/a".into()),
        read_only: None,
    }]);
    let mut reader = app.clone();
    reader.name = Some("reader".into());
    reader.mount_points = None;
    reader.volumes_from = Some(vec![VolumeFrom {
        source_container: Some("app".into()),
        read_only: Some(true),
    }]);
    definition.container_definitions.push(reader);
    definition.volumes = Some(vec![Volume {
        name: Some("a".into()),
        ..Default::default()
    }]);
    world
        .ecs
        .register_task_definition(&world.context, definition)
        .await
        .unwrap();
    let input = RunTaskRequest {
        task_definition: "box".into(),
        launch_type: Some(LaunchType::External),
        network_configuration: None,
        ..run(&world)
    };
    let (task, wish) = started(&world, input).await;
    assert_eq!(task.last_status.as_deref(), Some("RUNNING"));
    assert_eq!(task.launch_type, Some(LaunchType::External));
    assert!(task.attachments.unwrap().is_empty());
    assert_eq!(wish.interface, None);
    assert_eq!(wish.containers[0].names.hostname.as_deref(), Some("box"));
    let mount = |index: usize| &wish.containers[index].mounts[0];
    assert_eq!((mount(0).path.as_str(), mount(0).readonly), ("/a", false));
    assert_eq!(
        (mount(1).path.as_str(), mount(1).readonly),
        ("/a", true),
        "taken over to read only"
    );
}

#[tokio::test]
async fn only_tasks_of_services_are_protected() {
    let world = World::new().await;
    world.create(world.service("web", 1)).await.unwrap();
    world.settle_stable("web").await;
    let (alone, _) = started(&world, run(&world)).await;
    let of_service = world.living("web")[0].arn.clone();
    let input = UpdateTaskProtectionRequest {
        cluster: "default".into(),
        tasks: vec![of_service.clone(), alone.task_arn.unwrap(), "none".into()],
        protection_enabled: true,
        expires_in_minutes: Some(5),
    };
    let answer = world
        .ecs
        .update_task_protection(&world.context, input)
        .await
        .unwrap();
    let protected = answer.protected_tasks.unwrap();
    assert_eq!(protected.len(), 1);
    assert_eq!(protected[0].task_arn.as_deref(), Some(of_service.as_str()));
    let reasons: Vec<_> = answer
        .failures
        .unwrap()
        .into_iter()
        .filter_map(|it| it.reason)
        .collect();
    assert_eq!(reasons, ["TASK_NOT_VALID", "MISSING"]);
    let ask = || GetTaskProtectionRequest {
        cluster: "default".into(),
        tasks: None,
    };
    let seen = world
        .ecs
        .get_task_protection(&world.context, ask())
        .await
        .unwrap();
    assert_eq!(seen.protected_tasks.unwrap()[0].protection_enabled, Some(true));
    world.clock.advance(std::time::Duration::from_secs(301));
    let seen = world
        .ecs
        .get_task_protection(&world.context, ask())
        .await
        .unwrap();
    assert_eq!(seen.protected_tasks.unwrap()[0].protection_enabled, Some(false));
}

#[tokio::test]
async fn a_command_is_executed_only_where_that_was_allowed() {
    let world = World::new().await;
    let ask = |task: &str| ExecuteCommandRequest {
        task: task.to_owned(),
        command: "/bin/sh -c 'echo hello'".into(),
        interactive: true,
        ..Default::default()
    };
    let (closed, _) = started(&world, run(&world)).await;
    let error = world
        .ecs
        .execute_command(&world.context, ask(&closed.task_arn.unwrap()))
        .await
        .unwrap_err();
    assert_eq!(error.code, "InvalidParameterException");
    assert!(
        error
            .message
            .starts_with("The execute command failed because execute command was not enabled")
    );
    let input = RunTaskRequest {
        enable_execute_command: Some(true),
        ..run(&world)
    };
    let answer = world.ecs.run_task(&world.context, input).await.unwrap();
    let arn = answer.tasks.unwrap().remove(0).task_arn.unwrap();
    let early = world
        .ecs
        .execute_command(&world.context, ask(&arn))
        .await
        .unwrap_err();
    assert_eq!(early.code, "TargetNotConnectedException");
    world.settle().await;
    let agents = world
        .task(&arn)
        .await
        .containers
        .unwrap()
        .remove(0)
        .managed_agents
        .unwrap();
    assert_eq!(agents[0].last_status.as_deref(), Some("RUNNING"));
    let opened = world
        .ecs
        .execute_command(&world.context, ask(&arn))
        .await
        .unwrap();
    let session = opened.session.unwrap();
    let (id, token) = (session.session_id.unwrap(), session.token_value.unwrap());
    assert!(session.stream_url.unwrap().ends_with(&id));
    assert!(world.ecs.join(&id, "wrong").is_none());
    let request = world.ecs.join(&id, &token).unwrap();
    assert_eq!(request.arguments, ["/bin/sh", "-c", "echo hello"]);
    assert!(world.ecs.join(&id, &token).is_none(), "a session is joined once");
}
