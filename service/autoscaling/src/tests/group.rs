//! Growing, shrinking, replacing, deleting.

use super::fakes::Health;
use super::*;

#[tokio::test]
async fn a_group_becomes_as_many_instances_as_desired_spread_over_zones() {
    let world = world().await;
    world.create(world.request(1, 5, 4)).await.unwrap();
    world.settle().await;
    let members = world.members().await;
    assert_eq!(world.in_service().await.len(), 4);
    let in_a = members
        .iter()
        .filter(|it| it.availability_zone == "us-east-1a")
        .count();
    assert_eq!(in_a, 2);
    assert_eq!(
        *world.flaky.runs.lock().unwrap(),
        4,
        "each launch was asked for once"
    );
    let instance = &world.instances("running").await[0];
    let tag = &instance.tags.as_ref().unwrap()[0];
    assert_eq!(tag.key.as_deref(), Some("aws:autoscaling:groupName"));
    let activities = world.activities().await;
    assert!(
        activities
            .iter()
            .all(|it| it.status_code == ScalingActivityStatusCode::Successful)
    );
    let first = activities.last().unwrap();
    assert!(
        first.cause.ends_with("increasing the capacity from 0 to 4."),
        "{}",
        first.cause
    );
    assert!(
        first
            .description
            .as_ref()
            .unwrap()
            .starts_with("Launching a new EC2 instance: i-")
    );
}

#[tokio::test]
async fn shrinking_terminates_and_honours_protection() {
    let world = world().await;
    world.create(world.request(0, 5, 3)).await.unwrap();
    world.settle().await;
    let keep = world.in_service().await[0].clone();
    let protect = |on| SetInstanceProtectionQuery {
        instance_ids: vec![keep.clone()],
        auto_scaling_group_name: NAME.into(),
        protected_from_scale_in: on,
    };
    world
        .asg
        .set_instance_protection(&world.context, protect(true))
        .await
        .unwrap();
    world.resize(0).await.unwrap();
    world.settle().await;
    assert_eq!(world.in_service().await, std::slice::from_ref(&keep));
    assert_eq!(world.instances("terminated").await.len(), 2);
    world
        .asg
        .set_instance_protection(&world.context, protect(false))
        .await
        .unwrap();
    world.settle().await;
    assert!(world.members().await.is_empty());
    let last = &world.activities().await[0];
    assert!(
        last.cause.contains("shrinking the capacity from 1 to 0."),
        "{}",
        last.cause
    );
}

#[tokio::test]
async fn the_dead_are_replaced_whoever_killed_them() {
    let world = world().await;
    world.create(world.request(2, 2, 2)).await.unwrap();
    world.settle().await;
    let before = world.in_service().await;
    let terminate = ec2::TerminateInstancesRequest {
        instance_ids: vec![before[0].clone()],
        ..Default::default()
    };
    world
        .ec2
        .terminate_instances(&world.context, terminate)
        .await
        .unwrap();
    let stop = ec2::StopInstancesRequest {
        instance_ids: vec![before[1].clone()],
        ..Default::default()
    };
    world.ec2.stop_instances(&world.context, stop).await.unwrap();
    world.settle().await;
    let after = world.in_service().await;
    assert_eq!(after.len(), 2);
    assert!(before.iter().all(|id| !after.contains(id)));
    assert_eq!(world.instances("terminated").await.len(), 2);
    let causes: Vec<String> = world.activities().await.into_iter().map(|it| it.cause).collect();
    let told = |sentence: &str| causes.iter().filter(|it| it.contains(sentence)).count();
    assert_eq!(
        told("an EC2 health check indicating it has been terminated or stopped"),
        2
    );
    assert_eq!(
        told("launched in response to an unhealthy instance needing to be replaced"),
        2
    );
}

