//! What running containers use, as the kernel counts it.

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

#[async_trait]
pub trait Usage: Send + Sync {
    /// `None` for a task that does not run.
    async fn task(&self, task: &str) -> Option<TaskUsage>;
}
