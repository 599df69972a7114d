//! Service deployments and revisions, from the first to what is left of them.

use aws_shape::ecs::*;

use super::world::World;

fn breaker(rollback: bool) -> Option<DeploymentConfiguration> {
    Some(DeploymentConfiguration {
        deployment_circuit_breaker: Some(DeploymentCircuitBreaker {
            enable: true,
            rollback,
        }),
        ..Default::default()
    })
}

async fn list(world: &World, service: &str) -> Vec<ServiceDeploymentBrief> {
    let input = ListServiceDeploymentsRequest {
        service: service.into(),
        ..Default::default()
    };
    let answer = world
        .ecs
        .list_service_deployments(&world.context, input)
        .await
        .unwrap();
    answer.service_deployments.unwrap()
}

async fn describe(world: &World, arn: &str) -> ServiceDeployment {
    let input = DescribeServiceDeploymentsRequest {
        service_deployment_arns: vec![arn.into()],
    };
    let answer = world
        .ecs
        .describe_service_deployments(&world.context, input)
        .await
        .unwrap();
    answer.service_deployments.unwrap().remove(0)
}

async fn revision(world: &World, arn: &str) -> ServiceRevision {
    let input = DescribeServiceRevisionsRequest {
        service_revision_arns: vec![arn.into()],
    };
    let answer = world
        .ecs
        .describe_service_revisions(&world.context, input)
        .await
        .unwrap();
    answer.service_revisions.unwrap().remove(0)
}

async fn stop(world: &World, stop_type: Option<StopServiceDeploymentStopType>) -> Result<(), String> {
    let current = world.describe("web").await.current_service_deployment.unwrap();
    let input = StopServiceDeploymentRequest {
        service_deployment_arn: current,
        stop_type,
    };
    let answer = world.ecs.stop_service_deployment(&world.context, input).await;
    answer.map(drop).map_err(|error| error.code.to_string())
}

/// Desired, running and pending.
fn counts(summary: &ServiceRevisionSummary) -> [i32; 3] {
    let all = [
        summary.requested_task_count,
        summary.running_task_count,
        summary.pending_task_count,
    ];
    all.map(Option::unwrap)
}

async fn running(definition_broken: bool) -> World {
    let mut world = World::new().await;
    let input = CreateServiceRequest {
        deployment_configuration: breaker(true),
        ..world.service("web", 2)
    };
    world.create(input).await.unwrap();
    world.settle().await;
    world.clock.advance(std::time::Duration::from_secs(60));
    let second = world.define("web").await;
    if definition_broken {
        world.behaviour.broken.insert(second);
    }
    world
}

#[tokio::test]
async fn a_deployment_is_followed_from_pending_to_successful() {
    let world = World::new().await;
    world.create(world.service("web", 2)).await.unwrap();
    let arn = world.describe("web").await.current_service_deployment.unwrap();
    let seen = describe(&world, &arn).await;
    assert_eq!(seen.status, Some(ServiceDeploymentStatus::Pending));
    assert_eq!((seen.started_at, seen.finished_at), (None, None));
    world.turn(0).await;
    let seen = describe(&world, &arn).await;
    assert_eq!(seen.status, Some(ServiceDeploymentStatus::InProgress));
    assert_eq!(counts(seen.target_service_revision.as_ref().unwrap()), [2, 0, 2]);
    world.settle().await;
    let seen = describe(&world, &arn).await;
    assert_eq!(seen.status, Some(ServiceDeploymentStatus::Successful));
    assert_eq!(counts(seen.target_service_revision.as_ref().unwrap()), [2, 2, 0]);
    assert_eq!(seen.source_service_revisions, Some(vec![]));
    assert!(seen.finished_at.is_some() && seen.stopped_at.is_none());
    let service = world.describe("web").await;
    let current = service.current_service_revisions.unwrap().remove(0);
    assert_eq!(current.arn, seen.target_service_revision.unwrap().arn);
    assert_eq!(current.running_task_count, Some(2));
    let revision = revision(&world, &current.arn.unwrap()).await;
    assert!(revision.task_definition.unwrap().ends_with("web:1"));
    assert_eq!(revision.launch_type, Some(LaunchType::Fargate));
    assert_eq!(
        revision.container_images.unwrap()[0].image.as_deref(),
        Some("nginx")
    );
}

