//! What becomes of desired rows.

use std::fs;
use std::time::Duration;

use contract::task::{ContainerPhase, DesiredTask, StopKind, TaskPhase};

use crate::bench::{Bench, SEEN_NETWORKS, TASKS, Test, interface, network, task};

use crate::tests;

pub const TESTS: &[(&str, Test)] = tests![
    a_task_from_wish_to_last_trace,
    tasks_of_a_network_talk_as_its_rules_say,
    what_cannot_start_says_why,
    a_row_that_vanishes_takes_its_task_along_at_once,
    a_node_that_comes_back_goes_on,
    a_task_that_ended_unseen_is_told_of,
    a_killed_shim_is_told_of,
    an_end_of_everything_leaves_nothing,
    what_nobody_wants_is_swept,
    ten_at_once,
];

async fn a_task_from_wish_to_last_trace(bench: Bench) {
    let running = bench.node();
    bench.put_network(network(1, None)).await;
    let line = "trap 'echo bye; exit 0' TERM; echo hello; echo $(cat /etc/resolv.conf); while :; do :; done";
    bench.put(task("one", line, interface(10))).await;
    let seen = bench.until_phase("one", TaskPhase::Running).await;
    assert_eq!(seen.address, Some([10, 0, 1, 10].into()));
    assert!(seen.pull_started_at <= seen.pull_stopped_at && seen.pull_stopped_at <= seen.started_at);
    assert_eq!(seen.containers[0].image_digest.as_deref(), Some("sha256:b0b0"));
    let digits = seen.containers[0].runtime_id.strip_prefix("one-").unwrap();
    assert!(digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_digit()));
    bench.until_line("one", "nameserver 10.0.0.2").await;

    bench.stop("one", "Scaling activity").await;
    let seen = bench.until_phase("one", TaskPhase::Stopped).await;
    assert_eq!(seen.generation, 2);
    let cause = seen.stop_cause.unwrap();
    assert_eq!(
        (cause.kind, cause.reason.as_str()),
        (StopKind::Requested, "Scaling activity")
    );
    assert_eq!(seen.containers[0].exit_code, Some(0));
    assert!(seen.stopping_at <= seen.stopped_at);
    // Who waits for the end may then read the last line.
    assert_eq!(bench.lines("one").await, ["hello", "nameserver 10.0.0.2", "bye"]);
    assert!(
        !bench.directory.join("run/netns-tasks/eni-10").exists(),
        "the interface is given back"
    );
    assert!(bench.runtime.directory("one").exists());

    bench.change(|transaction| transaction.delete(TASKS, "one")).await;
    bench.until_gone("one").await;
    assert!(!bench.runtime.directory("one").exists());
    assert_eq!(bench.lines("one").await.len(), 3, "lines outlive their task");
    drop(running);
}

async fn tasks_of_a_network_talk_as_its_rules_say(bench: Bench) {
    let running = bench.node();
    bench.put_network(network(1, Some(80))).await;
    let serve = "mkdir /www; echo served > /www/index.html; httpd -f -p 80 -h /www & echo up; sleep 60";
    bench.put(task("server", serve, interface(10))).await;
    bench.until_line("server", "up").await;
    let ask = "while true; do printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 1 10.0.1.10 80 || echo refused; sleep 0.1; done";
    bench.put(task("client", ask, interface(11))).await;
    bench.until_line("client", "served").await;
    // A rule is taken away under both, and a network that is told of.
    bench.put_network(network(2, None)).await;
    bench.until_network("vpc-1", 2).await;
    bench.until_line("client", "refused").await;
    drop(running);
}

