//! The OCI runtime configuration of a container, with Docker's defaults.
//!
//! What is masked, read-only, mounted and allowed follows Docker's default specification (moby `oci/defaults.go`,
//! `oci/caps/defaults.go`).

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::capability::Capabilities;
use crate::cgroup::{Limits, PIDS_MAX};
use crate::device::Node;
use crate::rlimit::Rlimit;
use crate::step::Bind;
use crate::tmpfs::Memory;
use crate::user::User;

/// What the container's first process still needs between the runtime library and its program: installing the
/// system call filter without "no new privileges", and bringing up loopback. Executing the program takes it away, as
/// it is not in the bounding set.
const UNTIL_EXEC: [&str; 2] = ["CAP_SYS_ADMIN", "CAP_NET_ADMIN"];
/// Docker's size of `/dev/shm`.
const SHARED_MEMORY_MIB: u32 = 64;
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

/// Where a container's namespace of one kind comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Namespace {
    /// A new one.
    Own,
    /// The one behind this file.
    Join(String),
    /// That of the shim, which is the machine's unless the shim has left it.
    Inherited,
}

pub(crate) struct Container<'a> {
    pub root: &'a Path,
    pub process: Process<'a>,
    pub hostname: &'a str,
    pub binds: &'a [Bind],
    pub tmpfs: &'a [Memory],
    pub readonly_root: bool,
    /// An own one has loopback only.
    pub network: Namespace,
    pub processes: Namespace,
    /// Its control groups of version 1 with the names of their hierarchies, where the runtime library cannot find them
    /// out: in a process namespace that others made it takes its parent's number for one of the machine's.
    pub control_groups: &'a [(PathBuf, String)],
    pub ipc: Namespace,
    pub shared_memory: SharedMemory<'a>,
    /// All of the host's devices may be used, and nothing is masked or read-only.
    pub privileged: bool,
    pub devices: &'a [Node],
    /// Those of the container's own namespaces.
    pub sysctls: &'a [(String, String)],
    /// Absolute path in the hierarchies.
    pub cgroup: &'a str,
    pub limits: Limits,
}

impl<'a> Container<'a> {
    /// A container with Docker's defaults and everything of its own but the network.
    pub fn new(root: &'a Path, process: Process<'a>, hostname: &'a str, cgroup: &'a str) -> Self {
        Self {
            root,
            process,
            hostname,
            binds: &[],
            tmpfs: &[],
            readonly_root: false,
            network: Namespace::Inherited,
            processes: Namespace::Own,
            control_groups: &[],
            ipc: Namespace::Own,
            shared_memory: SharedMemory::Own(None),
            privileged: false,
            devices: &[],
            sysctls: &[],
            cgroup,
            limits: Limits::default(),
        }
    }
}

/// What lies at `/dev/shm`.
pub(crate) enum SharedMemory<'a> {
    /// Of this size in MiB, Docker's if absent.
    Own(Option<u32>),
    /// This directory.
    Bind(&'a Path),
}

/// Size of `/dev/shm` when this much is asked for.
pub(crate) fn shared_memory_mib(asked: Option<u32>) -> u32 {
    asked.unwrap_or(SHARED_MEMORY_MIB)
}

pub(crate) struct Process<'a> {
    pub arguments: &'a [String],
    pub environment: &'a [(String, String)],
    pub working_directory: &'a str,
    pub user: &'a User,
    pub terminal: bool,
    pub rlimits: &'a [Rlimit],
    pub capabilities: &'a Capabilities,
    pub no_new_privileges: bool,
}

impl Process<'_> {
    /// The `process` object, which is also what starting a further process in a running container takes.
    pub fn to_json(&self) -> Value {
        let bounding = self.capabilities.names();
        let mut until_exec = bounding.clone();
        for name in UNTIL_EXEC {
            if !bounding.iter().any(|known| known == name) {
                until_exec.push(name.to_owned());
            }
        }
        let rlimits: Vec<Value> = self
            .rlimits
            .iter()
            .map(|limit| json!({"type": limit.name, "soft": limit.soft, "hard": limit.hard}))
            .collect();
        json!({
            "terminal": self.terminal,
            "user": user(self.user),
            "args": self.arguments,
            "env": environment(self.environment, &self.user.home, self.terminal),
            "cwd": self.working_directory,
            "capabilities": {
                "bounding": bounding,
                "effective": until_exec,
                "permitted": until_exec,
                "inheritable": [],
                "ambient": [],
            },
            "rlimits": rlimits,
            "noNewPrivileges": self.no_new_privileges,
        })
    }
}

