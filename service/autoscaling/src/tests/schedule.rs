//! Groups that change by the clock.

use super::*;

fn request(name: &str) -> PutScheduledUpdateGroupActionType {
    PutScheduledUpdateGroupActionType {
        auto_scaling_group_name: NAME.into(),
        scheduled_action_name: name.into(),
        ..Default::default()
    }
}

impl World {
    async fn schedule(&self, input: PutScheduledUpdateGroupActionType) -> Result<(), ApiError> {
        self.asg
            .put_scheduled_update_group_action(&self.context, input)
            .await
    }

    async fn schedules(&self) -> Vec<ScheduledUpdateGroupAction> {
        let found = self
            .asg
            .describe_scheduled_actions(&self.context, Default::default())
            .await;
        found.unwrap().scheduled_update_group_actions.unwrap()
    }
}

#[tokio::test]
async fn an_action_runs_once_or_again_and_again() {
    let world = world().await;
    world.create(world.request(0, 5, 1)).await.unwrap();
    world.settle().await;
    let now = base_clock::Clock::now(&*world.clock);
    world
        .schedule(PutScheduledUpdateGroupActionType {
            start_time: Some(now + Duration::from_secs(5)),
            min_size: Some(2),
            max_size: Some(6),
            desired_capacity: Some(3),
            ..request("morning")
        })
        .await
        .unwrap();
    world
        .schedule(PutScheduledUpdateGroupActionType {
            recurrence: Some("0 18 * * *".into()),
            desired_capacity: Some(2),
            ..request("evening")
        })
        .await
        .unwrap();
    let shown = world.schedules().await;
    assert_eq!(shown.len(), 2);
    assert_eq!(shown[0].recurrence.as_deref(), Some("0 18 * * *"));
    assert_eq!(shown[0].start_time, Some("2026-01-01T18:00:00Z".parse().unwrap()));
    world.settle().await;
    let group = world.find().await.unwrap();
    assert_eq!(
        (group.min_size, group.max_size, group.desired_capacity),
        (2, 6, 3)
    );
    assert_eq!(world.in_service().await.len(), 3);
    let cause = world.activities().await[0].cause.clone();
    assert!(
        cause.contains(
            "the scheduled action morning executed.  Setting min size from 0 to 2.  Setting max size from 5 to 6.  \
             Setting desired capacity from 1 to 3."
        ),
        "{cause}"
    );
    assert_eq!(world.schedules().await.len(), 1, "what is over is gone");

    world.clock.advance(Duration::from_secs(6 * 3600));
    world.settle().await;
    assert_eq!(world.in_service().await.len(), 2);
    assert_eq!(
        world.schedules().await[0].start_time,
        Some("2026-01-02T18:00:00Z".parse().unwrap())
    );
}

#[tokio::test]
async fn a_suspended_or_impossible_action_changes_nothing() {
    let world = world().await;
    world.create(world.request(0, 2, 0)).await.unwrap();
    let now = base_clock::Clock::now(&*world.clock);
    let soon = Some(now + Duration::from_secs(5));
    let action = PutScheduledUpdateGroupActionType {
        start_time: soon,
        min_size: Some(3),
        ..request("too-many")
    };
    world.schedule(action.clone()).await.unwrap();
    world.settle().await;
    let told = &world.activities().await[0];
    assert_eq!(told.status_code, ScalingActivityStatusCode::Failed);
    assert_eq!(
        told.status_message.as_deref(),
        Some("The minimum size 3 would be larger than the maximum size 2.")
    );
    let suspend = ScalingProcessQuery {
        auto_scaling_group_name: NAME.into(),
        scaling_processes: Some(vec!["ScheduledActions".into()]),
    };
    world
        .asg
        .suspend_processes(&world.context, suspend)
        .await
        .unwrap();
    let action = PutScheduledUpdateGroupActionType {
        start_time: Some(base_clock::Clock::now(&*world.clock) + Duration::from_secs(5)),
        max_size: Some(9),
        min_size: None,
        ..action
    };
    world.schedule(action).await.unwrap();
    world.settle().await;
    assert_eq!(world.find().await.unwrap().max_size, 2);
    assert!(world.schedules().await.is_empty());
}

#[tokio::test]
async fn many_are_put_and_deleted_at_once_and_each_failure_is_told() {
    let world = world().await;
    world.create(world.request(0, 2, 0)).await.unwrap();
    let one = |name: &str, recurrence: &str| ScheduledUpdateGroupActionRequest {
        scheduled_action_name: name.into(),
        recurrence: Some(recurrence.into()),
        desired_capacity: Some(1),
        ..Default::default()
    };
    let input = BatchPutScheduledUpdateGroupActionType {
        auto_scaling_group_name: NAME.into(),
        scheduled_update_group_actions: vec![one("a", "0 1 * * *"), one("b", "0 25 * * *")],
    };
    let put = world
        .asg
        .batch_put_scheduled_update_group_action(&world.context, input)
        .await;
    let failed = put.unwrap().failed_scheduled_update_group_actions.unwrap();
    assert_eq!(failed[0].scheduled_action_name, "b");
    assert_eq!(
        failed[0].error_message.as_deref(),
        Some("The recurrence 0 25 * * * is not valid: 25 is not between 0 and 23.")
    );
    let input = BatchDeleteScheduledActionType {
        auto_scaling_group_name: NAME.into(),
        scheduled_action_names: vec!["a".into(), "b".into()],
    };
    let gone = world
        .asg
        .batch_delete_scheduled_action(&world.context, input)
        .await;
    let failed = gone.unwrap().failed_scheduled_actions.unwrap();
    assert_eq!(failed.len(), 1);
    assert!(world.schedules().await.is_empty());
    for (input, message) in [
        (
            request("x"),
            "At least one of MinSize, MaxSize and DesiredCapacity must be given.",
        ),
        (
            PutScheduledUpdateGroupActionType {
                min_size: Some(1),
                ..request("x")
            },
            "Either StartTime or Recurrence must be given.",
        ),
        (
            PutScheduledUpdateGroupActionType {
                min_size: Some(1),
                start_time: Some("2020-01-01T00:00:00Z".parse().unwrap()),
                ..request("x")
            },
            "Given start time is in the past",
        ),
        (
            PutScheduledUpdateGroupActionType {
                min_size: Some(3),
                max_size: Some(2),
                recurrence: Some("* * * * *".into()),
                ..request("x")
            },
            "MaxSize must not be less than MinSize.",
        ),
    ] {
        assert_eq!(world.schedule(input).await.unwrap_err().message, message);
    }
}
