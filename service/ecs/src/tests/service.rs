//! Services from creation to the last trace.

use std::time::Duration;

use aws_shape::ecs::*;
use aws_shape::elbv2::{self, Api as _};

use super::world::World;

async fn balanced(desired: i32) -> World {
    let world = World::new().await;
    let input = CreateServiceRequest {
        load_balancers: world.behind(&world.group),
        ..world.service("web", desired)
    };
    world.create(input).await.unwrap();
    world.settle().await;
    world
}

fn breaker(rollback: bool) -> Option<DeploymentConfiguration> {
    Some(DeploymentConfiguration {
        deployment_circuit_breaker: Some(DeploymentCircuitBreaker {
            enable: true,
            rollback,
        }),
        ..Default::default()
    })
}

#[tokio::test]
async fn a_service_comes_up_scales_rolls_and_goes_without_a_trace() {
    let world = balanced(2).await;
    assert!(world.is_stable("web").await);
    assert_eq!(world.targets(&world.group).await, ["healthy", "healthy"]);
    let events = world.events("web").await;
    assert_eq!(events[0], "(service web) has reached a steady state.");
    assert!(events[1].ends_with("deployment completed."), "{events:?}");
    assert!(events.iter().any(|it| it.starts_with("(service web) registered")));
    assert!(
        events
            .last()
            .unwrap()
            .starts_with("(service web) has started 2 tasks: (task ")
    );
    world.scale("web", 3).await;
    assert!(!world.is_stable("web").await);
    world.settle().await;
    assert!(world.is_stable("web").await);
    world.scale("web", 0).await;
    world.settle().await;
    assert!(world.is_stable("web").await);
    world.assert_nothing_left().await;
    world.scale("web", 1).await;
    world.settle().await;
    assert!(world.is_stable("web").await);
    assert_eq!(world.delete("web").await.unwrap().status.unwrap(), "DRAINING");
    world.settle().await;
    assert_eq!(world.describe("web").await.status.unwrap(), "INACTIVE");
    world.assert_nothing_left().await;
}

#[tokio::test]
async fn a_roll_out_is_never_called_stable_before_its_end() {
    let world = balanced(2).await;
    let second = world.define("web").await;
    let answer = world.roll("web", &second).await;
    assert_eq!(answer.deployments.unwrap().len(), 2);
    let look = async |world: &World| {
        if world.is_stable("web").await {
            let living = world.living("web");
            let new = living.iter().all(|it| it.task_definition.ends_with("web:2"));
            assert!(new && living.len() == 2, "stable with {living:#?}");
        }
    };
    world.settle_watching(look).await;
    assert!(world.is_stable("web").await);
    assert_eq!(world.targets(&world.group).await, ["healthy", "healthy"]);
}

#[tokio::test]
async fn a_third_deployment_overtakes_the_second() {
    let world = balanced(2).await;
    let (second, third) = (world.define("web").await, world.define("web").await);
    world.roll("web", &second).await;
    for which in 0..7 {
        world.turn(which).await;
    }
    assert_eq!(world.roll("web", &third).await.deployments.unwrap().len(), 3);
    world.settle().await;
    assert!(world.is_stable("web").await);
    let living = world.living("web");
    assert!(living.iter().all(|it| it.task_definition.ends_with("web:3")));
}

#[tokio::test]
async fn deployments_that_never_ran_are_forgotten() {
    let world = balanced(1).await;
    for _ in 0..5 {
        let input = UpdateServiceRequest {
            service: "web".into(),
            force_new_deployment: Some(true),
            ..Default::default()
        };
        world.update(input).await.unwrap();
    }
    world.turn(0).await;
    let deployments = world.describe("web").await.deployments.unwrap();
    assert_eq!(deployments.len(), 2, "the primary, and the one that works");
    world.settle().await;
    assert!(world.is_stable("web").await);
}

#[tokio::test]
async fn the_circuit_breaker_goes_back_to_what_worked_and_the_next_update_goes_on() {
    let mut world = balanced(2).await;
    let broken = world.define("web").await;
    world.behaviour.broken.insert(broken.clone());
    let input = UpdateServiceRequest {
        service: "web".into(),
        task_definition: Some(broken.clone()),
        deployment_configuration: breaker(true),
        ..Default::default()
    };
    world.update(input).await.unwrap();
    world.settle_stable("web").await;
    let service = world.describe("web").await;
    assert!(service.task_definition.unwrap().ends_with("web:1"));
    assert_eq!(world.targets(&world.group).await, ["healthy", "healthy"]);
    let events = world.events("web").await;
    let said = |text: &str| events.iter().any(|it| it.contains(text));
    assert!(said("deployment failed: tasks failed to start"), "{events:#?}");
    assert!(said("rolling back to deployment ecs-svc/"));
    assert!(said("stopped: CannotPullContainerError: no"));
    // A change of something else does not bring the failed one back, and a good one goes through.
    assert_eq!(world.scale("web", 3).await.deployments.unwrap().len(), 1);
    world.settle().await;
    let third = world.define("web").await;
    world.roll("web", &third).await;
    world.settle_stable("web").await;
    let service = world.describe("web").await;
    assert!(service.task_definition.unwrap().ends_with("web:3"));
}

