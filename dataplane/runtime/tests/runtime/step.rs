//! Steps of an image build.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use dataplane_runtime::{Bind, Step, StepError, StepOutput, run_step};
use tokio::sync::mpsc;

use crate::bench::{Bench, Test};
use crate::tests;

pub const TESTS: &[Test] = tests![
    changes_land_in_upper_and_nothing_else,
    links_in_the_image_do_not_mislead,
    streams_exit_codes_and_errors,
    the_hosts_network,
    dropping_kills,
];

fn step(bench: &Bench, name: &str, line: &str) -> Step {
    let place = bench.directory.join(name);
    let (upper, work) = (place.join("upper"), place.join("work"));
    fs::create_dir_all(&upper).unwrap();
    fs::create_dir_all(&work).unwrap();
    Step {
        lower: vec![bench.busybox.clone()],
        upper,
        work,
        arguments: ["/bin/sh", "-c", line].map(str::to_owned).to_vec(),
        environment: vec![("A".to_owned(), "b c".to_owned())],
        working_directory: "/".to_owned(),
        user: None,
        binds: vec![],
        memory: Vec::new(),
        offline: false,
        hostname: "build".to_owned(),
    }
}

async fn run(bench: &Bench, step: Step) -> (Result<i32, StepError>, String, String) {
    let (sender, mut receiver) = mpsc::channel(1);
    let collect = tokio::spawn(async move {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        while let Some(output) = receiver.recv().await {
            match output {
                StepOutput::Stdout(bytes) => out.extend(bytes),
                StepOutput::Stderr(bytes) => err.extend(bytes),
            }
        }
        (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    });
    let result = run_step(bench.runtime.config(), step, sender).await;
    let (out, err) = collect.await.unwrap();
    (result, out, err)
}

fn tree(root: &PathBuf) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap().flatten() {
            found.push(entry.path().strip_prefix(root).unwrap().display().to_string());
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

fn binds(bench: &Bench, targets: &[&str]) -> Vec<Bind> {
    let source = bench.directory.join("bound");
    fs::write(&source, "bound\n").unwrap();
    targets
        .iter()
        .map(|target| Bind {
            source: source.clone(),
            target: PathBuf::from(target),
            readonly: true,
        })
        .collect()
}

async fn changes_land_in_upper_and_nothing_else(bench: Bench) {
    let mut step = step(
        &bench,
        "one",
        "cat /etc/resolv.conf /etc/ssl/certs/ca.crt; echo $A > /made; rm /etc/group; hostname",
    );
    step.binds = binds(
        &bench,
        &["/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca.crt"],
    );
    let upper = step.upper.clone();
    let (result, out, err) = run(&bench, step).await;
    assert_eq!(result.unwrap(), 0, "{err}");
    assert_eq!(out, "bound\nbound\nbuild\n");
    assert_eq!(fs::read_to_string(upper.join("made")).unwrap(), "b c\n");
    assert_eq!(tree(&upper), ["etc", "etc/group", "made"]);

    let mut quiet = self::step(&bench, "two", "true");
    quiet.binds = binds(&bench, &["/etc/resolv.conf", "/etc/hosts"]);
    let upper = quiet.upper.clone();
    assert_eq!(run(&bench, quiet).await.0.unwrap(), 0);
    assert_eq!(tree(&upper), Vec::<String>::new());
    assert_eq!(
        fs::read_dir(bench.runtime.config().state_dir.join("steps"))
            .unwrap()
            .count(),
        0
    );
}

async fn links_in_the_image_do_not_mislead(bench: Bench) {
    let layer = bench.directory.join("links");
    fs::create_dir_all(layer.join("etc")).unwrap();
    std::os::unix::fs::symlink("../run/stub/resolv.conf", layer.join("etc/resolv.conf")).unwrap();
    let mut step = step(&bench, "one", "cat /etc/resolv.conf");
    step.lower.push(layer);
    step.binds = binds(&bench, &["/etc/resolv.conf"]);
    let upper = step.upper.clone();
    let (result, out, err) = run(&bench, step).await;
    assert_eq!((result.unwrap(), out.as_str()), (0, "bound\n"), "{err}");
    assert_eq!(tree(&upper), Vec::<String>::new());
}

async fn streams_exit_codes_and_errors(bench: Bench) {
    let (result, out, err) = run(&bench, step(&bench, "one", "echo out; echo err >&2; exit 42")).await;
    assert_eq!(
        (result.unwrap(), out.as_str(), err.as_str()),
        (42, "out\n", "err\n")
    );
    assert_eq!(
        run(&bench, step(&bench, "two", "sh -c 'kill -9 $$'; exit $?"))
            .await
            .0
            .unwrap(),
        137
    );
    let mut missing = step(&bench, "three", "");
    missing.arguments = vec!["/bin/bash".to_owned()];
    let (result, ..) = run(&bench, missing).await;
    assert_eq!(
        result.unwrap_err().to_string(),
        "exec: \"/bin/bash\": no such file or directory"
    );
    let (result, out, _) = run(&bench, step(&bench, "four", "seq 200000 | tail -n 1; seq 200000")).await;
    assert_eq!(result.unwrap(), 0);
    assert_eq!(out.lines().count(), 200_001);
}

async fn the_hosts_network(bench: Bench) {
    let (_, out, _) = run(
        &bench,
        step(&bench, "one", "readlink /proc/self/ns/net; ulimit -n"),
    )
    .await;
    let own = fs::read_link("/proc/self/ns/net").unwrap();
    assert!(out.starts_with(own.to_str().unwrap()), "{out}");
}

async fn dropping_kills(bench: Bench) {
    let (sender, mut receiver) = mpsc::channel(1);
    let step = step(&bench, "one", "echo up; (sleep 62 &); sleep 62");
    let config = bench.runtime.config().clone();
    let running = tokio::spawn(async move { run_step(&config, step, sender).await });
    assert_eq!(receiver.recv().await, Some(StepOutput::Stdout(b"up\n".to_vec())));
    running.abort();
    let _ = running.await;
    while fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .any(|entry| fs::read(entry.path().join("cmdline")).unwrap_or_default() == b"sleep\x0062\x00")
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