async fn what_cannot_start_says_why(bench: Bench) {
    let running = bench.node();
    let mut missing = task("missing", "true", None);
    missing.containers[0].image.name = "nowhere".to_owned();
    bench.put(missing).await;
    let mut absent = task("absent", "", None);
    absent.containers[0].command = Some(vec!["nginx".to_owned()]);
    bench.put(absent).await;
    let mut empty = task("empty", "", None);
    empty.containers[0].command = None;
    bench.put(empty).await;
    for (id, reason) in [
        (
            "missing",
            "CannotPullContainerError: pull of image nowhere failed: nobody has it",
        ),
        (
            "absent",
            "CannotStartContainerError: exec: \"nginx\": executable file not found in $PATH",
        ),
        (
            "empty",
            "CannotStartContainerError: container app: no command specified: \
             the image has neither ENTRYPOINT nor CMD",
        ),
    ] {
        let seen = bench.until_phase(id, TaskPhase::Stopped).await;
        let cause = seen.stop_cause.unwrap();
        assert_eq!(
            (cause.kind, cause.reason.as_str()),
            (StopKind::FailedToStart, reason)
        );
        assert_eq!(seen.containers[0].phase, ContainerPhase::Stopped);
        assert_eq!(seen.started_at, None);
    }
    bench
        .put(task("out-of-memory", "x=a; while true; do x=$x$x; done", None))
        .await;
    let seen = bench.until_phase("out-of-memory", TaskPhase::Stopped).await;
    assert_eq!(
        seen.containers[0].reason.as_deref(),
        Some("OutOfMemoryError: container killed due to memory usage")
    );
    assert_eq!(
        seen.stop_cause.unwrap().reason,
        "Essential container in task exited"
    );
    drop(running);
}

fn sleeping(seconds: &str) -> bool {
    fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        line == format!("sleep\0{seconds}\0").as_bytes()
    })
}

async fn a_row_that_vanishes_takes_its_task_along_at_once(bench: Bench) {
    let running = bench.node();
    bench.put_network(network(1, None)).await;
    let mut stubborn = task(
        "one",
        "trap '' TERM; echo up; while true; do sleep 71; done",
        interface(10),
    );
    stubborn.containers[0].stop_timeout_seconds = 3600;
    bench.put(stubborn).await;
    bench.until_line("one", "up").await;
    bench
        .change(|transaction| {
            transaction.delete(TASKS, "one");
            transaction.delete(crate::bench::NETWORKS, "vpc-1");
        })
        .await;
    bench.until_gone("one").await;
    assert!(!sleeping("71"));
    assert!(!bench.runtime.known().contains("one"));
    while bench.store.snapshot().get(SEEN_NETWORKS, "vpc-1").is_some() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!bench.directory.join("run/netns/vpc-1").exists());
    drop(running);
}

async fn a_node_that_comes_back_goes_on(bench: Bench) {
    let first = bench.node();
    bench.put_network(network(1, None)).await;
    let line = "i=0; while [ $i -lt 60 ]; do echo line $i; i=$((i+1)); sleep 0.02; done; trap 'exit 0' TERM; while :; do :; done";
    bench.put(task("one", line, interface(10))).await;
    let before = bench.until_phase("one", TaskPhase::Running).await;
    bench.until_line("one", "line 5").await;
    drop(first);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let second = bench.node();
    bench.until_line("one", "line 59").await;
    let after = bench.until_phase("one", TaskPhase::Running).await;
    assert_eq!(before, after, "nothing has happened to the task");
    let expected: Vec<String> = (0..60).map(|number| format!("line {number}")).collect();
    assert_eq!(bench.lines("one").await, expected, "every line once");
    // It is the new one that is listened to.
    bench.stop("one", "enough").await;
    bench.until_phase("one", TaskPhase::Stopped).await;
    drop(second);
}

