use super::*;

fn service(deployments: Vec<ecs::Deployment>) -> ecs::Service {
    ecs::Service {
        deployments: Some(deployments),
        ..Default::default()
    }
}

fn deployment(id: &str, status: &str, state: ecs::DeploymentRolloutState, running: i32) -> ecs::Deployment {
    ecs::Deployment {
        id: Some(id.to_owned()),
        status: Some(status.to_owned()),
        rollout_state: Some(state),
        desired_count: Some(1),
        running_count: Some(running),
        pending_count: Some(0),
        ..Default::default()
    }
}

#[test]
fn a_deployment_is_done_when_it_is_complete_and_the_only_one() {
    use ecs::DeploymentRolloutState::{Completed, Failed, InProgress};
    let new = |state, running| deployment("new", "PRIMARY", state, running);
    let old = || deployment("old", "ACTIVE", Completed, 1);
    for (deployments, expected) in [
        (vec![new(InProgress, 0)], Standing::Going),
        (vec![new(InProgress, 1), old()], Standing::Going),
        (vec![new(Completed, 1), old()], Standing::Going),
        (vec![new(Completed, 1)], Standing::Done),
        (vec![new(Completed, 0)], Standing::Going),
        (vec![new(Failed, 0)], Standing::Broken),
        // Taken back: the old one leads again.
        (
            vec![
                deployment("old", "PRIMARY", InProgress, 1),
                deployment("new", "ACTIVE", InProgress, 0),
            ],
            Standing::Broken,
        ),
        // Replaced while we looked.
        (
            vec![deployment("other", "PRIMARY", InProgress, 0)],
            Standing::Broken,
        ),
        (vec![], Standing::Broken),
    ] {
        assert_eq!(
            standing(&service(deployments.clone()), "new"),
            expected,
            "{deployments:?}"
        );
    }
}

fn target(state: &str, description: Option<&str>) -> elbv2::TargetHealthDescription {
    elbv2::TargetHealthDescription {
        target_health: Some(elbv2::TargetHealth {
            state: Some(state.into()),
            reason: None,
            description: description.map(str::to_owned),
        }),
        ..Default::default()
    }
}

#[test]
fn what_is_being_waited_for_is_said() {
    use ecs::DeploymentRolloutState::{Completed, InProgress};
    let new = |running| deployment("new", "PRIMARY", InProgress, running);
    let say = |deployments, health: &[_]| sentence(&service(deployments), "new", health, "/up");
    assert_eq!(
        say(vec![new(0)], &[]),
        "0 of 1 tasks running, waiting for the next to start"
    );
    let mut starting = new(0);
    starting.pending_count = Some(1);
    assert_eq!(say(vec![starting], &[]), "0 of 1 tasks running, 1 starting");
    assert_eq!(
        say(vec![new(1)], &[]),
        "1 of 1 tasks running, waiting until the load balancer knows them"
    );
    assert_eq!(
        say(
            vec![new(1)],
            &[target(
                "unhealthy",
                Some("Health checks failed with these codes: [500]")
            )]
        ),
        "1 of 1 tasks running, waiting for the health check GET /up (last answer: Health checks failed with these codes: [500])"
    );
    let old = deployment("old", "ACTIVE", Completed, 1);
    assert_eq!(
        say(
            vec![new(1), old],
            &[target("healthy", None), target("draining", None)]
        ),
        "1 of 1 tasks running and healthy, the old ones are finishing their requests"
    );
}
