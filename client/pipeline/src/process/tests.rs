use nix::sys::signal::{SigHandler, Signal};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::watch;

use super::{Ended, Halt, Program, run};

async fn shell(script: &str, limit: Duration) -> (Ended, Vec<String>) {
    let program = Program {
        arguments: vec!["/bin/bash".into(), "-c".into(), script.into()],
        folder: "/".into(),
        environment: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
    };
    let lines = Mutex::new(Vec::new());
    let told = |line: &str| lines.lock().unwrap().push(line.to_owned());
    let (_keep, cancel) = watch::channel(false);
    let ended = run(&program, Halt { cancel, limit }, &told).await.unwrap();
    (ended, lines.into_inner().unwrap())
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn both_outputs_come_in_order_and_the_last_line_needs_no_end() {
    let (ended, lines) = shell(
        "echo one; echo two >&2; printf 'a\\rb\\r\\n'; printf three; exit 7",
        LONG,
    )
    .await;
    assert_eq!(ended, Ended::Exit(7));
    assert_eq!(lines, ["one", "two", "b", "three"]);
}

#[tokio::test]
async fn a_program_left_in_the_background_does_not_hold_the_step_up() {
    let (ended, lines) = shell("sleep 600 & echo started $!", LONG).await;
    assert_eq!(ended, Ended::Exit(0));
    let pid = lines[0].strip_prefix("started ").unwrap();
    // Left running, as on GitHub: it is the job's end that ends it.
    let killed = std::process::Command::new("/bin/kill").arg(pid).status().unwrap();
    assert!(killed.success());
}

/// As for whoever is started in the background of a script.
fn ignore(signal: Signal) {
    // SAFETY: no handler is installed.
    unsafe { nix::sys::signal::signal(signal, SigHandler::SigIgn) }.unwrap();
}

#[tokio::test]
async fn what_takes_too_long_is_asked_to_end_and_may_say_goodbye() {
    ignore(Signal::SIGINT);
    let script = "trap 'echo bye; exit 3' INT; echo on; sleep 600 & wait";
    let (ended, lines) = shell(script, Duration::from_millis(400)).await;
    assert_eq!(ended, Ended::TimedOut);
    assert_eq!(lines, ["on", "bye"]);
}

#[tokio::test]
async fn a_line_without_end_comes_in_pieces() {
    let (_, lines) = shell("head -c 200000 /dev/zero | tr '\\0' x", LONG).await;
    assert_eq!(lines.iter().map(String::len).sum::<usize>(), 200_000);
    assert!(lines.iter().all(|line| line.len() <= 64 << 10));
}
