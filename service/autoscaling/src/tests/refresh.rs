//! Instance refreshes really replace.

use super::*;

async fn start(world: &World, preferences: RefreshPreferences) -> Result<String, ApiError> {
    let input = StartInstanceRefreshType {
        auto_scaling_group_name: NAME.into(),
        preferences: Some(preferences),
        ..Default::default()
    };
    let answer = world.asg.start_instance_refresh(&world.context, input).await?;
    Ok(answer.instance_refresh_id.unwrap())
}

async fn refresh(world: &World) -> InstanceRefresh {
    let input = DescribeInstanceRefreshesType {
        auto_scaling_group_name: NAME.into(),
        ..Default::default()
    };
    let found = world.asg.describe_instance_refreshes(&world.context, input).await;
    found.unwrap().instance_refreshes.unwrap().remove(0)
}

#[tokio::test]
async fn all_are_replaced_and_enough_stay_in_service() {
    let world = world().await;
    world.create(world.request(0, 4, 4)).await.unwrap();
    world.settle().await;
    let before = world.in_service().await;
    let half = RefreshPreferences {
        min_healthy_percentage: Some(50),
        ..Default::default()
    };
    start(&world, half.clone()).await.unwrap();
    assert_eq!(code(start(&world, half).await), "InstanceRefreshInProgress");
    for _ in 0..60 {
        world.step().await.unwrap();
        assert!(world.in_service().await.len() >= 2);
    }
    let after = world.in_service().await;
    assert_eq!(after.len(), 4);
    assert!(before.iter().all(|id| !after.contains(id)));
    let told = refresh(&world).await;
    assert_eq!(told.status, Some(InstanceRefreshStatus::Successful));
    assert_eq!(told.percentage_complete, Some(100));
}

#[tokio::test]
async fn those_that_match_already_are_skipped() {
    let world = world().await;
    world.create(world.request(0, 2, 2)).await.unwrap();
    world.settle().await;
    let before = world.in_service().await;
    let skip = RefreshPreferences {
        skip_matching: Some(true),
        ..Default::default()
    };
    start(&world, skip).await.unwrap();
    world.settle().await;
    assert_eq!(world.in_service().await, before);
    assert_eq!(
        refresh(&world).await.status,
        Some(InstanceRefreshStatus::Successful)
    );
}

#[tokio::test]
async fn a_cancelled_refresh_replaces_no_more() {
    let world = world().await;
    world.create(world.request(0, 4, 4)).await.unwrap();
    world.settle().await;
    start(&world, Default::default()).await.unwrap();
    world.step().await.unwrap();
    let cancel = CancelInstanceRefreshType {
        auto_scaling_group_name: NAME.into(),
        ..Default::default()
    };
    world
        .asg
        .cancel_instance_refresh(&world.context, cancel.clone())
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(
        refresh(&world).await.status,
        Some(InstanceRefreshStatus::Cancelled)
    );
    assert_eq!(world.in_service().await.len(), 4);
    assert_eq!(world.instances("terminated").await.len(), 1);
    assert_eq!(
        code(world.asg.cancel_instance_refresh(&world.context, cancel).await),
        "ActiveInstanceRefreshNotFound"
    );
}
