//! What a container is given beyond the usual, seen from inside.

use contract::task::{Device, Sharing};
use dataplane_runtime::ContainerSpec;

use crate::bench::{Bench, Test, wait_for};
use crate::tests;

pub const TESTS: &[Test] = tests![
    names,
    capabilities,
    capabilities_open_their_system_calls,
    unknown_capabilities_are_refused,
    privileged,
    no_new_privileges,
    init_reaps_and_passes_signals_on,
    init_with_a_terminal_and_another_user,
    devices,
    kernel_parameters,
    kernel_parameters_of_the_machine_are_refused,
    memory_and_swap,
];

async fn says(bench: &Bench, container: ContainerSpec) -> Vec<String> {
    let (status, output) = bench.outcome(container).await;
    assert_eq!(
        status.containers[0].exit_code,
        Some(0),
        "{output} {:?}",
        status.cause
    );
    output.lines().map(str::to_owned).collect()
}

async fn refusal(bench: &Bench, container: ContainerSpec) -> String {
    let (status, _) = bench.outcome(container).await;
    assert_eq!(status.containers[0].exit_code, None);
    status.cause.unwrap().reason
}

async fn names(bench: Bench) {
    let mut container = bench.shell(
        "app",
        "hostname; cat /etc/hostname /etc/hosts /etc/resolv.conf; ping -c 1 -W 1 db | head -1",
    );
    container.hostname = Some("web-1".to_owned());
    container.hosts = Some("127.0.0.1 localhost\n127.0.0.9 db\n".to_owned());
    container.resolv_conf = Some("nameserver 192.0.2.1\nsearch example.com\n".to_owned());
    let other = bench.shell("other", "hostname; cat /etc/hostname /etc/hosts");
    let status = bench
        .to_the_end(&bench.task(vec![
            container,
            ContainerSpec {
                essential: false,
                ..other
            },
        ]))
        .await;
    let output = bench.output(&status.id, "app");
    assert!(
        output.starts_with(
            "web-1\nweb-1\n127.0.0.1 localhost\n127.0.0.9 db\nnameserver 192.0.2.1\nsearch example.com\n"
        ),
        "{output}"
    );
    assert!(output.contains("PING db (127.0.0.9)"), "{output}");
    assert_eq!(
        bench.output(&status.id, "other"),
        "inside\ninside\n127.0.0.1 localhost\n"
    );
}

const CAPABILITIES: &str = "grep -E '^Cap(Eff|Bnd)' /proc/self/status | awk '{print $2}'";

async fn capabilities(bench: Bench) {
    let mut container = bench.shell("app", CAPABILITIES);
    container.linux.capabilities_drop = vec!["ALL".to_owned()];
    container.linux.capabilities_add = vec!["NET_ADMIN".to_owned(), "CAP_CHOWN".to_owned()];
    let expected = format!("{:016x}", 1_u64 << 12 | 1);
    assert_eq!(says(&bench, container).await, [expected.clone(), expected]);
}

async fn capabilities_open_their_system_calls(bench: Bench) {
    let line = "mkdir /m; mount -t tmpfs none /m && grep -c ' /m ' /proc/mounts; ip link add d type dummy && \
                ls /sys/class/net | grep -c d; unshare -m true && echo unshared; chroot / true || echo no chroot";
    let mut container = bench.shell("app", line);
    container.linux.capabilities_add = vec!["SYS_ADMIN".to_owned(), "NET_ADMIN".to_owned()];
    container.linux.capabilities_drop = vec!["SYS_CHROOT".to_owned()];
    let lines = says(&bench, container).await;
    assert!(
        lines.contains(&"unshared".to_owned()) && lines.contains(&"no chroot".to_owned()),
        "{lines:?}"
    );
    assert_eq!(lines[0], "1", "{lines:?}");
}

async fn unknown_capabilities_are_refused(bench: Bench) {
    let mut container = bench.shell("app", "true");
    container.linux.capabilities_add = vec!["FLY".to_owned()];
    assert_eq!(
        refusal(&bench, container).await,
        "CannotStartContainerError: unknown capability: \"FLY\""
    );
}

