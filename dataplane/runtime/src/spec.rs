//! What a shim is asked to run: written once as a file, never changed.

use std::path::PathBuf;

use contract::task::{Dependency, HealthCheck, Linux, Mount, Restart, Sharing, Ulimit, Volume};
use serde::{Deserialize, Serialize};

use crate::cgroup::Limits;

/// A task: containers that share one network namespace and one fate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskSpec {
    /// Unique on this machine; a file name.
    pub id: String,
    pub hostname: String,
    /// A pinned network namespace to join; an own one with loopback only if absent.
    pub network: Option<PathBuf>,
    /// Content of `/etc/resolv.conf`.
    pub resolv_conf: String,
    /// Content of `/etc/hosts`.
    pub hosts: String,
    pub limits: Limits,
    /// What the containers' mounts speak of.
    pub volumes: Vec<Volume>,
    /// Who sees whose processes.
    pub processes: Sharing,
    pub ipc: Sharing,
    /// The task that is this one's machine.
    #[serde(default)]
    pub host: Option<HostSpec>,
    pub containers: Vec<ContainerSpec>,
}

/// A task with a disk, whose limits others live within.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HostSpec {
    /// Its id.
    pub task: String,
    /// Name of its first container, whose processes are the host's own.
    pub container: String,
    /// Name of its disk.
    pub disk: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ContainerSpec {
    /// Unique in the task; a file name.
    pub name: String,
    /// Stable for the container's life.
    pub runtime_id: String,
    /// Digest of the image's manifest; carried into the status, not looked at.
    pub image_digest: Option<String>,
    /// Directories of the image's layers, bottom first.
    pub lower: Vec<PathBuf>,
    /// Instead of layers: the machine's own programs and the disk of this name.
    #[serde(default)]
    pub disk: Option<String>,
    /// A pinned network namespace of its own, instead of the task's.
    #[serde(default)]
    pub network: Option<PathBuf>,
    /// Program and arguments.
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    /// Absolute; made if missing.
    pub working_directory: String,
    /// `uid`, `name`, `uid:gid`, `name:group`; root if absent.
    pub user: Option<String>,
    /// Docker's notation, such as `SIGTERM` or `15`; SIGTERM if absent.
    pub stop_signal: Option<String>,
    pub essential: bool,
    pub depends_on: Vec<Dependency>,
    /// How long others may wait for this one to reach the state that they depend on.
    pub start_timeout_seconds: Option<u32>,
    pub stop_timeout_seconds: u32,
    pub readonly_root: bool,
    /// Keeps standard input open.
    pub interactive: bool,
    pub pseudo_terminal: bool,
    pub disable_networking: bool,
    pub limits: Limits,
    /// What it asks for when memory is short.
    pub memory_reservation_mib: Option<u32>,
    pub health_check: Option<HealthCheck>,
    pub ulimits: Vec<Ulimit>,
    pub mounts: Vec<Mount>,
    /// Instead of the task's.
    pub hostname: Option<String>,
    /// Instead of the task's.
    pub resolv_conf: Option<String>,
    /// Instead of the task's.
    pub hosts: Option<String>,
    pub linux: Linux,
    /// Its output is kept byte for byte, instead of line by line.
    #[serde(default)]
    pub frames: bool,
    #[serde(default)]
    pub spool: SpoolSpec,
    pub restart: Option<Restart>,
}

/// How a container's lines are kept until they are taken in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpoolSpec {
    pub full: Full,
    /// A regular expression: lines that it does not match belong to the event before.
    pub event_start: Option<String>,
}

/// What happens when nobody takes lines in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Full {
    /// The oldest lines are given up: nobody has to take them in.
    #[default]
    DropOldest,
    /// The container is held up when it writes.
    Hold,
    /// Further lines are dropped.
    DropNewest { bytes_max: u64 },
}
