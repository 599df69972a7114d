//! Running programs, and saying clearly which one went wrong and how.

use std::process::{Command, Output};

/// Runs a program that must succeed; returns what it printed.
pub fn run(command: &mut Command) -> String {
    let (output, what) = try_run(command);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{what} ended with {}\n{text}\n{complaint}",
        output.status
    );
    text.trim_end().to_owned()
}

/// Runs a program that must fail; returns its exit code and everything it printed.
pub fn fail(command: &mut Command) -> (i32, String) {
    let (output, what) = try_run(command);
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!output.status.success(), "{what} should have failed\n{text}");
    (output.status.code().unwrap_or(-1), text)
}

fn try_run(command: &mut Command) -> (Output, String) {
    let what = format!("{command:?}");
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{what} cannot be started: {error}"));
    (output, what)
}

/// A shell line that must succeed.
pub fn shell(line: &str) -> String {
    run(Command::new("bash").args(["-euo", "pipefail", "-c", line]))
}

/// HTTP status of a URL, and the body.
pub fn get(url: &str) -> (u16, String) {
    let text = run(Command::new("curl").args(["-s", "-m", "20", "-w", "\n%{http_code}", url]));
    let (body, status) = text.rsplit_once('\n').unwrap_or(("", &text));
    (status.parse().unwrap(), body.to_owned())
}
