use super::*;
use crate::model::Member;
use crate::plan::tests::group as empty;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Of so many, all in service since these seconds.
fn group(since: &[i64], min: u32, max: u32) -> Group {
    let members = since.iter().enumerate().map(|(index, second)| Member {
        token: index.to_string(),
        instance: Some(format!("i-{index}")),
        kind: None,
        image: None,
        subnet: "s-a".into(),
        zone: "a".into(),
        template: None,
        tags: Default::default(),
        stage: Stage::InService,
        protected: false,
        unhealthy: None,
        since: at(*second),
        in_service_since: Some(at(*second)),
        registered: Default::default(),
        activity: String::new(),
    });
    let count = u32::try_from(since.len()).unwrap();
    Group {
        members: members.collect(),
        ..empty(min, max, count)
    }
}

fn moved(at_second: i64, from: i32, to: i32) -> Option<Move> {
    Some(Move {
        at: at(at_second),
        from,
        to,
        occasion: None,
    })
}

fn of(value: f64) -> Call {
    Call::Of {
        value: Some(value),
        threshold: Some(60.0),
    }
}

fn to(rule: &Rule, group: &Group, call: Call, now: i64) -> Result<(i32, i32), String> {
    let decided = decide(rule, group, call, at(now));
    decided
        .map(|it| (it.from, it.to))
        .map_err(|not| not.sentence().to_owned())
}

/// As in AWS's own example: nothing up to 10 beyond the threshold, then 10 %, then 30 %.
fn steps() -> Rule {
    let step = |lower, upper, adjustment| Step {
        lower,
        upper,
        adjustment,
    };
    Rule::Steps {
        adjustment: Adjustment::Percent(0),
        steps: vec![
            step(Some(0.0), Some(10.0), 0),
            step(Some(10.0), Some(20.0), 10),
            step(Some(20.0), None, 30),
        ],
        warm_up: Some(100),
    }
}

#[test]
fn steps_count_from_where_the_warm_up_began() {
    let mut group = group(&[0; 10], 1, 20);
    assert!(to(&steps(), &group, of(65.0), 1000).is_err(), "a step of nothing");
    assert_eq!(to(&steps(), &group, of(75.0), 1000), Ok((10, 11)));
    // The eleventh is on its way; now it is 80: three more than the ten, so two more.
    (group.desired, group.moved) = (11, moved(1000, 10, 11));
    assert_eq!(to(&steps(), &group, of(80.0), 1010), Ok((10, 13)));
    // And not another one for what it was called for already.
    assert!(to(&steps(), &group, of(75.0), 1020).is_err());
}

#[test]
fn nothing_is_taken_while_instances_warm_up() {
    let down = Rule::Steps {
        adjustment: Adjustment::Change,
        steps: vec![Step {
            lower: None,
            upper: Some(0.0),
            adjustment: -1,
        }],
        warm_up: None,
    };
    let mut group = group(&[0, 1000], 1, 5);
    (group.moved, group.settled_at) = (moved(990, 1, 2), Some(at(1000)));
    let why = to(&down, &group, of(10.0), 1100).unwrap_err();
    assert_eq!(why, "Instances warm up for 200 more seconds.");
    assert_eq!(to(&down, &group, of(10.0), 1300), Ok((2, 1)));
    group.warmup_seconds = Some(50);
    assert_eq!(to(&down, &group, of(10.0), 1100), Ok((2, 1)), "the group's own");
}

#[test]
fn tracking_goes_to_its_target_and_not_beyond_the_bounds() {
    let rule = |only_out| Rule::Tracking {
        target: 50.0,
        only_out,
        warm_up: Some(60),
    };
    let group = group(&[0, 0], 1, 4);
    for (call, expected) in [
        (Call::High(75.0), Ok((2, 3))),
        (Call::High(500.0), Ok((2, 4))),
        (Call::Low(20.0), Ok((2, 1))),
        (Call::Low(0.0), Ok((2, 1))),
    ] {
        assert_eq!(to(&rule(false), &group, call, 1000), expected, "{call:?}");
    }
    assert_eq!(
        to(&rule(true), &group, Call::Low(20.0), 1000).unwrap_err(),
        "The policy does not scale in."
    );
    let full = Group {
        max: 2,
        ..group.clone()
    };
    assert_eq!(
        to(&rule(false), &full, Call::High(90.0), 1000).unwrap_err(),
        "The group has its maximum size of 2 already."
    );
}

#[test]
fn a_simple_policy_waits_for_its_cool_down() {
    let rule = Rule::Simple {
        adjustment: Adjustment::Change,
        by: 2,
        cool_down: Some(120),
    };
    let mut group = group(&[0], 1, 9);
    assert_eq!(to(&rule, &group, of(70.0), 1000), Ok((1, 3)));
    (group.desired, group.moved) = (3, moved(1000, 1, 3));
    assert_eq!(
        to(&rule, &group, of(70.0), 1001).unwrap_err(),
        "A scaling activity is in progress."
    );
    let mut group = self::group(&[0, 1010, 1010], 1, 9);
    (group.moved, group.settled_at) = (moved(1000, 1, 3), Some(at(1010)));
    assert_eq!(
        to(&rule, &group, of(70.0), 1100).unwrap_err(),
        "The cool-down after the last change goes on for 30 seconds."
    );
    assert_eq!(to(&rule, &group, of(70.0), 1130), Ok((3, 5)));
    assert_eq!(to(&rule, &group, Call::AtOnce, 1100), Ok((3, 5)));
}

#[test]
fn what_was_taken_is_not_taken_again_before_it_shows() {
    let rule = Rule::Tracking {
        target: 50.0,
        only_out: false,
        warm_up: Some(60),
    };
    let mut group = group(&[0; 12], 1, 20);
    assert_eq!(to(&rule, &group, Call::Low(20.0), 1000), Ok((12, 5)));
    (group.desired, group.moved) = (5, moved(1000, 12, 5));
    group.members.truncate(5);
    group.settled_at = Some(at(1005));
    assert_eq!(
        to(&rule, &group, Call::Low(20.0), 1030).unwrap_err(),
        "What the last change has done shows in 30 seconds."
    );
    assert_eq!(to(&rule, &group, Call::Low(30.0), 1060), Ok((5, 3)));
    // More is always given.
    assert_eq!(to(&rule, &group, Call::High(90.0), 1030), Ok((5, 9)));
    group.members[0].stage = Stage::Terminating;
    assert_eq!(
        to(&rule, &group, Call::Low(30.0), 1060).unwrap_err(),
        "Instances are being taken out."
    );
}

#[test]
fn what_came_long_ago_or_cannot_come_warms_up_no_more() {
    let rule = Rule::Tracking {
        target: 50.0,
        only_out: false,
        warm_up: Some(60),
    };
    let mut group = group(&[0, 0, 0, 5000], 1, 20);
    (group.moved, group.settled_at) = (moved(1000, 2, 4), Some(at(1010)));
    // One was replaced a moment ago; the policy's own are warm since long.
    assert_eq!(to(&rule, &group, Call::High(75.0), 5010), Ok((4, 6)));
    (group.desired, group.settled_at) = (9, None);
    group.back_off = Some(crate::model::BackOff {
        failures: 3,
        until: at(9000),
    });
    assert_eq!(to(&rule, &group, Call::Low(25.0), 5010), Ok((9, 5)));
}