#[tokio::test]
async fn a_failed_first_deployment_stays_failed_until_the_next_update() {
    let mut world = World::new().await;
    world.behaviour.broken.insert("web:1".into());
    let input = CreateServiceRequest {
        deployment_configuration: breaker(true),
        ..world.service("web", 1)
    };
    world.create(input).await.unwrap();
    for _ in 0..10 {
        world.settle().await;
        world.clock.advance(Duration::from_secs(10));
    }
    let deployment = world.describe("web").await.deployments.unwrap().remove(0);
    assert_eq!(deployment.rollout_state, Some(DeploymentRolloutState::Failed));
    assert_eq!(deployment.failed_tasks, Some(3));
    assert!(world.living("web").is_empty());
    let second = world.define("web").await;
    world.roll("web", &second).await;
    world.settle_stable("web").await;
}

#[tokio::test]
async fn a_crashing_task_is_counted_and_its_replacement_waits() {
    let world = balanced(1).await;
    let id = world.living("web")[0].id.clone();
    world.crash(&id, false).await;
    let due = world.settle().await.expect("the next attempt is due");
    assert_eq!(
        due,
        base_clock::Clock::now(&*world.clock) + Duration::from_secs(1)
    );
    assert!(
        world.living("web").is_empty(),
        "nobody is started before it is due"
    );
    let task = world.task(&id).await;
    assert_eq!(task.stop_code, Some(TaskStopCode::EssentialContainerExited));
    assert_eq!(
        task.stopped_reason.as_deref(),
        Some("Essential container in task exited")
    );
    assert_eq!(task.last_status.as_deref(), Some("STOPPED"));
    world.settle_stable("web").await;
    // The same again waits longer; a long time afterwards it is the first failure again.
    let id = world.living("web")[0].id.clone();
    world.crash(&id, false).await;
    world.settle().await;
    assert_eq!(world.row("web").deployments[0].failed_tasks, 2);
    world.settle_stable("web").await;
    world.clock.advance(Duration::from_secs(3000));
    let id = world.living("web")[0].id.clone();
    world.crash(&id, true).await;
    world.settle().await;
    assert_eq!(world.row("web").deployments[0].failed_tasks, 1);
    world.settle_stable("web").await;
}

#[tokio::test]
async fn what_fails_the_load_balancers_checks_is_replaced() {
    let mut world = balanced(1).await;
    let first = world.living("web")[0].id.clone();
    world.behaviour.unwell.insert("web:1".into());
    for _ in 0..8 {
        for which in 0..=world.reconcilers.len() {
            world.turn(which).await;
        }
    }
    world.behaviour.unwell.clear();
    world.settle_stable("web").await;
    let task = world.task(&first).await;
    assert_eq!(task.stop_code, Some(TaskStopCode::ServiceSchedulerInitiated));
    assert!(
        task.stopped_reason
            .as_deref()
            .unwrap()
            .starts_with("Task failed ELB health checks in (target-group "),
        "{task:?}"
    );
    assert_eq!(world.targets(&world.group).await, ["healthy"]);
}

#[tokio::test]
async fn a_change_of_target_group_moves_the_tasks_without_a_gap() {
    let world = balanced(2).await;
    let other = world.target_group("other").await;
    world.settle().await;
    let input = UpdateServiceRequest {
        service: "web".into(),
        load_balancers: world.behind(&other),
        ..Default::default()
    };
    world.update(input).await.unwrap();
    let serves = async |world: &World| {
        let all = [world.targets(&world.group).await, world.targets(&other).await].concat();
        let healthy = all.iter().filter(|it| *it == "healthy").count();
        assert!(healthy >= 2, "{all:?}");
    };
    world.settle_watching(serves).await;
    assert!(world.is_stable("web").await);
    assert!(world.targets(&world.group).await.is_empty());
    assert_eq!(world.targets(&other).await, ["healthy", "healthy"]);
    // None any more: the last registrations go too.
    let input = UpdateServiceRequest {
        service: "web".into(),
        load_balancers: Some(vec![]),
        ..Default::default()
    };
    world.update(input).await.unwrap();
    world.settle().await;
    assert!(world.is_stable("web").await);
    assert!(world.targets(&other).await.is_empty());
}

#[tokio::test]
async fn what_others_registered_in_the_target_group_is_theirs() {
    let world = balanced(1).await;
    let input = elbv2::RegisterTargetsInput {
        target_group_arn: world.group.clone(),
        targets: vec![elbv2::TargetDescription {
            id: "10.0.2.200".into(),
            port: Some(80),
            ..Default::default()
        }],
    };
    world.elbv2.register_targets(&world.context, input).await.unwrap();
    let second = CreateServiceRequest {
        load_balancers: world.behind(&world.group),
        ..world.service("second", 1)
    };
    world.create(second).await.unwrap();
    world.settle().await;
    world.delete("web").await.unwrap();
    world.settle().await;
    assert!(world.is_stable("second").await);
    let mut targets = world.targets(&world.group).await;
    targets.sort();
    assert_eq!(targets, ["healthy", "unhealthy"]);
}

