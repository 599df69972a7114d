//! What tasks use, and what their containers said last, told to whoever asks.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use async_trait::async_trait;
use contract::log::{LastOutput, Line};
use contract::usage::{
    Counters, GatewayMeter, GatewayUsage, InterfaceUsage, MachineCounters, MachineMeter, TaskUsage, Usage,
};
use dataplane_runtime::{Runtime, spool};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::Node;

/// How old the measured size of a task's files may be.
const STORAGE_AGE_MAX: Duration = Duration::from_secs(15);
/// The text of a container's last lines.
const TAIL_BYTES_MAX: usize = 8 * 1024;

/// Sizes of tasks' files, measured one at a time and rarely.
#[derive(Default)]
pub(crate) struct Storage(Mutex<HashMap<String, (Instant, u64)>>);

impl Storage {
    async fn bytes(&self, runtime: &Runtime, id: &str) -> u64 {
        let mut known = self.0.lock().await;
        known.retain(|_, (at, _)| at.elapsed() < STORAGE_AGE_MAX);
        if let Some((_, bytes)) = known.get(id) {
            return *bytes;
        }
        let (runtime, task) = (runtime.clone(), id.to_owned());
        let walked = tokio::task::spawn_blocking(move || runtime.storage_bytes(&task)).await;
        let bytes = walked.unwrap_or(0);
        known.insert(id.to_owned(), (Instant::now(), bytes));
        bytes
    }
}

#[async_trait]
impl Usage for Node {
    async fn task(&self, task: &str) -> Option<TaskUsage> {
        let Counters {
            at,
            containers,
            interface,
        } = self.counters(task).await?;
        Some(TaskUsage {
            at,
            containers,
            interface,
            storage_bytes: self.inner.storage.bytes(&self.inner.parts.runtime, task).await,
        })
    }

    async fn counters(&self, task: &str) -> Option<Counters> {
        let parts = &self.inner.parts;
        let (runtime, id) = (parts.runtime.clone(), task.to_owned());
        let (containers, interface) = tokio::task::spawn_blocking(move || runtime.usage(&id))
            .await
            .ok()??;
        Some(Counters {
            at: parts.clock.now(),
            containers,
            interface,
        })
    }
}

#[async_trait]
impl MachineMeter for Node {
    async fn machine(&self, task: &str) -> Option<MachineCounters> {
        let parts = &self.inner.parts;
        let (runtime, id) = (parts.runtime.clone(), task.to_owned());
        let seen = move || runtime.machine_usage(&id, dataplane_network::TASK_LINK);
        let (usage, interface) = tokio::task::spawn_blocking(seen).await.ok()??;
        Some(MachineCounters {
            at: parts.clock.now(),
            cpu_nanoseconds: usage.cpu_nanoseconds,
            read_bytes: usage.read_bytes,
            written_bytes: usage.written_bytes,
            interface,
        })
    }

    async fn interface(&self, task: &str) -> Option<InterfaceUsage> {
        self.counters(task).await?.interface
    }
}

#[async_trait]
impl GatewayMeter for Node {
    async fn gateways(&self, network: &str) -> Option<BTreeMap<String, GatewayUsage>> {
        self.inner.parts.network.gateways(network).await.ok()
    }
}

#[async_trait]
impl LastOutput for Node {
    async fn tail(&self, task: &str, container: &str, lines: usize) -> Vec<Line> {
        let directory = self.inner.parts.runtime.directory(task);
        let container = container.to_owned();
        let read =
            tokio::task::spawn_blocking(move || spool::tail(&directory, &container, lines, TAIL_BYTES_MAX));
        let line = |line: spool::SpoolLine| Line {
            at_ms: line.at_ms,
            message: line.message,
        };
        read.await.unwrap_or_default().into_iter().map(line).collect()
    }
}