#[tokio::test]
async fn the_circuit_breaker_leaves_its_trace_in_the_history() {
    let world = running(true).await;
    let first = list(&world, "web").await.remove(0);
    world.roll("web", "web:2").await;
    world.settle_stable("web").await;
    let all = list(&world, "web").await;
    assert_eq!(all.len(), 2, "a rollback belongs to the deployment that failed");
    let seen = describe(&world, all[0].service_deployment_arn.as_ref().unwrap()).await;
    assert_eq!(seen.status, Some(ServiceDeploymentStatus::RollbackSuccessful));
    let reason = "Service deployment rolled back because the circuit breaker threshold was exceeded. Last stopped reason: CannotPullContainerError: no";
    assert_eq!(seen.status_reason.as_deref(), Some(reason));
    let back = seen.rollback.unwrap();
    assert_eq!(back.service_revision_arn, first.target_service_revision_arn);
    assert_eq!(back.reason.as_deref(), Some(reason));
    let breaker = seen.deployment_circuit_breaker.unwrap();
    assert_eq!(
        breaker.status,
        Some(ServiceDeploymentRollbackMonitorsStatus::Triggered)
    );
    assert_eq!((breaker.failure_count, breaker.threshold), (Some(4), Some(3)));
    let sources = seen.source_service_revisions.unwrap();
    assert_eq!(sources[0].arn, first.target_service_revision_arn);
    assert_eq!(counts(&sources[0]), [2, 2, 0]);
    // What failed can still be looked at.
    let failed = revision(
        &world,
        seen.target_service_revision.unwrap().arn.as_ref().unwrap(),
    )
    .await;
    assert!(failed.task_definition.unwrap().ends_with("web:2"));
}

#[tokio::test]
async fn a_breaker_without_rollback_stops_the_deployment_and_keeps_the_old_tasks() {
    let world = running(true).await;
    let input = UpdateServiceRequest {
        service: "web".into(),
        task_definition: Some("web:2".into()),
        deployment_configuration: Some(DeploymentConfiguration {
            minimum_healthy_percent: Some(50),
            ..breaker(false).unwrap()
        }),
        ..Default::default()
    };
    world.update(input).await.unwrap();
    for _ in 0..6 {
        world.settle().await;
        world.clock.advance(std::time::Duration::from_secs(30));
    }
    let service = world.describe("web").await;
    let deployments = service.deployments.unwrap();
    assert_eq!(deployments[0].rollout_state, Some(DeploymentRolloutState::Failed));
    assert_eq!(
        deployments[0].rollout_state_reason.as_deref(),
        Some(
            "ECS deployment circuit breaker: tasks failed to start. Last stopped reason: CannotPullContainerError: no"
        )
    );
    assert_eq!(
        deployments[1].running_count,
        Some(1),
        "the floor is one, and nobody goes once it has failed"
    );
    let seen = describe(&world, &service.current_service_deployment.unwrap()).await;
    assert_eq!(seen.status, Some(ServiceDeploymentStatus::Stopped));
    assert!(seen.stopped_at.is_some());
}

