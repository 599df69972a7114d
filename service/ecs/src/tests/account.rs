//! Account settings, cluster settings, capacity providers and instances.

use aws_shape::ecs::*;

use super::world::World;

async fn effective(world: &World, name: SettingName) -> String {
    let input = ListAccountSettingsRequest {
        name: Some(name),
        effective_settings: Some(true),
        ..Default::default()
    };
    let answer = world
        .ecs
        .list_account_settings(&world.context, input)
        .await
        .unwrap();
    answer.settings.unwrap().remove(0).value.unwrap()
}

#[tokio::test]
async fn settings_are_of_a_principal_or_of_the_account_or_as_aws_says() {
    let mut world = World::new().await;
    world.context.principal_arn = "arn:aws:iam::000000000000:user/me".into();
    let insights = || SettingName::ContainerInsights;
    assert_eq!(effective(&world, insights()).await, "disabled");
    let input = PutAccountSettingDefaultRequest {
        name: insights(),
        value: "enabled".into(),
    };
    world
        .ecs
        .put_account_setting_default(&world.context, input)
        .await
        .unwrap();
    assert_eq!(effective(&world, insights()).await, "enabled");
    let input = PutAccountSettingRequest {
        name: insights(),
        value: "enhanced".into(),
        principal_arn: None,
    };
    world
        .ecs
        .put_account_setting(&world.context, input)
        .await
        .unwrap();
    assert_eq!(effective(&world, insights()).await, "enhanced");
    let own = world
        .ecs
        .list_account_settings(&world.context, Default::default())
        .await
        .unwrap();
    assert_eq!(own.settings.unwrap().len(), 1, "only what was set");
    // A cluster that is made now has it.
    let input = CreateClusterRequest {
        cluster_name: Some("watched".into()),
        ..Default::default()
    };
    let made = world
        .ecs
        .create_cluster(&world.context, input)
        .await
        .unwrap()
        .cluster
        .unwrap();
    assert_eq!(made.settings.unwrap()[0].value.as_deref(), Some("enhanced"));
    let input = DeleteAccountSettingRequest {
        name: insights(),
        principal_arn: None,
    };
    let gone = world
        .ecs
        .delete_account_setting(&world.context, input)
        .await
        .unwrap();
    assert_eq!(gone.setting.unwrap().value.as_deref(), Some("enabled"));
    let all = ListAccountSettingsRequest {
        effective_settings: Some(true),
        ..Default::default()
    };
    let first = world
        .ecs
        .list_account_settings(&world.context, all.clone())
        .await
        .unwrap();
    assert_eq!(first.settings.unwrap().len(), 10);
    let next = ListAccountSettingsRequest {
        next_token: first.next_token,
        ..all
    };
    assert_eq!(
        world
            .ecs
            .list_account_settings(&world.context, next)
            .await
            .unwrap()
            .settings
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn settings_that_are_none_are_refused() {
    let mut world = World::new().await;
    let put = |name: &str, value: &str| PutAccountSettingRequest {
        name: name.into(),
        value: value.into(),
        principal_arn: None,
    };
    for (name, value, words) in [
        (
            "color",
            "red",
            "Setting name should be one of [serviceLongArnFormat,",
        ),
        (
            "containerInsights",
            "red",
            "Invalid value for setting containerInsights: it should be one of [enabled,disabled,enhanced]",
        ),
        (
            "guardDutyActivate",
            "on",
            "The setting guardDutyActivate is managed by AWS and cannot be changed.",
        ),
    ] {
        let refused = world
            .ecs
            .put_account_setting(&world.context, put(name, value))
            .await
            .unwrap_err();
        assert_eq!(refused.code, "InvalidParameterException");
        assert!(refused.message.starts_with(words), "{}", refused.message);
    }
    let input = ListAccountSettingsRequest {
        value: Some("on".into()),
        ..Default::default()
    };
    assert!(
        world
            .ecs
            .list_account_settings(&world.context, input)
            .await
            .is_err()
    );
    world.context.principal_arn = "arn:aws:iam::000000000000:user/me".into();
    let other = PutAccountSettingRequest {
        principal_arn: Some("arn:aws:iam::000000000000:user/you".into()),
        ..put("containerInsights", "enabled")
    };
    let refused = world
        .ecs
        .put_account_setting(&world.context, other)
        .await
        .unwrap_err();
    assert_eq!(refused.code, "AccessDeniedException");
}

#[tokio::test]
async fn a_clusters_settings_change() {
    let world = World::new().await;
    let input = |value: &str| UpdateClusterSettingsRequest {
        cluster: "default".into(),
        settings: vec![ClusterSetting {
            name: Some(ClusterSettingName::ContainerInsights),
            value: Some(value.into()),
        }],
    };
    let changed = world
        .ecs
        .update_cluster_settings(&world.context, input("enabled"))
        .await
        .unwrap();
    assert_eq!(
        changed.cluster.unwrap().settings.unwrap()[0].value.as_deref(),
        Some("enabled")
    );
    let refused = world
        .ecs
        .update_cluster_settings(&world.context, input("much"))
        .await
        .unwrap_err();
    assert_eq!(refused.code, "InvalidParameterException");
    let update = UpdateClusterRequest {
        cluster: "default".into(),
        settings: Some(input("disabled").settings),
        ..Default::default()
    };
    let changed = world.ecs.update_cluster(&world.context, update).await.unwrap();
    assert_eq!(
        changed.cluster.unwrap().settings.unwrap()[0].value.as_deref(),
        Some("disabled")
    );
    let gone = UpdateClusterRequest {
        cluster: "gone".into(),
        ..Default::default()
    };
    let refused = world.ecs.update_cluster(&world.context, gone).await.unwrap_err();
    assert_eq!(refused.code, "ClusterNotFoundException");
}

#[tokio::test]
async fn there_are_two_capacity_providers_and_no_instances() {
    let world = World::new().await;
    let answer = world
        .ecs
        .describe_capacity_providers(&world.context, Default::default())
        .await
        .unwrap();
    let names: Vec<_> = answer
        .capacity_providers
        .unwrap()
        .into_iter()
        .map(|it| it.name.unwrap())
        .collect();
    assert_eq!(names, ["FARGATE", "FARGATE_SPOT"]);
    let input = DescribeCapacityProvidersRequest {
        capacity_providers: Some(vec!["FARGATE".into(), "mine".into()]),
        ..Default::default()
    };
    let answer = world
        .ecs
        .describe_capacity_providers(&world.context, input)
        .await
        .unwrap();
    assert_eq!(answer.capacity_providers.unwrap().len(), 1);
    assert_eq!(answer.failures.unwrap()[0].reason.as_deref(), Some("MISSING"));
    let none = world
        .ecs
        .list_container_instances(&world.context, Default::default())
        .await
        .unwrap();
    assert_eq!(none.container_instance_arns, Some(vec![]));
    let input = DescribeContainerInstancesRequest {
        container_instances: vec!["i".into()],
        ..Default::default()
    };
    let none = world
        .ecs
        .describe_container_instances(&world.context, input)
        .await
        .unwrap();
    assert_eq!(
        none.failures.unwrap()[0].arn.as_deref(),
        Some("arn:aws:ecs:us-east-1:000000000000:container-instance/default/i")
    );
    let input = ListServicesByNamespaceRequest {
        namespace: "internal".into(),
        ..Default::default()
    };
    let none = world
        .ecs
        .list_services_by_namespace(&world.context, input)
        .await
        .unwrap();
    assert_eq!(none.service_arns, Some(vec![]));
}
