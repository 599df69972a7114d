//! Processes that steps left behind, found by a variable of their environment, as GitHub's runner does it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The variable that every process of a run inherits.
pub(crate) const MARK: &str = "RUNNER_TRACKING_ID";

/// How often what is killed is looked for again, as it may just have made a child.
const LOOKS_MAX: usize = 50;
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Begins the marks of all jobs of a run. Two clouds of one machine have runs of the same number.
pub(crate) fn run_mark(run: u64, home: &Path) -> String {
    use sha2::Digest as _;
    let place = hex::encode(&sha2::Sha256::digest(home.as_os_str().as_encoded_bytes())[..4]);
    format!("wharf_{place}_{run}_")
}

pub(crate) fn job_mark(run: u64, home: &Path, job: usize) -> String {
    format!("{}{job}_", run_mark(run, home))
}

/// Kills every process whose mark begins so, and waits until none is left.
pub(crate) fn end(mark: &str) {
    let wanted = format!("{MARK}={mark}");
    for _ in 0..LOOKS_MAX {
        let found = marked(wanted.as_bytes());
        if found.is_empty() {
            return;
        }
        for pid in found {
            let _ = kill(pid, Signal::SIGKILL);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn marked(wanted: &[u8]) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| *pid != std::process::id().cast_signed())
        .filter(|pid| {
            // A process that has ended but was not waited for has no environment any more.
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment
                .split(|byte| *byte == 0)
                .any(|variable| variable.starts_with(wanted))
        })
        .map(Pid::from_raw)
        .collect()
}