#[tokio::test]
async fn a_user_undoes_a_deployment() {
    let world = running(false).await;
    world.roll("web", "web:2").await;
    for which in 0..5 {
        world.turn(which).await;
    }
    stop(&world, None).await.unwrap();
    let current = world.describe("web").await.current_service_deployment.unwrap();
    assert_eq!(
        describe(&world, &current).await.status,
        Some(ServiceDeploymentStatus::RollbackRequested)
    );
    world.turn(0).await;
    assert_eq!(
        describe(&world, &current).await.status,
        Some(ServiceDeploymentStatus::RollbackInProgress)
    );
    world.settle_stable("web").await;
    let service = world.describe("web").await;
    assert!(service.task_definition.unwrap().ends_with("web:1"));
    assert_eq!(
        describe(&world, &current).await.status,
        Some(ServiceDeploymentStatus::RollbackSuccessful)
    );
    assert_eq!(stop(&world, None).await, Err("ConflictException".into()));
}

#[tokio::test]
async fn a_user_aborts_a_deployment() {
    let world = running(false).await;
    world.roll("web", "web:2").await;
    stop(&world, Some(StopServiceDeploymentStopType::Abort))
        .await
        .unwrap();
    world.settle().await;
    let service = world.describe("web").await;
    let deployments = service.deployments.unwrap();
    assert_eq!(deployments[0].rollout_state, Some(DeploymentRolloutState::Failed));
    assert_eq!(deployments[1].running_count, Some(2));
    let seen = describe(&world, &service.current_service_deployment.unwrap()).await;
    assert_eq!(seen.status, Some(ServiceDeploymentStatus::Stopped));
    // Asked for again it goes on.
    let input = UpdateServiceRequest {
        service: "web".into(),
        force_new_deployment: Some(true),
        ..Default::default()
    };
    world.update(input).await.unwrap();
    world.settle_stable("web").await;
}

#[tokio::test]
async fn what_cannot_be_stopped() {
    let world = World::new().await;
    world.create(world.service("web", 1)).await.unwrap();
    assert_eq!(
        stop(&world, None).await,
        Err("ConflictException".into()),
        "there is nothing to go back to"
    );
    let unknown = StopServiceDeploymentRequest {
        service_deployment_arn: "arn:aws:ecs:us-east-1:000000000000:service-deployment/default/web/no".into(),
        stop_type: None,
    };
    let refused = world
        .ecs
        .stop_service_deployment(&world.context, unknown)
        .await
        .unwrap_err();
    assert_eq!(refused.code, "ServiceDeploymentNotFoundException");
    assert_eq!(
        stop(&world, Some("LATER".into())).await,
        Err("InvalidParameterException".into())
    );
}

#[tokio::test]
async fn one_that_is_overtaken_is_stopped() {
    let world = running(false).await;
    world.define("web").await;
    world.roll("web", "web:2").await;
    world.turn(0).await;
    world.roll("web", "web:3").await;
    let status = |all: &[ServiceDeploymentBrief]| -> Vec<String> {
        all.iter()
            .map(|it| it.status.clone().unwrap().as_str().to_owned())
            .collect()
    };
    assert_eq!(status(&list(&world, "web").await)[1], "STOP_REQUESTED");
    world.settle().await;
    assert_eq!(
        status(&list(&world, "web").await),
        ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"]
    );
}

