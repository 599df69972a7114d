//! Control groups: limits for a task as a whole, the reliable way to kill everything in it, and who ran out of
//! memory. Version 1 (also hybrid) and version 2.

mod hierarchy;
mod usage;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io, thread};

use contract::usage::ContainerUsage;
use hierarchy::{Hierarchy, hierarchies};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::memory::Memory;

/// Processes and threads that a task may have at once.
pub const PIDS_MAX: i64 = 4096;
/// Length of the period in which a CPU quota is given out.
const CPU_PERIOD_US: u64 = 100_000;
/// The kernel refuses smaller quotas.
const CPU_QUOTA_MIN_US: u64 = 1_000;
/// 1024 units are one CPU.
const CPU_UNITS_PER_CPU: u64 = 1024;
const KILL_ROUNDS_MAX: u32 = 400;
const KILL_PAUSE: Duration = Duration::from_millis(5);

/// What a control group as a whole may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    pub cpu_units: Option<u32>,
    pub memory_mib: Option<u32>,
}

/// Controllers that limits need and this machine does not have.
pub fn missing_controllers() -> Vec<&'static str> {
    ["cpu", "memory", "pids"]
        .into_iter()
        .filter(|controller| !hierarchies().iter().any(|hierarchy| hierarchy.has(controller)))
        .collect()
}

/// One control group, in all hierarchies of this machine.
#[derive(Clone, Debug)]
pub struct Cgroup {
    /// Absolute, as seen from the roots of the hierarchies.
    path: String,
}

impl Cgroup {
    pub fn new(path: &str) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    pub fn child(&self, name: &str) -> Self {
        Self {
            path: format!("{}/{name}", self.path),
        }
    }

    fn place(&self, hierarchy: &Hierarchy) -> PathBuf {
        hierarchy.mount.join(self.path.trim_start_matches('/'))
    }

    /// Makes the group where it is missing; where it is in each hierarchy of version 1, with the hierarchy's name.
    ///
    /// # Errors
    /// When the kernel refuses the group.
    pub fn legacy_places(&self) -> io::Result<Vec<(PathBuf, String)>> {
        let legacy = hierarchies().iter().filter(|hierarchy| !hierarchy.unified);
        let mut places = Vec::new();
        for hierarchy in legacy {
            let place = self.place(hierarchy);
            hierarchy.make(&place)?;
            let name = hierarchy.mount.file_name().unwrap_or_default();
            places.push((place, name.to_string_lossy().into_owned()));
        }
        Ok(places)
    }

    /// Makes the group where it is missing and sets its limits; at most [`PIDS_MAX`] processes in any case. With a
    /// limit for memory there is no more swap than `swap_mib`.
    ///
    /// # Errors
    /// When the kernel refuses the group or a limit.
    pub fn create(&self, limits: Limits, swap_mib: u32) -> io::Result<()> {
        for hierarchy in hierarchies() {
            let place = self.place(hierarchy);
            hierarchy.make(&place)?;
            for (file, value) in settings(hierarchy, limits) {
                let path = place.join(file);
                if path.exists() {
                    fs::write(&path, &value).map_err(|error| named(&path, &error))?;
                }
            }
            // Swap would only make a task that is over its limit slow before it is killed. Not every kernel can
            // account for it, hence no error.
            if let (Some(memory), true) = (limits.memory_mib, hierarchy.has("memory")) {
                let (memory, swap) = (u64::from(memory) << 20, u64::from(swap_mib) << 20);
                let _ = fs::write(
                    place.join("memory.memsw.limit_in_bytes"),
                    (memory + swap).to_string(),
                );
                let _ = fs::write(place.join("memory.swap.max"), swap.to_string());
            }
        }
        Ok(())
    }

