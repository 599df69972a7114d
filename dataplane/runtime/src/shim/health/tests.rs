use super::*;

fn tracker(retries: u32, start_period_seconds: u32) -> Tracker {
    let command = vec!["CMD-SHELL".to_owned(), "true && true".to_owned()];
    Tracker::new(HealthCheck {
        command,
        interval_seconds: 5,
        timeout_seconds: 2,
        retries,
        start_period_seconds,
    })
}

#[test]
fn retries_count_in_a_row_and_success_heals() {
    let mut tracker = tracker(2, 0);
    let mut seen = Vec::new();
    for passed in [false, true, false, true, false, false, true] {
        tracker.record(passed, 1);
        seen.push(tracker.health);
    }
    use Health::{Healthy, Unhealthy, Unknown};
    assert_eq!(
        seen,
        [Unknown, Healthy, Healthy, Healthy, Healthy, Unhealthy, Healthy]
    );
}

#[test]
fn failures_while_starting_do_not_count() {
    let mut tracker = tracker(1, 10);
    tracker.record(false, 9);
    assert_eq!(tracker.health, Health::Unknown);
    tracker.record(false, 10);
    assert_eq!(tracker.health, Health::Unhealthy);
}

#[test]
fn shell_and_plain_commands() {
    assert_eq!(
        tracker(1, 0).arguments().unwrap(),
        ["/bin/sh", "-c", "true && true"]
    );
}