#[tokio::test]
async fn the_history_is_filtered_paged_and_bounded() {
    let world = World::new().await;
    world.create(world.service("web", 1)).await.unwrap();
    world.settle().await;
    for _ in 0..30 {
        world.clock.advance(std::time::Duration::from_secs(60));
        let input = UpdateServiceRequest {
            service: "web".into(),
            force_new_deployment: Some(true),
            ..Default::default()
        };
        world.update(input).await.unwrap();
        world.settle().await;
    }
    let all = list(&world, "web").await;
    assert_eq!(all.len(), 20);
    assert!(
        all.is_sorted_by(|a, b| a.created_at > b.created_at),
        "the latest first"
    );
    let snapshot = world.store.snapshot();
    let revisions = snapshot.list(crate::table::SERVICE_REVISIONS);
    assert_eq!(
        revisions.len(),
        21,
        "those of the deployments, and the source of the oldest"
    );
    let ask = async |input: ListServiceDeploymentsRequest| {
        let input = ListServiceDeploymentsRequest {
            service: "web".into(),
            ..input
        };
        let answer = world
            .ecs
            .list_service_deployments(&world.context, input)
            .await
            .unwrap();
        (answer.service_deployments.unwrap(), answer.next_token)
    };
    let (page, token) = ask(ListServiceDeploymentsRequest {
        max_results: Some(15),
        ..Default::default()
    })
    .await;
    assert_eq!(page, all[..15]);
    let (page, token) = ask(ListServiceDeploymentsRequest {
        next_token: token,
        ..Default::default()
    })
    .await;
    assert_eq!((page.as_slice(), token), (&all[15..], None));
    let since = CreatedAt {
        after: all[4].created_at,
        before: all[1].created_at,
    };
    let (page, _) = ask(ListServiceDeploymentsRequest {
        created_at: Some(since),
        ..Default::default()
    })
    .await;
    assert_eq!(page, all[2..4]);
    let status = Some(vec![ServiceDeploymentStatus::Stopped]);
    let (page, _) = ask(ListServiceDeploymentsRequest {
        status,
        ..Default::default()
    })
    .await;
    assert_eq!(page, []);
    // They go with their service.
    world.delete("web").await.unwrap();
    world.settle().await;
    let snapshot = world.store.snapshot();
    assert!(snapshot.list(crate::table::SERVICE_DEPLOYMENTS).is_empty());
    assert!(snapshot.list(crate::table::SERVICE_REVISIONS).is_empty());
}

#[tokio::test]
async fn capacity_providers_go_through_to_deployments_and_revisions() {
    let world = World::new().await;
    let strategy = vec![
        CapacityProviderStrategyItem {
            capacity_provider: "FARGATE".into(),
            base: Some(1),
            weight: Some(1),
        },
        CapacityProviderStrategyItem {
            capacity_provider: "FARGATE_SPOT".into(),
            base: Some(0),
            weight: Some(3),
        },
    ];
    let input = PutClusterCapacityProvidersRequest {
        cluster: "default".into(),
        capacity_providers: vec!["FARGATE".into(), "FARGATE_SPOT".into()],
        default_capacity_provider_strategy: vec![],
    };
    world
        .ecs
        .put_cluster_capacity_providers(&world.context, input.clone())
        .await
        .unwrap();
    let create = CreateServiceRequest {
        launch_type: None,
        capacity_provider_strategy: Some(strategy.clone()),
        ..world.service("web", 1)
    };
    let service = world.create(create).await.unwrap();
    assert_eq!(
        (service.launch_type, service.capacity_provider_strategy),
        (None, Some(strategy.clone()))
    );
    let deployment = service.deployments.unwrap().remove(0);
    assert_eq!(
        (deployment.launch_type, deployment.capacity_provider_strategy),
        (None, Some(strategy.clone()))
    );
    let arn = service.current_service_revisions.unwrap().remove(0).arn.unwrap();
    assert_eq!(
        revision(&world, &arn).await.capacity_provider_strategy,
        Some(strategy)
    );
    // One that is used stays with its cluster.
    let less = PutClusterCapacityProvidersRequest {
        capacity_providers: vec!["FARGATE".into()],
        ..input
    };
    let refused = world
        .ecs
        .put_cluster_capacity_providers(&world.context, less)
        .await
        .unwrap_err();
    assert_eq!(refused.code, "ResourceInUseException");
    // An empty strategy is the way back to the launch type, by a new deployment.
    let back = UpdateServiceRequest {
        service: "web".into(),
        capacity_provider_strategy: Some(vec![]),
        ..Default::default()
    };
    let service = world.update(back).await.unwrap();
    assert_eq!(service.launch_type, Some(LaunchType::Fargate));
    assert_eq!(service.deployments.unwrap().len(), 2);
}
