use super::*;
use crate::picture::Deployment;

fn group() -> Group {
    Group {
        arn: "group".to_owned(),
        path: "/health".to_owned(),
        interval_seconds: 5,
        healthy_threshold: 3,
        unhealthy_threshold: 2,
        drain_seconds: Some(20),
        ..Group::default()
    }
}

fn task(status: &str, wanted: &str, target: &str) -> Task {
    Task {
        id: "0123456789abcdef".to_owned(),
        status: status.to_owned(),
        wanted: wanted.to_owned(),
        started: Some(Timestamp::UNIX_EPOCH),
        targets: vec![Target {
            id: "10.0.0.1".to_owned(),
            group_arn: "group".to_owned(),
            state: target.to_owned(),
            reason: Some("it answers 500".to_owned()),
        }],
        ..Task::default()
    }
}

fn said(task: Task) -> String {
    let app = App {
        tasks: vec![task],
        stop_seconds: 7,
        ..App::default()
    };
    waits(&app, &[group()])
        .into_iter()
        .map(|it| it.sentence)
        .collect()
}

#[test]
fn each_state_says_which_setting_it_waits_for() {
    for (status, wanted, target, words) in [
        ("PENDING", "RUNNING", "", "gets its image"),
        (
            "RUNNING",
            "RUNNING",
            "initial",
            "asks it for /health: it counts as healthy after 3 good answers, one every 5 s",
        ),
        (
            "RUNNING",
            "RUNNING",
            "unhealthy",
            "unhealthy after 2 bad answers: it answers 500",
        ),
        (
            "DEACTIVATING",
            "STOPPED",
            "draining",
            "up to 20 s (deregistration delay)",
        ),
        ("STOPPING", "STOPPED", "", "it has 7 s, then it is killed"),
    ] {
        let sentence = said(task(status, wanted, target));
        assert!(sentence.contains(words), "{sentence}");
    }
    assert_eq!(said(task("RUNNING", "RUNNING", "healthy")), "");
}

#[test]
fn the_time_of_a_first_health_is_told() {
    let app = App {
        tasks: vec![task("RUNNING", "RUNNING", "initial")],
        ..App::default()
    };
    let until = waits(&app, &[group()])[0].until.unwrap();
    assert_eq!(until.as_second(), 15);
}

#[test]
fn old_tasks_that_are_left_are_told() {
    let old = Deployment {
        status: "ACTIVE".to_owned(),
        running: 2,
        ..Deployment::default()
    };
    let app = App {
        deployments: vec![Deployment::default(), old],
        ..App::default()
    };
    assert!(
        waits(&app, &[])[0]
            .sentence
            .contains("2 of the deployment before")
    );
}
