use super::*;

fn first(text: &str, zone: &str, after: &str) -> Option<String> {
    let zone = TimeZone::get(zone).unwrap();
    let since: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    next(&parse(text).unwrap(), &zone, since, after.parse().unwrap()).map(|it| it.to_string())
}

#[test]
fn the_next_time_is_found() {
    for (text, zone, after, expected) in [
        (
            "at(2026-03-01T10:00:00)",
            "UTC",
            "2026-02-01T00:00:00Z",
            Some("2026-03-01T10:00:00Z"),
        ),
        (
            "at(2026-03-01T10:00:00)",
            "Europe/Berlin",
            "2026-02-01T00:00:00Z",
            Some("2026-03-01T09:00:00Z"),
        ),
        ("at(2026-03-01T10:00:00)", "UTC", "2026-03-01T10:00:00Z", None),
        (
            "rate(5 minutes)",
            "UTC",
            "2026-01-01T00:07:00Z",
            Some("2026-01-01T00:10:00Z"),
        ),
        (
            "rate(1 day)",
            "UTC",
            "2026-01-05T00:00:00Z",
            Some("2026-01-06T00:00:00Z"),
        ),
        (
            "cron(0 8 * * ? *)",
            "UTC",
            "2026-01-01T08:00:00Z",
            Some("2026-01-02T08:00:00Z"),
        ),
        (
            "cron(0/15 * * * ? *)",
            "UTC",
            "2026-01-01T08:31:00Z",
            Some("2026-01-01T08:45:00Z"),
        ),
        (
            "cron(0 18 ? * MON-FRI *)",
            "UTC",
            "2026-01-02T19:00:00Z",
            Some("2026-01-05T18:00:00Z"),
        ),
        (
            "cron(0 18 ? * 2 *)",
            "UTC",
            "2026-01-02T19:00:00Z",
            Some("2026-01-05T18:00:00Z"),
        ),
        (
            "cron(0 0 L * ? *)",
            "UTC",
            "2026-02-01T00:00:00Z",
            Some("2026-02-28T00:00:00Z"),
        ),
        (
            "cron(30 9 1 JAN,JUL ? 2027)",
            "UTC",
            "2026-02-01T00:00:00Z",
            Some("2027-01-01T09:30:00Z"),
        ),
        (
            "cron(0 8 * * ? *)",
            "America/New_York",
            "2026-07-01T00:00:00Z",
            Some("2026-07-01T12:00:00Z"),
        ),
        ("cron(0 0 30 2 ? *)", "UTC", "2026-01-01T00:00:00Z", None),
    ] {
        assert_eq!(first(text, zone, after).as_deref(), expected, "{text}");
    }
}

#[test]
fn what_is_no_schedule_is_refused() {
    for text in [
        "",
        "at",
        "at(tomorrow)",
        "rate(5)",
        "rate(0 minutes)",
        "rate(5 parsecs)",
        "cron(* * * * *)",
        "cron(0 8 * * * *)",
        "cron(61 8 * * ? *)",
        "cron(5-1 8 * * ? *)",
        "cron(0 8 ? * XYZ *)",
        "every(5 minutes)",
        "cron(0/0 8 * * ? *)",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_crontab_is_understood() {
    let first = |text: &str, after: &str| {
        let after: Timestamp = after.parse().unwrap();
        let next = next(&crontab(text).unwrap(), &TimeZone::UTC, after, after);
        next.map(|it| it.to_string())
    };
    // 2026-11-23 is a Monday.
    for (text, expected) in [
        ("0 9 * * *", "2026-11-24T09:00:00Z"),
        ("*/15 * * * *", "2026-11-23T12:15:00Z"),
        ("30 22 * * 1-5", "2026-11-23T22:30:00Z"),
        ("0 0 * * 0", "2026-11-29T00:00:00Z"),
        ("0 0 * * 7", "2026-11-29T00:00:00Z"),
        ("0 0 * * SUN", "2026-11-29T00:00:00Z"),
        // Both kinds of days: one is enough.
        ("0 0 1 * WED", "2026-11-25T00:00:00Z"),
        ("0 0 24 * WED", "2026-11-24T00:00:00Z"),
        ("0 0 1 1,6,12 *", "2026-12-01T00:00:00Z"),
    ] {
        assert_eq!(
            first(text, "2026-11-23T12:00:00Z").as_deref(),
            Some(expected),
            "{text}"
        );
    }
    for text in [
        "0 9 * *",
        "60 * * * *",
        "0 9 * * 8",
        "0 9 0 * *",
        "a b c d e",
        "0 9 * * * *",
    ] {
        assert!(crontab(text).is_err(), "{text}");
    }
}
