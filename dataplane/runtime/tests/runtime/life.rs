//! How tasks live and end: order, stopping, health, and what happens when processes are killed.

use nix::sys::signal::{SigHandler, Signal};
use std::fs;
use std::time::Duration;

use contract::task::{Condition, ContainerPhase, Dependency, Health, HealthCheck, StopKind, TaskPhase};
use dataplane_runtime::{TaskError, TaskStatus};

use crate::bench::{Bench, Test, wait_for};
use crate::tests;

pub const TESTS: &[Test] = tests![
    stop_by_signal,
    stop_by_force,
    the_images_own_stop_signal,
    an_essential_container_takes_the_others_along,
    dependencies_start_in_order,
    a_failed_dependency_ends_the_task,
    health_is_checked_inside,
    a_dependency_that_is_late,
    the_shim_outlives_its_parent,
    a_killed_shim_takes_its_containers_along,
    no_network_inside_one_container,
    the_status_survives_the_shim,
];

fn stopped(status: &TaskStatus) -> bool {
    status.phase == TaskPhase::Stopped
}

// Containers that wait for a signal turn in a loop of the shell's own: busybox can lose a trap while it forks.
async fn stop_by_signal(bench: Bench) {
    let mut container = bench.shell(
        "app",
        "trap 'echo bye; exit 5' TERM; echo up; while :; do :; done",
    );
    container.stop_timeout_seconds = 30;
    let handle = bench.start(vec![container]).await;
    let id = handle.status().id;
    bench.until_output(&id, "app", "up").await;
    handle.stop("Scaling activity").await.unwrap();
    let status = wait_for(handle, stopped).await;
    assert_eq!(status.containers[0].exit_code, Some(5));
    assert_eq!(bench.output(&id, "app"), "up\nbye\n");
    let cause = status.cause.unwrap();
    assert_eq!(
        (cause.kind, cause.reason.as_str()),
        (StopKind::Requested, "Scaling activity")
    );
    assert!(status.stopping_at.unwrap() <= status.stopped_at.unwrap());
}

async fn stop_by_force(bench: Bench) {
    let handle = bench
        .start(vec![
            bench.shell("app", "trap '' TERM; echo up; while true; do sleep 1; done"),
        ])
        .await;
    bench.until_output(&handle.status().id, "app", "up").await;
    handle.stop("enough").await.unwrap();
    let status = wait_for(handle, stopped).await;
    assert_eq!(status.containers[0].exit_code, Some(137));
    assert_eq!(status.containers[0].reason, None, "killed, but not for memory");
}

async fn the_images_own_stop_signal(bench: Bench) {
    // As for whoever is started in the background of a script.
    // SAFETY: no handler is installed.
    unsafe { nix::sys::signal::signal(Signal::SIGQUIT, SigHandler::SigIgn) }.unwrap();
    let mut container = bench.shell("app", "trap 'exit 9' QUIT; echo up; while :; do :; done");
    container.stop_signal = Some("SIGQUIT".to_owned());
    container.stop_timeout_seconds = 30;
    let handle = bench.start(vec![container]).await;
    bench.until_output(&handle.status().id, "app", "up").await;
    handle.stop("enough").await.unwrap();
    assert_eq!(wait_for(handle, stopped).await.containers[0].exit_code, Some(9));
}

async fn an_essential_container_takes_the_others_along(bench: Bench) {
    let mut helper = bench.shell("helper", "exit 1");
    helper.essential = false;
    let other = bench.shell("other", "trap 'exit 0' TERM; while :; do :; done");
    let handle = bench
        .start(vec![helper, bench.shell("main", "sleep 0.3; exit 4"), other])
        .await;
    let status = wait_for(handle, stopped).await;
    let codes: Vec<_> = status
        .containers
        .iter()
        .map(|container| container.exit_code)
        .collect();
    assert_eq!(codes, [Some(1), Some(4), Some(0)]);
    assert_eq!(status.cause.unwrap().kind, StopKind::EssentialContainerExited);
}

fn on(container: &str, condition: Condition) -> Vec<Dependency> {
    vec![Dependency {
        container: container.to_owned(),
        condition,
    }]
}

async fn dependencies_start_in_order(bench: Bench) {
    let mut first = bench.shell("first", "sleep 0.2");
    first.essential = false;
    let mut second = bench.shell("second", "exit 0");
    second.depends_on = on("first", Condition::Success);
    second.essential = false;
    let mut third = bench.shell("third", "exit 0");
    third.depends_on = on("second", Condition::Complete);
    let status = wait_for(bench.start(vec![third, second, first]).await, stopped).await;
    let [third, second, first] = &status.containers[..] else {
        panic!("three containers")
    };
    assert!(first.stopped_at.unwrap() <= second.started_at.unwrap());
    assert!(second.stopped_at.unwrap() <= third.started_at.unwrap());
    assert!(status.started_at.is_some());
}

async fn a_failed_dependency_ends_the_task(bench: Bench) {
    let mut first = bench.shell("first", "exit 3");
    first.essential = false;
    let mut second = bench.shell("second", "exit 0");
    second.depends_on = on("first", Condition::Success);
    let status = wait_for(bench.start(vec![first, second]).await, stopped).await;
    assert_eq!(status.cause.unwrap().kind, StopKind::FailedToStart);
    assert_eq!(
        (status.containers[1].phase, status.containers[1].exit_code),
        (ContainerPhase::Stopped, None)
    );
    assert_eq!(status.started_at, None);
}

