//! Two looks at what is counted, and what happened in between.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

type Labels = BTreeMap<String, String>;

/// Values by metric and labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sample(BTreeMap<(String, Labels), f64>);

impl Sample {
    /// Of the text format of Prometheus; what is no value is passed over.
    pub(super) fn read(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self(lines.filter_map(value).collect())
    }

    /// Values of one metric.
    fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a Labels, f64)> {
        let named = self.0.iter().filter(move |((it, _), _)| it == name);
        named.map(|((_, labels), value)| (labels, *value))
    }

    fn get(&self, name: &str, labels: &Labels) -> Option<f64> {
        self.0.get(&(name.to_owned(), labels.clone())).copied()
    }
}

fn value(line: &str) -> Option<((String, Labels), f64)> {
    let (head, number) = line.rsplit_once(' ')?;
    let (name, rest) = head.split_once('{').unwrap_or((head, "}"));
    let mut labels = BTreeMap::new();
    let mut rest = rest.strip_suffix('}')?;
    while let Some((label, more)) = rest.split_once("=\"") {
        let (mut text, mut end) = (String::new(), more.len());
        let mut chars = more.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    end = at + 1;
                    break;
                }
                '\\' => text.extend(chars.next().map(|(_, it)| if it == 'n' { '\n' } else { it })),
                c => text.push(c),
            }
        }
        labels.insert(label.trim_start_matches(',').to_owned(), text);
        rest = &more[end..];
    }
    Some(((name.to_owned(), labels), number.parse().ok()?))
}

/// What a person is shown.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct View {
    services: Vec<Service>,
    load_balancers: Vec<Balancer>,
}

#[derive(Debug, Default, PartialEq, Serialize)]
struct Service {
    name: String,
    tasks: usize,
    /// Of what the tasks may use together.
    cpu_percent: Option<f64>,
    cpus: f64,
    memory_bytes: f64,
    memory_limit_bytes: Option<f64>,
    received_bytes_per_second: f64,
    sent_bytes_per_second: f64,
}

#[derive(Debug, Default, PartialEq, Serialize)]
struct Balancer {
    name: String,
    target_group: String,
    requests_per_second: f64,
    errors_per_second: f64,
    /// Upper bounds, seconds; absent when nothing was answered.
    p50_seconds: Option<f64>,
    p95_seconds: Option<f64>,
}

impl View {
    pub(super) fn between(before: &Sample, now: &Sample, passed: Duration) -> Self {
        let passed = passed.as_secs_f64().max(0.001);
        let rate = |name: &str, labels: &Labels, value: f64| {
            // What is not known from before began in between; what has become less began anew.
            let then = before
                .get(name, labels)
                .filter(|then| *then <= value)
                .unwrap_or(value);
            (value - then) / passed
        };
        Self {
            services: services(now, &rate),
            load_balancers: balancers(before, now, &rate),
        }
    }

    pub(super) fn table(&self) -> String {
        let mut text = format!(
            "{:<32} {:>5} {:>8} {:>7} {:>20} {:>12} {:>12}\n",
            "SERVICE", "TASKS", "CPU", "CPUS", "MEMORY", "RECEIVED/S", "SENT/S"
        );
        for it in &self.services {
            let percent = it
                .cpu_percent
                .map_or_else(|| "-".to_owned(), |it| format!("{it:.1} %"));
            let limit = it
                .memory_limit_bytes
                .map_or_else(String::new, |it| format!(" / {}", bytes(it)));
            let memory = format!("{}{limit}", bytes(it.memory_bytes));
            let (received, sent) = (
                bytes(it.received_bytes_per_second),
                bytes(it.sent_bytes_per_second),
            );
            let name = &it.name;
            let _ = writeln!(
                text,
                "{name:<32} {:>5} {percent:>8} {:>7.2} {memory:>20} {received:>12} {sent:>12}",
                it.tasks, it.cpus
            );
        }
        if self.services.is_empty() {
            text.push_str("no task runs\n");
        }
        if !self.load_balancers.is_empty() {
            let _ = writeln!(
                text,
                "\n{:<32} {:<32} {:>10} {:>9} {:>9} {:>7}",
                "LOAD BALANCER", "TARGET GROUP", "REQUESTS/S", "P50", "P95", "5XX/S"
            );
        }
        for it in &self.load_balancers {
            let time = |it: Option<f64>| it.map_or_else(|| "-".to_owned(), |it| format!("<{}", seconds(it)));
            let (name, group, p50, p95) = (
                &it.name,
                &it.target_group,
                time(it.p50_seconds),
                time(it.p95_seconds),
            );
            let _ = writeln!(
                text,
                "{name:<32} {group:<32} {:>10.1} {p50:>9} {p95:>9} {:>7.1}",
                it.requests_per_second, it.errors_per_second
            );
        }
        text.trim_end().to_owned()
    }
}

