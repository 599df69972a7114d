//! Capacity providers and managed scaling.

use std::time::Duration;

use aws_protocol::ApiError;
use aws_shape::ecs::*;
use base_reconcile::Reconciler as _;

use super::instance::{define, guide, join, service};
use super::world::World;
use crate::plan::capacity::SCALE_IN_AFTER;
use crate::reconcile::Capacity;

fn provider(name: &str, group: &str) -> CreateCapacityProviderRequest {
    CreateCapacityProviderRequest {
        name: name.into(),
        auto_scaling_group_provider: Some(AutoScalingGroupProvider {
            auto_scaling_group_arn: group.into(),
            managed_scaling: Some(ManagedScaling {
                status: Some(ManagedScalingStatus::Enabled),
                instance_warmup_period: Some(10),
                ..Default::default()
            }),
            managed_termination_protection: Some(ManagedTerminationProtection::Enabled),
            managed_draining: None,
        }),
        ..Default::default()
    }
}

async fn create(world: &World, input: CreateCapacityProviderRequest) -> Result<CapacityProvider, ApiError> {
    let made = world.ecs.create_capacity_provider(&world.context, input).await?;
    Ok(made.capacity_provider.unwrap())
}

fn item(name: &str) -> Vec<CapacityProviderStrategyItem> {
    vec![CapacityProviderStrategyItem {
        capacity_provider: name.into(),
        weight: Some(1),
        base: None,
    }]
}

async fn attach(world: &World, names: &[&str]) -> Result<Cluster, ApiError> {
    let input = PutClusterCapacityProvidersRequest {
        cluster: "default".into(),
        capacity_providers: names.iter().map(|name| (*name).to_owned()).collect(),
        default_capacity_provider_strategy: names.first().map(|name| item(name)).unwrap_or_default(),
    };
    let answer = world
        .ecs
        .put_cluster_capacity_providers(&world.context, input)
        .await?;
    Ok(answer.cluster.unwrap())
}

/// A cluster whose default is the provider `cp` of the empty group `asg`.
async fn scaled() -> World {
    let world = World::new().await;
    let arn = world.groups.make("asg", 0, 3, true);
    create(&world, provider("cp", &arn)).await.unwrap();
    attach(&world, &["cp"]).await.unwrap();
    define(&world, guide(Some(80))).await;
    world
}

fn by_default(desired: i32) -> CreateServiceRequest {
    CreateServiceRequest {
        launch_type: None,
        ..service(desired)
    }
}

/// The group's instances start and register.
async fn grow(world: &World, numbers: &[u8]) {
    for number in numbers {
        world.groups.add("asg", &format!("i-{number:017x}"));
        join(world, *number, "us-east-1a").await;
    }
}

#[tokio::test]
async fn an_instance_that_came_for_a_task_is_enough_before_the_task_is_placed() {
    let world = scaled().await;
    world.create(by_default(2)).await.unwrap();
    world.settle().await;
    grow(&world, &[1]).await;
    world.settle().await;
    grow(&world, &[2]).await;
    let capacity = Capacity::new(world.ecs.clone());
    // The first look adopts the instance.
    for _ in 0..3 {
        capacity.activate().await.unwrap();
    }
    assert!(world.living("web").iter().any(|it| it.waits()));
    assert_eq!(world.groups.desired("asg"), 2, "nobody needs a third one");
}

#[tokio::test]
async fn tasks_that_fit_nowhere_bring_instances_and_idle_ones_go() {
    let world = scaled().await;
    let made = world.create(by_default(2)).await.unwrap();
    assert_eq!(made.launch_type, None);
    assert_eq!(
        made.capacity_provider_strategy.unwrap()[0].capacity_provider,
        "cp"
    );
    world.settle().await;
    let states: Vec<_> = world.living("web").iter().map(|it| it.waits()).collect();
    assert_eq!(states, [true, true]);
    assert_eq!(
        world.groups.desired("asg"),
        1,
        "of the first one nobody knows what it will hold"
    );
    grow(&world, &[1]).await;
    world.settle().await;
    assert_eq!(
        world.groups.desired("asg"),
        2,
        "two copies never share an instance"
    );
    grow(&world, &[2]).await;
    world.settle_stable("web").await;
    assert_eq!(world.groups.desired("asg"), 2);
    assert!(
        world
            .groups
            .members("asg")
            .iter()
            .all(|(_, protected)| *protected)
    );
    let task = world.task(&world.living("web")[0].id).await;
    assert_eq!(task.capacity_provider_name.as_deref(), Some("cp"));

    world.scale("web", 1).await;
    world.settle_stable("web").await;
    let protected = world
        .groups
        .members("asg")
        .iter()
        .filter(|(_, protected)| *protected)
        .count();
    assert_eq!(protected, 1);
    assert_eq!(world.groups.desired("asg"), 2, "not at once");
    for _ in 0..2 {
        world.clock.advance(SCALE_IN_AFTER + Duration::from_secs(10));
        world.settle().await;
    }
    assert_eq!(world.groups.desired("asg"), 1);
    let going = world
        .groups
        .members("asg")
        .into_iter()
        .filter(|(id, _)| id.starts_with('-'));
    let busy = world.living("web")[0].lodging.clone().unwrap().ec2_instance;
    assert_eq!(
        going.map(|(id, _)| id).filter(|id| !id.ends_with(&busy)).count(),
        1
    );
}

