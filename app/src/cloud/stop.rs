//! Stopping: all processes end, and nothing of the cloud stays in the kernel.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};

use super::Cloud;
use crate::layout::Layout;
use crate::process::{Role, holder};
use crate::settings::Settings;

const END_LIMIT: Duration = Duration::from_secs(60);
/// Steps are asked to end, and get some seconds for it.
const RUNS_END_LIMIT: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(10);

impl Cloud {
    /// Returns whether there was anything to stop.
    pub(crate) fn stop(&self) -> anyhow::Result<bool> {
        let Some(settings) = Settings::load(&self.state)? else {
            return Ok(false);
        };
        let state = std::path::absolute(&self.state)?;
        let layout = Layout::new(&state, &settings.instance);
        let mut stopped = end_runs(&state)?;
        // The supervisor first: it ends the others in order, and would start them again.
        for role in Role::ALL {
            let lock = layout.lock(role.name());
            let Some(pid) = holder(&lock) else { continue };
            stopped = true;
            let _ = kill(pid, Signal::SIGTERM);
            let deadline = Instant::now() + END_LIMIT;
            while holder(&lock) == Some(pid) {
                if Instant::now() > deadline {
                    let _ = kill(pid, Signal::SIGKILL);
                    break;
                }
                std::thread::sleep(LOOK_EVERY);
            }
        }
        if layout.run.exists() {
            sweep(&state)?;
            let _ = std::fs::remove_dir_all(&layout.run);
        }
        Ok(stopped)
    }
}

/// Cancels what is running in pipelines and waits for it: its steps may talk to the cloud until they end.
fn end_runs(state: &Path) -> anyhow::Result<bool> {
    let runs = crate::pipeline::machine(state, None)?.runs;
    let active: Vec<u64> = runs
        .list(usize::MAX)?
        .into_iter()
        .filter(|run| !run.progress.is_over())
        .map(|run| run.id)
        .collect();
    for id in &active {
        runs.cancel(*id, "the local cloud was stopped")?;
    }
    let deadline = Instant::now() + RUNS_END_LIMIT;
    for id in &active {
        while !runs.repaired(*id)?.progress.is_over() {
            if Instant::now() > deadline {
                runs.kill(*id)?;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
    Ok(!active.is_empty())
}

/// Takes down what processes left behind that did not end in good order.
fn sweep(state: &Path) -> anyhow::Result<()> {
    let ended = std::process::Command::new("/proc/self/exe")
        .arg(Role::Control.name())
        .arg(state)
        .arg("sweep")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .context("the sweep cannot be started")?;
    if !ended.success() {
        bail!(
            "something of the cloud could not be removed; see {}",
            state.join("log/control.log").display()
        );
    }
    Ok(())
}