async fn privileged(bench: Bench) {
    let line = format!(
        "{CAPABILITIES}; grep Seccomp: /proc/self/status; mkdir /m; mount -t tmpfs none /m && echo mounted; \
         grep -E ' /proc/(kcore|sys|timer_list) ' /proc/mounts | wc -l; grep ' /sys ' /proc/mounts | grep -c rw; \
         ls /dev | wc -l; test -c /dev/null && echo null; mknod /n c 1 3 && echo x > /n && echo node; \
         echo 77 > /proc/sys/net/core/somaxconn && cat /proc/sys/net/core/somaxconn"
    );
    let mut container = bench.shell("app", &line);
    container.linux.privileged = true;
    let lines = says(&bench, container).await;
    let own = std::fs::read_to_string("/proc/self/status").unwrap();
    let own = own
        .lines()
        .find_map(|line| line.strip_prefix("CapPrm:"))
        .unwrap()
        .trim();
    assert_eq!(lines[..2], [own, own]);
    assert_eq!(lines[2], "Seccomp:\t0");
    assert_eq!(lines[3..6], ["mounted", "0", "1"], "{lines:?}");
    // The host's devices and the container's own console, terminals and links.
    let of_the_host = std::fs::read_dir("/dev").unwrap().count();
    let count: usize = lines[6].trim().parse().unwrap();
    assert!(count >= of_the_host.saturating_sub(4), "{count} of {of_the_host}");
    assert_eq!(lines[7..], ["null", "node", "77"]);
}

async fn no_new_privileges(bench: Bench) {
    let mut container = bench.shell("app", "grep -E 'NoNewPrivs|Seccomp:' /proc/self/status");
    container.linux.no_new_privileges = true;
    assert_eq!(says(&bench, container).await, ["NoNewPrivs:\t1", "Seccomp:\t2"]);
}

async fn init_reaps_and_passes_signals_on(bench: Bench) {
    // The orphan is a zombie when it has ended and nobody waits for it.
    let line = "echo me $$; tr '\\0' ' ' < /proc/1/cmdline; echo; cat /proc/1/comm; grep CapEff /proc/1/status; \
                sh -c 'sh -c \"exit 3\" & exit 0'; sleep 0.2; \
                while grep -q '^State:.Z' /proc/[0-9]*/status; do sleep 0.02; done; \
                trap 'echo bye; exit 5' TERM; echo up; while :; do :; done";
    let mut container = bench.shell("app", line);
    container.linux.init = true;
    container.stop_timeout_seconds = 30;
    let handle = bench.start(vec![container]).await;
    let id = handle.status().id;
    bench.until_output(&id, "app", "up").await;
    handle.stop("enough").await.unwrap();
    let status = wait_for(handle, |status| status.stopped_at.is_some()).await;
    assert_eq!(status.containers[0].exit_code, Some(5));
    let output = bench.output(&id, "app");
    let lines: Vec<_> = output.lines().collect();
    assert_ne!(lines[0], "me 1");
    assert_eq!(lines[1].trim(), "docker-init");
    assert_eq!(
        lines[2..],
        ["docker-init", "CapEff:\t00000000a80425fb", "up", "bye"],
        "{output}"
    );
}

async fn init_with_a_terminal_and_another_user(bench: Bench) {
    let line = "test -t 0 && echo terminal; grep CapEff /proc/1/status; id -u; kill -9 $$";
    let mut container = bench.shell("app", line);
    container.linux.init = true;
    container.pseudo_terminal = true;
    container.user = Some("web".to_owned());
    let (status, output) = bench.outcome(container).await;
    assert_eq!(
        output.lines().collect::<Vec<_>>(),
        ["terminal", "CapEff:\t0000000000000000", "1000"]
    );
    assert_eq!(status.containers[0].exit_code, Some(137));
    assert_eq!(status.containers[0].reason, None, "killed, but not for memory");
    let mut missing = bench.shell("app", "");
    missing.arguments = vec!["nginx".to_owned()];
    missing.linux.init = true;
    let mut task = bench.task(vec![missing]);
    task.id = "missing".to_owned();
    assert_eq!(
        bench.to_the_end(&task).await.cause.unwrap().reason,
        "CannotStartContainerError: exec: \"nginx\": executable file not found in $PATH"
    );
}

