use super::*;

fn usage(second: i64, cpu_nanoseconds: u64, received_bytes: u64) -> TaskUsage {
    TaskUsage {
        at: Timestamp::from_second(second).unwrap(),
        containers: vec![ContainerUsage {
            name: "web".to_owned(),
            cpu_nanoseconds,
            memory_bytes: 3000,
            cache_bytes: 1000,
            memory_limit_bytes: Some(4096),
            processes: 4,
            read_bytes: 10,
            written_bytes: 20,
        }],
        interface: Some(InterfaceUsage {
            received_bytes,
            ..Default::default()
        }),
        storage_bytes: 0,
    }
}

#[test]
fn rates_are_made_of_two_samples() {
    let asking = Asking {
        task: "t".to_owned(),
        containers: vec![("t-1".to_owned(), "web".to_owned())],
    };
    let samples = Samples::default();
    let first = of_task(&asking, &usage(100, 1_000_000_000, 500), 2, &samples);
    let first = &first["t-1"];
    assert_eq!(first["precpu_stats"]["cpu_usage"]["total_usage"], 0);
    assert_eq!(first["preread"], "0001-01-01T00:00:00Z");
    assert_eq!(first["network_rate_stats"], Value::Null);

    // One second of one of two processors in two seconds: a quarter of them all.
    let second = of_task(&asking, &usage(102, 2_000_000_000, 1500), 2, &samples);
    let second = &second["t-1"];
    let number = |path: &str| second.pointer(path).and_then(Value::as_u64).unwrap();
    let used = number("/cpu_stats/cpu_usage/total_usage") - number("/precpu_stats/cpu_usage/total_usage");
    let system = number("/cpu_stats/system_cpu_usage") - number("/precpu_stats/system_cpu_usage");
    assert_eq!(used * 4, system);
    assert_eq!(second["network_rate_stats"]["rx_bytes_per_sec"], 500.0);
    assert_eq!(second["networks"][INTERFACE]["rx_bytes"], 1500);
    assert_eq!(second["memory_stats"]["limit"], 4096);
    assert_eq!(second["pids_stats"]["current"], 4);
    assert_eq!(
        second["blkio_stats"]["io_service_bytes_recursive"][1]["value"],
        20
    );
}
