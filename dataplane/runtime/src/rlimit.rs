//! Limits per process (ulimits), held to what this machine itself may give.

use contract::task::Ulimit;
use nix::sys::resource::{Resource, getrlimit};

/// What Fargate gives when nothing is asked for.
const DEFAULT_OPEN_FILES: u64 = 65_535;
const CAP_SYS_RESOURCE: u32 = 24;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rlimit {
    /// As in OCI: `RLIMIT_NOFILE`.
    pub name: String,
    pub soft: u64,
    pub hard: u64,
}

/// What the runtime library needs for its own work before the program runs.
const OPEN_FILES_MIN: u64 = 256;

/// The limits as the runtime library may set them, and that of open files where it is to be set later.
pub(crate) fn in_two_steps(limits: Vec<Rlimit>) -> (Vec<Rlimit>, Option<(u64, u64)>) {
    let mut later = None;
    let mut first = limits;
    for limit in &mut first {
        if limit.name == "RLIMIT_NOFILE" && limit.soft < OPEN_FILES_MIN {
            later = Some((limit.soft, limit.hard));
            limit.soft = OPEN_FILES_MIN;
            limit.hard = limit.hard.max(OPEN_FILES_MIN);
        }
    }
    (first, later)
}

/// The limits to set, and sentences about those that had to be lowered.
pub(crate) fn resolve(asked: &[Ulimit]) -> (Vec<Rlimit>, Vec<String>) {
    clamp(asked, may_raise(), |resource| {
        getrlimit(resource).map_or(u64::MAX, |(_, hard)| hard)
    })
}

/// Whether this process may go above its own hard limits.
fn may_raise() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| u64::from_str_radix(line.strip_prefix("CapEff:")?.trim(), 16).ok())
        .is_some_and(|set| set & (1 << CAP_SYS_RESOURCE) != 0)
}

fn clamp(
    asked: &[Ulimit],
    may_raise: bool,
    own_hard: impl Fn(Resource) -> u64,
) -> (Vec<Rlimit>, Vec<String>) {
    let mut limits = Vec::new();
    let mut notes = Vec::new();
    if !asked.iter().any(|limit| limit.name == "nofile") {
        let hard = if may_raise {
            DEFAULT_OPEN_FILES
        } else {
            DEFAULT_OPEN_FILES.min(own_hard(Resource::RLIMIT_NOFILE))
        };
        limits.push(Rlimit {
            name: "RLIMIT_NOFILE".to_owned(),
            soft: hard,
            hard,
        });
    }
    for limit in asked {
        let Some(resource) = resource(&limit.name) else {
            notes.push(format!(
                "ulimit {} is not known on this machine and was left out",
                limit.name
            ));
            continue;
        };
        let own = own_hard(resource);
        let hard = if may_raise {
            limit.hard
        } else {
            limit.hard.min(own)
        };
        if hard < limit.hard {
            notes.push(format!(
                "ulimit {} was lowered from {} to {own}, the limit of this machine",
                limit.name, limit.hard
            ));
        }
        let name = format!("RLIMIT_{}", limit.name.to_uppercase());
        limits.push(Rlimit {
            name,
            soft: limit.soft.min(hard),
            hard,
        });
    }
    (limits, notes)
}

fn resource(name: &str) -> Option<Resource> {
    Some(match name {
        "core" => Resource::RLIMIT_CORE,
        "cpu" => Resource::RLIMIT_CPU,
        "data" => Resource::RLIMIT_DATA,
        "fsize" => Resource::RLIMIT_FSIZE,
        "locks" => Resource::RLIMIT_LOCKS,
        "memlock" => Resource::RLIMIT_MEMLOCK,
        "msgqueue" => Resource::RLIMIT_MSGQUEUE,
        "nice" => Resource::RLIMIT_NICE,
        "nofile" => Resource::RLIMIT_NOFILE,
        "nproc" => Resource::RLIMIT_NPROC,
        "rss" => Resource::RLIMIT_RSS,
        "rtprio" => Resource::RLIMIT_RTPRIO,
        "rttime" => Resource::RLIMIT_RTTIME,
        "sigpending" => Resource::RLIMIT_SIGPENDING,
        "stack" => Resource::RLIMIT_STACK,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
