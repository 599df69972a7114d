//! What running containers use, as the kernel counts it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;

/// One container at one moment. Counters rise as long as the container lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerUsage {
    pub name: String,
    pub cpu_nanoseconds: u64,
    pub memory_bytes: u64,
    /// File pages that can be dropped at once; part of `memory_bytes`.
    pub cache_bytes: u64,
    pub memory_limit_bytes: Option<u64>,
    pub processes: u64,
    pub read_bytes: u64,
    pub written_bytes: u64,
}

/// A task's network interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceUsage {
    pub received_bytes: u64,
    pub received_packets: u64,
    pub received_errors: u64,
    pub received_dropped: u64,
    pub sent_bytes: u64,
    pub sent_packets: u64,
    pub sent_errors: u64,
    pub sent_dropped: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskUsage {
    pub at: Timestamp,
    /// Only those that run.
    pub containers: Vec<ContainerUsage>,
    pub interface: Option<InterfaceUsage>,
    /// What the task's containers have written to their own file systems and to the task's volumes.
    pub storage_bytes: u64,
}

/// What the kernel counts for a task, which costs little to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counters {
    pub at: Timestamp,
    /// Only those that run.
    pub containers: Vec<ContainerUsage>,
    pub interface: Option<InterfaceUsage>,
}

#[async_trait]
pub trait Usage: Send + Sync {
    /// `None` for a task that does not run.
    async fn task(&self, task: &str) -> Option<TaskUsage>;
    /// The same without the size of its files. `None` for a task that does not run.
    async fn counters(&self, task: &str) -> Option<Counters>;
}

/// What the kernel counts for a task that others live in, with all of them, also those that are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineCounters {
    pub at: Timestamp,
    pub cpu_nanoseconds: u64,
    pub read_bytes: u64,
    pub written_bytes: u64,
    /// Its own interface; those of tasks in it with an interface of their own are told of with these.
    pub interface: InterfaceUsage,
}

#[async_trait]
pub trait MachineMeter: Send + Sync {
    /// `None` for a task that does not run.
    async fn machine(&self, task: &str) -> Option<MachineCounters>;
    /// The interface of a task that lives in another one; `None` if it does not run or has none.
    async fn interface(&self, task: &str) -> Option<InterfaceUsage>;
}

/// What has passed a gateway of a network since it is there, as the kernel counts it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayUsage {
    /// From the network to the world.
    pub sent_bytes: u64,
    pub sent_packets: u64,
    /// From the world to the network.
    pub received_bytes: u64,
    pub received_packets: u64,
    /// Of TCP: first packets, and answers to them.
    pub attempted_connections: u64,
    pub established_connections: u64,
}

#[async_trait]
pub trait GatewayMeter: Send + Sync {
    /// By gateway; `None` if it cannot be told now.
    async fn gateways(&self, network: &str) -> Option<BTreeMap<String, GatewayUsage>>;
}
