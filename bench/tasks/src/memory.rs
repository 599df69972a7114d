//! What tasks cost in memory, in KiB.

use std::fs;

/// In which control groups a task's shim and its containers' programs are.
const HIERARCHIES: [&str; 2] = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"];

#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// Proportional set sizes: what is shared is divided among those who share it.
    pub shims: f64,
    pub programs: f64,
    /// What the kernel has charged to the tasks' and shims' control groups, its own memory for them included.
    pub charged: f64,
    /// What the whole machine could still give; others change it as well.
    pub available: f64,
}

impl Memory {
    pub fn now(instance: &str) -> Self {
        let mut memory = Self {
            available: field(&read("/proc/meminfo"), "MemAvailable:"),
            ..Self::default()
        };
        let Some(group) = HIERARCHIES
            .map(|mount| format!("{mount}/wharf-{instance}"))
            .into_iter()
            .find(|group| fs::exists(group).unwrap_or(false))
        else {
            return memory;
        };
        memory.shims = proportional(&format!("{group}/shims"));
        memory.programs = proportional(&group) - memory.shims;
        memory.charged = ["memory.usage_in_bytes", "memory.current"]
            .iter()
            .find_map(|file| fs::read_to_string(format!("{group}/{file}")).ok())
            .and_then(|text| text.trim().parse::<f64>().ok())
            .map_or(f64::NAN, |bytes| bytes / 1024.0);
        memory
    }
}

fn proportional(group: &str) -> f64 {
    let own: f64 = read(&format!("{group}/cgroup.procs"))
        .lines()
        .map(|pid| field(&read(&format!("/proc/{pid}/smaps_rollup")), "Pss:"))
        .sum();
    let below: f64 = fs::read_dir(group)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| proportional(&entry.path().display().to_string()))
        .sum();
    own + below
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The number behind a name, in `/proc`'s form `Name:   12 kB`.
fn field(text: &str, name: &str) -> f64 {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
        .unwrap_or(0.0)
}
