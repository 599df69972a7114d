//! From what the kernel counts to the metrics of AWS/ECS and ECS/ContainerInsights. Pure.

use std::collections::BTreeMap;

use contract::metric::{Datum, Series, Summary};
use contract::usage::Counters;

pub(crate) const MINUTE_SECONDS: i64 = 60;
/// A task that was seen for less of a minute says nothing about it.
const SEEN_SECONDS_MIN: f64 = 5.0;
const MIB: f64 = 1024.0 * 1024.0;

/// Whose use it is and how much there is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Holder {
    /// Account and region.
    pub(crate) scope: String,
    pub(crate) cluster: String,
    pub(crate) service: Option<String>,
    pub(crate) family: String,
    pub(crate) cpu_units: Option<f64>,
    pub(crate) memory_mib: Option<f64>,
    /// The cluster wants Container Insights.
    pub(crate) is_insightful: bool,
}

/// What was seen of one task since the minute began.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    holder: Holder,
    first: Counters,
    last: Counters,
    memory: Summary,
}

/// Windows of the tasks that run, for the minute that is running.
#[derive(Debug, Default)]
pub(crate) struct Minute {
    start_seconds: i64,
    windows: BTreeMap<String, Window>,
}

/// Bytes that a task holds and that cannot be dropped at once.
fn memory_bytes(counters: &Counters) -> f64 {
    let used = counters
        .containers
        .iter()
        .map(|it| it.memory_bytes.saturating_sub(it.cache_bytes));
    used.sum::<u64>() as f64
}

/// Of the containers that run at both ends; one that was started in between counts from nothing.
fn rise(first: &Counters, last: &Counters, of: impl Fn(&contract::usage::ContainerUsage) -> u64) -> f64 {
    let rises = last.containers.iter().map(|now| {
        let then = first
            .containers
            .iter()
            .find(|it| it.name == now.name)
            .map_or(0, &of);
        // A container that was started again counts from nothing as well.
        of(now).checked_sub(then).unwrap_or_else(|| of(now))
    });
    rises.sum::<u64>() as f64
}

impl Minute {
    /// Takes in what was counted; when a minute has ended, what there is to say about it.
    pub(crate) fn take(&mut self, seen: Vec<(String, Holder, Counters)>, now_seconds: i64) -> Vec<Datum> {
        let start = now_seconds - now_seconds.rem_euclid(MINUTE_SECONDS);
        let is_over = start > self.start_seconds;
        let mut before = std::mem::take(&mut self.windows);
        let mut ended = Vec::new();
        for (task, holder, counters) in seen {
            let window = match before.remove(&task) {
                Some(mut window) => {
                    window.memory.merge(&Summary::of(memory_bytes(&counters), 1.0));
                    window.last = counters.clone();
                    window.holder = holder.clone();
                    if !is_over {
                        self.windows.insert(task, window);
                        continue;
                    }
                    ended.push(window);
                    Window::new(holder, counters)
                }
                None => Window::new(holder, counters),
            };
            self.windows.insert(task, window);
        }
        let told = if is_over {
            data(&ended, self.start_seconds)
        } else {
            vec![]
        };
        self.start_seconds = start;
        told
    }
}

impl Window {
    fn new(holder: Holder, counters: Counters) -> Self {
        Self {
            holder,
            memory: Summary::of(memory_bytes(&counters), 1.0),
            first: counters.clone(),
            last: counters,
        }
    }

    fn seconds(&self) -> f64 {
        self.last.at.duration_since(self.first.at).as_secs_f64()
    }

    /// Of 1024 units for each CPU.
    fn cpu_units(&self) -> f64 {
        rise(&self.first, &self.last, |it| it.cpu_nanoseconds) / 1e9 / self.seconds() * 1024.0
    }
}

#[derive(Default)]
struct Gathered(BTreeMap<(Series, &'static str), Summary>);

impl Gathered {
    fn add(&mut self, holder: &Holder, namespace: &str, name: &str, unit: &'static str, value: f64) {
        let cluster = ("ClusterName".to_owned(), holder.cluster.clone());
        let mut kinds = vec![vec![cluster.clone()]];
        if let Some(service) = &holder.service {
            kinds.push(vec![cluster.clone(), ("ServiceName".to_owned(), service.clone())]);
        }
        if namespace == INSIGHTS {
            kinds.push(vec![
                cluster,
                ("TaskDefinitionFamily".to_owned(), holder.family.clone()),
            ]);
        }
        for dimensions in kinds {
            let series = Series {
                scope: holder.scope.clone(),
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                dimensions,
            };
            self.0
                .entry((series, unit))
                .or_default()
                .merge(&Summary::of(value, 1.0));
        }
    }
}

const ECS: &str = "AWS/ECS";
pub(crate) const INSIGHTS: &str = "ECS/ContainerInsights";

fn data(windows: &[Window], at_seconds: i64) -> Vec<Datum> {
    let mut all = Gathered::default();
    for window in windows.iter().filter(|it| it.seconds() >= SEEN_SECONDS_MIN) {
        let holder = &window.holder;
        let (cpu, memory) = (window.cpu_units(), window.memory.average() / MIB);
        if let Some(reserved) = holder.cpu_units {
            all.add(holder, ECS, "CPUUtilization", "Percent", cpu / reserved * 100.0);
        }
        if let Some(reserved) = holder.memory_mib {
            all.add(
                holder,
                ECS,
                "MemoryUtilization",
                "Percent",
                memory / reserved * 100.0,
            );
        }
        if holder.is_insightful {
            insights(&mut all, window, cpu, memory);
        }
    }
    let all = all.0.into_iter();
    all.map(|((series, unit), summary)| Datum {
        series,
        at_seconds,
        unit: unit.to_owned(),
        is_high_resolution: false,
        summary,
    })
    .collect()
}

fn insights(all: &mut Gathered, window: &Window, cpu: f64, memory: f64) {
    let (holder, seconds) = (&window.holder, window.seconds());
    let mut add = |name, unit, value| all.add(holder, INSIGHTS, name, unit, value);
    add("CpuUtilized", "None", cpu);
    add("MemoryUtilized", "Megabytes", memory);
    if let Some(reserved) = holder.cpu_units {
        add("CpuReserved", "None", reserved);
    }
    if let Some(reserved) = holder.memory_mib {
        add("MemoryReserved", "Megabytes", reserved);
    }
    let (first, last) = (&window.first, &window.last);
    if let (Some(first), Some(last)) = (&first.interface, &last.interface) {
        let rate = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
        add(
            "NetworkRxBytes",
            "Bytes/Second",
            rate(last.received_bytes, first.received_bytes),
        );
        add(
            "NetworkTxBytes",
            "Bytes/Second",
            rate(last.sent_bytes, first.sent_bytes),
        );
    }
    add("StorageReadBytes", "Bytes", rise(first, last, |it| it.read_bytes));
    add(
        "StorageWriteBytes",
        "Bytes",
        rise(first, last, |it| it.written_bytes),
    );
}

#[cfg(test)]
mod tests;
