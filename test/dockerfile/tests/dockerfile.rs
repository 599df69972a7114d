//! The builder against the corpus, its cache, and hostile input. Needs root; the test executable is the runtime's shim.

#[path = "dockerfile/cache.rs"]
mod cache;
#[path = "dockerfile/corpus.rs"]
mod corpus;
#[path = "dockerfile/hostile.rs"]
mod hostile;
#[path = "dockerfile/yard.rs"]
mod yard;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().as_deref() == Some("shim".as_ref()) {
        return dataplane_runtime::shim_main(arguments);
    }
    let filter: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let wanted = |name: &str| filter.is_empty() || filter.iter().any(|part| name.contains(part));
    if std::env::args().any(|argument| argument == "--list") {
        eprintln!("corpus: test");
        for (name, _) in [cache::TESTS, hostile::TESTS].concat() {
            eprintln!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let mut failed = corpus::run(&wanted);
    for (name, test) in [cache::TESTS, hostile::TESTS].concat() {
        if !wanted(name) {
            continue;
        }
        let passed = catch_unwind(AssertUnwindSafe(|| yard::run(test))).is_ok();
        eprintln!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        if !passed {
            failed.push(name.to_owned());
        }
    }
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        eprintln!("failed: {failed:?}");
        ExitCode::FAILURE
    }
}
