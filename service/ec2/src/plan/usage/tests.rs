use jiff::Timestamp;

use super::*;

fn holder(instance: &str, is_detailed: bool) -> Holder {
    Holder {
        scope: "000000000000/us-east-1".into(),
        instance: instance.into(),
        image: "ami-1".into(),
        kind: "t3.small".into(),
        vcpus: 2,
        group: Some("workers".into()),
        is_detailed,
        launched_at: 0,
    }
}

/// So much CPU in seconds, so many bytes sent by the instance and by a task in it.
fn seen(boot: &str, at: i64, cpu: u64, sent: u64, guest: Option<u64>) -> Seen {
    let sent_bytes = |bytes| InterfaceUsage {
        sent_bytes: bytes,
        ..Default::default()
    };
    Seen {
        boot: boot.into(),
        holder: holder("i-1", true),
        counters: MachineCounters {
            at: Timestamp::from_second(at).unwrap(),
            cpu_nanoseconds: cpu * 1_000_000_000,
            read_bytes: 0,
            written_bytes: at.unsigned_abs(),
            interface: sent_bytes(sent),
        },
        guests: guest
            .map(|it| ("task".to_owned(), sent_bytes(it)))
            .into_iter()
            .collect(),
    }
}

fn value(data: &[Datum], name: &str, dimension: &str) -> Option<f64> {
    let is_meant = |it: &&Datum| {
        it.series.name == name && it.series.dimensions.first().is_some_and(|it| it.0 == dimension)
    };
    data.iter().find(is_meant).map(|it| it.summary.average())
}

#[test]
fn a_minute_of_an_instance_and_of_the_tasks_in_it() {
    let mut windows = Windows::default();
    assert_eq!(windows.take(vec![seen("b", 600, 100, 1_000, None)], 600), []);
    assert_eq!(windows.take(vec![seen("b", 630, 130, 1_500, Some(200))], 630), []);
    // The task is gone: what it sent stays sent.
    let told = windows.take(vec![seen("b", 660, 160, 1_600, None)], 660);
    assert_eq!(value(&told, "CPUUtilization", "InstanceId"), Some(50.0));
    assert_eq!(value(&told, "NetworkOut", "InstanceId"), Some(800.0));
    assert_eq!(value(&told, "NetworkOut", "AutoScalingGroupName"), Some(800.0));
    assert_eq!(value(&told, "EBSWriteBytes", "InstanceType"), Some(60.0));
    assert!(told.iter().all(|it| it.at_seconds == 600));
    assert!(told.iter().any(|it| it.series.dimensions.is_empty()));
    // The next minute goes on where this one ended.
    let next = windows.take(vec![seen("b", 720, 160, 1_600, None)], 720);
    assert_eq!(value(&next, "CPUUtilization", "InstanceId"), Some(0.0));
    assert_eq!(value(&next, "NetworkOut", "InstanceId"), Some(0.0));
}

#[test]
fn without_detailed_monitoring_it_is_five_minutes_and_no_others() {
    let mut windows = Windows::default();
    let basic = |at: i64, cpu: u64| Seen {
        holder: holder("i-1", false),
        ..seen("b", at, cpu, 0, None)
    };
    for minute in 0..5 {
        assert_eq!(
            windows.take(vec![basic(600 + 60 * minute, 0)], 600 + 60 * minute),
            []
        );
    }
    let told = windows.take(vec![basic(900, 300)], 900);
    assert_eq!(value(&told, "CPUUtilization", "InstanceId"), Some(50.0));
    assert_eq!(value(&told, "CPUUtilization", "ImageId"), None);
    assert!(told.iter().all(|it| it.at_seconds == 600));
}

#[test]
fn a_period_of_which_a_part_was_missed_has_no_sums() {
    let mut windows = Windows::default();
    windows.take(vec![seen("b", 640, 0, 0, None)], 640);
    let told = windows.take(vec![seen("b", 660, 10, 500, None)], 660);
    assert_eq!(value(&told, "CPUUtilization", "InstanceId"), Some(25.0));
    assert_eq!(value(&told, "NetworkOut", "InstanceId"), None);
}

#[test]
fn the_first_minute_of_an_instance_is_whole() {
    let mut windows = Windows::default();
    let young = |at, sent| {
        let mut seen = seen("b", at, 0, sent, None);
        seen.holder.launched_at = 635;
        seen
    };
    windows.take(vec![young(640, 0)], 640);
    let told = windows.take(vec![young(660, 500)], 660);
    assert_eq!(value(&told, "NetworkOut", "InstanceId"), Some(500.0));
}

#[test]
fn instances_of_a_group_are_told_of_together() {
    let mut windows = Windows::default();
    let other = |at, cpu| Seen {
        holder: holder("i-2", true),
        ..seen("c", at, cpu, 0, None)
    };
    windows.take(vec![seen("b", 600, 0, 0, None), other(600, 0)], 600);
    let told = windows.take(vec![seen("b", 660, 60, 0, None), other(660, 120)], 660);
    assert_eq!(value(&told, "CPUUtilization", "AutoScalingGroupName"), Some(75.0));
    assert_eq!(
        told.iter()
            .filter(|it| it.series.name == "CPUUtilization")
            .count(),
        6
    );
}

#[test]
fn another_boot_begins_anew() {
    let mut windows = Windows::default();
    windows.take(vec![seen("b", 600, 500, 9_000, None)], 600);
    windows.take(vec![seen("b", 605, 510, 9_100, None)], 605);
    let last = windows.take(vec![seen("c", 606, 1, 10, None)], 606);
    assert_eq!(value(&last, "NetworkOut", "InstanceId"), Some(100.0));
    let told = windows.take(vec![seen("c", 660, 28, 110, None)], 660);
    assert_eq!(value(&told, "CPUUtilization", "InstanceId"), Some(25.0));
    assert_eq!(value(&told, "NetworkOut", "InstanceId"), Some(100.0));
}
