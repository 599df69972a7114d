//! Nothing is left behind, and that is looked at.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

const ROUNDS_MAX: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);

/// Removes a control group and those below it from all hierarchies, once nothing runs there.
pub fn remove_groups(name: &str) {
    for place in groups(name) {
        for _ in 0..ROUNDS_MAX {
            remove_tree(&place);
            if !place.exists() {
                break;
            }
            thread::sleep(PAUSE);
        }
    }
}

fn groups(name: &str) -> Vec<PathBuf> {
    let root = Path::new("/sys/fs/cgroup");
    let mut found: Vec<PathBuf> = fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .map(|hierarchy| hierarchy.path().join(name))
        .filter(|place| place.is_dir())
        .collect();
    found.extend(Some(root.join(name)).filter(|place| place.is_dir()));
    found
}

fn remove_tree(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_tree(&entry.path());
        }
    }
    let _ = fs::remove_dir(place);
}

/// Processes, mounts and control groups that still have this instance's name.
///
/// # Errors
/// With a sentence about what is left.
pub fn check(directory: &Path, groups_of: &[String]) -> io::Result<()> {
    let name = directory.display().to_string();
    let mut left = Vec::new();
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    left.extend(
        mounts
            .lines()
            .filter(|line| line.contains(&name))
            .map(str::to_owned),
    );
    for entry in fs::read_dir("/proc")?.flatten() {
        let own = std::process::id().to_string();
        let arguments = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let arguments = String::from_utf8_lossy(&arguments).replace('\0', " ");
        if arguments.contains(&name) && entry.file_name().to_string_lossy() != own {
            left.push(arguments);
        }
    }
    for group in groups_of {
        left.extend(groups(group).iter().map(|place| place.display().to_string()));
    }
    if left.is_empty() {
        Ok(())
    } else {
        Err(io::Error::other(format!("left behind:\n{}", left.join("\n"))))
    }
}
