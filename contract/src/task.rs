//! Tasks: groups of containers that share one network interface and one fate.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::image::ImageRef;
use crate::log::Delivery;
use crate::network::Interface;

/// A task as it shall be. The row exists as long as the task shall leave traces; when it vanishes the data plane
/// kills what runs at once, without grace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesiredTask {
    /// 32 hexadecimal digits, unique on this machine.
    pub id: String,
    /// Raised by every change of this row.
    pub generation: u64,
    /// What a person calls it, such as `web:7`; used in messages only.
    pub label: String,
    /// Limit for the whole task; 1024 units are one CPU.
    pub cpu_units: Option<u32>,
    /// Limit for the whole task.
    pub memory_mib: Option<u32>,
    /// The task's own address; `None` is a task with loopback only, unless its host says otherwise.
    pub interface: Option<Interface>,
    /// The task that is this one's machine; the machine itself if absent.
    #[serde(default)]
    pub host: Option<Host>,
    pub containers: Vec<Container>,
    /// Directories that containers may mount.
    #[serde(default)]
    pub volumes: Vec<Volume>,
    /// Who sees whose processes.
    #[serde(default)]
    pub processes: Sharing,
    /// Who shares System V IPC and POSIX message queues with whom.
    #[serde(default)]
    pub ipc: Sharing,
    /// Set once when the task shall end; never unset.
    pub stop: Option<Stop>,
}

/// A task inside another one that has [`Root::Machine`]: within its limits, next to its interface, gone with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// The disk of the host's first container, which is the host's name whenever it is started.
    pub disk: String,
    pub network: HostNetwork,
}

/// What a task has of its host's network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostNetwork {
    /// Nothing: it has an interface of its own, or loopback only.
    Apart,
    /// The host's addresses and ports are its own.
    Shared,
    /// Each container, in order, has an address on a bridge inside the host, hidden behind the host's own.
    Bridge(Vec<BridgeEnd>),
}

/// A container's place on its host's bridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeEnd {
    /// In [`BRIDGE_RANGE`], unique on its host.
    pub address: Ipv4Addr,
    pub publish: Vec<Publish>,
}

/// A port of the host that leads to a port of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publish {
    pub protocol: Transport,
    pub host_port: u16,
    pub container_port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Transport {
    Tcp,
    Udp,
}

/// The bridge of every host, as in Docker; the first address is the host's.
pub const BRIDGE_RANGE: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(172, 17, 0, 0), 16);

/// What the containers of a task share of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sharing {
    /// Each container has its own.
    #[default]
    Container,
    /// One for all containers of the task.
    Task,
    /// That of the task's host, or of the machine.
    Host,
}

/// A directory that containers may mount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    pub name: String,
    pub source: VolumeSource,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VolumeSource {
    /// Empty at first (or filled from the first image that mounts it, as in Docker), and gone with the task.
    Task,
    /// A path of the task's host, or of the machine; a directory is made if nothing is there.
    Host(String),
    /// Kept on this machine under this name, for every task that asks for it.
    Shared { key: String },
}

/// The wish that a task ends: SIGTERM, then SIGKILL after each container's `stop_timeout_seconds`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    pub name: String,
    /// With [`Root::Machine`] only a word for people.
    pub image: ImageRef,
    #[serde(default)]
    pub root: Root,
    /// Replaces the image's ENTRYPOINT; the image's CMD is then not used.
    pub entry_point: Option<Vec<String>>,
    /// Replaces the image's CMD.
    pub command: Option<Vec<String>>,
    /// Added to the image's ENV, in this order, later wins.
    pub environment: Vec<(String, String)>,
    pub working_directory: Option<String>,
    /// `uid`, `name`, `uid:gid`, `name:group`; the image's USER if absent.
    pub user: Option<String>,
    /// When an essential container ends, the task ends.
    pub essential: bool,
    pub depends_on: Vec<Dependency>,
    /// How long a dependency may take before the dependent is given up.
    pub start_timeout_seconds: Option<u32>,
    pub stop_timeout_seconds: u32,
    pub readonly_root: bool,
    /// Keeps standard input open.
    pub interactive: bool,
    /// Gives the container a terminal.
    pub pseudo_terminal: bool,
    /// Only loopback inside this container.
    pub disable_networking: bool,
    /// Share (relative weight) of CPU inside the task.
    pub cpu_units: Option<u32>,
    /// Hard limit.
    pub memory_mib: Option<u32>,
    pub health_check: Option<HealthCheck>,
    pub ulimits: Vec<Ulimit>,
    /// Ports the application says it listens on; nothing is published by them.
    pub ports: Vec<u16>,
    pub log: LogTarget,
    #[serde(default)]
    pub delivery: Delivery,
    /// What it asks for when memory is short; it may use more.
    #[serde(default)]
    pub memory_reservation_mib: Option<u32>,
    #[serde(default)]
    pub mounts: Vec<Mount>,
    #[serde(default)]
    pub names: Names,
    #[serde(default)]
    pub linux: Linux,
    /// Started again when it ends, instead of ending the task.
    #[serde(default)]
    pub restart: Option<Restart>,
}

/// Where a container's files come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Root {
    /// Its image.
    #[default]
    Image,
    /// The machine's own programs, which cannot be changed, and a disk of its own for everything else: kept under this
    /// name from one task to the next, and removed when no desired task names it any more. The first process is the
    /// data plane's own; an entry point or a command are not looked at. The task is the host of those that name it.
    Machine { disk: String },
}

/// A volume inside a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Name of one of the task's volumes.
    pub volume: String,
    /// Absolute path inside.
    pub path: String,
    pub readonly: bool,
}