async fn a_task_that_ended_unseen_is_told_of(bench: Bench) {
    let first = bench.node();
    bench
        .put(task("one", "echo up; sleep 1; echo done; exit 3", None))
        .await;
    bench.until_line("one", "up").await;
    drop(first);
    let status = || bench.runtime.last_status("one").unwrap();
    while status().phase != TaskPhase::Stopped {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let second = bench.node();
    let seen = bench.until_phase("one", TaskPhase::Stopped).await;
    assert_eq!(seen.containers[0].exit_code, Some(3));
    assert_eq!(seen.stop_cause.unwrap().kind, StopKind::EssentialContainerExited);
    assert_eq!(bench.lines("one").await, ["up", "done"]);
    drop(second);
}

async fn a_killed_shim_is_told_of(bench: Bench) {
    let first = bench.node();
    for id in ["one", "other"] {
        bench.put(task(id, "echo up; sleep 72", None)).await;
        bench.until_line(id, "up").await;
    }
    kill_shim(&bench, "one");
    let seen = bench.until_phase("one", TaskPhase::Stopped).await;
    assert_eq!(seen.stop_cause.unwrap().kind, StopKind::Lost);
    // The same while nobody looks.
    drop(first);
    kill_shim(&bench, "other");
    let second = bench.node();
    let seen = bench.until_phase("other", TaskPhase::Stopped).await;
    assert_eq!(seen.stop_cause.unwrap().kind, StopKind::Lost);
    assert_eq!(bench.lines("other").await, ["up"]);
    while sleeping("72") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(second);
}

fn kill_shim(bench: &Bench, id: &str) {
    let wanted = bench.runtime.directory(id);
    let shim = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .find(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let parts: Vec<_> = line.split(|&byte| byte == 0).collect();
            parts.get(1) == Some(&&b"shim"[..]) && parts.get(3) == Some(&wanted.to_str().unwrap().as_bytes())
        })
        .expect("the shim runs");
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(shim),
        nix::sys::signal::Signal::SIGKILL,
    )
    .unwrap();
}

async fn an_end_of_everything_leaves_nothing(bench: Bench) {
    let running = bench.node();
    bench.put_network(network(1, None)).await;
    for (id, last) in [("one", 10), ("two", 11)] {
        bench
            .put(task(
                id,
                "trap '' TERM; echo up; while true; do sleep 73; done",
                interface(last),
            ))
            .await;
        bench.until_line(id, "up").await;
    }
    running.node.stop_all().await;
    assert!(!sleeping("73"));
    assert_eq!(crate::bench::shell("ip -o link").lines().count(), 1);
    assert!(!bench.directory.join("run/netns").exists());
    drop(running);
    // The wishes stand; what became of them is told.
    let seen = bench.until_phase("one", TaskPhase::Stopped).await;
    assert_eq!(seen.stop_cause.unwrap().reason, "The local cloud was stopped");
    let again = bench.node();
    bench.put(task("three", "echo up; sleep 73", interface(12))).await;
    bench.until_line("three", "up").await;
    drop(again);
}

async fn what_nobody_wants_is_swept(bench: Bench) {
    let first = bench.node();
    bench.put_network(network(1, None)).await;
    bench.put(task("one", "echo up; sleep 74", interface(10))).await;
    bench.until_line("one", "up").await;
    drop(first);
    bench
        .change(|transaction| {
            transaction.delete(TASKS, "one");
            transaction.delete(crate::bench::NETWORKS, "vpc-1");
        })
        .await;
    let second = bench.node();
    bench.until_gone("one").await;
    assert!(!sleeping("74"));
    assert!(!bench.runtime.known().contains("one"));
    assert!(!bench.directory.join("run/netns/vpc-1").exists());
    assert_eq!(crate::bench::shell("ip -o link").lines().count(), 1);
    drop(second);
}

async fn ten_at_once(bench: Bench) {
    let running = bench.node();
    bench.put_network(network(1, None)).await;
    let tasks: Vec<DesiredTask> = (0..10)
        .map(|number: u8| {
            task(
                &format!("task-{number}"),
                "echo up; sleep 75",
                interface(10 + number),
            )
        })
        .collect();
    let all = tasks.clone();
    bench
        .change(move |transaction| {
            for task in &all {
                transaction.put(TASKS, &task.id.clone(), task.clone());
            }
        })
        .await;
    for task in &tasks {
        bench.until_phase(&task.id, TaskPhase::Running).await;
    }
    drop(running);
}
