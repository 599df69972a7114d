//! Which capabilities a container has: Docker's default set, changed as asked for, within what this machine has.

use std::collections::BTreeSet;
use std::path::Path;

use contract::task::Linux;

/// The kernel's names, each at the place of its number.
const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// Docker's default capabilities (moby `oci/caps/defaults.go`).
const DEFAULTS: [&str; 14] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// A set of capabilities, by the kernel's numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Capabilities(BTreeSet<u8>);

impl Capabilities {
    /// Docker's default set on this machine.
    pub fn docker() -> Self {
        let mut set = Self(DEFAULTS.iter().filter_map(|name| number(name)).collect());
        set.without_nodes();
        set
    }

    /// What this process has itself, and so can give.
    pub fn own() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let bits = status
            .lines()
            .find_map(|line| u64::from_str_radix(line.strip_prefix("CapPrm:")?.trim(), 16).ok())
            .unwrap_or(0);
        Self((0..64).filter(|bit| bits & (1 << bit) != 0).collect())
    }

    /// Version 2 limits devices by a BPF program only, which the runtime library does not bring: without it whoever
    /// can make device nodes can open the host's disks.
    fn without_nodes(&mut self) {
        if !Path::new("/sys/fs/cgroup/devices").exists()
            && let Some(number) = number("MKNOD")
        {
            self.0.remove(&number);
        }
    }

    pub fn has(&self, name: &str) -> bool {
        number(name).is_some_and(|number| self.0.contains(&number))
    }

    /// As in OCI: `CAP_CHOWN`.
    pub fn names(&self) -> Vec<String> {
        self.0
            .iter()
            .filter_map(|&number| NAMES.get(usize::from(number)))
            .map(|name| format!("CAP_{name}"))
            .collect()
    }

    /// One bit for each, as the kernel counts them.
    pub fn bits(&self) -> u64 {
        self.0.iter().fold(0, |bits, number| bits | 1 << number)
    }
}

fn number(name: &str) -> Option<u8> {
    let place = NAMES.iter().position(|known| *known == name)?;
    u8::try_from(place).ok()
}

/// The set that a container gets, and sentences about what was asked for and this machine does not have.
///
/// # Errors
/// A sentence, when a name is not that of a capability.
pub(crate) fn resolve(linux: &Linux, own: &Capabilities) -> Result<(Capabilities, Vec<String>), String> {
    let (drop_all, drop) = parse(&linux.capabilities_drop)?;
    let (add_all, add) = parse(&linux.capabilities_add)?;
    if linux.privileged {
        return Ok((own.clone(), Vec::new()));
    }
    let mut set = if drop_all {
        Capabilities::default()
    } else {
        Capabilities::docker()
    };
    set.0.retain(|number| !drop.contains(number));
    if add_all {
        // Everything but what was taken away by name, as in Docker.
        set.0.extend(own.0.iter().filter(|number| !drop.contains(number)));
        set.without_nodes();
    }
    set.0.extend(&add);
    let mut notes = Vec::new();
    set.0.retain(|number| {
        let there = own.0.contains(number);
        if !there && add.contains(number) {
            let name = NAMES.get(usize::from(*number)).unwrap_or(&"");
            notes.push(format!(
                "capability {name} was not given: this machine does not have it itself"
            ));
        }
        there
    });
    Ok((set, notes))
}

/// Whether `ALL` is among the names, and the numbers of the others.
fn parse(names: &[String]) -> Result<(bool, BTreeSet<u8>), String> {
    let mut all = false;
    let mut numbers = BTreeSet::new();
    for name in names {
        let upper = name.to_uppercase();
        let plain = upper.strip_prefix("CAP_").unwrap_or(&upper);
        if plain == "ALL" {
            all = true;
        } else {
            numbers.insert(number(plain).ok_or_else(|| format!("unknown capability: {name:?}"))?);
        }
    }
    Ok((all, numbers))
}

#[cfg(test)]
mod tests;
