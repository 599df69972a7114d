//! Real clients (docker, skopeo, curl) against the engine and the registry. Needs root; the test executable is the
//! runtime's shim, and `serve DIRECTORY PORT` keeps the service up for trying things by hand.

#[path = "images/bench.rs"]
mod bench;
#[path = "images/build.rs"]
mod build;
#[path = "images/client.rs"]
mod client;
#[path = "images/registry.rs"]
mod registry;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use bench::Test;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next();
    if first.as_deref() == Some("shim".as_ref()) {
        return dataplane_runtime::shim_main(arguments);
    }
    if first.as_deref() == Some("serve".as_ref()) {
        bench::serve(arguments);
        return ExitCode::SUCCESS;
    }
    let filter: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let all: Vec<Test> = [build::TESTS, client::TESTS, registry::TESTS].concat();
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