/// How a container calls itself and finds others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// Its own; one made from the task's address if absent.
    pub hostname: Option<String>,
    /// Further lines of `/etc/hosts`: name, address.
    pub hosts: Vec<(String, String)>,
    /// Instead of the network's resolver.
    pub dns_servers: Vec<String>,
    pub dns_search: Vec<String>,
}

/// What a container is given beyond the usual, and what of the usual is taken from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linux {
    /// All capabilities, all devices, no filter, nothing masked.
    pub privileged: bool,
    pub no_new_privileges: bool,
    /// Without `CAP_`, such as `NET_ADMIN`, or `ALL`. Dropped first, then added.
    pub capabilities_add: Vec<String>,
    pub capabilities_drop: Vec<String>,
    /// A small first process that passes signals on and reaps.
    pub init: bool,
    /// Size of `/dev/shm`; 64 MiB if absent.
    pub shared_memory_mib: Option<u32>,
    pub tmpfs: Vec<Tmpfs>,
    pub devices: Vec<Device>,
    /// Swap beyond memory, in MiB; 0 is none.
    pub max_swap_mib: Option<u32>,
    /// 0 to 100.
    pub swappiness: Option<u8>,
    /// Kernel parameters of the container's namespaces, such as `net.core.somaxconn`.
    pub sysctls: Vec<(String, String)>,
    /// The machine's own network, names and name servers, for a task without an interface and a host.
    #[serde(default)]
    pub machine_network: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tmpfs {
    pub path: String,
    pub size_mib: u32,
    /// In mount's words, such as `noexec`.
    pub options: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    pub host_path: String,
    pub path: String,
    pub read: bool,
    pub write: bool,
    pub make_node: bool,
}

/// When a container that has ended is started again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restart {
    /// With these exit codes it stays ended.
    pub ignored_exit_codes: Vec<i32>,
    /// One that ran for less than this stays ended.
    pub attempt_period_seconds: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    pub container: String,
    pub condition: Condition,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    Start,
    Complete,
    Success,
    Healthy,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// `["CMD", "prog", "arg"]` or `["CMD-SHELL", "line"]`, as in Docker.
    pub command: Vec<String>,
    pub interval_seconds: u32,
    pub timeout_seconds: u32,
    pub retries: u32,
    pub start_period_seconds: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ulimit {
    /// Docker's name, such as `nofile`.
    pub name: String,
    pub soft: u64,
    pub hard: u64,
}

/// Where a container's output goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogTarget {
    /// Kept on disk with the task only.
    None,
    /// Appended to a stream of the log store.
    Stream(crate::log::StreamId),
    /// Kept on disk with the task only, byte for byte, for who attaches to the container.
    Frames,
}

/// A task as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedTask {
    pub id: String,
    /// Of the desired row that this observation has taken in.
    pub generation: u64,
    pub phase: TaskPhase,
    pub address: Option<Ipv4Addr>,
    pub containers: Vec<ObservedContainer>,
    pub pull_started_at: Option<Timestamp>,
    pub pull_stopped_at: Option<Timestamp>,
    /// All containers that shall start have started.
    pub started_at: Option<Timestamp>,
    pub stopping_at: Option<Timestamp>,
    pub stopped_at: Option<Timestamp>,
    pub stop_cause: Option<StopCause>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TaskPhase {
    /// Network interface is being made.
    Provisioning,
    /// Images are being fetched, containers made.
    Pending,
    Running,
    /// Told to stop, not yet gone.
    Stopping,
    /// Gone, and everything it held given back.
    Stopped,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopCause {
    pub kind: StopKind,
    /// A sentence for a person, such as `CannotPullContainerError: …` or `Essential container in task exited`.
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopKind {
    FailedToStart,
    EssentialContainerExited,
    /// The desired row said so.
    Requested,
    /// The processes are gone without a word: crash of the shim, reboot.
    Lost,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedContainer {
    pub name: String,
    /// `<task id>-<10 digits>`, stable for the container's life.
    pub runtime_id: String,
    pub phase: ContainerPhase,
    pub image_digest: Option<String>,
    pub exit_code: Option<i32>,
    /// A sentence, such as `OutOfMemoryError: container killed due to memory usage`.
    pub reason: Option<String>,
    pub health: Health,
    pub started_at: Option<Timestamp>,
    pub stopped_at: Option<Timestamp>,
    /// How often it was started again.
    #[serde(default)]
    pub restarts: u32,
    /// Sentences on what could not be given as asked, such as a limit above the machine's own.
    #[serde(default)]
    pub notes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContainerPhase {
    Pending,
    Running,
    Stopped,
}

/// `Unknown` is a container without a health check, or one whose check has not yet decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Health {
    Unknown,
    Healthy,
    Unhealthy,
}

/// Digits of a container's runtime id after the task's id.
const RUNTIME_ID_DIGITS: usize = 10;

/// A container's id at run time: stable for its life, as it is made of the task and the place in its list of containers.
pub fn runtime_id(task: &str, index: usize) -> String {
    let number = task.bytes().fold(index as u64 + 1, |number, byte| {
        number
            .wrapping_mul(1_099_511_628_211)
            .wrapping_add(u64::from(byte))
    });
    format!(
        "{task}-{:0width$}",
        number % 10_u64.pow(RUNTIME_ID_DIGITS as u32),
        width = RUNTIME_ID_DIGITS
    )
}

impl DesiredTask {
    /// The disk of a task that others may have as their host.
    pub fn disk(&self) -> Option<&str> {
        match &self.containers.first()?.root {
            Root::Image => None,
            Root::Machine { disk } => Some(disk),
        }
    }

    /// Name of the table, keyed by task id.
    pub const TABLE: &'static str = "dataplane/desired_task";
}

impl ObservedTask {
    /// Name of the table, keyed by task id.
    pub const TABLE: &'static str = "dataplane/observed_task";
}
