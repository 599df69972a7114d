//! What a container's process is given: environment, user, directories, terminal; and what it is refused.

use std::fs;

use contract::task::{StopKind, TaskPhase};

use crate::bench::{Bench, Test, wait_for};
use crate::tests;

pub const TESTS: &[Test] = tests![
    exit_code_and_both_streams,
    environment_user_and_directory,
    files_of_the_task,
    devices_and_mounts,
    read_only_root,
    capabilities_are_dockers,
    the_system_call_filter_bites,
    no_new_privileges_is_not_set,
    masked_and_read_only_paths,
    a_terminal,
    standard_input_kept_open,
    a_program_that_is_not_there,
    a_user_that_is_not_there,
    many_layers,
    a_hundred_thousand_lines,
];

async fn exit_code_and_both_streams(bench: Bench) {
    let (status, output) = bench
        .outcome(bench.shell("app", "echo out; echo err >&2; exit 7"))
        .await;
    assert_eq!(status.containers[0].exit_code, Some(7));
    assert!(output.contains("out\n") && output.contains("err\n"), "{output}");
    let cause = status.cause.unwrap();
    assert_eq!(
        (cause.kind, cause.reason.as_str()),
        (
            StopKind::EssentialContainerExited,
            "Essential container in task exited"
        )
    );
    assert!(status.started_at.is_some() && status.stopped_at.is_some());
}

async fn environment_user_and_directory(bench: Bench) {
    let mut container = bench.shell(
        "app",
        "id -u; id -g; id -G; pwd; echo $HOME $A $PATH; hostname; touch x 2>&1",
    );
    container.environment = [("A", "1"), ("A", "two")]
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .to_vec();
    container.user = Some("web".to_owned());
    container.working_directory = "/made/here".to_owned();
    let (_, output) = bench.outcome(container).await;
    let lines: Vec<_> = output.lines().collect();
    assert_eq!(lines[..4], ["1000", "1001", "1001 44", "/made/here"]);
    assert_eq!(
        lines[4],
        "/home/web two /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    );
    assert_eq!(lines[5..], ["inside", "touch: x: Permission denied"]);
}

async fn files_of_the_task(bench: Bench) {
    let output = bench
        .says("cat /etc/resolv.conf /etc/hosts /etc/hostname; ip addr show lo | grep -o 'inet [0-9.]*'")
        .await;
    assert_eq!(
        output,
        "nameserver 10.0.0.2\n127.0.0.1 localhost\ninside\ninet 127.0.0.1\n"
    );
}

async fn devices_and_mounts(bench: Bench) {
    let output = bench
        .says("ls /dev; stat -c %a /dev/shm; echo x > /dev/null; head -c 4 /dev/urandom | wc -c; awk '{print $2,$3}' /proc/mounts; echo $$; ls /sys/fs/cgroup; touch /sys/x 2>&1 || true")
        .await;
    for expected in [
        "full",
        "null",
        "ptmx",
        "pts",
        "random",
        "shm",
        "tty",
        "urandom",
        "zero",
        "mqueue",
        "1777",
        "/proc proc",
        "/dev/mqueue mqueue",
        "/dev/pts devpts",
        "/sys sysfs",
        "Read-only",
    ] {
        assert!(output.contains(expected), "{expected} is missing in {output}");
    }
    assert!(
        output.lines().any(|line| line == "1"),
        "the program is process 1: {output}"
    );
}

async fn read_only_root(bench: Bench) {
    let mut container = bench.shell("app", "touch /x 2>&1; echo y > /dev/shm/y && cat /dev/shm/y");
    container.readonly_root = true;
    let (_, output) = bench.outcome(container).await;
    assert!(
        output.contains("Read-only file system") && output.ends_with("y\n"),
        "{output}"
    );
}

async fn capabilities_are_dockers(bench: Bench) {
    let output = bench
        .says("grep -E '^Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status | awk '{print $2}'")
        .await;
    let docker = "00000000a80425fb";
    assert_eq!(
        output.lines().collect::<Vec<_>>(),
        ["0000000000000000", docker, docker, docker, "0000000000000000"]
    );
    let mut container = bench.shell(
        "app",
        "grep -E '^Cap(Prm|Eff|Bnd)' /proc/self/status | awk '{print $2}'",
    );
    container.user = Some("web".to_owned());
    let mut task = bench.task(vec![container]);
    task.id = "second".to_owned();
    wait_for(bench.runtime.start(&task).await.unwrap(), |status| {
        status.phase == TaskPhase::Stopped
    })
    .await;
    assert_eq!(
        bench.output("second", "app").lines().collect::<Vec<_>>(),
        ["0000000000000000", "0000000000000000", docker]
    );
}

async fn the_system_call_filter_bites(bench: Bench) {
    // As root without the filter, a user namespace could be unshared without any capability.
    let output = bench
        .says("grep Seccomp: /proc/self/status; unshare -U true 2>&1; unshare -m true 2>&1; mount -t tmpfs x /tmp 2>&1; chroot / true && echo chroot works; true")
        .await;
    let lines: Vec<_> = output.lines().collect();
    assert_eq!(lines[0], "Seccomp:\t2");
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.contains("Operation not permitted") || line.contains("permission denied"))
            .count(),
        3,
        "{output}"
    );
    assert!(output.contains("chroot works"));
}

