//! What a task uses: counters of the kernel, and bytes on disk.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use contract::task::{ContainerPhase, TaskPhase};
use contract::usage::{ContainerUsage, InterfaceUsage};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

use crate::Runtime;
use crate::shim::{SOCKET_FILE, address};
use crate::status::TaskStatus;
use crate::volume;

/// A task that has more files than this is not counted to the end.
const ENTRIES_MAX: usize = 500_000;
/// Unit of a file's blocks, whatever the file system's.
const BLOCK_BYTES: u64 = 512;

impl Runtime {
    /// What the running containers of a task use, and its network interface; `None` for a task that does not run.
    /// Blocks, as a rule for less than a millisecond.
    pub fn usage(&self, id: &str) -> Option<(Vec<ContainerUsage>, Option<InterfaceUsage>)> {
        let directory = self.task_directory(id)?;
        let status = TaskStatus::load(&directory).ok()?;
        if status.phase == TaskPhase::Stopped {
            return None;
        }
        let shim = shim_of(&directory)?;
        let group = self.config().cgroup(id);
        let containers = status
            .containers
            .iter()
            .filter(|container| container.phase == ContainerPhase::Running)
            .map(|container| ContainerUsage {
                name: container.name.clone(),
                ..group.child(&container.name).usage()
            })
            .collect();
        // The shim lives in the task's network.
        let interfaces = fs::read_to_string(format!("/proc/{shim}/net/dev")).unwrap_or_default();
        Some((containers, interface(&interfaces, |name| name != "lo")))
    }

    /// What a task uses together with all that live in it, and the link of its own; `None` for a task that does not run.
    pub fn machine_usage(&self, id: &str, link: &str) -> Option<(ContainerUsage, InterfaceUsage)> {
        let directory = self.task_directory(id)?;
        let status = TaskStatus::load(&directory).ok()?;
        if status.phase == TaskPhase::Stopped {
            return None;
        }
        let shim = shim_of(&directory)?;
        // The bridge of its containers and their links would count the same bytes again.
        let interfaces = fs::read_to_string(format!("/proc/{shim}/net/dev")).unwrap_or_default();
        let own = interface(&interfaces, |name| name == link)?;
        Some((self.config().cgroup(id).usage(), own))
    }

    /// What a task's containers have written to their own file systems and to its own volumes, in bytes on disk.
    /// Walks over all of it: blocks, and is not to be done often.
    pub fn storage_bytes(&self, id: &str) -> u64 {
        let Some(directory) = self.task_directory(id) else {
            return 0;
        };
        let containers = fs::read_dir(directory.join("containers")).into_iter().flatten();
        let mut places: Vec<PathBuf> = containers
            .flatten()
            .map(|container| container.path().join("upper"))
            .collect();
        places.push(volume::own_directory(&directory));
        on_disk(places)
    }
}

/// The process that listens at the task's socket.
fn shim_of(directory: &Path) -> Option<i32> {
    let (_open, address) = address(directory, SOCKET_FILE).ok()?;
    let stream = UnixStream::connect(address).ok()?;
    Some(getsockopt(&stream, PeerCredentials).ok()?.pid())
}

/// Those that are meant, of `/proc/net/dev`; `None` when there are none.
fn interface(text: &str, is_meant: impl Fn(&str) -> bool) -> Option<InterfaceUsage> {
    let mut usage: Option<InterfaceUsage> = None;
    for line in text.lines() {
        let Some((name, counters)) = line.split_once(':') else {
            continue;
        };
        if !is_meant(name.trim()) {
            continue;
        }
        let counters: Vec<u64> = counters
            .split_whitespace()
            .map_while(|counter| counter.parse().ok())
            .collect();
        let at = |place: usize| counters.get(place).copied().unwrap_or(0);
        let usage = usage.get_or_insert_default();
        usage.received_bytes += at(0);
        usage.received_packets += at(1);
        usage.received_errors += at(2);
        usage.received_dropped += at(3);
        usage.sent_bytes += at(8);
        usage.sent_packets += at(9);
        usage.sent_errors += at(10);
        usage.sent_dropped += at(11);
    }
    usage
}

fn on_disk(mut places: Vec<PathBuf>) -> u64 {
    let mut seen = HashSet::new();
    let mut entries = 0;
    let mut bytes = 0;
    while let Some(place) = places.pop() {
        for entry in fs::read_dir(place).into_iter().flatten().flatten() {
            entries += 1;
            if entries > ENTRIES_MAX {
                return bytes;
            }
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                places.push(entry.path());
            } else if metadata.nlink() > 1 && !seen.insert((metadata.dev(), metadata.ino())) {
                continue;
            }
            bytes += metadata.blocks() * BLOCK_BYTES;
        }
    }
    bytes
}

#[cfg(test)]
mod tests;
