//! What desired rows say about containers, seen from inside, and what can be learnt about them from outside.

use futures::{SinkExt as _, StreamExt as _};
use std::time::Duration;

use bytes::Bytes;
use contract::exec::{Exec as _, ExecInput, ExecOutput, ExecRequest};
use contract::log::LastOutput as _;
use contract::task::{LogTarget, Mount, Restart, Sharing, TaskPhase, Ulimit, Volume, VolumeSource};
use contract::usage::Usage as _;

use crate::bench::{Bench, TASKS, Test, interface, network, task};
use crate::tests;

pub const TESTS: &[(&str, Test)] = tests![
    settings_reach_the_container,
    restarts_and_notes_are_observed,
    a_person_looks_inside,
    what_a_task_uses,
    the_last_words_of_the_dead,
];

async fn settings_reach_the_container(bench: Bench) {
    let running = bench.node();
    bench.put_network(network(1, None)).await;
    let line = "hostname; cat /etc/hosts /etc/resolv.conf; echo kept > /data/file; grep -c . /proc/1/cmdline; \
                cat /proc/sys/net/core/somaxconn; echo end; sleep 60";
    let mut desired = task("one", line, interface(10));
    desired.processes = Sharing::Task;
    desired.volumes = vec![Volume {
        name: "data".to_owned(),
        source: VolumeSource::Shared {
            key: "key".to_owned(),
        },
    }];
    let container = &mut desired.containers[0];
    container.names.hostname = Some("web-1".to_owned());
    container.names.hosts = vec![("db".to_owned(), "10.0.1.77".to_owned())];
    container.names.dns_search = vec!["example.com".to_owned()];
    container.linux.sysctls = vec![("net.core.somaxconn".to_owned(), "765".to_owned())];
    container.mounts = vec![Mount {
        volume: "data".to_owned(),
        path: "/data".to_owned(),
        readonly: false,
    }];
    bench.put(desired).await;
    bench.until_line("one", "end").await;
    assert_eq!(
        bench.lines("one").await,
        [
            "web-1",
            "127.0.0.1 localhost",
            "10.0.1.10 web-1",
            "10.0.1.77 db",
            "nameserver 10.0.0.2",
            "search example.com",
            "1",
            "765",
            "end"
        ]
    );
    bench.change(|transaction| transaction.delete(TASKS, "one")).await;
    bench.until_gone("one").await;
    let kept = bench.directory.join("state/volumes/key/data/file");
    assert_eq!(std::fs::read_to_string(kept).unwrap(), "kept\n");
    drop(running);
}

async fn restarts_and_notes_are_observed(bench: Bench) {
    let running = bench.node();
    let line = "echo x >> /runs; echo run; [ $(cat /runs | wc -l) -lt 3 ] && exit 1; sleep 60";
    let mut desired = task("one", line, None);
    let container = &mut desired.containers[0];
    container.restart = Some(Restart {
        ignored_exit_codes: vec![0],
        attempt_period_seconds: 0,
    });
    container.ulimits = vec![Ulimit {
        name: "nofile".to_owned(),
        soft: 64,
        hard: u64::MAX - 1,
    }];
    bench.put(desired).await;
    let seen = bench.until("one", |seen| seen.containers[0].restarts == 2).await;
    assert_eq!(seen.phase, TaskPhase::Running);
    assert_eq!(seen.containers[0].exit_code, None, "it runs");
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let bits = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .unwrap();
    let may_raise = u64::from_str_radix(bits.trim(), 16).unwrap() & (1 << 24) != 0;
    assert_eq!(seen.containers[0].notes.is_empty(), may_raise);
    while bench.lines("one").await.len() < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(bench.lines("one").await, ["run", "run", "run"]);
    drop(running);
}

async fn a_person_looks_inside(bench: Bench) {
    let running = bench.node();
    bench.put_network(network(1, None)).await;
    bench
        .put(task("one", "echo up; exec sleep 60", interface(10)))
        .await;
    bench.until_line("one", "up").await;
    let request = ExecRequest {
        task: "one".to_owned(),
        container: "app".to_owned(),
        arguments: vec!["cat".to_owned()],
        environment: vec![],
        terminal: None,
        user: None,
        working_directory: None,
    };
    let mut session = running.node.exec(request).await.unwrap();
    let said = Bytes::from_static(b"said");
    session.input.send(ExecInput::Bytes(said.clone())).await.unwrap();
    assert_eq!(session.output.next().await, Some(ExecOutput::Stdout(said)));
    session.input.send(ExecInput::End).await.unwrap();
    assert_eq!(session.output.next().await, Some(ExecOutput::Exited(0)));
    drop(running);
}

async fn what_a_task_uses(bench: Bench) {
    let running = bench.node();
    bench.put_network(network(1, None)).await;
    let line = "dd if=/dev/zero of=/big bs=1M count=5; dd if=/dev/zero of=/data/big bs=1M count=3; \
                i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; nc -w 1 10.0.1.1 9; sleep 60 & echo up; wait";
    let mut desired = task("one", line, interface(10));
    desired.volumes = vec![Volume {
        name: "data".to_owned(),
        source: VolumeSource::Task,
    }];
    let container = &mut desired.containers[0];
    container.memory_mib = Some(128);
    container.mounts = vec![Mount {
        volume: "data".to_owned(),
        path: "/data".to_owned(),
        readonly: false,
    }];
    bench.put(desired).await;
    bench.until_line("one", "up").await;
    let usage = running.node.task("one").await.unwrap();
    let container = &usage.containers[0];
    assert_eq!(container.name, "app");
    assert!(container.cpu_nanoseconds > 1_000_000, "{container:?}");
    assert!(
        container.memory_bytes > 100_000 && container.memory_bytes < 128 << 20,
        "{container:?}"
    );
    assert_eq!(container.memory_limit_bytes, Some(128 << 20));
    assert_eq!(container.processes, 2, "the shell and sleep: {container:?}");
    let interface = usage.interface.unwrap();
    assert!(
        interface.sent_packets > 0 && interface.sent_bytes > 0,
        "{interface:?}"
    );
    let mib = usage.storage_bytes >> 20;
    assert!((8..10).contains(&mib), "{} bytes", usage.storage_bytes);
    assert_eq!(running.node.task("other").await, None);
    bench.stop("one", "enough").await;
    bench.until_phase("one", TaskPhase::Stopped).await;
    assert_eq!(running.node.task("one").await, None);
    drop(running);
}

async fn the_last_words_of_the_dead(bench: Bench) {
    let running = bench.node();
    for (id, silent) in [("kept", true), ("logged", false)] {
        let mut desired = task(id, "seq 100; echo 'no such database' >&2; exit 3", None);
        if silent {
            desired.containers[0].log = LogTarget::None;
        }
        bench.put(desired).await;
        bench.until_phase(id, TaskPhase::Stopped).await;
        let tail = running.node.tail(id, "app", 3).await;
        let messages: Vec<_> = tail.iter().map(|line| line.message.as_str()).collect();
        assert!(
            messages.contains(&"no such database") && messages.contains(&"100") && messages.len() == 3,
            "{messages:?}"
        );
    }
    bench
        .change(|transaction| transaction.delete(TASKS, "kept"))
        .await;
    bench.until_gone("kept").await;
    assert!(running.node.tail("kept", "app", 3).await.is_empty());
    assert!(running.node.tail("../..", "app", 3).await.is_empty());
    drop(running);
}
