//! Many idle tasks at once: how long they take to start and to stop, and what each costs.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use contract::task::TaskPhase;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::memory::Memory;
use crate::numbers::{Sample, milliseconds};
use crate::place::Place;
use crate::wharf::{self, Wharf};

/// As the node does it: shims that are being started at one time.
const STARTS_PARALLEL_MAX: usize = 8;
/// Until what the start has freed is free.
const SETTLE: Duration = Duration::from_secs(1);
/// Growth from the smallest to the largest number that still counts as flat.
const FLAT: f64 = 1.25;

pub struct Outcome {
    pub tasks: usize,
    start_ms: f64,
    /// From the order for all of them until each one's program ran.
    waits: Sample,
    stop_ms: f64,
    before: Memory,
    with: Memory,
}

impl Outcome {
    fn each(&self, value: f64) -> f64 {
        value / self.tasks as f64
    }

    fn start_each(&self) -> f64 {
        self.each(self.start_ms)
    }

    fn memory_each(&self) -> f64 {
        self.each(self.with.charged - self.before.charged)
    }

    pub fn heading() -> String {
        format!(
            "{:>6}{:>10}{:>11}{:>11}{:>10}{:>11}{:>12}{:>13}{:>13}{:>15}",
            "tasks",
            "start",
            "each",
            "p90 waits",
            "stop",
            "each",
            "PSS shim",
            "PSS program",
            "charged",
            "MemAvailable"
        )
    }

    pub fn line(&self) -> String {
        format!(
            "{:>6}{:>7.0} ms{:>8.1} ms{:>8.0} ms{:>7.0} ms{:>8.1} ms{:>8.0} KiB{:>9.0} KiB{:>9.0} KiB{:>11.0} KiB",
            self.tasks,
            self.start_ms,
            self.start_each(),
            self.waits.quantile(0.9),
            self.stop_ms,
            self.each(self.stop_ms),
            self.each(self.with.shims),
            self.each(self.with.programs),
            self.memory_each(),
            self.each(self.before.available - self.with.available),
        )
    }
}

/// Whether the largest number costs as much per task as the smallest.
pub fn verdict(outcomes: &[Outcome]) -> String {
    let (Some(first), Some(last)) = (outcomes.first(), outcomes.last()) else {
        return String::new();
    };
    let judge = |name: &str, few: f64, many: f64| {
        let ratio = many / few;
        let flat = if ratio <= FLAT { "flat" } else { "NOT FLAT" };
        format!("{name} {ratio:.2} ({flat})")
    };
    format!(
        "per task, {} / {}: {}, {}, {}, {}",
        last.tasks,
        first.tasks,
        judge("start", first.start_each(), last.start_each()),
        judge("stop", first.each(first.stop_ms), last.each(last.stop_ms)),
        judge("memory charged", first.memory_each(), last.memory_each()),
        judge(
            "PSS of the shim",
            first.each(first.with.shims),
            last.each(last.with.shims)
        ),
    )
}

pub async fn run(place: &mut Place, wharf: &Wharf, tasks: usize) -> io::Result<Outcome> {
    let instance = place.instance.clone();
    let before = Memory::now(&instance);
    let first = (tasks + 1) << 16;
    let specs: Vec<_> = (first..first + tasks).map(|number| wharf.task(number)).collect();
    let begin = Instant::now();
    let permits = Arc::new(Semaphore::new(STARTS_PARALLEL_MAX));
    let mut starts = JoinSet::new();
    for spec in specs {
        let runtime = wharf.runtime.clone();
        let permits = Arc::clone(&permits);
        starts.spawn(async move {
            let _permit = permits.acquire().await;
            runtime.start(&spec).await
        });
    }
    let mut waits = Vec::with_capacity(tasks);
    let mut handles = Vec::with_capacity(tasks);
    while let Some(started) = starts.join_next().await {
        handles.push(started.map_err(io::Error::other)?.map_err(io::Error::other)?);
    }
    for handle in &mut handles {
        wharf::until(handle, TaskPhase::Running).await?;
        let (_, begun) = place.next_begun().await?;
        waits.push(milliseconds(begun - begin));
    }
    let start_ms = waits.iter().copied().fold(0.0, f64::max);
    tokio::time::sleep(SETTLE).await;
    let with = Memory::now(&instance);
    let begin = Instant::now();
    for handle in &handles {
        handle.stop("measured").await.map_err(io::Error::other)?;
    }
    for handle in &mut handles {
        wharf::until(handle, TaskPhase::Stopped).await?;
    }
    let stop_ms = milliseconds(begin.elapsed());
    Ok(Outcome {
        tasks,
        start_ms,
        waits: Sample::new(waits),
        stop_ms,
        before,
        with,
    })
}