async fn devices(bench: Bench) {
    // A loop device or a terminal is no default of any container.
    let line = "stat -c '%t:%T %a' /dev/mine/kmsg; head -c 1 /dev/mine/kmsg > /dev/null && echo read; \
                echo x 2>/dev/null > /dev/mine/kmsg || echo not written";
    let mut container = bench.shell("app", line);
    container.linux.devices = vec![Device {
        host_path: "/dev/kmsg".to_owned(),
        path: "/dev/mine/kmsg".to_owned(),
        read: true,
        write: false,
        make_node: false,
    }];
    let (status, output) = bench.outcome(container).await;
    let lines: Vec<_> = output.lines().collect();
    assert!(lines[0].starts_with("1:b "), "{output} {:?}", status.cause);
    assert!(lines.contains(&"not written"), "{output}");
    let mut container = bench.shell("app", "true");
    container.linux.devices = vec![Device {
        host_path: "/etc/passwd".to_owned(),
        path: "/dev/x".to_owned(),
        read: true,
        write: true,
        make_node: true,
    }];
    let mut task = bench.task(vec![container]);
    task.id = "refused".to_owned();
    assert_eq!(
        bench.to_the_end(&task).await.cause.unwrap().reason,
        "CannotStartContainerError: /etc/passwd is not a device of this machine"
    );
}

async fn kernel_parameters(bench: Bench) {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let line = "cat /proc/sys/net/core/somaxconn /proc/sys/kernel/msgmax /proc/sys/fs/mqueue/msg_max";
    let mut container = bench.shell("app", line);
    container.linux.sysctls = vec![
        pair("net.core.somaxconn", "321"),
        pair("kernel.msgmax", "4242"),
        pair("fs.mqueue.msg_max", "11"),
    ];
    let mut alone = container.clone();
    alone.name = "alone".to_owned();
    alone.runtime_id = "alone-0123456789".to_owned();
    alone.disable_networking = true;
    alone.essential = false;
    alone.linux.sysctls[0].1 = "111".to_owned();
    let mut other = bench.shell("other", line);
    other.essential = false;
    container.arguments[2] = format!("sleep 0.3; {line}");
    let status = bench.to_the_end(&bench.task(vec![alone, container, other])).await;
    assert_eq!(
        bench.output(&status.id, "app"),
        "321\n4242\n11\n",
        "{:?}",
        status.cause
    );
    assert_eq!(bench.output(&status.id, "alone"), "111\n4242\n11\n");
    assert!(bench.output(&status.id, "other").starts_with("321\n8192\n"));
    assert_ne!(
        std::fs::read_to_string("/proc/sys/kernel/msgmax").unwrap().trim(),
        "4242"
    );
}

async fn kernel_parameters_of_the_machine_are_refused(bench: Bench) {
    let mut container = bench.shell("app", "true");
    container.linux.sysctls = vec![("kernel.panic".to_owned(), "1".to_owned())];
    assert_eq!(
        refusal(&bench, container.clone()).await,
        "CannotStartContainerError: sysctl \"kernel.panic\" is not in a separate kernel namespace"
    );
    container.linux.sysctls = vec![("kernel.msgmax".to_owned(), "1".to_owned())];
    let mut task = bench.task(vec![container]);
    task.id = "host".to_owned();
    task.ipc = Sharing::Host;
    assert!(
        bench
            .to_the_end(&task)
            .await
            .cause
            .unwrap()
            .reason
            .contains("IPC namespace of the host")
    );
}

async fn memory_and_swap(bench: Bench) {
    let legacy = std::path::Path::new("/sys/fs/cgroup/memory").exists();
    let files = if legacy {
        "cd /sys/fs/cgroup/memory; cat memory.limit_in_bytes memory.soft_limit_in_bytes \
         memory.memsw.limit_in_bytes memory.swappiness"
    } else {
        "cd /sys/fs/cgroup; cat memory.max memory.low memory.swap.max"
    };
    let mut container = bench.shell("app", files);
    container.limits.memory_mib = Some(64);
    container.memory_reservation_mib = Some(32);
    container.linux.max_swap_mib = Some(16);
    container.linux.swappiness = Some(30);
    let mut task = bench.task(vec![container]);
    task.limits.memory_mib = Some(128);
    let status = bench.to_the_end(&task).await;
    let mib = |count: u64| (count << 20).to_string();
    let expected = if legacy {
        vec![mib(64), mib(32), mib(64 + 16), "30".to_owned()]
    } else {
        vec![mib(64), mib(32), mib(16)]
    };
    let output = bench.output(&status.id, "app");
    assert_eq!(output.lines().collect::<Vec<_>>(), expected, "{:?}", status.cause);
    assert_eq!(status.containers[0].notes.is_empty(), legacy);
}
