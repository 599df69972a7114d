//! Real containers through real shims. Needs root and a static busybox; the test executable is its own shim.

#[path = "runtime/bench.rs"]
mod bench;
#[path = "runtime/exec.rs"]
mod exec;
#[path = "runtime/life.rs"]
mod life;
#[path = "runtime/limits.rs"]
mod limits;
#[path = "runtime/process.rs"]
mod process;
#[path = "runtime/restart.rs"]
mod restart;
#[path = "runtime/settings.rs"]
mod settings;
#[path = "runtime/sharing.rs"]
mod sharing;
#[path = "runtime/step.rs"]
mod step;
#[path = "runtime/volumes.rs"]
mod volumes;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use bench::Test;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next();
    if first.as_deref() == Some("shim".as_ref()) {
        return dataplane_runtime::shim_main(arguments);
    }
    let filter: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let all: Vec<Test> = [
        exec::TESTS,
        life::TESTS,
        limits::TESTS,
        process::TESTS,
        restart::TESTS,
        settings::TESTS,
        sharing::TESTS,
        step::TESTS,
        volumes::TESTS,
    ]
    .concat();
    if std::env::args().any(|argument| argument == "--list") {
        for (name, _) in &all {
            eprintln!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let mut failed = Vec::new();
    for (name, test) in all {
        if !filter.is_empty() && !filter.iter().any(|part| name.contains(part)) {
            continue;
        }
        let passed = catch_unwind(AssertUnwindSafe(|| bench::run(test))).is_ok();
        eprintln!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        if !passed {
            failed.push(name);
        }
    }
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        eprintln!("failed: {failed:?}");
        ExitCode::FAILURE
    }
}
