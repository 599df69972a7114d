use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn seen(made: i64, sent_bytes: u64, attempted_connections: u64) -> Vec<Seen> {
    vec![Seen {
        scope: "000000000000/us-east-1".into(),
        gateway: "nat-1".into(),
        made: at(made),
        usage: Some(GatewayUsage {
            sent_bytes,
            attempted_connections,
            ..Default::default()
        }),
    }]
}

fn value(data: &[Datum], name: &str) -> Option<f64> {
    let found = data.iter().find(|it| it.series.name == name);
    found.map(|it| it.summary.average())
}

#[test]
fn a_minute_of_a_gateway() {
    let mut windows = Windows::default();
    assert_eq!(windows.take(seen(0, 5_000, 7), at(600)), []);
    assert_eq!(windows.take(seen(0, 6_000, 8), at(610)), []);
    let told = windows.take(seen(0, 6_500, 8), at(660));
    assert_eq!(value(&told, "BytesOutToDestination"), Some(1_500.0));
    assert_eq!(value(&told, "BytesInFromSource"), Some(1_500.0));
    assert_eq!(value(&told, "BytesInFromDestination"), Some(0.0));
    assert_eq!(value(&told, "ConnectionAttemptCount"), Some(1.0));
    assert_eq!(value(&told, "PeakBytesPerSecond"), Some(100.0));
    assert!(told.iter().all(|it| it.at_seconds == 600));
    // The next minute begins at nothing, and says so.
    let told = windows.take(seen(0, 6_500, 8), at(720));
    assert_eq!(value(&told, "BytesOutToDestination"), Some(0.0));
}

#[test]
fn a_new_gateway_counts_from_nothing_and_one_that_goes_says_the_rest() {
    let mut windows = Windows::default();
    windows.take(seen(655, 40, 1), at(658));
    let told = windows.take(seen(655, 100, 1), at(660));
    assert_eq!(value(&told, "BytesOutToDestination"), Some(100.0));
    windows.take(seen(655, 150, 2), at(670));
    let told = windows.take(vec![], at(680));
    assert_eq!(value(&told, "BytesOutToDestination"), Some(50.0));
    assert_eq!(value(&told, "ConnectionAttemptCount"), Some(1.0));
}

#[test]
fn what_could_not_be_counted_once_is_counted_the_next_time() {
    let mut windows = Windows::default();
    windows.take(seen(0, 5_000, 7), at(600));
    let mut blind = seen(0, 0, 0);
    blind[0].usage = None;
    assert_eq!(windows.take(blind, at(630)), []);
    let told = windows.take(seen(0, 5_600, 9), at(660));
    assert_eq!(value(&told, "BytesOutToDestination"), Some(600.0));
    assert_eq!(value(&told, "ConnectionAttemptCount"), Some(2.0));
}

#[test]
fn a_minute_of_which_the_beginning_was_missed_is_not_told() {
    let mut windows = Windows::default();
    windows.take(seen(0, 5_000, 7), at(630));
    assert_eq!(windows.take(seen(0, 6_000, 7), at(660)), []);
    // One that was made anew while nobody looked has begun anew.
    let told = windows.take(seen(0, 10, 1), at(720));
    assert_eq!(value(&told, "BytesOutToDestination"), Some(10.0));
}
