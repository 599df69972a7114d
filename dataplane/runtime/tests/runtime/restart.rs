//! Containers that are started again when they end.

use contract::task::{Restart, StopKind, TaskPhase};
use dataplane_runtime::TaskStatus;

use crate::bench::{Bench, Test, wait_for};
use crate::tests;

pub const TESTS: &[Test] = tests![
    a_container_is_started_again_in_place,
    one_that_ran_too_short_stays_ended,
    not_while_the_task_stops,
    health_begins_anew,
];

fn again(ignored_exit_codes: &[i32], attempt_period_seconds: u32) -> Option<Restart> {
    Some(Restart {
        ignored_exit_codes: ignored_exit_codes.to_vec(),
        attempt_period_seconds,
    })
}

fn stopped(status: &TaskStatus) -> bool {
    status.phase == TaskPhase::Stopped
}

async fn a_container_is_started_again_in_place(bench: Bench) {
    // What it has written is still there, what only ran is not.
    let line = "echo x >> /runs; echo run $(wc -l < /runs) as $$; sleep 60 & [ $(wc -l < /runs) -lt 3 ] && exit 1; exit 7";
    let mut container = bench.shell("app", line);
    container.restart = again(&[7], 0);
    container.pseudo_terminal = true;
    let status = wait_for(bench.start(vec![container]).await, stopped).await;
    assert_eq!(
        bench.output(&status.id, "app"),
        "run 1 as 1\nrun 2 as 1\nrun 3 as 1\n"
    );
    let container = &status.containers[0];
    assert_eq!((container.restarts, container.exit_code), (2, Some(7)));
    assert!(container.started_at.unwrap() > status.started_at.unwrap());
    assert_eq!(status.cause.unwrap().kind, StopKind::EssentialContainerExited);
}

async fn one_that_ran_too_short_stays_ended(bench: Bench) {
    let mut container = bench.shell("app", "echo run; exit 1");
    container.restart = again(&[], 60);
    let (status, output) = bench.outcome(container).await;
    assert_eq!(output, "run\n");
    assert_eq!(
        (status.containers[0].restarts, status.containers[0].exit_code),
        (0, Some(1))
    );
}

async fn not_while_the_task_stops(bench: Bench) {
    let line = "trap 'exit 3' TERM; echo up; while :; do :; done";
    let mut container = bench.shell("app", line);
    container.restart = again(&[], 0);
    container.stop_timeout_seconds = 30;
    let handle = bench.start(vec![container]).await;
    let id = handle.status().id;
    bench.until_output(&id, "app", "up").await;
    handle.stop("enough").await.unwrap();
    let status = wait_for(handle, stopped).await;
    assert_eq!(
        (status.containers[0].restarts, status.containers[0].exit_code),
        (0, Some(3))
    );
    assert_eq!(status.cause.unwrap().kind, StopKind::Requested);
}

async fn health_begins_anew(bench: Bench) {
    use contract::task::{Health, HealthCheck};
    // Healthy in its first run only.
    let line = "echo x >> /runs; [ $(wc -l < /runs) = 1 ] || sleep 60; while [ ! -e /seen ]; do sleep 0.05; done; exit 1";
    let mut container = bench.shell("app", line);
    container.restart = again(&[], 0);
    container.health_check = Some(HealthCheck {
        command: ["CMD-SHELL", "touch /seen; [ $(wc -l < /runs) = 1 ]"]
            .map(str::to_owned)
            .to_vec(),
        interval_seconds: 1,
        timeout_seconds: 2,
        retries: 2,
        start_period_seconds: 0,
    });
    let handle = bench.start(vec![container]).await;
    let started = wait_for(handle, |status| status.containers[0].restarts == 1).await;
    let handle = bench.runtime.adopt(&started.id).await.unwrap();
    let status = wait_for(handle, |status| status.containers[0].health == Health::Unhealthy).await;
    assert_eq!(status.containers[0].restarts, 1);
    bench
        .runtime
        .adopt(&started.id)
        .await
        .unwrap()
        .kill("enough")
        .await
        .unwrap();
}
