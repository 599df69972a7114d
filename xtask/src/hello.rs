//! From nothing to a page in the browser: builds Wharf, builds the example, puts it online.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// The example has no C library to find in an empty image, so it brings its own.
const STATIC: &str = "-C target-feature=+crt-static";

pub fn run(root: &Path, arguments: &[&str]) -> Result<()> {
    let target = target_directory(root)?;
    say("building Wharf (a few minutes the first time)");
    cargo(
        root,
        &target,
        &["build", "--release", "--package", "wharf", "--bin", "wharf"],
        None,
    )?;
    example(root, &target)?;
    say("deploying examples/hello");
    let status = Command::new(target.join("release/wharf"))
        .arg("up")
        .arg(root.join("examples/hello"))
        .args(arguments)
        .status()
        .context("wharf cannot be started")?;
    std::process::exit(status.code().unwrap_or(1));
}

/// The static web server beside its Dockerfile.
pub fn example(root: &Path, target: &Path) -> Result<()> {
    say("building examples/hello");
    let triple = host_triple()?;
    let folder = root.join("examples/hello");
    let place = target.join("examples");
    cargo(
        &folder,
        &place,
        &["build", "--release", "--quiet", "--target", &triple],
        Some(STATIC),
    )?;
    let built = place.join(&triple).join("release/hello");
    let copy = folder.join("hello");
    std::fs::copy(&built, &copy).with_context(|| format!("{} cannot be copied", built.display()))?;
    Ok(())
}

pub fn target_directory(root: &Path) -> Result<PathBuf> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(root)
        .no_deps()
        .exec()?;
    Ok(metadata.target_directory.into_std_path_buf())
}

fn host_triple() -> Result<String> {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .context("rustc cannot be started")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line
        .context("rustc does not say which machine this is")?
        .to_owned())
}

fn cargo(folder: &Path, target: &Path, arguments: &[&str], flags: Option<&str>) -> Result<()> {
    let mut command = Command::new("cargo");
    command
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target);
    if let Some(flags) = flags {
        command.env("RUSTFLAGS", flags);
    }
    let status = command.status().context("cargo cannot be started")?;
    if !status.success() {
        bail!("cargo {} failed", arguments.join(" "));
    }
    Ok(())
}

fn say(what: &str) {
    eprintln!("==> {what}");
}