#[tokio::test]
async fn a_target_group_that_is_deleted_under_a_service_stops_nothing() {
    let world = balanced(1).await;
    let balancer = world
        .elbv2
        .describe_load_balancers(&world.context, Default::default())
        .await
        .unwrap();
    let balancer = balancer
        .load_balancers
        .unwrap()
        .remove(0)
        .load_balancer_arn
        .unwrap();
    let input = elbv2::DeleteLoadBalancerInput {
        load_balancer_arn: balancer,
    };
    world
        .elbv2
        .delete_load_balancer(&world.context, input)
        .await
        .unwrap();
    let input = elbv2::DeleteTargetGroupInput {
        target_group_arn: world.group.clone(),
    };
    world
        .elbv2
        .delete_target_group(&world.context, input)
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(world.describe("web").await.running_count, Some(1));
    world.delete("web").await.unwrap();
    world.settle().await;
    assert_eq!(world.describe("web").await.status.unwrap(), "INACTIVE");
    world.assert_nothing_left().await;
}

#[tokio::test]
async fn a_deregistered_task_definition_still_runs_for_its_service() {
    let world = balanced(1).await;
    let input = DeregisterTaskDefinitionRequest {
        task_definition: "web:1".into(),
    };
    world
        .ecs
        .deregister_task_definition(&world.context, input)
        .await
        .unwrap();
    world.scale("web", 2).await;
    world.settle().await;
    assert!(world.is_stable("web").await);
}

#[tokio::test]
async fn a_subnet_that_is_gone_fails_tasks_with_a_reason_and_slows_down() {
    let world = World::new().await;
    let mut input = world.service("web", 1);
    let subnet = {
        use aws_shape::ec2::Api as _;
        let input = aws_shape::ec2::CreateSubnetRequest {
            vpc_id: world.vpc.clone(),
            cidr_block: Some("10.0.9.0/24".into()),
            ..Default::default()
        };
        let made = world.ec2.create_subnet(&world.context, input).await.unwrap();
        made.subnet.unwrap().subnet_id.unwrap()
    };
    if let Some(vpc) = &mut input.network_configuration {
        vpc.awsvpc_configuration.as_mut().unwrap().subnets = vec![subnet.clone()];
    }
    world.create(input).await.unwrap();
    {
        use aws_shape::ec2::Api as _;
        let input = aws_shape::ec2::DeleteSubnetRequest {
            subnet_id: subnet,
            dry_run: None,
        };
        world.ec2.delete_subnet(&world.context, input).await.unwrap();
    }
    assert!(world.settle().await.is_some(), "the next attempt waits");
    let events = world.events("web").await;
    let reason = "ResourceInitializationError: unable to create a network interface";
    assert!(events.iter().any(|it| it.contains(reason)), "{events:?}");
    world.delete("web").await.unwrap();
    world.settle().await;
    assert_eq!(world.describe("web").await.status.unwrap(), "INACTIVE");
}

#[tokio::test]
async fn deleting_in_the_middle_of_everything_ends_and_leaves_nothing() {
    for turns in 0..24 {
        let mut world = balanced(2).await;
        let second = world.define("web").await;
        world.behaviour.broken.insert(second.clone());
        world.roll("web", &second).await;
        for which in 0..turns {
            world.turn(which).await;
        }
        world.delete("web").await.unwrap();
        world.settle().await;
        assert_eq!(world.describe("web").await.status.unwrap(), "INACTIVE");
        world.assert_nothing_left().await;
    }
}

#[tokio::test]
async fn an_inactive_service_can_be_described_for_an_hour() {
    let world = World::new().await;
    world.create(world.service("web", 0)).await.unwrap();
    world.settle().await;
    world.clock.advance(Duration::from_secs(100_000));
    world.delete("web").await.unwrap();
    world.settle().await;
    assert_eq!(world.describe("web").await.status.unwrap(), "INACTIVE");
    world.clock.advance(Duration::from_secs(3601));
    world.settle().await;
    let input = DescribeServicesRequest {
        services: vec!["web".into()],
        ..Default::default()
    };
    let answer = world.ecs.describe_services(&world.context, input).await.unwrap();
    assert_eq!(answer.failures.unwrap()[0].reason.as_deref(), Some("MISSING"));
}

#[tokio::test]
async fn a_deployment_that_can_never_move_says_so_once() {
    let world = World::new().await;
    let input = CreateServiceRequest {
        deployment_configuration: Some(DeploymentConfiguration {
            minimum_healthy_percent: Some(100),
            maximum_percent: Some(150),
            ..Default::default()
        }),
        ..world.service("web", 1)
    };
    world.create(input).await.unwrap();
    world.settle().await;
    let second = world.define("web").await;
    world.roll("web", &second).await;
    world.settle().await;
    world.settle().await;
    let events = world.events("web").await;
    let said = events
        .iter()
        .filter(|it| it.contains("was unable to stop or start tasks"));
    assert_eq!(said.count(), 1);
}
