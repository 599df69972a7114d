//! Everything a machine can check, in the order in which it fails fastest.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::hello;

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
    // The binary is what the tests with real clients drive.
    step(
        root,
        "build",
        &[
            "cargo",
            "build",
            "--release",
            "--package",
            "wharf",
            "--bin",
            "wharf",
        ],
    )?;
    hello::example(root, &target)?;
    step(root, "tests", &["cargo", "test", "--workspace", "--no-fail-fast"])
}

fn step(root: &Path, name: &str, command: &[&str]) -> Result<()> {
    eprintln!("==> {name}: {}", command.join(" "));
    let begun = Instant::now();
    let status = Command::new(command[0])
        .args(&command[1..])
        .current_dir(root)
        .status()
        .with_context(|| format!("{} cannot be started", command[0]))?;
    if !status.success() {
        bail!("{name} failed");
    }
    eprintln!("==> {name}: {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}
