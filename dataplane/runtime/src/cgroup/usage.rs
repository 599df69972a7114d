//! What a group uses, in the words of both versions of control groups.

use contract::usage::ContainerUsage;

use super::hierarchy::Hierarchy;

/// Version 1 writes "no limit" as the largest multiple of a page.
const NO_LIMIT_BYTES: u64 = 1 << 62;

/// Takes in what one hierarchy knows of a group, whose files `read` reads.
pub(super) fn take_in(
    usage: &mut ContainerUsage,
    hierarchy: &Hierarchy,
    read: &impl Fn(&str) -> Option<String>,
) {
    if hierarchy.unified {
        unified(usage, read);
    } else {
        legacy(usage, hierarchy, read);
    }
    if hierarchy.has("pids") {
        usage.processes = number(read("pids.current"));
    }
}

fn unified(usage: &mut ContainerUsage, read: &impl Fn(&str) -> Option<String>) {
    if let Some(text) = read("cpu.stat") {
        let nanoseconds = field(&text, "usage_usec").saturating_mul(1000);
        // Beside version 1 this hierarchy has the group, and maybe none of its processes.
        usage.cpu_nanoseconds = usage.cpu_nanoseconds.max(nanoseconds);
    }
    if let Some(text) = read("memory.stat") {
        usage.memory_bytes = number(read("memory.current"));
        usage.cache_bytes = field(&text, "inactive_file");
        usage.memory_limit_bytes = limit(&read("memory.max").unwrap_or_default());
    }
    for part in read("io.stat").unwrap_or_default().split_whitespace() {
        match part.split_once('=') {
            Some(("rbytes", value)) => usage.read_bytes += value.parse().unwrap_or(0),
            Some(("wbytes", value)) => usage.written_bytes += value.parse().unwrap_or(0),
            _ => {}
        }
    }
}

fn legacy(usage: &mut ContainerUsage, hierarchy: &Hierarchy, read: &impl Fn(&str) -> Option<String>) {
    if hierarchy.has("cpuacct") {
        usage.cpu_nanoseconds = usage.cpu_nanoseconds.max(number(read("cpuacct.usage")));
    }
    if hierarchy.has("memory") {
        let text = read("memory.stat").unwrap_or_default();
        usage.memory_bytes = number(read("memory.usage_in_bytes"));
        usage.cache_bytes = field(&text, "total_inactive_file");
        let limit = field(&text, "hierarchical_memory_limit");
        usage.memory_limit_bytes = (limit > 0 && limit < NO_LIMIT_BYTES).then_some(limit);
    }
    if hierarchy.has("blkio") {
        // Who counts depends on the scheduler of the disk; nobody counts twice.
        let counted = [
            "blkio.throttle.io_service_bytes_recursive",
            "blkio.bfq.io_service_bytes_recursive",
        ]
        .into_iter()
        .filter_map(read)
        .map(|text| (transferred(&text, "Read"), transferred(&text, "Write")))
        .max();
        (usage.read_bytes, usage.written_bytes) = counted.unwrap_or_default();
    }
}

/// The sum over all disks, of lines such as `8:0 Read 4096`.
fn transferred(text: &str, direction: &str) -> u64 {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace().skip(1);
            (words.next()? == direction).then(|| words.next()?.parse::<u64>().ok())?
        })
        .sum()
}

fn number(text: Option<String>) -> u64 {
    text.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

fn field(text: &str, name: &str) -> u64 {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
        .unwrap_or(0)
}

/// Of version 2: a number or `max`.
pub(super) fn limit(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests;
