use contract::usage::{ContainerUsage, InterfaceUsage};
use jiff::Timestamp;

use super::*;

fn holder(insights: bool) -> Holder {
    Holder {
        scope: "a/r".into(),
        cluster: "c".into(),
        service: Some("web".into()),
        family: "f".into(),
        cpu_units: Some(256.0),
        memory_mib: Some(512.0),
        is_insightful: insights,
    }
}

fn counters(second: i64, cpu_seconds: f64, memory_mib: u64) -> Counters {
    Counters {
        at: Timestamp::from_second(second).unwrap(),
        containers: vec![ContainerUsage {
            name: "app".into(),
            cpu_nanoseconds: (cpu_seconds * 1e9) as u64,
            memory_bytes: (memory_mib + 10) << 20,
            cache_bytes: 10 << 20,
            ..ContainerUsage::default()
        }],
        interface: Some(InterfaceUsage {
            received_bytes: second as u64 * 100,
            ..InterfaceUsage::default()
        }),
    }
}

fn value(data: &[Datum], name: &str, dimensions: usize) -> (i64, f64) {
    let found = data
        .iter()
        .find(|it| it.series.name == name && it.series.dimensions.len() == dimensions);
    let found = found.unwrap_or_else(|| panic!("{name}: {data:?}"));
    assert_eq!(found.summary.count, 1.0);
    (found.at_seconds, found.summary.sum)
}

#[test]
fn a_minute_of_work_is_told_when_it_is_over() {
    let mut minute = Minute::default();
    for step in 0..6 {
        // An eighth of a CPU: half of the 256 units.
        let seen = counters(600 + step * 10, step as f64 * 1.25, 128);
        assert!(
            minute
                .take(vec![("t".into(), holder(true), seen)], 600 + step * 10)
                .is_empty()
        );
    }
    let data = minute.take(vec![("t".into(), holder(true), counters(660, 7.5, 128))], 660);
    assert_eq!(value(&data, "CPUUtilization", 2), (600, 50.0));
    assert_eq!(value(&data, "CPUUtilization", 1), (600, 50.0));
    assert_eq!(value(&data, "MemoryUtilization", 2), (600, 25.0));
    assert_eq!(value(&data, "CpuUtilized", 2), (600, 128.0));
    assert_eq!(value(&data, "NetworkRxBytes", 1), (600, 100.0));
}

#[test]
fn a_container_that_started_again_counts_from_nothing() {
    let mut minute = Minute::default();
    minute.take(vec![("t".into(), holder(false), counters(600, 100.0, 1))], 600);
    let data = minute.take(vec![("t".into(), holder(false), counters(660, 15.0, 1))], 660);
    assert_eq!(value(&data, "CPUUtilization", 2), (600, 100.0));
    assert!(data.iter().all(|it| it.series.namespace == ECS));
}

#[test]
fn who_was_hardly_seen_says_nothing() {
    let mut minute = Minute::default();
    minute.take(vec![], 600);
    minute.take(vec![("t".into(), holder(false), counters(658, 1.0, 1))], 658);
    assert!(
        minute
            .take(vec![("t".into(), holder(false), counters(660, 2.0, 1))], 660)
            .is_empty()
    );
    assert!(minute.take(vec![], 720).is_empty());
}
