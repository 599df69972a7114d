//! Everything a machine can check, in the order in which it fails fastest.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::hello;

/// All that is built and run. No examples in documentation: there are none, and looking for them takes minutes.
const WHAT: &[&str] = &["--workspace", "--lib", "--bins", "--tests"];

pub fn run(root: &Path) -> Result<()> {
    let target = hello::target_directory(root)?;
    step(root, "format", &["cargo", "fmt", "--all", "--check"])?;
    step(
        root,
        "clippy",
        &[
            "cargo",
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ],
    )?;
    // What real clients drive is built together with the tests, of the same profile: a release build would take as long as
    // all else together.
    step(root, "build", &[&["cargo", "build"][..], WHAT].concat())?;
    hello::example(root, &target)?;
    step(
        root,
        "tests",
        &[&["cargo", "test", "--no-fail-fast"][..], WHAT].concat(),
    )
}

fn step(root: &Path, name: &str, command: &[&str]) -> Result<()> {
    eprintln!("==> {name}: {}", command.join(" "));
    let begun = Instant::now();
    let status = Command::new(command[0])
        .args(&command[1..])
        // Nobody steps through this build or builds on it.
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_PROFILE_DEV_DEBUG", "none")
        .current_dir(root)
        .status()
        .with_context(|| format!("{} cannot be started", command[0]))?;
    if !status.success() {
        bail!("{name} failed");
    }
    eprintln!("==> {name}: {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}