#[tokio::test]
async fn a_lost_instance_is_no_reason_to_give_up() {
    let world = scaled().await;
    world.create(by_default(1)).await.unwrap();
    world.settle().await;
    grow(&world, &[1]).await;
    world.settle_stable("web").await;
    world.machines.set(
        "i-00000000000000001",
        aws_shape::ec2::InstanceStateName::Terminated,
    );
    world.settle().await;
    assert!(world.living("web").iter().any(|it| it.waits()));
    grow(&world, &[2]).await;
    world.settle_stable("web").await;
    world.delete("web").await.unwrap();
    world.settle().await;
    world.assert_nothing_left().await;
}

#[tokio::test]
async fn providers_are_refused_in_the_words_of_aws() {
    let world = World::new().await;
    let bare = world.groups.make("bare", 0, 1, false);
    let arn = world.groups.make("asg", 0, 1, true);
    let with = |change: fn(&mut CreateCapacityProviderRequest)| {
        let mut input = provider("cp", &arn);
        change(&mut input);
        input
    };
    create(&world, provider("there", "asg")).await.unwrap();
    for (input, words) in [
        (
            with(|it| it.name = "ecs-cp".into()),
            "capacity provider name is invalid",
        ),
        (with(|it| it.name = "there".into()), "already exists"),
        (provider("cp", "nowhere"), "Auto Scaling group ARN is invalid"),
        (
            provider("cp", &bare),
            "must have instance protection from scale in enabled.",
        ),
        (
            with(|it| it.auto_scaling_group_provider.as_mut().unwrap().managed_scaling = None),
            "must have managed scaling enabled.",
        ),
        (
            with(|it| {
                let group = it.auto_scaling_group_provider.as_mut().unwrap();
                group.managed_scaling.as_mut().unwrap().target_capacity = Some(101);
            }),
            "target capacity must be between 1 and 100",
        ),
    ] {
        let error = create(&world, input).await.unwrap_err();
        assert!(error.message.contains(words), "{}", error.message);
    }
    attach(&world, &["there", "FARGATE"]).await.unwrap();
    let delete = || DeleteCapacityProviderRequest {
        capacity_provider: "there".into(),
        ..Default::default()
    };
    let error = world
        .ecs
        .delete_capacity_provider(&world.context, delete())
        .await
        .unwrap_err();
    assert_eq!(error.code, "ResourceInUseException");
    let mixed = CreateServiceRequest {
        capacity_provider_strategy: Some([item("there"), item("FARGATE")].concat()),
        launch_type: None,
        ..world.service("web", 1)
    };
    assert!(
        world
            .create(mixed)
            .await
            .unwrap_err()
            .message
            .contains("mix of capacity providers")
    );
    attach(&world, &[]).await.unwrap();
    let gone = world
        .ecs
        .delete_capacity_provider(&world.context, delete())
        .await
        .unwrap();
    assert_eq!(
        gone.capacity_provider.unwrap().status,
        Some(CapacityProviderStatus::Inactive)
    );
}

#[tokio::test]
async fn a_provider_is_described_as_it_was_made() {
    let world = scaled().await;
    let input = DescribeCapacityProvidersRequest {
        capacity_providers: Some(vec!["cp".into()]),
        ..Default::default()
    };
    let answer = world
        .ecs
        .describe_capacity_providers(&world.context, input)
        .await
        .unwrap();
    let one = answer.capacity_providers.unwrap().remove(0);
    let group = one.auto_scaling_group_provider.unwrap();
    let scaling = group.managed_scaling.unwrap();
    assert_eq!(
        (
            scaling.target_capacity,
            scaling.minimum_scaling_step_size,
            scaling.maximum_scaling_step_size
        ),
        (Some(100), Some(1), Some(10_000))
    );
    assert_eq!(group.managed_draining, Some(ManagedDraining::Enabled));
    let update = UpdateCapacityProviderRequest {
        name: "cp".into(),
        auto_scaling_group_provider: Some(AutoScalingGroupProviderUpdate {
            managed_scaling: Some(ManagedScaling {
                target_capacity: Some(80),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    };
    let changed = world
        .ecs
        .update_capacity_provider(&world.context, update)
        .await
        .unwrap();
    let changed = changed.capacity_provider.unwrap();
    assert_eq!(
        changed.update_status,
        Some(CapacityProviderUpdateStatus::UpdateComplete)
    );
    let group = changed.auto_scaling_group_provider.unwrap();
    assert_eq!(group.managed_scaling.unwrap().target_capacity, Some(80));
    assert_eq!(
        group.managed_termination_protection,
        Some(ManagedTerminationProtection::Enabled)
    );
    let cluster = DescribeClustersRequest {
        include: Some(vec![ClusterField::Attachments, ClusterField::Statistics]),
        ..Default::default()
    };
    let cluster = world
        .ecs
        .describe_clusters(&world.context, cluster)
        .await
        .unwrap();
    let cluster = cluster.clusters.unwrap().remove(0);
    assert_eq!(cluster.attachments_status.as_deref(), Some("UPDATE_COMPLETE"));
    assert_eq!(cluster.attachments.unwrap().len(), 2);
}
