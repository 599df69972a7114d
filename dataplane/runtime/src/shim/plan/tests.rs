use contract::task::Dependency;

use super::*;
use crate::cgroup::Limits;

fn spec(name: &str, depends_on: &[(&str, Condition)]) -> ContainerSpec {
    ContainerSpec {
        name: name.to_owned(),
        runtime_id: String::new(),
        image_digest: None,
        lower: vec![],
        disk: None,
        network: None,
        arguments: vec![],
        environment: vec![],
        working_directory: "/".to_owned(),
        user: None,
        stop_signal: None,
        essential: true,
        depends_on: depends_on
            .iter()
            .map(|(container, condition)| Dependency {
                container: container.to_string(),
                condition: *condition,
            })
            .collect(),
        start_timeout_seconds: None,
        stop_timeout_seconds: 30,
        readonly_root: false,
        interactive: false,
        pseudo_terminal: false,
        disable_networking: false,
        limits: Limits::default(),
        memory_reservation_mib: None,
        health_check: None,
        ulimits: vec![],
        mounts: vec![],
        hostname: None,
        resolv_conf: None,
        hosts: None,
        linux: Default::default(),
        restart: None,
        frames: false,
        spool: Default::default(),
    }
}

const WAITING: View = View {
    phase: ContainerPhase::Pending,
    started: false,
    exit_code: None,
    health: Health::Unknown,
    late: false,
};
const RUNNING: View = View {
    phase: ContainerPhase::Running,
    started: true,
    ..WAITING
};

fn ended(code: i32) -> View {
    View {
        phase: ContainerPhase::Stopped,
        exit_code: Some(code),
        ..RUNNING
    }
}

#[test]
fn every_condition_over_every_state() {
    use Condition::{Complete, Healthy, Start, Success};
    let never = View {
        phase: ContainerPhase::Stopped,
        ..WAITING
    };
    let healthy = View {
        health: Health::Healthy,
        ..RUNNING
    };
    let unhealthy = View {
        health: Health::Unhealthy,
        ..RUNNING
    };
    let late = View {
        late: true,
        ..RUNNING
    };
    // s: start, w: wait, g: give up; for waiting, running, ended well, ended badly, never ran, healthy, unhealthy, late
    for (condition, expected) in [
        (Start, "wsssgsss"),
        (Complete, "wwssgwwg"),
        (Success, "wwsggwwg"),
        (Healthy, "wwgggsgg"),
    ] {
        let views = [
            WAITING,
            RUNNING,
            ended(0),
            ended(3),
            never,
            healthy,
            unhealthy,
            late,
        ];
        let found: String = views
            .into_iter()
            .map(
                |view| match may_start(&spec("b", &[("a", condition)]), |_| Some(view)) {
                    Verdict::Start => 's',
                    Verdict::Wait => 'w',
                    Verdict::GiveUp(_) => 'g',
                },
            )
            .collect();
        assert_eq!(found, expected, "{condition:?}");
    }
}

#[test]
fn dependents_stop_first() {
    let (front, back) = (spec("front", &[("back", Condition::Start)]), spec("back", &[]));
    assert!(!may_stop("back", &[(&front, RUNNING), (&back, RUNNING)]));
    assert!(may_stop("front", &[(&front, RUNNING), (&back, RUNNING)]));
    assert!(may_stop("back", &[(&front, ended(0)), (&back, RUNNING)]));
}

#[test]
fn a_restart_needs_a_long_enough_run_and_a_code_that_is_not_ignored() {
    let restart = Restart {
        ignored_exit_codes: vec![0, 7],
        attempt_period_seconds: 60,
    };
    for (restart, code, ran, stops, expected) in [
        (None, 1, 100, false, false),
        (Some(&restart), 1, 60, false, true),
        (Some(&restart), 1, 59, false, false),
        (Some(&restart), 7, 60, false, false),
        (Some(&restart), 1, 60, true, false),
    ] {
        assert_eq!(may_restart(restart, code, ran, stops), expected);
    }
}