type Rate<'a> = &'a dyn Fn(&str, &Labels, f64) -> f64;

fn label<'a>(labels: &'a Labels, name: &str) -> &'a str {
    labels.get(name).map_or("", String::as_str)
}

fn services(now: &Sample, rate: Rate<'_>) -> Vec<Service> {
    let mut all: BTreeMap<String, (Service, BTreeSet<String>, f64)> = BTreeMap::new();
    let name = |labels: &Labels| match label(labels, "service") {
        "" => format!("{}/(tasks of their own)", label(labels, "cluster")),
        service => format!("{}/{service}", label(labels, "cluster")),
    };
    let cpu = "wharf_container_cpu_seconds_total";
    for (labels, value) in now.of(cpu) {
        let (service, tasks, _) = all.entry(name(labels)).or_default();
        service.cpus += rate(cpu, labels, value);
        tasks.insert(label(labels, "task").to_owned());
    }
    for (labels, value) in now.of("wharf_container_memory_bytes") {
        all.entry(name(labels)).or_default().0.memory_bytes += value;
    }
    for (labels, value) in now.of("wharf_container_memory_limit_bytes") {
        *all.entry(name(labels))
            .or_default()
            .0
            .memory_limit_bytes
            .get_or_insert(0.0) += value;
    }
    for (labels, value) in now.of("wharf_task_cpu_units") {
        all.entry(name(labels)).or_default().2 += value / 1024.0;
    }
    for (metric, is_received) in [
        ("wharf_task_received_bytes_total", true),
        ("wharf_task_sent_bytes_total", false),
    ] {
        for (labels, value) in now.of(metric) {
            let service = &mut all.entry(name(labels)).or_default().0;
            let sum = if is_received {
                &mut service.received_bytes_per_second
            } else {
                &mut service.sent_bytes_per_second
            };
            *sum += rate(metric, labels, value);
        }
    }
    let all = all.into_iter();
    all.map(|(name, (service, tasks, cpus))| Service {
        name,
        tasks: tasks.len(),
        cpu_percent: (cpus > 0.0).then(|| service.cpus / cpus * 100.0),
        ..service
    })
    .collect()
}