async fn no_new_privileges_is_not_set(bench: Bench) {
    assert_eq!(
        bench.says("grep NoNewPrivs /proc/self/status").await,
        "NoNewPrivs:\t0\n"
    );
}

async fn masked_and_read_only_paths(bench: Bench) {
    // Which of these a kernel has depends on how it was built; some it always has.
    let there = [
        "/proc/kcore",
        "/proc/keys",
        "/proc/timer_list",
        "/proc/interrupts",
    ]
    .into_iter()
    .filter(|path| fs::exists(path).unwrap());
    let files: Vec<_> = there.collect();
    assert!(!files.is_empty());
    let output = bench
        .says(&format!(
            "cat {} | wc -c; ls /sys/firmware | wc -l; echo 1 > /proc/sys/kernel/panic; true",
            files.join(" ")
        ))
        .await;
    let lines: Vec<_> = output.lines().map(str::trim).collect();
    assert_eq!(lines.iter().filter(|line| **line == "0").count(), 2, "{output}");
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.contains("Read-only file system"))
            .count(),
        1,
        "{output}"
    );
}

async fn a_terminal(bench: Bench) {
    let mut container = bench.shell(
        "app",
        "test -t 0 && test -t 1 && test -t 2 && echo terminal; tty; exit 3",
    );
    container.pseudo_terminal = true;
    let (status, output) = bench.outcome(container).await;
    assert_eq!(output, "terminal\n/dev/pts/0\n");
    assert_eq!(status.containers[0].exit_code, Some(3));
}

async fn standard_input_kept_open(bench: Bench) {
    let (_, closed) = bench.outcome(bench.shell("app", "cat; echo ended")).await;
    assert_eq!(closed, "ended\n");
    let mut container = bench.shell("app", "echo begun; cat; echo ended");
    container.interactive = true;
    let mut task = bench.task(vec![container]);
    task.id = "open".to_owned();
    let handle = bench.runtime.start(&task).await.unwrap();
    bench.until_output("open", "app", "begun").await;
    handle.stop("enough").await.unwrap();
    wait_for(handle, |status| status.phase == TaskPhase::Stopped).await;
    assert_eq!(bench.output("open", "app"), "begun\n");
}

async fn a_program_that_is_not_there(bench: Bench) {
    let mut container = bench.shell("app", "");
    container.arguments = vec!["nginx".to_owned()];
    let (status, _) = bench.outcome(container).await;
    let cause = status.cause.unwrap();
    assert_eq!(cause.kind, StopKind::FailedToStart);
    assert_eq!(
        cause.reason,
        "CannotStartContainerError: exec: \"nginx\": executable file not found in $PATH"
    );
    assert_eq!(status.containers[0].exit_code, None);
}

async fn a_user_that_is_not_there(bench: Bench) {
    let mut container = bench.shell("app", "true");
    container.user = Some("nobody".to_owned());
    let (status, _) = bench.outcome(container).await;
    assert_eq!(
        status.containers[0].reason.as_deref(),
        Some("CannotStartContainerError: unable to find user nobody: no matching entries in passwd file")
    );
}

async fn many_layers(bench: Bench) {
    let mut container = bench.shell("app", "cat /name; ls /l | wc -l");
    for number in 0..120 {
        let layer = bench.directory.join(format!("layer,with:marks-{number}"));
        fs::create_dir_all(layer.join("l")).unwrap();
        fs::write(layer.join("name"), format!("layer {number}\n")).unwrap();
        fs::write(layer.join(format!("l/{number}")), "").unwrap();
        container.lower.push(layer);
    }
    let (_, output) = bench.outcome(container).await;
    assert_eq!(output, "layer 119\n120\n");
}

async fn a_hundred_thousand_lines(bench: Bench) {
    let output = bench.says("seq 100000").await;
    assert_eq!(output.lines().count(), 100_000);
    assert!(output.ends_with("99999\n100000\n"));
}
