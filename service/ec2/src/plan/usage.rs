//! From what the kernel counts to the metrics of AWS/EC2. Pure.

use std::collections::BTreeMap;

use contract::metric::{Datum, Series, Summary};
use contract::usage::{InterfaceUsage, MachineCounters};

const NAMESPACE: &str = "AWS/EC2";
/// With detailed monitoring, and without.
const DETAILED_SECONDS: i64 = 60;
const BASIC_SECONDS: i64 = 300;
/// Who was seen for less of a period says nothing about its CPU.
const SEEN_SECONDS_MIN: f64 = 5.0;
/// Sums are told of periods that were seen from so near their beginning, or that of the instance.
const MISSED_SECONDS_MAX: i64 = 15;

/// Whose use it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Holder {
    /// Account and region.
    pub(crate) scope: String,
    pub(crate) instance: String,
    pub(crate) image: String,
    pub(crate) kind: String,
    pub(crate) vcpus: u32,
    /// The Auto Scaling group.
    pub(crate) group: Option<String>,
    pub(crate) is_detailed: bool,
    /// Seconds since 1970.
    pub(crate) launched_at: i64,
}

impl Holder {
    fn period(&self) -> i64 {
        if self.is_detailed {
            DETAILED_SECONDS
        } else {
            BASIC_SECONDS
        }
    }
}

/// What was counted for one boot of an instance, and for the interfaces of tasks in it, by task.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) boot: String,
    pub(crate) holder: Holder,
    pub(crate) counters: MachineCounters,
    pub(crate) guests: BTreeMap<String, InterfaceUsage>,
}

/// What has come together since a period began.
#[derive(Clone, Debug, Default, PartialEq)]
struct Sums {
    seconds: f64,
    cpu_nanoseconds: u64,
    read_bytes: u64,
    written_bytes: u64,
    received: (u64, u64),
    sent: (u64, u64),
}

#[derive(Clone, Debug)]
struct Window {
    start_seconds: i64,
    /// From its beginning on, or that of the instance.
    is_whole: bool,
    last: Seen,
    sums: Sums,
}

/// Of the boots that run, by boot.
#[derive(Debug, Default)]
pub(crate) struct Windows(BTreeMap<String, Window>);

impl Windows {
    /// Takes in what was counted; of the periods that have ended, what there is to say about them.
    pub(crate) fn take(&mut self, seen: Vec<Seen>, now_seconds: i64) -> Vec<Datum> {
        let mut before = std::mem::take(&mut self.0);
        let mut told = Told::default();
        for now in seen {
            let boot = now.boot.clone();
            let start = now_seconds - now_seconds.rem_euclid(now.holder.period());
            let window = match before.remove(&boot) {
                None => Window::new(now, start, now_seconds),
                Some(window) => {
                    let window = window.goes_on(now);
                    if window.start_seconds < start {
                        told.tell(&window);
                        Window {
                            start_seconds: start,
                            is_whole: true,
                            sums: Sums::default(),
                            ..window
                        }
                    } else {
                        window
                    }
                }
            };
            self.0.insert(boot, window);
        }
        // Those that run no more have said all.
        for window in before.values() {
            told.tell(window);
        }
        told.data()
    }
}

/// A count that has become less began anew.
fn rise(now: u64, then: u64) -> u64 {
    now.checked_sub(then).unwrap_or(now)
}

impl Window {
    fn new(seen: Seen, start_seconds: i64, now_seconds: i64) -> Self {
        let begin = start_seconds.max(seen.holder.launched_at);
        Self {
            start_seconds,
            is_whole: now_seconds - begin <= MISSED_SECONDS_MAX,
            last: seen,
            sums: Sums::default(),
        }
    }

    fn goes_on(mut self, now: Seen) -> Self {
        let (then, sums) = (&self.last.counters, &mut self.sums);
        let counters = &now.counters;
        sums.seconds += counters.at.duration_since(then.at).as_secs_f64();
        sums.cpu_nanoseconds += rise(counters.cpu_nanoseconds, then.cpu_nanoseconds);
        sums.read_bytes += rise(counters.read_bytes, then.read_bytes);
        sums.written_bytes += rise(counters.written_bytes, then.written_bytes);
        // One that was not there the last time has counted from nothing.
        let nothing = InterfaceUsage::default();
        let guests = now
            .guests
            .iter()
            .map(|(task, usage)| (usage, self.last.guests.get(task).unwrap_or(&nothing)));
        for (now, then) in guests.chain([(&counters.interface, &then.interface)]) {
            sums.received.0 += rise(now.received_bytes, then.received_bytes);
            sums.received.1 += rise(now.received_packets, then.received_packets);
            sums.sent.0 += rise(now.sent_bytes, then.sent_bytes);
            sums.sent.1 += rise(now.sent_packets, then.sent_packets);
        }
        self.last = now;
        self
    }
}

#[derive(Default)]
struct Told(BTreeMap<(Series, i64, &'static str), Summary>);

impl Told {
    fn tell(&mut self, window: &Window) {
        let (holder, sums) = (&window.last.holder, &window.sums);
        let at = window.start_seconds;
        if sums.seconds >= SEEN_SECONDS_MIN {
            let used = sums.cpu_nanoseconds as f64 / 1e9 / sums.seconds / f64::from(holder.vcpus.max(1));
            self.add(holder, at, "CPUUtilization", "Percent", used * 100.0);
        }
        if !window.is_whole {
            return;
        }
        for (name, unit, sum) in [
            ("NetworkIn", "Bytes", sums.received.0),
            ("NetworkOut", "Bytes", sums.sent.0),
            ("NetworkPacketsIn", "Count", sums.received.1),
            ("NetworkPacketsOut", "Count", sums.sent.1),
            ("EBSReadBytes", "Bytes", sums.read_bytes),
            ("EBSWriteBytes", "Bytes", sums.written_bytes),
        ] {
            self.add(holder, at, name, unit, sum as f64);
        }
    }

    /// Of the instance, and together with others: those of all with detailed monitoring only.
    fn add(&mut self, holder: &Holder, at: i64, name: &str, unit: &'static str, value: f64) {
        let one = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        let mut kinds = vec![one("InstanceId", &holder.instance)];
        kinds.extend(holder.group.iter().map(|it| one("AutoScalingGroupName", it)));
        if holder.is_detailed {
            kinds.extend([
                one("ImageId", &holder.image),
                one("InstanceType", &holder.kind),
                vec![],
            ]);
        }
        for dimensions in kinds {
            let series = Series {
                scope: holder.scope.clone(),
                namespace: NAMESPACE.to_owned(),
                name: name.to_owned(),
                dimensions,
            };
            self.0
                .entry((series, at, unit))
                .or_default()
                .merge(&Summary::of(value, 1.0));
        }
    }

    fn data(self) -> Vec<Datum> {
        let all = self.0.into_iter();
        all.map(|((series, at_seconds, unit), summary)| Datum {
            series,
            at_seconds,
            unit: unit.to_owned(),
            is_high_resolution: false,
            summary,
        })
        .collect()
    }
}

#[cfg(test)]
mod tests;
