//! Managed scaling in numbers.

use proptest::prelude::*;

use super::*;

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn picture(running: u32, busy: u32, missing: u32) -> Picture {
    Picture {
        running,
        busy,
        missing,
        desired: running,
        least: 0,
        most: 10,
        target: 100,
        step_least: 1,
        step_most: 10_000,
        warm_at: None,
        low_since: None,
    }
}

#[test]
fn instances_follow_the_need() {
    for (running, busy, missing, reservation, step) in [
        (0, 0, 0, 100, Step::Stay),
        (0, 0, 1, 200, Step::Out(1)),
        (1, 1, 0, 100, Step::Stay),
        (1, 1, 1, 200, Step::Out(2)),
        (2, 2, 20, 1100, Step::Out(10)),
        (4, 1, 0, 25, Step::Stay),
    ] {
        let plan = plan(&picture(running, busy, missing), now());
        assert_eq!(
            (plan.reservation, plan.step),
            (reservation, step),
            "{running} {busy} {missing}"
        );
    }
}

#[test]
fn a_lower_target_keeps_instances_in_reserve() {
    let spare = Picture {
        target: 50,
        ..picture(2, 2, 0)
    };
    assert_eq!(plan(&spare, now()).step, Step::Out(4));
}

#[test]
fn steps_are_bounded_and_what_is_under_way_is_not_asked_for_again() {
    let bounded = Picture {
        step_least: 2,
        step_most: 3,
        ..picture(1, 1, 8)
    };
    assert_eq!(plan(&bounded, now()).step, Step::Out(4));
    let least = Picture {
        step_least: 2,
        ..picture(1, 1, 1)
    };
    assert_eq!(plan(&least, now()).step, Step::Out(3));
    let under_way = Picture {
        desired: 2,
        ..picture(1, 1, 1)
    };
    assert_eq!(plan(&under_way, now()).step, Step::Stay);
}

#[test]
fn instances_go_when_they_were_idle_for_a_while_and_are_warm() {
    let first = plan(&picture(3, 1, 0), now());
    assert_eq!((first.step, first.low_since), (Step::Stay, Some(now())));
    let later = now() + SCALE_IN_AFTER;
    assert_eq!(first.look_again_at, Some(later));
    let idle = Picture {
        low_since: first.low_since,
        ..picture(3, 1, 0)
    };
    assert_eq!(plan(&idle, later).step, Step::In(2));
    let kept = Picture {
        least: 2,
        ..idle.clone()
    };
    assert_eq!(plan(&kept, later).step, Step::In(1));
    let cold = Picture {
        warm_at: Some(later + Duration::from_secs(1)),
        ..idle
    };
    assert_eq!(plan(&cold, later).step, Step::Stay);
}

proptest! {
    #[test]
    fn nobody_busy_goes_and_the_bounds_hold(
        running in 0..20_u32, busy in 0..20_u32, missing in 0..20_u32, target in 1..=100_u32, least in 0..5_u32, steps in 1..5_u32,
    ) {
        let busy = busy.min(running);
        let one = Picture {
            least, target, step_most: steps, low_since: Some(now()), ..picture(running, busy, missing)
        };
        match plan(&one, now() + SCALE_IN_AFTER).step {
            Step::Stay => {}
            Step::Out(new) => prop_assert!(new > running && new <= one.most && new - running <= steps),
            Step::In(gone) => {
                prop_assert!(gone > 0 && running - gone >= busy.max(least.min(running)));
                prop_assert_eq!(missing, 0);
            }
        }
    }
}
