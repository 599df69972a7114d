//! Limits that bite.

use contract::task::{TaskPhase, Ulimit};
use dataplane_runtime::Limits;

use crate::bench::{Bench, Test, wait_for};
use crate::tests;

pub const TESTS: &[Test] = tests![
    memory_of_a_container,
    memory_of_the_whole_task,
    the_number_of_processes,
    cpu_quota_is_the_tasks,
    open_files,
    devices,
];

const EAT_MEMORY: &str = "x=a; while true; do x=$x$x; done";

async fn memory_of_a_container(bench: Bench) {
    let mut container = bench.shell("app", EAT_MEMORY);
    container.limits.memory_mib = Some(16);
    let (status, _) = bench.outcome(container).await;
    assert_eq!(status.containers[0].exit_code, Some(137));
    assert_eq!(
        status.containers[0].reason.as_deref(),
        Some("OutOfMemoryError: container killed due to memory usage")
    );
}

async fn memory_of_the_whole_task(bench: Bench) {
    let mut task = bench.task(vec![bench.shell("app", EAT_MEMORY)]);
    task.limits = Limits {
        cpu_units: None,
        memory_mib: Some(16),
    };
    let handle = bench.runtime.start(&task).await.unwrap();
    let status = wait_for(handle, |status| status.phase == TaskPhase::Stopped).await;
    assert_eq!(status.containers[0].exit_code, Some(137));
    assert!(
        status.containers[0]
            .reason
            .as_deref()
            .unwrap()
            .starts_with("OutOfMemoryError")
    );
}

async fn the_number_of_processes(bench: Bench) {
    let output = bench
        .says("cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max")
        .await;
    assert_eq!(output, "4096\n");
    let mut container = bench.shell(
        "app",
        "i=0; while [ $i -lt 5000 ]; do sleep 60 & i=$((i+1)); done",
    );
    container.limits.memory_mib = Some(4096);
    let mut task = bench.task(vec![container]);
    task.id = "forks".to_owned();
    let handle = bench.runtime.start(&task).await.unwrap();
    wait_for(handle, |status| status.phase == TaskPhase::Stopped).await;
    assert!(
        bench
            .output("forks", "app")
            .contains("Resource temporarily unavailable")
    );
}

async fn cpu_quota_is_the_tasks(bench: Bench) {
    let mut task = bench.task(vec![bench.shell("app", "sleep 60")]);
    task.limits = Limits {
        cpu_units: Some(256),
        memory_mib: None,
    };
    let handle = bench.runtime.start(&task).await.unwrap();
    let group = format!("wharf-{}/{}", bench.runtime.config().instance, task.id);
    let legacy = std::fs::read_to_string(format!("/sys/fs/cgroup/cpu/{group}/cpu.cfs_quota_us"));
    let unified = std::fs::read_to_string(format!("/sys/fs/cgroup/{group}/cpu.max"));
    assert_eq!(
        legacy.or(unified).unwrap().split_whitespace().next(),
        Some("25000")
    );
    handle.kill("enough").await.unwrap();
    wait_for(handle, |status| status.phase == TaskPhase::Stopped).await;
}

async fn open_files(bench: Bench) {
    let mut container = bench.shell("app", "ulimit -n; ulimit -Hn; ulimit -c");
    container.ulimits = vec![
        Ulimit {
            name: "nofile".to_owned(),
            soft: 100,
            hard: u64::from(u32::MAX),
        },
        Ulimit {
            name: "core".to_owned(),
            soft: 0,
            hard: 0,
        },
    ];
    let (status, output) = bench.outcome(container).await;
    let lines: Vec<_> = output.lines().collect();
    assert_eq!((lines[0], lines[2]), ("100", "0"));
    let mut few = bench.shell("app", "ulimit -n; ulimit -Hn");
    few.ulimits = vec![Ulimit {
        name: "nofile".to_owned(),
        soft: 11,
        hard: 12,
    }];
    let mut task = bench.task(vec![few]);
    task.id = "few".to_owned();
    bench.to_the_end(&task).await;
    assert_eq!(bench.output("few", "app"), "11\n12\n");
    let lowered = lines[1] != u32::MAX.to_string();
    assert_eq!(
        status.containers[0].notes.len(),
        usize::from(lowered),
        "{:?}",
        status.containers[0].notes
    );
}

async fn devices(bench: Bench) {
    // Making a node may work (Docker allows it), opening what it stands for may not.
    let output = bench
        .says("mknod /dev/disk b 254 0 2>&1; head -c 1 /dev/disk 2>&1; mknod /pipe p && echo pipe")
        .await;
    assert!(output.contains("Operation not permitted"), "{output}");
    assert!(output.ends_with("pipe\n"), "{output}");
}
