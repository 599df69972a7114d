use super::hierarchy::parse;
use super::*;

const UNIFIED: &str = "29 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
const HYBRID: &str = "\
30 22 0:27 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755
31 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
32 30 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
33 30 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
34 30 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
35 30 0:29 /other /mnt/elsewhere rw - cgroup cgroup rw,memory
";

#[test]
fn hierarchies_are_read_from_mountinfo() {
    let found = parse(UNIFIED);
    assert_eq!(found.len(), 1);
    assert!(found[0].unified);

    let found = parse(HYBRID);
    let mounts: Vec<_> = found
        .iter()
        .map(|hierarchy| hierarchy.mount.to_str().unwrap())
        .collect();
    assert_eq!(
        mounts,
        [
            "/sys/fs/cgroup/cpu,cpuacct",
            "/sys/fs/cgroup/memory",
            "/sys/fs/cgroup/systemd",
            "/sys/fs/cgroup/unified"
        ]
    );
    assert!(found[0].has("cpu") && found[1].has("memory") && !found[2].has("memory"));
}

#[test]
fn limits_become_settings_of_each_version() {
    let limits = Limits {
        cpu_units: Some(256),
        memory_mib: Some(512),
    };
    let legacy: Vec<_> = parse(HYBRID)
        .iter()
        .flat_map(|hierarchy| settings(hierarchy, limits))
        .map(|(file, value)| format!("{file}={value}"))
        .collect();
    assert_eq!(
        legacy,
        [
            "cpu.cfs_period_us=100000",
            "cpu.cfs_quota_us=25000",
            "cpu.shares=256",
            "memory.limit_in_bytes=536870912"
        ]
    );
    let unified = Hierarchy::for_test(&["cpu", "memory", "pids"]);
    let settings: Vec<_> = settings(&unified, limits)
        .into_iter()
        .map(|(file, value)| format!("{file}={value}"))
        .collect();
    assert_eq!(
        settings,
        [
            "pids.max=4096",
            "cpu.max=25000 100000",
            "cpu.weight=10",
            "memory.max=536870912"
        ]
    );
}

#[test]
fn shares_become_weights_over_the_whole_range() {
    assert_eq!(
        (weight(0), weight(2), weight(1024), weight(262_144)),
        (1, 1, 39, 10_000)
    );
}
