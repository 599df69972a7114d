//! Tasks that are hosts, and what lives in them.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use contract::task::{
    BridgeEnd, DesiredTask, Host, HostNetwork, LogTarget, Mount, Publish, Root, Sharing, TaskPhase,
    Transport, Volume, VolumeSource,
};

use crate::bench::{Bench, TASKS, Test, interface, network, task};
use crate::tests;

pub const TESTS: &[(&str, Test)] = tests![
    a_host_has_a_disk_and_the_machines_programs,
    what_lives_in_a_host_is_reached_by_its_ports,
    guests_share_what_they_are_told_to,
    guests_go_with_their_host,
    hosts_and_guests_outlive_the_node,
];

/// The first process of every host here: runs the line that its task gave it.
pub fn main() -> ExitCode {
    let line = std::env::var("LINE").unwrap_or_default();
    let status = Command::new("/bin/sh").args(["-c", &line]).status();
    if status.is_ok_and(|status| status.success()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn host(id: &str, disk: &str, line: &str) -> DesiredTask {
    let mut desired = task(id, "", interface(10));
    desired.memory_mib = Some(128);
    let container = &mut desired.containers[0];
    container.root = Root::Machine {
        disk: disk.to_owned(),
    };
    container.stop_timeout_seconds = 1;
    container.command = None;
    container.environment = vec![("LINE".to_owned(), line.to_owned())];
    desired
}

fn guest(id: &str, line: &str, network: HostNetwork) -> DesiredTask {
    let mut desired = task(id, line, None);
    desired.host = Some(Host {
        disk: "i-1".to_owned(),
        network,
    });
    desired.cpu_units = None;
    desired.memory_mib = None;
    desired.containers[0].stop_timeout_seconds = 1;
    desired
}

fn bridge(last: u8, ports: &[(u16, u16)]) -> HostNetwork {
    let publish = ports.iter().map(|&(host_port, container_port)| Publish {
        protocol: Transport::Tcp,
        host_port,
        container_port,
    });
    HostNetwork::Bridge(vec![BridgeEnd {
        address: [172, 17, 0, last].into(),
        publish: publish.collect(),
    }])
}

const SERVE: &str = "mkdir /www; hostname > /www/index.html; httpd -f -p 8502 -h /www & echo up; sleep 60";

async fn a_host_has_a_disk_and_the_machines_programs(bench: Bench) {
    let running = bench.node();
    bench.put_network(network(1, None)).await;
    let line = "echo a >> /var/boots; cat /var/boots; touch /usr/x || echo sealed; ls /root; \
                test -e /etc/shadow || echo bare; hostname; sleep 60";
    bench.put(host("boot-1", "i-1", line)).await;
    bench.until_line("boot-1", "ip-10-0-1-10").await;
    let lines = bench.lines("boot-1").await;
    assert!(
        lines.contains(&"sealed".to_owned()) && lines.contains(&"bare".to_owned()),
        "{lines:?}"
    );
    bench.stop("boot-1", "stopped").await;
    bench.until_phase("boot-1", TaskPhase::Stopped).await;

    // The next start of the same host finds what was on its disk.
    let line = line.to_owned();
    bench
        .change(move |transaction| {
            transaction.delete(TASKS, "boot-1");
            transaction.put(TASKS, "boot-2", host("boot-2", "i-1", &line));
        })
        .await;
    bench.until_line("boot-2", "ip-10-0-1-10").await;
    assert_eq!(bench.lines("boot-2").await[..2], ["a", "a"]);
    let disk = bench.directory.join("state/disks/i-1");
    assert!(disk.exists());
    bench
        .change(|transaction| transaction.delete(TASKS, "boot-2"))
        .await;
    bench.until_gone("boot-2").await;
    assert!(!disk.exists(), "the disk goes with its last task");
    drop(running);
}

async fn what_lives_in_a_host_is_reached_by_its_ports(bench: Bench) {
    let running = bench.node();
    bench.put_network(network(1, Some(80))).await;
    bench.put(host("boot", "i-1", "sleep 60")).await;
    bench.put(guest("web", SERVE, bridge(2, &[(80, 8502)]))).await;
    bench.until_line("web", "up").await;
    let ask = |address: &str| {
        format!(
            "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 {address} || echo refused; echo asked; sleep 60"
        )
    };
    // From elsewhere in the network, as the host's security groups say: 80 is open, and nothing else.
    bench
        .put(task("client", &ask("10.0.1.10 80"), interface(11)))
        .await;
    bench.until_line("client", "asked").await;
    assert!(
        bench.lines("client").await.contains(&"web".to_owned()),
        "{:?}",
        bench.lines("client").await
    );
    bench
        .put(task("other", &ask("10.0.1.10 8502"), interface(12)))
        .await;
    bench.until_line("other", "asked").await;
    assert!(bench.lines("other").await.contains(&"refused".to_owned()));
    // From next door: directly, and by the host's port.
    bench
        .put(guest("near", &ask("172.17.0.2 8502"), bridge(3, &[])))
        .await;
    bench.until_line("near", "web").await;
    bench
        .put(guest("round", &ask("10.0.1.10 80"), bridge(4, &[])))
        .await;
    bench.until_line("round", "web").await;
    // And from the host's own network.
    bench
        .put(guest("shared", &ask("127.0.0.1 80"), HostNetwork::Shared))
        .await;
    bench.until_line("shared", "web").await;
    bench.stop("web", "over").await;
    bench.until_phase("web", TaskPhase::Stopped).await;
    bench.put(task("late", &ask("10.0.1.10 80"), interface(13))).await;
    bench.until_line("late", "refused").await;
    // Its place is free for the next one.
    bench.put(guest("again", SERVE, bridge(2, &[(80, 8502)]))).await;
    bench.until_line("again", "up").await;
    drop(running);
}

async fn guests_share_what_they_are_told_to(bench: Bench) {
    let running = bench.node();
    bench.put_network(network(1, None)).await;
    bench.put(host("boot", "i-1", "sleep 60")).await;
    bench.until_phase("boot", TaskPhase::Running).await;
    let mut desired = guest(
        "guest",
        "cat /proc/1/cmdline | grep -c docker-init; echo kept > /data/file; hostname; echo end; sleep 60",
        HostNetwork::Shared,
    );
    desired.processes = Sharing::Host;
    desired.volumes = vec![Volume {
        name: "data".to_owned(),
        source: VolumeSource::Host("/srv/data".to_owned()),
    }];
    desired.containers[0].mounts = vec![Mount {
        volume: "data".to_owned(),
        path: "/data".to_owned(),
        readonly: false,
    }];
    bench.put(desired).await;
    bench.until_line("guest", "end").await;
    assert_eq!(bench.lines("guest").await, ["1", "ip-10-0-1-10", "end"]);
    let disk = bench.directory.join("state/disks/i-1/root");
    assert_eq!(fs::read_to_string(disk.join("srv/data/file")).unwrap(), "kept\n");
    assert!(!Path::new("/srv/data/file").exists());

    // More than the host has is not to be had.
    let eat = "dd if=/dev/zero of=/dev/null bs=200M count=1 && echo survived";
    bench.put(guest("greedy", eat, bridge(2, &[]))).await;
    let seen = bench.until_phase("greedy", TaskPhase::Stopped).await;
    assert_eq!(seen.containers[0].exit_code, Some(137), "{seen:?}");
    drop(running);
}

async fn guests_go_with_their_host(bench: Bench) {
    let running = bench.node();
    bench.put_network(network(1, None)).await;
    bench.put(host("boot", "i-1", "sleep 60")).await;
    bench.put(guest("one", "sleep 60", bridge(2, &[(80, 80)]))).await;
    bench.put(guest("two", "sleep 60", HostNetwork::Shared)).await;
    let mut apart = guest("three", "sleep 60", HostNetwork::Apart);
    apart.interface = interface(11);
    apart.containers[0].log = LogTarget::None;
    bench.put(apart).await;
    for id in ["one", "two", "three"] {
        bench.until_phase(id, TaskPhase::Running).await;
    }
    bench.stop("boot", "terminated").await;
    bench.until_phase("boot", TaskPhase::Stopped).await;
    for id in ["one", "two", "three"] {
        bench.until_phase(id, TaskPhase::Stopped).await;
    }
    assert_eq!(
        fs::read_dir(bench.directory.join("run/netns-tasks"))
            .unwrap()
            .count(),
        0
    );
    // One that comes too late is told so in the end; one that is not wanted any more does not wait for that.
    bench.put(guest("late", "sleep 60", HostNetwork::Shared)).await;
    bench.stop("late", "enough").await;
    bench.until_phase("late", TaskPhase::Stopped).await;
    drop(running);
}

async fn hosts_and_guests_outlive_the_node(bench: Bench) {
    let running = bench.node();
    bench.put_network(network(1, Some(80))).await;
    bench.put(host("boot", "i-1", "sleep 60")).await;
    bench.put(guest("web", SERVE, bridge(2, &[(80, 8502)]))).await;
    bench.until_line("web", "up").await;
    let before = bench.until_phase("web", TaskPhase::Running).await;
    drop(running);
    let running = bench.node();
    let ask =
        "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 10.0.1.10 80 || echo refused; echo asked; sleep 60";
    bench.put(task("client", ask, interface(11))).await;
    bench.until_line("client", "asked").await;
    assert!(bench.lines("client").await.contains(&"web".to_owned()));
    let after = bench.until_phase("web", TaskPhase::Running).await;
    assert_eq!(before.started_at, after.started_at);
    // Told to stop, the guest gives its seat back although it was made by another node.
    bench.stop("web", "over").await;
    bench.until_phase("web", TaskPhase::Stopped).await;
    assert_eq!(
        fs::read_dir(bench.directory.join("run/netns-tasks"))
            .unwrap()
            .count(),
        2
    );
    drop(running);
}
