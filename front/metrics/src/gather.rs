//! What is told, put together when somebody asks.

use aws_protocol::ApiError;
use aws_shape::ecs;
use contract::metric::bucket_value;
use contract::route::Flow;
use contract::usage::Counters;

use crate::Parts;
use crate::text::{Family, Kind};

/// Upper ends of the histogram's buckets, seconds.
const BOUNDS_SECONDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
/// Tasks that ECS describes at once.
const TASKS_AT_ONCE: usize = 100;

pub(crate) async fn page(parts: &Parts) -> String {
    let mut page =
        String::from("# HELP wharf_up Whether this cloud answers.\n# TYPE wharf_up gauge\nwharf_up 1\n");
    match tasks(parts).await {
        Ok(text) => page.push_str(&text),
        Err(error) => page.push_str(&format!(
            "# ECS does not answer: {}\n",
            error.message.replace('\n', " ")
        )),
    }
    if let Some(traffic) = parts.traffic.traffic().last() {
        page.push_str(&flows(&traffic.flows));
    }
    page
}

struct Tasks {
    cpu: Family,
    memory: Family,
    limit: Family,
    received: Family,
    sent: Family,
    reserved: Family,
}

async fn tasks(parts: &Parts) -> Result<String, ApiError> {
    let mut all = Tasks {
        cpu: Family::new(
            "wharf_container_cpu_seconds_total",
            Kind::Counter,
            "CPU time that a container has used.",
        ),
        memory: Family::new(
            "wharf_container_memory_bytes",
            Kind::Gauge,
            "Memory that a container holds, without what can be dropped at once.",
        ),
        limit: Family::new(
            "wharf_container_memory_limit_bytes",
            Kind::Gauge,
            "Memory that a container may hold.",
        ),
        received: Family::new(
            "wharf_task_received_bytes_total",
            Kind::Counter,
            "Bytes that a task's interface has received.",
        ),
        sent: Family::new(
            "wharf_task_sent_bytes_total",
            Kind::Counter,
            "Bytes that a task's interface has sent.",
        ),
        reserved: Family::new(
            "wharf_task_cpu_units",
            Kind::Gauge,
            "CPU units of a task; 1024 are one CPU.",
        ),
    };
    let clusters = parts
        .ecs
        .list_clusters(&parts.context, ecs::ListClustersRequest::default())
        .await?;
    for cluster in clusters.cluster_arns.unwrap_or_default() {
        for task in of_cluster(parts, &cluster).await? {
            let id = task
                .task_arn
                .as_deref()
                .and_then(|arn| arn.rsplit('/').next())
                .unwrap_or_default()
                .to_owned();
            if let Some(counters) = parts.usage.counters(&id).await {
                all.add(&cluster, &id, &task, &counters);
            }
        }
    }
    let Tasks {
        cpu,
        memory,
        limit,
        received,
        sent,
        reserved,
    } = all;
    Ok([cpu, memory, limit, received, sent, reserved]
        .iter()
        .map(Family::text)
        .collect())
}

async fn of_cluster(parts: &Parts, cluster: &str) -> Result<Vec<ecs::Task>, ApiError> {
    let (mut found, mut token) = (Vec::new(), None);
    loop {
        let input = ecs::ListTasksRequest {
            cluster: Some(cluster.to_owned()),
            next_token: token,
            ..Default::default()
        };
        let page = parts.ecs.list_tasks(&parts.context, input).await?;
        for arns in page.task_arns.unwrap_or_default().chunks(TASKS_AT_ONCE) {
            let input = ecs::DescribeTasksRequest {
                cluster: Some(cluster.to_owned()),
                tasks: arns.to_vec(),
                ..Default::default()
            };
            found.extend(
                parts
                    .ecs
                    .describe_tasks(&parts.context, input)
                    .await?
                    .tasks
                    .unwrap_or_default(),
            );
        }
        token = page.next_token;
        if token.is_none() {
            return Ok(found);
        }
    }
}

