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
const LOOK_EVERY: Duration = Duration::from_millis(10);

impl Cloud {
    /// Returns whether there was anything to stop.
    pub(crate) fn stop(&self) -> anyhow::Result<bool> {
        let Some(settings) = Settings::load(&self.state)? else {
            return Ok(false);
        };
        let state = std::path::absolute(&self.state)?;
        let layout = Layout::new(&state, &settings.instance);
        let mut stopped = false;
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