/// The same process with another program, other variables and perhaps a terminal: for a further process in a running
/// container.
pub(crate) fn further(
    process: &Value,
    arguments: &[String],
    variables: &[(String, String)],
    terminal: bool,
) -> Value {
    let mut all: Vec<(String, String)> = if terminal {
        vec![("TERM".to_owned(), "xterm".to_owned())]
    } else {
        Vec::new()
    };
    let given = process["env"].as_array().into_iter().flatten();
    all.extend(
        given
            .filter_map(Value::as_str)
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    all.extend_from_slice(variables);
    let mut further = process.clone();
    further["args"] = json!(arguments);
    further["terminal"] = json!(terminal);
    further["env"] = json!(last_of_each(
        all.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    ));
    further
}

/// The `user` of a process.
pub(crate) fn user(user: &User) -> Value {
    json!({"uid": user.uid, "gid": user.gid, "additionalGids": supplementary(user)})
}

/// The own group is always among the supplementary ones: with an empty list the groups of the shim would stay.
fn supplementary(user: &User) -> Vec<u32> {
    let mut groups = vec![user.gid];
    groups.extend(&user.additional_gids);
    groups
}

/// `NAME=value`, each name once, the last value. HOME is never left open: the runtime library would look it up with
/// the C library, which loads code from the image.
fn environment(variables: &[(String, String)], home: &str, terminal: bool) -> Vec<String> {
    let mut defaults = vec![("PATH", crate::process::DEFAULT_PATH), ("HOME", home)];
    if terminal {
        defaults.push(("TERM", "xterm"));
    }
    let given = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .map(|(name, value)| {
            (
                name,
                if name == "HOME" && value.is_empty() {
                    home
                } else {
                    value
                },
            )
        });
    last_of_each(defaults.into_iter().chain(given))
}

fn last_of_each<'a>(variables: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut result: Vec<(&str, &str)> = Vec::new();
    for (name, value) in variables {
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
        let (masked, readonly): (&[&str], &[&str]) = if self.privileged {
            (&[], &[])
        } else {
            (&MASKED, &READONLY)
        };
        let sysctls: serde_json::Map<String, Value> = self
            .sysctls
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        let devices: Vec<Value> = self.devices.iter().map(Node::to_json).collect();
        json!({
            "ociVersion": "1.2.0",
            "process": self.process.to_json(),
            "root": {"path": self.root, "readonly": self.readonly_root},
            "hostname": self.hostname,
            "mounts": self.mounts(),
            "linux": {
                "namespaces": self.namespaces(),
                "cgroupsPath": self.cgroup,
                "resources": self.resources(),
                "devices": devices,
                "sysctl": sysctls,
                "maskedPaths": masked,
                "readonlyPaths": readonly,
                "rootfsPropagation": "private",
            },
        })
    }

    fn namespaces(&self) -> Vec<Value> {
        let mut namespaces: Vec<Value> = ["uts", "mount", "cgroup"]
            .into_iter()
            .map(|kind| json!({"type": kind}))
            .collect();
        for (kind, namespace) in [
            ("network", &self.network),
            ("pid", &self.processes),
            ("ipc", &self.ipc),
        ] {
            match namespace {
                Namespace::Own => namespaces.push(json!({"type": kind})),
                Namespace::Join(path) => namespaces.push(json!({"type": kind, "path": path})),
                Namespace::Inherited => {}
            }
        }
        namespaces
    }

    fn mounts(&self) -> Vec<Value> {
        let mount = |target: &str, kind: &str, options: &[&str]| json!({"destination": target, "type": kind, "source": kind, "options": options});
        let readonly = if self.privileged { "rw" } else { "ro" };
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
            self.shared_memory(),
            mount("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
            mount("/sys", "sysfs", &["nosuid", "noexec", "nodev", readonly]),
        ];
        if self.control_groups.is_empty() {
            let options = ["nosuid", "noexec", "nodev", "relatime", readonly];
            mounts.push(mount("/sys/fs/cgroup", "cgroup", &options));
        } else {
            let options = ["nosuid", "noexec", "nodev", "mode=755", "size=64k"];
            mounts.push(mount("/sys/fs/cgroup", "tmpfs", &options));
            mounts.extend(self.control_groups.iter().map(|(place, name)| {
                json!({
                    "destination": format!("/sys/fs/cgroup/{name}"), "type": "bind", "source": place,
                    "options": ["bind", "nosuid", "noexec", "nodev", readonly],
                })
            }));
        }
        mounts.extend(self.asked_mounts());
        mounts
    }

    fn shared_memory(&self) -> Value {
        let mut options = ["nosuid", "noexec", "nodev"].map(str::to_owned).to_vec();
        match &self.shared_memory {
            SharedMemory::Own(asked) => {
                options.push("mode=1777".to_owned());
                options.push(format!("size={}m", shared_memory_mib(*asked)));
                json!({"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": options})
            }
            SharedMemory::Bind(directory) => {
                options.push("bind".to_owned());
                json!({"destination": "/dev/shm", "type": "bind", "source": directory, "options": options})
            }
        }
    }

    /// Outer directories before those inside them, whatever lies there.
    fn asked_mounts(&self) -> Vec<Value> {
        let mut mounts: Vec<(&Path, Value)> = Vec::new();
        for bind in self.binds {
            // What is mounted below the source is to be read-only too.
            let access: &[&str] = if bind.readonly { &["ro", "rro"] } else { &["rw"] };
            let options: Vec<&str> = ["rbind", "rprivate"]
                .into_iter()
                .chain(access.iter().copied())
                .collect();
            mounts.push((
                &bind.target,
                json!({"destination": bind.target, "type": "bind", "source": bind.source, "options": options}),
            ));
        }
        for memory in self.tmpfs {
            mounts.push((
                &memory.target,
                json!({
                    "destination": memory.target, "type": "tmpfs", "source": "tmpfs",
                    "options": memory.options,
                }),
            ));
        }
        mounts.sort_by_key(|(target, _)| target.components().count());
        mounts.into_iter().map(|(_, mount)| mount).collect()
    }

    fn resources(&self) -> Value {
        // The library adds the usual devices (null, zero, random, tty, pts) to what is allowed.
        let mut rules = vec![json!({"allow": self.privileged, "access": "rwm"})];
        if !self.privileged {
            rules.extend(self.devices.iter().map(Node::rule));
        }
        let mut resources = json!({"devices": rules, "pids": {"limit": PIDS_MAX}});
        if let Some(units) = self.limits.cpu_units {
            resources["cpu"] = json!({"shares": units.max(2)});
        }
        if let Some(memory) = self.limits.memory_mib {
            resources["memory"] = json!({"limit": u64::from(memory) << 20});
        }
        resources
    }
}

#[cfg(test)]
mod tests;