#[tokio::test]
async fn instances_serve_in_target_groups_and_are_drained_before_they_end() {
    let world = world().await;
    let input = CreateAutoScalingGroupType {
        target_group_ar_ns: Some(vec!["arn:tg".into()]),
        health_check_type: Some("ELB".into()),
        health_check_grace_period: Some(0),
        ..world.request(0, 3, 2)
    };
    world.create(input).await.unwrap();
    world.settle().await;
    let ids = world.in_service().await;
    assert!(
        ids.iter()
            .all(|id| world.balancer.health(id) == Some(Health::Healthy))
    );
    world.balancer.sicken(&ids[0]);
    world.step().await.unwrap();
    let running = world.instances("running").await;
    assert!(running.iter().any(|it| it.instance_id.as_ref() == Some(&ids[0])));
    world.step().await.unwrap();
    assert!(matches!(
        world.balancer.health(&ids[0]),
        Some(Health::Draining(_))
    ));
    let still = world.instances("running").await;
    assert!(
        still.iter().any(|it| it.instance_id.as_ref() == Some(&ids[0])),
        "it drains first"
    );
    world.settle().await;
    assert_eq!(world.in_service().await.len(), 2);
    assert!(!world.in_service().await.contains(&ids[0]));
}

#[tokio::test]
async fn a_lost_answer_never_launches_twice() {
    let world = world().await;
    world.trouble(Trouble::LostAnswers);
    world.create(world.request(0, 6, 5)).await.unwrap();
    for _ in 0..100 {
        let _ = world.step().await;
    }
    world.trouble(Trouble::None);
    world.settle().await;
    assert_eq!(world.in_service().await.len(), 5);
    assert_eq!(
        world.instances("*").await.len(),
        5,
        "nothing was launched beside the members"
    );
    assert!(*world.flaky.runs.lock().unwrap() > 5, "some answers were lost");
    world.trouble(Trouble::LostAnswers);
    world.resize(0).await.unwrap();
    for _ in 0..100 {
        let _ = world.step().await;
    }
    assert!(world.instances("running").await.is_empty());
}

#[tokio::test]
async fn failed_launches_are_told_and_tried_later() {
    let world = world().await;
    world.trouble(Trouble::NoCapacity);
    world.create(world.request(0, 1, 1)).await.unwrap();
    world.settle().await;
    let runs = *world.flaky.runs.lock().unwrap();
    assert!((2..8).contains(&runs), "{runs} tries in half a minute");
    let told = &world.activities().await[0];
    assert_eq!(told.status_code, ScalingActivityStatusCode::Failed);
    assert!(
        told.status_message
            .as_ref()
            .unwrap()
            .contains("sufficient capacity")
    );
    world.trouble(Trouble::None);
    for _ in 0..4 {
        world.settle().await;
    }
    assert_eq!(world.in_service().await.len(), 1);
}

#[tokio::test]
async fn deletion_waits_for_instances_or_takes_them_along() {
    let world = world().await;
    world.create(world.request(1, 2, 2)).await.unwrap();
    assert_eq!(code(world.create(world.request(1, 2, 2)).await), "AlreadyExists");
    world.settle().await;
    let delete = |force| DeleteAutoScalingGroupType {
        auto_scaling_group_name: NAME.into(),
        force_delete: Some(force),
    };
    assert_eq!(
        code(
            world
                .asg
                .delete_auto_scaling_group(&world.context, delete(false))
                .await
        ),
        "ResourceInUse"
    );
    world
        .asg
        .delete_auto_scaling_group(&world.context, delete(true))
        .await
        .unwrap();
    assert_eq!(
        world.find().await.unwrap().status.as_deref(),
        Some("Delete in progress")
    );
    world.settle().await;
    assert!(world.find().await.is_none());
    assert_eq!(world.instances("terminated").await.len(), 2);
    assert_eq!(
        code(
            world
                .asg
                .delete_auto_scaling_group(&world.context, delete(true))
                .await
        ),
        "ValidationError"
    );
}

#[tokio::test]
async fn terraform_s_way_out_leaves_nothing() {
    let world = world().await;
    world.create(world.request(1, 2, 2)).await.unwrap();
    world.settle().await;
    let update = UpdateAutoScalingGroupType {
        auto_scaling_group_name: NAME.into(),
        min_size: Some(0),
        max_size: Some(0),
        desired_capacity: Some(0),
        ..Default::default()
    };
    world
        .asg
        .update_auto_scaling_group(&world.context, update)
        .await
        .unwrap();
    world.settle().await;
    assert!(world.members().await.is_empty());
    let delete = DeleteAutoScalingGroupType {
        auto_scaling_group_name: NAME.into(),
        force_delete: None,
    };
    world
        .asg
        .delete_auto_scaling_group(&world.context, delete)
        .await
        .unwrap();
    assert!(world.find().await.is_none());
}