fn balancers(before: &Sample, now: &Sample, rate: Rate<'_>) -> Vec<Balancer> {
    let mut all: BTreeMap<(String, String), Balancer> = BTreeMap::new();
    let key = |labels: &Labels| {
        (
            label(labels, "load_balancer").to_owned(),
            label(labels, "target_group").to_owned(),
        )
    };
    let requests = "wharf_load_balancer_requests_total";
    for (labels, value) in now.of(requests) {
        all.entry(key(labels)).or_default().requests_per_second += rate(requests, labels, value);
    }
    let answers = "wharf_load_balancer_responses_total";
    for (labels, value) in now
        .of(answers)
        .filter(|(labels, _)| label(labels, "code") == "5xx")
    {
        all.entry(key(labels)).or_default().errors_per_second += rate(answers, labels, value);
    }
    let bucket = "wharf_load_balancer_response_seconds_bucket";
    let mut times: BTreeMap<(String, String), Vec<(f64, f64)>> = BTreeMap::new();
    for (labels, value) in now.of(bucket) {
        let le = label(labels, "le").parse().unwrap_or(f64::INFINITY);
        let then = before
            .get(bucket, labels)
            .filter(|then| *then <= value)
            .unwrap_or(0.0);
        times.entry(key(labels)).or_default().push((le, value - then));
    }
    for (key, mut below) in times {
        below.sort_by(|a, b| a.0.total_cmp(&b.0));
        let total = below.last().map_or(0.0, |it| it.1);
        let at = |part: f64| {
            below
                .iter()
                .find(|(_, count)| total > 0.0 && *count >= total * part)
                .map(|it| it.0)
        };
        let one = all.entry(key).or_default();
        (one.p50_seconds, one.p95_seconds) = (at(0.5), at(0.95));
    }
    all.into_iter()
        .map(|((name, target_group), it)| Balancer {
            name,
            target_group,
            ..it
        })
        .collect()
}

fn bytes(count: f64) -> String {
    match count {
        it if it >= 1e9 => format!("{:.1} GB", it / 1e9),
        it if it >= 1e6 => format!("{:.1} MB", it / 1e6),
        it if it >= 1e3 => format!("{:.1} kB", it / 1e3),
        it => format!("{it:.0} B"),
    }
}

fn seconds(time: f64) -> String {
    match time {
        it if it < 1.0 => format!("{} ms", it * 1000.0),
        it if it.is_finite() => format!("{it} s"),
        _ => "never".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(cpu: f64, requests: u32) -> String {
        format!(
            "# HELP x y\nwharf_container_cpu_seconds_total{{cluster=\"c\",service=\"we\\\"b\",task=\"t\",container=\"a\"}} {cpu}\n\
             wharf_container_memory_bytes{{cluster=\"c\",service=\"we\\\"b\",task=\"t\",container=\"a\"}} 64000000\n\
             wharf_task_cpu_units{{cluster=\"c\",service=\"we\\\"b\",task=\"t\"}} 512\n\
             wharf_load_balancer_requests_total{{load_balancer=\"app/w\",target_group=\"g\"}} {requests}\n\
             wharf_load_balancer_response_seconds_bucket{{load_balancer=\"app/w\",target_group=\"g\",le=\"0.01\"}} {requests}\n\
             wharf_load_balancer_response_seconds_bucket{{load_balancer=\"app/w\",target_group=\"g\",le=\"+Inf\"}} {requests}\n"
        )
    }

    #[test]
    fn what_happened_in_between_is_shown() {
        let (before, now) = (Sample::read(&text(10.0, 100)), Sample::read(&text(10.5, 120)));
        let view = View::between(&before, &now, Duration::from_secs(2));
        let service = &view.services[0];
        assert_eq!(
            (service.name.as_str(), service.tasks, service.cpu_percent),
            ("c/we\"b", 1, Some(50.0))
        );
        let balancer = &view.load_balancers[0];
        assert_eq!(
            (balancer.requests_per_second, balancer.p95_seconds),
            (10.0, Some(0.01))
        );
        let table = view.table();
        assert!(
            table.contains("50.0 %") && table.contains("64.0 MB") && table.contains("<10 ms"),
            "{table}"
        );
    }

    #[test]
    fn counts_that_began_anew_are_no_rate() {
        let (before, now) = (Sample::read(&text(10.0, 100)), Sample::read(&text(0.5, 3)));
        let view = View::between(&before, &now, Duration::from_secs(1));
        assert_eq!(
            (view.services[0].cpus, view.load_balancers[0].requests_per_second),
            (0.0, 0.0)
        );
    }
}