impl Tasks {
    #[expect(clippy::cast_precision_loss, reason = "what is counted fits for centuries")]
    fn add(&mut self, cluster: &str, id: &str, task: &ecs::Task, counters: &Counters) {
        let cluster = cluster.rsplit('/').next().unwrap_or_default();
        let group = task.group.as_deref().unwrap_or_default();
        let service = group.strip_prefix("service:").unwrap_or_default();
        let definition = task.task_definition_arn.as_deref().unwrap_or_default();
        let definition = definition.rsplit('/').next().unwrap_or_default();
        let labels = [
            ("cluster", cluster),
            ("service", service),
            ("task", id),
            ("task_definition", definition),
        ];
        for one in &counters.containers {
            let labels = [&labels[..], &[("container", one.name.as_str())]].concat();
            self.cpu.add(&labels, one.cpu_nanoseconds as f64 / 1e9);
            self.memory
                .add(&labels, one.memory_bytes.saturating_sub(one.cache_bytes) as f64);
            if let Some(limit) = one.memory_limit_bytes {
                self.limit.add(&labels, limit as f64);
            }
        }
        if let Some(interface) = &counters.interface {
            self.received.add(&labels, interface.received_bytes as f64);
            self.sent.add(&labels, interface.sent_bytes as f64);
        }
        if let Some(units) = task.cpu.as_deref().and_then(|it| it.parse().ok()) {
            self.reserved.add(&labels, units);
        }
    }
}

/// `app/web/0123456789abcdef` of a listener's ARN, `targetgroup/web/0123456789abcdef` of a target group's.
fn balancer(listener: &str) -> &str {
    let resource = listener
        .split_once(":listener/")
        .map_or(listener, |(_, rest)| rest);
    let resource = resource.split('@').next().unwrap_or_default();
    resource.rsplit_once('/').map_or(resource, |(head, _)| head)
}

fn group(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "what is counted fits for centuries")]
fn flows(flows: &[Flow]) -> String {
    let mut requests = Family::new(
        "wharf_load_balancer_requests_total",
        Kind::Counter,
        "Requests for which a target was chosen.",
    );
    let mut answers = Family::new(
        "wharf_load_balancer_responses_total",
        Kind::Counter,
        "Answers, by who gave them and the first digit of the status.",
    );
    let mut times = Family::new(
        "wharf_load_balancer_response_seconds",
        Kind::Histogram,
        "Seconds until a target began to answer.",
    );
    for flow in flows {
        let labels = [
            ("listener", flow.listener.as_str()),
            ("load_balancer", balancer(&flow.listener)),
            ("target_group", group(&flow.target_group)),
        ];
        for (at, code) in ["2xx", "3xx", "4xx", "5xx"].into_iter().enumerate() {
            for (by, counts) in [
                ("target", &flow.target_answers),
                ("load_balancer", &flow.own_answers),
            ] {
                if counts[at] > 0 {
                    answers.add(
                        &[&labels[..], &[("by", by), ("code", code)]].concat(),
                        counts[at] as f64,
                    );
                }
            }
        }
        if flow.target_group.is_empty() {
            continue;
        }
        requests.add(&labels, flow.requests as f64);
        let total: u64 = flow.response_buckets.values().sum();
        for bound in BOUNDS_SECONDS {
            let below = flow
                .response_buckets
                .iter()
                .filter(|(bucket, _)| bucket_value(**bucket) <= bound);
            let below: u64 = below.map(|(_, count)| count).sum();
            times.line(
                "_bucket",
                &[&labels[..], &[("le", &bound.to_string())]].concat(),
                below as f64,
            );
        }
        times.line(
            "_bucket",
            &[&labels[..], &[("le", "+Inf")]].concat(),
            total as f64,
        );
        times.line("_sum", &labels, flow.response_seconds);
        times.line("_count", &labels, total as f64);
    }
    [requests, answers, times].iter().map(Family::text).collect()
}