#[tokio::test]
async fn a_user_may_end_detach_and_attach_instances() {
    let world = world().await;
    world.create(world.request(0, 3, 2)).await.unwrap();
    world.settle().await;
    let ids = world.in_service().await;
    let end = TerminateInstanceInAutoScalingGroupType {
        instance_id: ids[0].clone(),
        should_decrement_desired_capacity: true,
    };
    let told = world
        .asg
        .terminate_instance_in_auto_scaling_group(&world.context, end)
        .await
        .unwrap();
    assert!(
        told.activity
            .unwrap()
            .cause
            .ends_with("shrinking the capacity from 2 to 1.")
    );
    let detach = DetachInstancesQuery {
        instance_ids: Some(vec![ids[1].clone()]),
        auto_scaling_group_name: NAME.into(),
        should_decrement_desired_capacity: true,
    };
    world.asg.detach_instances(&world.context, detach).await.unwrap();
    world.settle().await;
    assert!(world.members().await.is_empty());
    assert_eq!(world.instances("running").await.len(), 1);
    let attach = AttachInstancesQuery {
        instance_ids: Some(vec![ids[1].clone()]),
        auto_scaling_group_name: NAME.into(),
    };
    world
        .asg
        .attach_instances(&world.context, attach.clone())
        .await
        .unwrap();
    assert_eq!(
        code(world.asg.attach_instances(&world.context, attach).await),
        "ValidationError"
    );
    world.settle().await;
    assert_eq!(world.in_service().await, [ids[1].clone()]);
    assert_eq!(world.find().await.unwrap().desired_capacity, 1);
}

#[tokio::test]
async fn suspended_processes_do_nothing() {
    let world = world().await;
    world.create(world.request(0, 3, 1)).await.unwrap();
    let suspend = |names: &[&str]| ScalingProcessQuery {
        auto_scaling_group_name: NAME.into(),
        scaling_processes: Some(names.iter().map(|it| (*it).to_owned()).collect()),
    };
    world
        .asg
        .suspend_processes(&world.context, suspend(&["Launch"]))
        .await
        .unwrap();
    world.settle().await;
    assert!(world.members().await.is_empty());
    world
        .asg
        .resume_processes(&world.context, suspend(&["Launch"]))
        .await
        .unwrap();
    world
        .asg
        .suspend_processes(&world.context, suspend(&["Terminate"]))
        .await
        .unwrap();
    world.settle().await;
    world.resize(0).await.unwrap();
    world.settle().await;
    assert_eq!(world.in_service().await.len(), 1);
    assert_eq!(
        code(
            world
                .asg
                .suspend_processes(&world.context, suspend(&["Nonsense"]))
                .await
        ),
        "ValidationError"
    );
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let world = world().await;
    let request = || world.request(1, 2, 1);
    let template = |name: &str| LaunchTemplateSpecification {
        launch_template_name: Some(name.into()),
        ..Default::default()
    };
    for input in [
        world.request(3, 2, 2),
        world.request(1, 2, 3),
        CreateAutoScalingGroupType {
            launch_template: None,
            ..request()
        },
        CreateAutoScalingGroupType {
            launch_template: Some(template("none")),
            ..request()
        },
        CreateAutoScalingGroupType {
            vpc_zone_identifier: Some("subnet-1".into()),
            ..request()
        },
        CreateAutoScalingGroupType {
            vpc_zone_identifier: None,
            ..request()
        },
        CreateAutoScalingGroupType {
            mixed_instances_policy: Some(Default::default()),
            ..request()
        },
        CreateAutoScalingGroupType {
            max_instance_lifetime: Some(86_400),
            ..request()
        },
        CreateAutoScalingGroupType {
            health_check_type: Some("EBS".into()),
            ..request()
        },
        CreateAutoScalingGroupType {
            termination_policies: Some(vec!["x".into()]),
            ..request()
        },
    ] {
        assert_eq!(code(world.create(input).await), "ValidationError");
    }
    assert!(world.find().await.is_none());
    world.create(request()).await.unwrap();
    assert_eq!(code(world.resize(5).await), "ValidationError");
    assert_eq!(code(world.resize(0).await), "ValidationError");
}
