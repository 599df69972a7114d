//! Desired rows become running tasks, on a host that is a namespace of its own. Needs root, a static busybox, ip and
//! nft; the test executable is its own shim.

#[path = "node/bench.rs"]
mod bench;
#[path = "node/cases.rs"]
mod cases;
#[path = "node/hosts.rs"]
mod hosts;
#[path = "node/inside.rs"]
mod inside;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next() {
        Some(first) if first == "shim" => return dataplane_runtime::shim_main(arguments),
        Some(first) if first == "host" => return hosts::main(),
        _ => {}
    }
    if std::env::args().any(|argument| argument == "--list") {
        for (name, _) in tests() {
            eprintln!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let filter: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let mut failed = Vec::new();
    for (name, test) in tests() {
        if !filter.is_empty() && !filter.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let passed = catch_unwind(AssertUnwindSafe(|| bench::run(*test))).is_ok();
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

fn tests() -> impl Iterator<Item = &'static (&'static str, bench::Test)> {
    cases::TESTS.iter().chain(hosts::TESTS).chain(inside::TESTS)
}
