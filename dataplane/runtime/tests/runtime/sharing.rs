//! Namespaces that the containers of a task share.

use contract::task::{Condition, Dependency, Sharing, TaskPhase};

use crate::bench::{Bench, Test, wait_for};
use crate::tests;

pub const TESTS: &[Test] = tests![
    processes_of_a_task,
    the_end_of_one_container_is_not_the_end_of_the_others,
    a_late_container_finds_its_control_groups,
    processes_of_the_host,
    ipc_of_a_task,
    ipc_of_the_host,
];

async fn processes_of_a_task(bench: Bench) {
    let mut seen = bench.shell("seen", "sleep 47");
    seen.essential = false;
    let looks = bench.shell(
        "looks",
        "while ! ps | grep -q 'sleep [4]7'; do sleep 0.05; done; cat /proc/1/comm; \
         grep -c . /proc/1/cmdline; grep CapEff /proc/1/status; sh -c 'sleep 0.01 & exit'; sleep 0.2; \
         while grep -q '^State:.Z' /proc/[0-9]*/status; do sleep 0.02; done; kill -9 1; readlink /proc/self/ns/pid",
    );
    let mut task = bench.task(vec![seen, looks]);
    task.processes = Sharing::Task;
    let status = bench.to_the_end(&task).await;
    let output = bench.output(&status.id, "looks");
    let lines: Vec<_> = output.lines().collect();
    assert_eq!(
        lines[..3],
        ["pause", "1", "CapEff:\t0000000000000000"],
        "{output} {:?}",
        status.cause
    );
    assert_eq!(lines.len(), 4, "no zombie is left: {output}");
    let own = std::fs::read_link("/proc/self/ns/pid").unwrap();
    assert_ne!(lines[3], own.to_str().unwrap());
}

async fn the_end_of_one_container_is_not_the_end_of_the_others(bench: Bench) {
    // It leaves a process behind, which goes with it although the namespace stays.
    let mut first = bench.shell("first", "sleep 48 & sleep 0.2");
    first.essential = false;
    let second = bench.shell(
        "second",
        "sleep 0.3; while ps | grep -q 'sleep [4]8'; do sleep 0.05; done; echo alive",
    );
    let mut task = bench.task(vec![first, second]);
    task.processes = Sharing::Task;
    let status = bench.to_the_end(&task).await;
    assert_eq!(bench.output(&status.id, "second"), "alive\n");
    assert_eq!(status.containers[1].exit_code, Some(0));
}

async fn a_late_container_finds_its_control_groups(bench: Bench) {
    // So many processes that the late one's number in the namespace is far from any kernel thread's.
    let mut first = bench.shell(
        "first",
        "i=0; while [ $i -lt 150 ]; do sh -c true; i=$((i+1)); done; sleep 9",
    );
    first.essential = false;
    let mut second = bench.shell(
        "second",
        "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max; touch /sys/fs/cgroup/memory/x 2>/dev/null || echo closed",
    );
    second.limits.memory_mib = Some(64);
    second.depends_on = vec![Dependency {
        container: "gate".into(),
        condition: Condition::Success,
    }];
    let mut gate = bench.shell(
        "gate",
        "while [ $(ls -d /proc/[0-9]* | sort -V | tail -1 | cut -d/ -f3) -lt 150 ]; do :; done",
    );
    gate.essential = false;
    let mut task = bench.task(vec![first, gate, second]);
    task.processes = Sharing::Task;
    let status = bench.to_the_end(&task).await;
    assert_eq!(
        bench.output(&status.id, "second"),
        format!("{}\nclosed\n", 64 << 20),
        "{:?}",
        status.containers
    );
}

async fn processes_of_the_host(bench: Bench) {
    let container = bench.shell("app", "readlink /proc/self/ns/pid; sleep 49 & sleep 50");
    let mut task = bench.task(vec![container]);
    task.processes = Sharing::Host;
    let handle = bench.runtime.start(&task).await.unwrap();
    bench.until_output(&task.id, "app", "pid").await;
    let own = std::fs::read_link("/proc/self/ns/pid").unwrap();
    assert_eq!(bench.output(&task.id, "app").trim(), own.to_str().unwrap());
    handle.stop("enough").await.unwrap();
    let status = wait_for(handle, |status| status.phase == TaskPhase::Stopped).await;
    assert_eq!(
        status.containers[0].exit_code,
        Some(143),
        "a process like others ends by SIGTERM"
    );
}

async fn ipc_of_a_task(bench: Bench) {
    let mut writer = bench.shell(
        "writer",
        "echo shared > /dev/shm/file; readlink /proc/self/ns/ipc",
    );
    writer.essential = false;
    writer.linux.shared_memory_mib = Some(9);
    writer.linux.sysctls = vec![("kernel.msgmax".to_owned(), "5151".to_owned())];
    let reader = bench.shell(
        "reader",
        "while ! cat /dev/shm/file; do sleep 0.05; done 2>/dev/null; cat /proc/sys/kernel/msgmax; \
         df -m /dev/shm | tail -1 | awk '{print $2}'; readlink /proc/self/ns/ipc; stat -c %a /dev/shm",
    );
    let mut task = bench.task(vec![writer, reader]);
    task.ipc = Sharing::Task;
    let status = bench.to_the_end(&task).await;
    let output = bench.output(&status.id, "reader");
    let lines: Vec<_> = output.lines().collect();
    assert_eq!(
        lines[..3],
        ["shared", "5151", "64"],
        "{output} {:?}",
        status.cause
    );
    assert_eq!(lines[3], bench.output(&status.id, "writer").trim());
    assert_ne!(
        lines[3],
        std::fs::read_link("/proc/self/ns/ipc").unwrap().to_str().unwrap()
    );
    assert_eq!(lines[4], "1777");
}

async fn ipc_of_the_host(bench: Bench) {
    let mark = format!("wharf-ipc-{}", std::process::id());
    std::fs::write(format!("/dev/shm/{mark}"), "of the host\n").unwrap();
    let container = bench.shell("app", &format!("cat /dev/shm/{mark}; readlink /proc/self/ns/ipc"));
    let mut task = bench.task(vec![container]);
    task.ipc = Sharing::Host;
    let status = bench.to_the_end(&task).await;
    std::fs::remove_file(format!("/dev/shm/{mark}")).unwrap();
    let own = std::fs::read_link("/proc/self/ns/ipc").unwrap();
    assert_eq!(
        bench.output(&status.id, "app"),
        format!("of the host\n{}\n", own.display()),
        "{:?}",
        status.cause
    );
}