    /// Makes the group where it is missing and sets what it may use of memory and swap; sentences about what this
    /// machine cannot give.
    ///
    /// # Errors
    /// When the kernel refuses the group or a value.
    pub fn set_memory(&self, memory: &Memory) -> io::Result<Vec<String>> {
        let mut notes = Vec::new();
        for hierarchy in hierarchies().iter().filter(|hierarchy| hierarchy.has("memory")) {
            let place = self.place(hierarchy);
            hierarchy.make(&place)?;
            for setting in memory.settings(hierarchy.unified) {
                let path = place.join(setting.file);
                if path.exists() {
                    fs::write(&path, &setting.value).map_err(|error| named(&path, &error))?;
                } else {
                    notes.push(setting.otherwise);
                }
            }
            notes.extend(memory.note(hierarchy.unified));
        }
        Ok(notes)
    }

    /// Moves a process here, in every hierarchy that has room for it.
    ///
    /// # Errors
    /// When the group cannot be made.
    pub fn enter(&self, pid: u32) -> io::Result<()> {
        hierarchies()
            .iter()
            .try_for_each(|hierarchy| self.enter_in(hierarchy, pid))
    }

    /// Moves a process here in one hierarchy. The kernel lets the first move after a pause wait until all processors
    /// have taken notice (some 10 ms), and moves soon after do not wait: whoever begins early makes the rest short.
    ///
    /// # Errors
    /// When the group cannot be made.
    pub fn begin_to_enter(&self, pid: u32) -> io::Result<()> {
        hierarchies()
            .first()
            .map_or(Ok(()), |hierarchy| self.enter_in(hierarchy, pid))
    }

    fn enter_in(&self, hierarchy: &Hierarchy, pid: u32) -> io::Result<()> {
        let place = self.place(hierarchy);
        hierarchy.make(&place)?;
        fs::write(place.join("cgroup.procs"), pid.to_string()).map_err(|error| named(&place, &error))
    }

    /// Kills everything in the group and below it, waits until it is gone, and removes the groups. Blocks, as a
    /// rule for a few milliseconds.
    pub fn kill_and_remove(&self) {
        for hierarchy in hierarchies() {
            let place = self.place(hierarchy);
            if place.exists() {
                kill_all(hierarchy, &place);
            }
        }
        for hierarchy in hierarchies() {
            remove_tree(&self.place(hierarchy));
        }
    }

    /// Removes the group if it holds nothing but an empty child of this name. All hierarchies decide together: in some
    /// of version 1 nothing is ever put into it.
    pub fn remove_around(&self, child: &str) {
        if self.children().iter().any(|name| name != child) {
            return;
        }
        for hierarchy in hierarchies() {
            let place = self.place(hierarchy);
            let child = place.join(child);
            if subgroups(&place) == [child.clone()] && fs::remove_dir(&child).is_ok() {
                let _ = fs::remove_dir(&place);
            }
        }
    }

