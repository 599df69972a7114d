//! Task definitions from the first revision to the last trace.

use aws_shape::ecs::*;

use super::world::World;

async fn list(world: &World, status: TaskDefinitionStatus) -> Vec<String> {
    let input = ListTaskDefinitionsRequest {
        status: Some(status),
        ..Default::default()
    };
    let answer = world.ecs.list_task_definitions(&world.context, input).await;
    let arns = answer.unwrap().task_definition_arns.unwrap().into_iter();
    arns.map(|arn| arn.rsplit('/').next().unwrap().to_owned())
        .collect()
}

async fn delete(world: &World, name: &str) -> (Vec<TaskDefinition>, Vec<Failure>) {
    let input = DeleteTaskDefinitionsRequest {
        task_definitions: vec![name.into()],
    };
    let answer = world
        .ecs
        .delete_task_definitions(&world.context, input)
        .await
        .unwrap();
    (answer.task_definitions.unwrap(), answer.failures.unwrap())
}

#[tokio::test]
async fn a_revision_goes_when_nothing_refers_to_it_any_more() {
    let world = World::new().await;
    world.create(world.service("web", 1)).await.unwrap();
    world.settle_stable("web").await;
    let (deleted, failures) = delete(&world, "web:1").await;
    assert!(deleted.is_empty());
    assert_eq!(
        failures[0].reason.as_deref(),
        Some(
            "The specified task definition is still in ACTIVE status. Please deregister the target and try again."
        )
    );
    let input = DeregisterTaskDefinitionRequest {
        task_definition: "web:1".into(),
    };
    let gone = world
        .ecs
        .deregister_task_definition(&world.context, input)
        .await
        .unwrap();
    assert_eq!(
        gone.task_definition.unwrap().status,
        Some(TaskDefinitionStatus::Inactive)
    );
    assert_eq!(list(&world, TaskDefinitionStatus::Inactive).await, ["web:1"]);
    let (deleted, _) = delete(&world, "web:1").await;
    assert_eq!(deleted[0].status, Some(TaskDefinitionStatus::DeleteInProgress));
    assert!(deleted[0].delete_requested_at.is_some());
    world.settle().await;
    assert_eq!(
        list(&world, TaskDefinitionStatus::DeleteInProgress).await,
        ["web:1"],
        "the service runs it"
    );
    assert!(list(&world, TaskDefinitionStatus::Inactive).await.is_empty());
    // Its service goes on with it.
    world.scale("web", 2).await;
    world.settle_stable("web").await;
    world.delete("web").await.unwrap();
    world.settle().await;
    world.clock.advance(std::time::Duration::from_secs(3601));
    world.settle().await;
    assert!(
        list(&world, TaskDefinitionStatus::DeleteInProgress)
            .await
            .is_empty()
    );
    assert_eq!(
        world.define("web").await,
        "web:2",
        "a number is never given out again"
    );
}

#[tokio::test]
async fn what_is_registered_is_read_back() {
    let world = World::new().await;
    let mut input = World::definition("full");
    input.ephemeral_storage = Some(EphemeralStorage { size_in_gi_b: 30 });
    input.pid_mode = Some(PidMode::Task);
    input.task_role_arn = Some("arn:aws:iam::000000000000:role/app".into());
    input.volumes = Some(vec![Volume {
        name: Some("scratch".into()),
        ..Default::default()
    }]);
    let app = &mut input.container_definitions[0];
    app.mount_points = Some(vec![MountPoint {
        source_volume: Some("scratch".into()),
        container_path: Some("/scratch".into()),
        read_only: Some(true),
    }]);
    app.docker_labels = Some([("a".to_owned(), "b".to_owned())].into());
    app.linux_parameters = Some(LinuxParameters {
        init_process_enabled: Some(true),
        ..Default::default()
    });
    let written = input.container_definitions[0].clone();
    let made = world
        .ecs
        .register_task_definition(&world.context, input)
        .await
        .unwrap();
    let made = made.task_definition.unwrap();
    let read = &made.container_definitions.as_ref().unwrap()[0];
    assert_eq!(read.mount_points, written.mount_points);
    assert_eq!(read.docker_labels, written.docker_labels);
    assert_eq!(read.linux_parameters, written.linux_parameters);
    assert_eq!(made.ephemeral_storage.unwrap().size_in_gi_b, 30);
    assert_eq!(made.pid_mode, Some(PidMode::Task));
    assert_eq!(made.volumes.unwrap()[0].name.as_deref(), Some("scratch"));
    let attributes = made.requires_attributes.unwrap().into_iter().map(|it| it.name);
    assert!(
        attributes
            .into_iter()
            .any(|name| name == "com.amazonaws.ecs.capability.task-iam-role")
    );
}
