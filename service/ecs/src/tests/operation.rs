//! What is refused, and in which words.

use aws_protocol::ApiError;
use aws_shape::ecs::*;

use super::world::World;

fn said<T: std::fmt::Debug>(result: Result<T, ApiError>) -> (String, String) {
    let error = result.unwrap_err();
    (error.code.to_string(), error.message)
}

#[tokio::test]
async fn services_are_refused_in_the_words_of_aws() {
    let world = World::new().await;
    let base = || world.service("web", 1);
    for (input, code, words) in [
        (
            CreateServiceRequest {
                cluster: Some("no".into()),
                ..base()
            },
            "ClusterNotFoundException",
            "Cluster not found.",
        ),
        (
            CreateServiceRequest {
                task_definition: Some("no:1".into()),
                ..base()
            },
            "ClientException",
            "TaskDefinition not found.",
        ),
        (
            CreateServiceRequest {
                desired_count: Some(5001),
                ..base()
            },
            "InvalidParameterException",
            "desiredCount must be between 0 and 5000.",
        ),
        (
            CreateServiceRequest {
                launch_type: Some("MOON".into()),
                ..base()
            },
            "InvalidParameterException",
            "launch type should be one of [EC2,FARGATE,EXTERNAL,MANAGED_INSTANCES], not MOON",
        ),
        (
            CreateServiceRequest {
                network_configuration: None,
                ..base()
            },
            "InvalidParameterException",
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ),
        (
            CreateServiceRequest {
                platform_version: Some("1.3.0".into()),
                ..base()
            },
            "ClientException",
            "Wharf does not serve the platform version 1.3.0 yet.",
        ),
        (
            CreateServiceRequest {
                load_balancers: Some(vec![LoadBalancer {
                    target_group_arn: Some(world.group.clone()),
                    container_name: Some("app".into()),
                    container_port: Some(81),
                    ..Default::default()
                }]),
                ..base()
            },
            "InvalidParameterException",
            "The container app did not have a container port 81 defined.",
        ),
        (
            CreateServiceRequest {
                deployment_configuration: Some(DeploymentConfiguration {
                    minimum_healthy_percent: Some(100),
                    maximum_percent: Some(100),
                    ..Default::default()
                }),
                ..base()
            },
            "InvalidParameterException",
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.",
        ),
    ] {
        assert_eq!(
            said(world.create(input).await),
            (code.to_owned(), words.to_owned())
        );
    }
    world.create(base()).await.unwrap();
    let (code, words) = said(world.create(base()).await);
    assert_eq!(
        (code.as_str(), words.as_str()),
        (
            "InvalidParameterException",
            "Creation of service was not idempotent."
        )
    );
}

#[tokio::test]
async fn what_is_not_there_or_gone_is_told_apart() {
    let world = World::new().await;
    let update = |name: &str| UpdateServiceRequest {
        service: name.into(),
        desired_count: Some(1),
        ..Default::default()
    };
    assert_eq!(
        said(world.update(update("web")).await).0,
        "ServiceNotFoundException"
    );
    world.create(world.service("web", 1)).await.unwrap();
    let delete = DeleteServiceRequest {
        service: "web".into(),
        ..Default::default()
    };
    let refused = said(world.ecs.delete_service(&world.context, delete).await);
    assert_eq!(
        refused.1,
        "The service cannot be stopped while it is scaled above 0."
    );
    let cluster = DeleteClusterRequest {
        cluster: "default".into(),
    };
    let refused = said(world.ecs.delete_cluster(&world.context, cluster.clone()).await);
    assert_eq!(refused.0, "ClusterContainsServicesException");
    world.delete("web").await.unwrap();
    assert_eq!(
        said(world.update(update("web")).await).0,
        "ServiceNotActiveException"
    );
    world.settle().await;
    assert_eq!(
        said(world.update(update("web")).await).0,
        "ServiceNotActiveException"
    );
    world.ecs.delete_cluster(&world.context, cluster).await.unwrap();
    assert_eq!(
        said(world.create(world.service("web", 1)).await).0,
        "ClusterNotFoundException"
    );
}

#[tokio::test]
async fn an_update_of_one_thing_keeps_what_another_update_changed() {
    let world = World::new().await;
    world.create(world.service("web", 1)).await.unwrap();
    world.settle().await;
    let second = world.define("web").await;
    let rolled = UpdateServiceRequest {
        service: "web".into(),
        task_definition: Some(second),
        ..Default::default()
    };
    let scaled = UpdateServiceRequest {
        service: "web".into(),
        desired_count: Some(2),
        ..Default::default()
    };
    let (rolled, scaled) = tokio::join!(world.update(rolled), world.update(scaled));
    rolled.unwrap();
    scaled.unwrap();
    let service = world.describe("web").await;
    assert!(service.task_definition.unwrap().ends_with("web:2"));
    assert_eq!(service.desired_count, Some(2));
    assert_eq!(service.deployments.unwrap().len(), 2);
}

#[tokio::test]
async fn tags_reach_the_tasks() {
    let world = World::new().await;
    let mut definition = World::definition("tagged");
    definition.tags = Some(vec![Tag {
        key: Some("of".into()),
        value: Some("definition".into()),
    }]);
    world
        .ecs
        .register_task_definition(&world.context, definition)
        .await
        .unwrap();
    let input = CreateServiceRequest {
        task_definition: Some("tagged".into()),
        propagate_tags: Some(PropagateTags::TaskDefinition),
        enable_ecs_managed_tags: Some(true),
        ..world.service("tagged", 1)
    };
    world.create(input).await.unwrap();
    world.settle().await;
    let tags = world.living("tagged")[0].tags.clone();
    let pairs: Vec<_> = tags
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        pairs,
        [
            ("aws:ecs:clusterName", "default"),
            ("aws:ecs:serviceName", "tagged"),
            ("of", "definition")
        ]
    );
}

#[tokio::test]
async fn a_memory_reservation_is_no_limit() {
    let world = World::new().await;
    let mut definition = World::definition("soft");
    definition.container_definitions[0].memory_reservation = Some(128);
    world
        .ecs
        .register_task_definition(&world.context, definition.clone())
        .await
        .unwrap();
    let input = CreateServiceRequest {
        task_definition: Some("soft".into()),
        ..world.service("soft", 1)
    };
    world.create(input).await.unwrap();
    world.settle().await;
    let rows = world.store.snapshot().list(crate::table::DESIRED);
    assert_eq!(rows[0].1.containers[0].memory_mib, None);
    definition.container_definitions[0].memory = Some(64);
    let refused = said(
        world
            .ecs
            .register_task_definition(&world.context, definition)
            .await,
    );
    assert!(
        refused
            .1
            .contains("'memory' must be greater than 'memoryReservation'")
    );
}

#[tokio::test]
async fn a_cluster_with_a_default_strategy_needs_no_launch_type() {
    let world = World::new().await;
    let fargate = CapacityProviderStrategyItem {
        capacity_provider: "FARGATE".into(),
        weight: Some(1),
        base: None,
    };
    let input = CreateClusterRequest {
        cluster_name: Some("by-default".into()),
        capacity_providers: Some(vec!["FARGATE".into()]),
        default_capacity_provider_strategy: Some(vec![fargate]),
        ..Default::default()
    };
    let made = world.ecs.create_cluster(&world.context, input).await.unwrap();
    assert_eq!(made.cluster.unwrap().capacity_providers.unwrap(), ["FARGATE"]);
    let input = CreateServiceRequest {
        cluster: Some("by-default".into()),
        launch_type: None,
        ..world.service("web", 1)
    };
    world.create(input).await.unwrap();
}
