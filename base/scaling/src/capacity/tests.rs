use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn picture(current: i32, last: Option<(i64, i32, i32)>) -> Picture {
    let last = last.map(|(second, from, to)| Move {
        at: at(second),
        from,
        to,
        occasion: None,
    });
    Picture {
        current,
        min: 1,
        max: 10,
        last,
        now: at(1000),
    }
}

#[test]
fn tracking_brings_the_metric_to_its_target() {
    for (current, value, direction, expected) in [
        (2, 90.0, Direction::Out, Decision::To(4)),
        (2, 50.1, Direction::Out, Decision::To(3)),
        (4, 75.0, Direction::Out, Decision::To(6)),
        (9, 500.0, Direction::Out, Decision::To(10)),
        (10, 80.0, Direction::Out, Decision::Not(Why::AlreadyAtMaxCapacity)),
        (6, 20.0, Direction::In, Decision::To(3)),
        (4, 0.0, Direction::In, Decision::To(1)),
        (1, 5.0, Direction::In, Decision::Not(Why::AlreadyAtMinCapacity)),
        (
            2,
            44.0,
            Direction::In,
            Decision::Not(Why::AlreadyAtDesiredCapacity),
        ),
    ] {
        assert_eq!(
            track(picture(current, None), value, 50.0, direction, 60),
            expected,
            "{current} at {value}"
        );
    }
}

#[test]
fn cool_downs_hold() {
    // Went from 2 to 4 ten seconds ago, because of 90 %.
    let cooling = picture(4, Some((990, 2, 4)));
    assert_eq!(
        track(cooling.clone(), 90.0, 50.0, Direction::Out, 60),
        Decision::Not(Why::CoolDown(50))
    );
    assert_eq!(
        track(cooling.clone(), 140.0, 50.0, Direction::Out, 60),
        Decision::To(6),
        "more than was added for"
    );
    assert_eq!(
        track(cooling.clone(), 10.0, 50.0, Direction::In, 60),
        Decision::Not(Why::CoolDown(50))
    );
    let over = picture(4, Some((900, 2, 4)));
    assert_eq!(track(over, 10.0, 50.0, Direction::In, 60), Decision::To(1));
    // Out at once, although it has just gone in.
    assert_eq!(
        track(picture(2, Some((990, 4, 2))), 90.0, 50.0, Direction::Out, 60),
        Decision::To(4)
    );
}

#[test]
fn the_step_is_found_by_the_distance_from_the_threshold() {
    let step = |lower, upper, adjustment| Step {
        lower,
        upper,
        adjustment,
    };
    let out = [
        step(Some(0.0), Some(10.0), 1),
        step(Some(10.0), Some(20.0), 2),
        step(Some(20.0), None, 3),
    ];
    for (distance, expected) in [
        (0.0, Some(1)),
        (9.9, Some(1)),
        (10.0, Some(2)),
        (20.0, Some(3)),
        (999.0, Some(3)),
        (-0.1, None),
    ] {
        assert_eq!(
            step_for(&out, distance).map(|it| it.adjustment),
            expected,
            "{distance}"
        );
    }
    let less = [step(Some(-10.0), Some(0.0), -1), step(None, Some(-10.0), -2)];
    for (distance, expected) in [
        (-0.1, Some(-1)),
        (-9.9, Some(-1)),
        (-10.0, Some(-2)),
        (-50.0, Some(-2)),
    ] {
        assert_eq!(
            step_for(&less, distance).map(|it| it.adjustment),
            expected,
            "{distance}"
        );
    }
}

#[test]
fn adjustments_are_rounded_as_aws_does() {
    let by = |adjustment| Step {
        lower: None,
        upper: None,
        adjustment,
    };
    for (base, change, kind, expected) in [
        (4, 2, Adjustment::Change, 6),
        (4, -2, Adjustment::Change, 2),
        (4, 7, Adjustment::Exact, 7),
        (10, 12, Adjustment::Percent(0), 11),
        (10, 1, Adjustment::Percent(0), 11),
        (10, 10, Adjustment::Percent(4), 14),
        (10, -25, Adjustment::Percent(0), 8),
    ] {
        assert_eq!(
            adjusted(base, by(change), kind),
            expected,
            "{base} by {change} {kind:?}"
        );
    }
    assert_eq!(
        step(picture(9, None), by(5), Adjustment::Change, 0),
        Decision::To(10)
    );
    assert_eq!(
        step(picture(1, None), by(-5), Adjustment::Change, 0),
        Decision::Not(Why::AlreadyAtMinCapacity)
    );
}

#[test]
fn steps_lie_side_by_side() {
    let step = |lower, upper| Step {
        lower,
        upper,
        adjustment: 1,
    };
    assert_eq!(check(&[step(Some(10.0), None), step(None, Some(10.0))]), Ok(()));
    for steps in [
        vec![step(Some(0.0), Some(10.0)), step(Some(5.0), None)],
        vec![step(Some(0.0), Some(10.0)), step(Some(11.0), None)],
        vec![step(Some(5.0), Some(5.0))],
        vec![step(None, None)],
        vec![step(Some(0.0), Some(10.0))],
        vec![step(Some(-10.0), Some(0.0))],
    ] {
        assert!(check(&steps).is_err(), "{steps:?}");
    }
}

#[test]
fn the_threshold_itself_belongs_to_either_side() {
    let step = |lower, upper, adjustment| Step {
        lower,
        upper,
        adjustment,
    };
    let down = [step(None, Some(-10.0), -2), step(Some(-10.0), Some(0.0), -1)];
    let up = [step(Some(0.0), None, 1)];
    let chosen = |steps: &[Step], distance| step_for(steps, distance).map(|it| it.adjustment);
    assert_eq!(chosen(&down, 0.0), Some(-1));
    assert_eq!(chosen(&down, -10.0), Some(-2));
    assert_eq!(chosen(&down, 0.1), None);
    assert_eq!(chosen(&up, 0.0), Some(1));
    assert_eq!(chosen(&up, -0.1), None);
}
