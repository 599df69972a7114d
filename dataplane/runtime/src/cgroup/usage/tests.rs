use super::*;

fn measured(hierarchy: &Hierarchy, files: &[(&str, &str)]) -> ContainerUsage {
    let mut usage = ContainerUsage::default();
    take_in(&mut usage, hierarchy, &|wanted| {
        let found = files.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, text)| (*text).to_owned())
    });
    usage
}

#[test]
fn version_1_counts_in_several_hierarchies() {
    let hierarchy = Hierarchy::legacy_for_test(&["cpuacct", "memory", "blkio", "pids"]);
    let usage = measured(
        &hierarchy,
        &[
            ("cpuacct.usage", "123456789\n"),
            ("memory.usage_in_bytes", "5000\n"),
            (
                "memory.stat",
                "inactive_file 1\nhierarchical_memory_limit 67108864\ntotal_inactive_file 2000\n",
            ),
            (
                "blkio.throttle.io_service_bytes_recursive",
                "8:0 Read 10\n8:0 Write 20\n8:0 Total 30\n9:0 Read 1\nTotal 31\n",
            ),
            ("pids.current", "7\n"),
        ],
    );
    let expected = ContainerUsage {
        name: String::new(),
        cpu_nanoseconds: 123_456_789,
        memory_bytes: 5000,
        cache_bytes: 2000,
        memory_limit_bytes: Some(67_108_864),
        processes: 7,
        read_bytes: 11,
        written_bytes: 20,
    };
    assert_eq!(usage, expected);
    let without = [("memory.stat", "hierarchical_memory_limit 9223372036854771712\n")];
    assert_eq!(measured(&hierarchy, &without).memory_limit_bytes, None);
}

#[test]
fn version_2_counts_in_one() {
    let hierarchy = Hierarchy::for_test(&["cpu", "memory", "io", "pids"]);
    let usage = measured(
        &hierarchy,
        &[
            ("cpu.stat", "usage_usec 12\nuser_usec 5\n"),
            ("memory.current", "5000\n"),
            ("memory.stat", "anon 1\nfile 2\ninactive_file 300\n"),
            ("memory.max", "max\n"),
            (
                "io.stat",
                "8:0 rbytes=4096 wbytes=1 rios=1 wios=0\n9:0 rbytes=1 wbytes=2 rios=1 wios=1\n",
            ),
            ("pids.current", "2\n"),
        ],
    );
    assert_eq!(usage.cpu_nanoseconds, 12_000);
    assert_eq!(
        (usage.memory_bytes, usage.cache_bytes, usage.memory_limit_bytes),
        (5000, 300, None)
    );
    assert_eq!(
        (usage.read_bytes, usage.written_bytes, usage.processes),
        (4097, 3, 2)
    );
    // The hybrid's second version has no controllers, and takes nothing away from the first's.
    let mut first = ContainerUsage {
        processes: 5,
        ..usage
    };
    take_in(&mut first, &Hierarchy::for_test(&[]), &|_| None);
    assert_eq!((first.processes, first.memory_bytes), (5, 5000));
}

#[test]
fn a_group_without_processes_beside_version_1_counts_nothing_away() {
    let mut usage = ContainerUsage::default();
    let read = |wanted: &str| match wanted {
        "cpuacct.usage" => Some("2000\n".to_owned()),
        "cpu.stat" => Some("usage_usec 0\n".to_owned()),
        _ => None,
    };
    for hierarchy in [Hierarchy::legacy_for_test(&["cpuacct"]), Hierarchy::for_test(&[])] {
        take_in(&mut usage, &hierarchy, &read);
    }
    assert_eq!(usage.cpu_nanoseconds, 2000);
}