fn check(line: &str) -> Option<HealthCheck> {
    Some(HealthCheck {
        command: vec!["CMD-SHELL".to_owned(), line.to_owned()],
        interval_seconds: 1,
        timeout_seconds: 1,
        retries: 1,
        start_period_seconds: 0,
    })
}

async fn health_is_checked_inside(bench: Bench) {
    // Healthy as long as the file is there, which the container takes away.
    let mut front = bench.shell(
        "front",
        "touch /ok; while [ ! -e /seen ]; do sleep 0.05; done; rm /ok; sleep 60",
    );
    front.health_check = check("[ \"$(hostname)\" = inside ] && [ -e /ok ] && touch /seen");
    let mut back = bench.shell("back", "sleep 60");
    back.depends_on = on("front", Condition::Healthy);
    let handle = bench.start(vec![front, back]).await;
    let status = wait_for(handle, |status| status.containers[0].health == Health::Unhealthy).await;
    assert!(
        status.containers[1].started_at.is_some(),
        "the other one started when this one was healthy"
    );
    let again = bench.runtime.adopt(&status.id).await.unwrap();
    again.kill("enough").await.unwrap();
    wait_for(again, stopped).await;
}

async fn a_dependency_that_is_late(bench: Bench) {
    let mut first = bench.shell("first", "sleep 60");
    first.start_timeout_seconds = Some(1);
    let mut second = bench.shell("second", "exit 0");
    second.depends_on = on("first", Condition::Complete);
    let status = wait_for(bench.start(vec![first, second]).await, stopped).await;
    assert_eq!(
        status.cause.unwrap().reason,
        "container second was not started: its dependency first did not reach COMPLETE within its start timeout"
    );
}

fn shim_of(bench: &Bench, id: &str) -> i32 {
    let wanted = bench.runtime.directory(id);
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .find(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let parts: Vec<_> = line.split(|&byte| byte == 0).collect();
            parts.get(1) == Some(&&b"shim"[..]) && parts.get(3) == Some(&wanted.to_str().unwrap().as_bytes())
        })
        .expect("the shim runs")
}

async fn the_shim_outlives_its_parent(bench: Bench) {
    let handle = bench.start(vec![bench.shell("app", "echo up; sleep 60")]).await;
    let id = handle.status().id;
    bench.until_output(&id, "app", "up").await;
    // In a session of its own no terminal's signal reaches it, and it keeps no pipe of its parent's open.
    let shim = shim_of(&bench, &id);
    let stat = fs::read_to_string(format!("/proc/{shim}/stat")).unwrap();
    let session = stat.rsplit(") ").next().unwrap().split(' ').nth(3).unwrap();
    assert_eq!(session, shim.to_string());
    drop(handle);
    let again = bench.runtime.adopt(&id).await.unwrap();
    assert_eq!(again.status().phase, TaskPhase::Running);
    again.kill("enough").await.unwrap();
    wait_for(again, stopped).await;
}

async fn a_killed_shim_takes_its_containers_along(bench: Bench) {
    let handle = bench.start(vec![bench.shell("app", "echo up; sleep 61")]).await;
    let id = handle.status().id;
    bench.until_output(&id, "app", "up").await;
    let shim = shim_of(&bench, &id);
    // SAFETY: a plain system call on a process that this test has started.
    unsafe { libc::kill(shim, libc::SIGKILL) };
    let mut handle = handle;
    while handle.changed().await.is_some() {}
    assert_eq!(
        bench.runtime.last_status(&id).unwrap().phase,
        TaskPhase::Running,
        "nobody could write the end"
    );
    // Without anybody's help the container dies too.
    while sleeping("61") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(matches!(bench.runtime.adopt(&id).await, Err(TaskError::Gone)));
    assert!(bench.runtime.known().contains(&id));
    bench.runtime.kill(&id);
    bench.runtime.forget(&id).unwrap();
    assert!(!bench.runtime.known().contains(&id));
}

/// Whether some process sleeps for this long.
fn sleeping(seconds: &str) -> bool {
    fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        line == format!("sleep\0{seconds}\0").as_bytes()
    })
}

async fn no_network_inside_one_container(bench: Bench) {
    let line = "ls /sys/class/net; ip addr show lo | grep -c 'inet 127'; readlink /proc/self/ns/net";
    let mut alone = bench.shell("alone", line);
    alone.disable_networking = true;
    alone.essential = false;
    let handle = bench.start(vec![alone, bench.shell("app", line)]).await;
    let id = wait_for(handle, stopped).await.id;
    let (alone, app) = (bench.output(&id, "alone"), bench.output(&id, "app"));
    let lines: Vec<_> = alone.lines().collect();
    assert_eq!(lines[..2], ["lo", "1"], "{alone}");
    assert_ne!(lines[2], app.lines().last().unwrap());
}

async fn the_status_survives_the_shim(bench: Bench) {
    let (status, _) = bench.outcome(bench.shell("app", "exit 2")).await;
    let again = bench.runtime.adopt(&status.id).await.unwrap();
    assert_eq!(again.status(), status);
    assert!(matches!(again.stop("late").await, Err(TaskError::Gone)));
}
