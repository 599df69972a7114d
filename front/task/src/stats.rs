//! Usage in the form of Docker's statistics.

use std::collections::HashMap;
use std::sync::Mutex;

use contract::agent::Asking;
use contract::usage::{ContainerUsage, InterfaceUsage, TaskUsage};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// More containers than these are not remembered; all are forgotten then.
const SAMPLES_MAX: usize = 10_000;
/// The only network of a task, as Docker would name it.
const INTERFACE: &str = "eth1";

#[derive(Clone, Copy)]
struct Sample {
    at: Timestamp,
    cpu_nanoseconds: u64,
    received_bytes: u64,
    sent_bytes: u64,
}

/// What each container had used when it was last asked for: rates are made of two samples.
#[derive(Default)]
pub(crate) struct Samples(Mutex<HashMap<String, Sample>>);

impl Samples {
    fn exchange(&self, id: &str, new: Sample) -> Option<Sample> {
        let mut samples = self.0.lock().expect("nothing panics while it holds the lock");
        if samples.len() >= SAMPLES_MAX {
            samples.clear();
        }
        samples.insert(id.to_owned(), new)
    }
}

/// By id at run time; `null` for a container that does not run.
pub(crate) fn of_task(asking: &Asking, usage: &TaskUsage, cpus: u32, samples: &Samples) -> Value {
    let all = asking.containers.iter().map(|(id, name)| {
        let own = usage.containers.iter().find(|it| it.name == *name);
        let statistics = own.map(|own| of_container(id, own, usage, cpus, samples));
        (id.clone(), statistics.unwrap_or(Value::Null))
    });
    Value::Object(all.collect::<Map<_, _>>())
}

fn of_container(id: &str, own: &ContainerUsage, usage: &TaskUsage, cpus: u32, samples: &Samples) -> Value {
    let interface = usage.interface.clone().unwrap_or_default();
    let now = Sample {
        at: usage.at,
        cpu_nanoseconds: own.cpu_nanoseconds,
        received_bytes: interface.received_bytes,
        sent_bytes: interface.sent_bytes,
    };
    let before = samples.exchange(id, now);
    let mut statistics = json!({
        "id": id,
        "name": own.name,
        "read": usage.at.to_string(),
        "preread": before.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |it| it.at.to_string()),
        "num_procs": 0,
        "storage_stats": {},
        "pids_stats": { "current": own.processes },
        "cpu_stats": cpu(Some(now), cpus),
        "precpu_stats": cpu(before, cpus),
        "memory_stats": memory(own),
        "blkio_stats": {
            "io_service_bytes_recursive": [
                { "major": 0, "minor": 0, "op": "Read", "value": own.read_bytes },
                { "major": 0, "minor": 0, "op": "Write", "value": own.written_bytes },
                { "major": 0, "minor": 0, "op": "Total", "value": own.read_bytes + own.written_bytes },
            ],
        },
    });
    if usage.interface.is_some() {
        statistics["networks"] = json!({ INTERFACE: network(&interface) });
        statistics["network_rate_stats"] = rates(before, now);
    }
    statistics
}

/// Docker's `system_cpu_usage` is the time of all processors together; its rise is what counts.
fn cpu(sample: Option<Sample>, cpus: u32) -> Value {
    let Some(sample) = sample else {
        return json!({ "cpu_usage": { "total_usage": 0 }, "throttling_data": throttling() });
    };
    let system = sample.at.as_nanosecond().unsigned_abs() * u128::from(cpus);
    json!({
        "cpu_usage": { "total_usage": sample.cpu_nanoseconds },
        "system_cpu_usage": u64::try_from(system).unwrap_or(u64::MAX),
        "online_cpus": cpus,
        "throttling_data": throttling(),
    })
}

fn throttling() -> Value {
    json!({ "periods": 0, "throttled_periods": 0, "throttled_time": 0 })
}

fn memory(own: &ContainerUsage) -> Value {
    let mut memory = json!({
        "usage": own.memory_bytes,
        "stats": { "cache": own.cache_bytes, "total_inactive_file": own.cache_bytes },
    });
    if let Some(limit) = own.memory_limit_bytes {
        memory["limit"] = json!(limit);
    }
    memory
}

fn network(usage: &InterfaceUsage) -> Value {
    json!({
        "rx_bytes": usage.received_bytes,
        "rx_packets": usage.received_packets,
        "rx_errors": usage.received_errors,
        "rx_dropped": usage.received_dropped,
        "tx_bytes": usage.sent_bytes,
        "tx_packets": usage.sent_packets,
        "tx_errors": usage.sent_errors,
        "tx_dropped": usage.sent_dropped,
    })
}

fn rates(before: Option<Sample>, now: Sample) -> Value {
    let Some(before) = before else {
        return Value::Null;
    };
    let seconds = now.at.duration_since(before.at).as_secs_f64();
    if seconds <= 0.0 {
        return Value::Null;
    }
    let rate = |before: u64, now: u64| now.saturating_sub(before) as f64 / seconds;
    json!({
        "rx_bytes_per_sec": rate(before.received_bytes, now.received_bytes),
        "tx_bytes_per_sec": rate(before.sent_bytes, now.sent_bytes),
    })
}

#[cfg(test)]
mod tests;