    /// Sends a signal to every process in the group and below it.
    pub fn signal(&self, signal: Signal) {
        for pid in self.processes() {
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    pub fn processes(&self) -> BTreeSet<i32> {
        hierarchies()
            .iter()
            .flat_map(|hierarchy| processes_below(&self.place(hierarchy)))
            .collect()
    }

    /// How many processes of the group (and below) the kernel has killed for lack of memory.
    pub fn oom_kills(&self) -> u64 {
        hierarchies()
            .iter()
            .filter(|hierarchy| hierarchy.has("memory"))
            .flat_map(|hierarchy| {
                let place = self.place(hierarchy);
                [place.join("memory.oom_control"), place.join("memory.events")]
            })
            .filter_map(|file| fs::read_to_string(file).ok())
            .filter_map(|text| {
                text.lines()
                    .find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse::<u64>().ok())
            })
            .max()
            .unwrap_or(0)
    }

    /// What the group uses now, as far as this machine counts it.
    pub fn usage(&self) -> ContainerUsage {
        let mut usage = ContainerUsage::default();
        for hierarchy in hierarchies() {
            let place = self.place(hierarchy);
            usage::take_in(&mut usage, hierarchy, &|file| {
                fs::read_to_string(place.join(file)).ok()
            });
            // Version 2 says of each group only its own limit.
            if let (true, Some(above)) = (hierarchy.unified, place.parent()) {
                let limit = usage::limit(&fs::read_to_string(above.join("memory.max")).unwrap_or_default());
                usage.memory_limit_bytes = usage.memory_limit_bytes.into_iter().chain(limit).min();
            }
        }
        usage
    }

    pub fn exists(&self) -> bool {
        hierarchies()
            .iter()
            .any(|hierarchy| self.place(hierarchy).exists())
    }

    /// Names of the groups directly below this one, in any hierarchy.
    pub fn children(&self) -> BTreeSet<String> {
        hierarchies()
            .iter()
            .flat_map(|hierarchy| subgroups(&self.place(hierarchy)))
            .filter_map(|place| Some(place.file_name()?.to_str()?.to_owned()))
            .collect()
    }
}

/// File and value of each limit in this hierarchy.
fn settings(hierarchy: &Hierarchy, limits: Limits) -> Vec<(&'static str, String)> {
    let mut settings = Vec::new();
    if hierarchy.has("pids") {
        settings.push(("pids.max", PIDS_MAX.to_string()));
    }
    if let (Some(units), true) = (limits.cpu_units, hierarchy.has("cpu")) {
        let quota_us = (u64::from(units) * CPU_PERIOD_US / CPU_UNITS_PER_CPU).max(CPU_QUOTA_MIN_US);
        if hierarchy.unified {
            settings.push(("cpu.max", format!("{quota_us} {CPU_PERIOD_US}")));
            settings.push(("cpu.weight", weight(units).to_string()));
        } else {
            settings.push(("cpu.cfs_period_us", CPU_PERIOD_US.to_string()));
            settings.push(("cpu.cfs_quota_us", quota_us.to_string()));
            settings.push(("cpu.shares", units.max(2).to_string()));
        }
    }
    if let (Some(memory), true) = (limits.memory_mib, hierarchy.has("memory")) {
        let bytes = (u64::from(memory) << 20).to_string();
        settings.push((
            if hierarchy.unified {
                "memory.max"
            } else {
                "memory.limit_in_bytes"
            },
            bytes,
        ));
    }
    settings
}

/// Version 2's weight (1 to 10,000) for version 1's shares (2 to 262,144), as OCI runtimes convert them.
fn weight(shares: u32) -> u64 {
    let shares = u64::from(shares.clamp(2, 262_144));
    1 + (shares - 2) * 9_999 / 262_142
}

fn kill_all(hierarchy: &Hierarchy, place: &Path) {
    if hierarchy.unified && fs::write(place.join("cgroup.kill"), "1").is_ok() {
        wait_until_empty(place, |_| {});
        return;
    }
    wait_until_empty(place, |pids| {
        for &pid in pids {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    });
}

fn wait_until_empty(place: &Path, act: impl Fn(&BTreeSet<i32>)) {
    for _ in 0..KILL_ROUNDS_MAX {
        let pids = processes_below(place);
        if pids.is_empty() {
            return;
        }
        act(&pids);
        thread::sleep(KILL_PAUSE);
    }
    tracing::warn!(group = %place.display(), "processes of a control group do not go away");
}

fn processes_below(place: &Path) -> BTreeSet<i32> {
    let mut pids: BTreeSet<i32> = fs::read_to_string(place.join("cgroup.procs"))
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.parse().ok())
        // A process of another PID namespace reads as 0, and a signal to 0 would hit ourselves.
        .filter(|&pid| pid > 0)
        .collect();
    for child in subgroups(place) {
        pids.extend(processes_below(&child));
    }
    pids
}

fn subgroups(place: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(place) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

fn remove_tree(place: &Path) {
    for child in subgroups(place) {
        remove_tree(&child);
    }
    for _ in 0..KILL_ROUNDS_MAX {
        match fs::remove_dir(place) {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => thread::sleep(KILL_PAUSE),
            _ => return,
        }
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
