//! The OCI runtime configuration of a container, with Docker's defaults.
//!
//! What is masked, read-only, mounted and allowed follows Docker's default specification (moby `oci/defaults.go`,
//! `oci/caps/defaults.go`).

use std::path::Path;

use serde_json::{Value, json};

use crate::cgroup::{Limits, PIDS_MAX};
use crate::rlimit::Rlimit;
use crate::step::Bind;
use crate::user::User;

/// Docker's default capabilities.
const CAPABILITIES: [&str; 14] = [
    "CAP_AUDIT_WRITE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_MKNOD",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
];
/// What the container's first process still needs between the runtime library and its program: installing the
/// system call filter without "no new privileges", and bringing up loopback. Executing the program takes it away, as
/// it is not in the bounding set.
const UNTIL_EXEC: [&str; 2] = ["CAP_SYS_ADMIN", "CAP_NET_ADMIN"];
const MASKED: [&str; 12] = [
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
];
const READONLY: [&str; 5] = [
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
];

pub(crate) struct Container<'a> {
    pub root: &'a Path,
    pub process: Process<'a>,
    pub hostname: &'a str,
    pub binds: &'a [Bind],
    pub readonly_root: bool,
    /// An own network namespace with loopback only; otherwise the shim's.
    pub own_network: bool,
    /// Absolute path in the hierarchies.
    pub cgroup: &'a str,
    pub limits: Limits,
}

pub(crate) struct Process<'a> {
    pub arguments: &'a [String],
    pub environment: &'a [(String, String)],
    pub working_directory: &'a str,
    pub user: &'a User,
    pub terminal: bool,
    pub rlimits: &'a [Rlimit],
}

impl Process<'_> {
    /// The `process` object, which is also what starting a further process in a running container takes.
    pub fn to_json(&self) -> Value {
        let bounding: Vec<&str> = capabilities();
        let until_exec: Vec<&str> = bounding.iter().copied().chain(UNTIL_EXEC).collect();
        let rlimits: Vec<Value> = self
            .rlimits
            .iter()
            .map(|limit| json!({"type": limit.name, "soft": limit.soft, "hard": limit.hard}))
            .collect();
        json!({
            "terminal": self.terminal,
            "user": {
                "uid": self.user.uid,
                "gid": self.user.gid,
                "additionalGids": supplementary(self.user),
            },
            "args": self.arguments,
            "env": environment(self.environment, &self.user.home),
            "cwd": self.working_directory,
            "capabilities": {
                "bounding": bounding,
                "effective": until_exec,
                "permitted": until_exec,
                "inheritable": [],
                "ambient": [],
            },
            "rlimits": rlimits,
            "noNewPrivileges": false,
        })
    }
}

/// The own group is always among the supplementary ones: with an empty list the groups of the shim would stay.
fn supplementary(user: &User) -> Vec<u32> {
    let mut groups = vec![user.gid];
    groups.extend(&user.additional_gids);
    groups
}

fn capabilities() -> Vec<&'static str> {
    // Version 2 limits devices by a BPF program only, which the runtime library does not bring: without it whoever
    // can make device nodes can open the host's disks.
    let devices_limited = Path::new("/sys/fs/cgroup/devices").exists();
    CAPABILITIES
        .into_iter()
        .filter(|name| devices_limited || *name != "CAP_MKNOD")
        .collect()
}

/// `NAME=value`, each name once, the last value. HOME is never left open: the runtime library would look it up with
/// the C library, which loads code from the image.
fn environment(variables: &[(String, String)], home: &str) -> Vec<String> {
    let mut result: Vec<(&str, &str)> = Vec::new();
    let defaults = [("PATH", crate::process::DEFAULT_PATH), ("HOME", home)];
    let given = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in defaults.into_iter().chain(given) {
        let value = if name == "HOME" && value.is_empty() {
            home
        } else {
            value
        };
        match result.iter_mut().find(|(known, _)| *known == name) {
            Some(entry) => entry.1 = value,
            None => result.push((name, value)),
        }
    }
    result
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

impl Container<'_> {
    pub fn to_json(&self) -> Value {
        let mut namespaces = vec!["pid", "ipc", "uts", "mount", "cgroup"];
        if self.own_network {
            namespaces.push("network");
        }
        let namespaces: Vec<Value> = namespaces.into_iter().map(|kind| json!({"type": kind})).collect();
        json!({
            "ociVersion": "1.2.0",
            "process": self.process.to_json(),
            "root": {"path": self.root, "readonly": self.readonly_root},
            "hostname": self.hostname,
            "mounts": self.mounts(),
            "linux": {
                "namespaces": namespaces,
                "cgroupsPath": self.cgroup,
                "resources": resources(self.limits),
                "maskedPaths": MASKED,
                "readonlyPaths": READONLY,
                "rootfsPropagation": "private",
            },
        })
    }

    fn mounts(&self) -> Vec<Value> {
        let mount = |target: &str, kind: &str, options: &[&str]| json!({"destination": target, "type": kind, "source": kind, "options": options});
        let mut mounts = vec![
            mount("/proc", "proc", &["nosuid", "noexec", "nodev"]),
            mount(
                "/dev",
                "tmpfs",
                &["nosuid", "strictatime", "mode=755", "size=65536k"],
            ),
            mount(
                "/dev/pts",
                "devpts",
                &[
                    "nosuid",
                    "noexec",
                    "newinstance",
                    "ptmxmode=0666",
                    "mode=0620",
                    "gid=5",
                ],
            ),
            mount(
                "/dev/shm",
                "tmpfs",
                &["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
            ),
            mount("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
            mount("/sys", "sysfs", &["nosuid", "noexec", "nodev", "ro"]),
            mount(
                "/sys/fs/cgroup",
                "cgroup",
                &["nosuid", "noexec", "nodev", "relatime", "ro"],
            ),
        ];
        mounts.extend(self.binds.iter().map(|bind| {
            let access = if bind.readonly { "ro" } else { "rw" };
            json!({
                "destination": bind.target, "type": "bind", "source": bind.source,
                "options": ["rbind", "rprivate", access],
            })
        }));
        mounts
    }
}

fn resources(limits: Limits) -> Value {
    let mut resources = json!({
        // The library adds the usual devices (null, zero, random, tty, pts) to what is allowed.
        "devices": [{"allow": false, "access": "rwm"}],
        "pids": {"limit": PIDS_MAX},
    });
    if let Some(units) = limits.cpu_units {
        resources["cpu"] = json!({"shares": units.max(2)});
    }
    if let Some(memory) = limits.memory_mib {
        resources["memory"] = json!({"limit": u64::from(memory) << 20});
    }
    resources
}

#[cfg(test)]
mod tests;
