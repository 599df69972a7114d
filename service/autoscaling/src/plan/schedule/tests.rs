use super::*;
use crate::plan::tests::group;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn action(min: Option<u32>, max: Option<u32>, desired: Option<u32>) -> Schedule {
    Schedule {
        name: "evening".into(),
        group: "g".into(),
        group_uuid: String::new(),
        arn: String::new(),
        recurrence: None,
        time_zone: None,
        start: None,
        end: None,
        min,
        max,
        desired,
        next_at: Timestamp::UNIX_EPOCH,
    }
}

#[test]
fn the_next_time_lies_between_start_and_end() {
    let now = time("2026-11-23T12:00:00Z");
    let start = Some(time("2026-12-01T08:00:00Z"));
    let at = |recurrence, zone, start, end: Option<&str>| {
        next(recurrence, zone, start, end.map(time), now).map(|it| it.map(|it| it.to_string()))
    };
    let found = |text: &str| Ok(Some(text.to_owned()));
    assert_eq!(at(None, None, start, None), found("2026-12-01T08:00:00Z"));
    assert_eq!(
        at(Some("0 8 * * *"), None, None, None),
        found("2026-11-24T08:00:00Z")
    );
    assert_eq!(
        at(Some("0 8 * * *"), None, start, None),
        found("2026-12-01T08:00:00Z")
    );
    assert_eq!(
        at(Some("0 8 * * *"), Some("America/New_York"), None, None),
        found("2026-11-23T13:00:00Z")
    );
    assert_eq!(
        at(Some("0 8 * * *"), None, None, Some("2026-11-24T00:00:00Z")),
        Ok(None)
    );
    assert!(at(Some("0 8 * *"), None, None, None).is_err());
    assert!(at(Some("0 8 * * *"), Some("Atlantis/Capital"), None, None).is_err());
}

#[test]
fn of_many_missed_times_the_last_one_counts() {
    let daily = |recurrence: &str| Schedule {
        recurrence: Some(recurrence.into()),
        next_at: time("2026-11-20T08:00:00Z"),
        ..action(None, None, Some(1))
    };
    let now = time("2026-11-23T09:00:00Z");
    let found = |recurrence| latest(&daily(recurrence), now).to_string();
    assert_eq!(found("0 8 * * *"), "2026-11-23T08:00:00Z");
    assert_eq!(found("0 20 * * *"), "2026-11-22T20:00:00Z");
    assert_eq!(found("0 0 1 * *"), "2026-11-20T08:00:00Z");
}

#[test]
fn an_action_sets_the_sizes() {
    let now = time("2026-11-23T12:00:00Z");
    let ran = run(&group(1, 4, 3), &action(None, Some(2), None), now).unwrap();
    assert_eq!((ran.min, ran.max, ran.desired), (1, 2, 2));
    assert_eq!(
        ran.change,
        "At 2026-11-23T12:00:00Z the scheduled action evening executed.  Setting max size from 4 to 2.  Setting desired \
         capacity from 3 to 2."
    );
    let ran = run(&group(1, 4, 1), &action(Some(2), None, Some(4)), now).unwrap();
    assert_eq!((ran.min, ran.max, ran.desired), (2, 4, 4));
    assert_eq!(
        run(&group(1, 4, 1), &action(Some(5), None, None), now).unwrap_err(),
        "The minimum size 5 would be larger than the maximum size 4."
    );
}
