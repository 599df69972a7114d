//! What went through the proxy, as the metrics of AWS/ApplicationELB.

use std::collections::BTreeMap;

use contract::metric::{Datum, Series, Summary, bucket_value};
use contract::route::{Action, Flow, ObservedRoutes, RouteTable, TargetHealth, Traffic};

const NAMESPACE: &str = "AWS/ApplicationELB";

/// What has come since `before`, of all starts of the proxy from that one on.
pub(crate) fn since(before: Option<&Traffic>, heard: &[Traffic]) -> Vec<Flow> {
    let known = before.and_then(|it| heard.iter().position(|one| one.boot == it.boot));
    let news = &heard[known.unwrap_or(0)..];
    let last = heard.last();
    news.iter()
        .flat_map(|now| {
            let before = before.filter(|it| it.boot == now.boot);
            let goes_on = last.is_some_and(|it| it.boot == now.boot);
            now.flows.iter().map(move |flow| {
                let same = |it: &&Flow| it.listener == flow.listener && it.target_group == flow.target_group;
                let mut new = less(flow, before.and_then(|it| it.flows.iter().find(same)));
                // With its process a connection is gone.
                new.open_connections = if goes_on { flow.open_connections } else { 0 };
                new
            })
        })
        .collect()
}

/// Counts that have become less began anew, as those of a listener that was away.
fn continues(before: &Flow, now: &Flow) -> bool {
    before.requests <= now.requests
        && before.new_connections <= now.new_connections
        && before.bytes <= now.bytes
}

fn less(flow: &Flow, before: Option<&Flow>) -> Flow {
    let Some(before) = before.filter(|it| continues(it, flow)) else {
        return flow.clone();
    };
    let array = |now: [u64; 4], then: [u64; 4]| std::array::from_fn(|at| now[at].saturating_sub(then[at]));
    let buckets = flow.response_buckets.iter().map(|(bucket, count)| {
        let then = before.response_buckets.get(bucket).copied().unwrap_or(0);
        (*bucket, count.saturating_sub(then))
    });
    Flow {
        listener: flow.listener.clone(),
        target_group: flow.target_group.clone(),
        requests: flow.requests.saturating_sub(before.requests),
        target_answers: array(flow.target_answers, before.target_answers),
        own_answers: array(flow.own_answers, before.own_answers),
        fixed_answers: flow.fixed_answers.saturating_sub(before.fixed_answers),
        redirects: flow.redirects.saturating_sub(before.redirects),
        refused_connections: flow
            .refused_connections
            .saturating_sub(before.refused_connections),
        response_seconds: (flow.response_seconds - before.response_seconds).max(0.0),
        response_buckets: buckets.filter(|(_, count)| *count > 0).collect(),
        own_failures: array(flow.own_failures, before.own_failures),
        new_connections: flow.new_connections.saturating_sub(before.new_connections),
        open_connections: flow.open_connections,
        bytes: flow.bytes.saturating_sub(before.bytes),
        tls_failures: flow.tls_failures.saturating_sub(before.tls_failures),
    }
}

/// Who is meant: the scope and the dimension's value in an ARN, such as `app/web/0123456789abcdef`.
struct Name {
    scope: String,
    value: String,
}

/// Of a listener's ARN, which may have an address behind it.
fn balancer(listener: &str) -> Option<Name> {
    let (arn, _) = listener.split_once('@').unwrap_or((listener, ""));
    let mut parts = arn.splitn(6, ':').skip(3);
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let (value, _) = resource.strip_prefix("listener/")?.rsplit_once('/')?;
    Some(Name {
        scope: format!("{account}/{region}"),
        value: value.to_owned(),
    })
}

fn group(arn: &str) -> Option<Name> {
    let mut parts = arn.splitn(6, ':').skip(3);
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Name {
        scope: format!("{account}/{region}"),
        value: resource.to_owned(),
    })
}

/// Gathers values that belong to the same series.
#[derive(Default)]
struct Gathered(BTreeMap<(Series, &'static str), Summary>);

impl Gathered {
    fn add(
        &mut self,
        scope: &str,
        name: &str,
        unit: &'static str,
        dimensions: &[(&str, &str)],
        summary: &Summary,
    ) {
        if summary.is_empty() {
            return;
        }
        let mut dimensions: Vec<(String, String)> = dimensions
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        dimensions.sort();
        let series = Series {
            scope: scope.to_owned(),
            namespace: NAMESPACE.to_owned(),
            name: name.to_owned(),
            dimensions,
        };
        self.0.entry((series, unit)).or_default().merge(summary);
    }

    /// So many times 1, which is how AWS counts.
    fn count(&mut self, scope: &str, name: &str, dimensions: &[(&str, &str)], count: u64) {
        if count > 0 {
            self.add(scope, name, "Count", dimensions, &Summary::of(1.0, count as f64));
        }
    }
}

/// Metrics of what has come since the last time.
pub(crate) fn data(
    flows: &[Flow],
    routes: &RouteTable,
    observed: &ObservedRoutes,
    at_seconds: i64,
) -> Vec<Datum> {
    let mut all = Gathered::default();
    for flow in flows {
        let Some(balancer) = balancer(&flow.listener) else {
            continue;
        };
        let home = [("LoadBalancer", balancer.value.as_str())];
        all.count(&balancer.scope, "NewConnectionCount", &home, flow.new_connections);
        // What is open is looked at once a minute.
        if (at_seconds + 1) % 60 == 0 && flow.open_connections > 0 {
            let open = Summary::of(flow.open_connections as f64, 1.0);
            all.add(&balancer.scope, "ActiveConnectionCount", "Count", &home, &open);
        }
        match group(&flow.target_group) {
            None => own(&mut all, &balancer.scope, &home, flow),
            Some(group) => {
                let both = [home[0], ("TargetGroup", group.value.as_str())];
                through(&mut all, &balancer.scope, &home, flow);
                through(&mut all, &balancer.scope, &both, flow);
                let targets = observed.targets.iter();
                let targets = targets.filter(|it| it.target_group == flow.target_group).count();
                per_target(&mut all, &balancer.scope, &both, flow.requests, targets);
                per_target(&mut all, &balancer.scope, &both[1..], flow.requests, targets);
            }
        }
    }
    health(&mut all, routes, observed);
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

fn through(all: &mut Gathered, scope: &str, dimensions: &[(&str, &str)], flow: &Flow) {
    all.count(scope, "RequestCount", dimensions, flow.requests);
    for (at, name) in ["2XX", "3XX", "4XX", "5XX"].into_iter().enumerate() {
        all.count(
            scope,
            &format!("HTTPCode_Target_{name}_Count"),
            dimensions,
            flow.target_answers[at],
        );
    }
    all.count(
        scope,
        "TargetConnectionErrorCount",
        dimensions,
        flow.refused_connections,
    );
    all.add(
        scope,
        "TargetResponseTime",
        "Seconds",
        dimensions,
        &response_times(flow),
    );
}

fn response_times(flow: &Flow) -> Summary {
    let mut times = Summary::default();
    for (bucket, count) in &flow.response_buckets {
        times.merge(&Summary::of(bucket_value(*bucket), *count as f64));
    }
    // The sum was measured, the rest is known by bucket.
    if !times.is_empty() {
        times.sum = flow.response_seconds;
    }
    times
}

fn own(all: &mut Gathered, scope: &str, dimensions: &[(&str, &str)], flow: &Flow) {
    let [_, _, refused, failed] = flow.own_answers;
    all.count(scope, "HTTP_Fixed_Response_Count", dimensions, flow.fixed_answers);
    all.count(scope, "HTTP_Redirect_Count", dimensions, flow.redirects);
    all.count(scope, "HTTPCode_ELB_3XX_Count", dimensions, flow.redirects);
    all.count(scope, "HTTPCode_ELB_4XX_Count", dimensions, refused);
    all.count(scope, "HTTPCode_ELB_5XX_Count", dimensions, failed);
    for (at, name) in ["500", "502", "503", "504"].into_iter().enumerate() {
        let name = format!("HTTPCode_ELB_{name}_Count");
        all.count(scope, &name, dimensions, flow.own_failures[at]);
    }
    all.count(
        scope,
        "ClientTLSNegotiationErrorCount",
        dimensions,
        flow.tls_failures,
    );
    if flow.bytes > 0 {
        let bytes = Summary::of(flow.bytes as f64, 1.0);
        all.add(scope, "ProcessedBytes", "Bytes", dimensions, &bytes);
    }
}

fn per_target(all: &mut Gathered, scope: &str, dimensions: &[(&str, &str)], requests: u64, targets: usize) {
    if requests > 0 && targets > 0 {
        let share = Summary::of(1.0 / targets as f64, requests as f64);
        all.add(scope, "RequestCountPerTarget", "Count", dimensions, &share);
    }
}

/// How many targets are well, for each target group that a listener leads to; and that nobody has asked of them, as far as
/// nobody has.
fn health(all: &mut Gathered, routes: &RouteTable, observed: &ObservedRoutes) {
    let mut seen: Vec<(String, &str)> = Vec::new();
    for listener in &routes.listeners {
        if let (Some(balancer), Action::Forward(groups)) = (balancer(&listener.id), &listener.default_action)
        {
            let groups = groups.iter().map(|it| it.target_group.as_str());
            seen.extend(groups.map(|group| (balancer.value.clone(), group)));
        }
    }
    seen.sort();
    seen.dedup();
    for (balancer, arn) in seen {
        let Some(group) = group(arn) else { continue };
        let of_group = observed.targets.iter().filter(|it| it.target_group == arn);
        let is_well = |it: &TargetHealth| matches!(it, TargetHealth::Healthy | TargetHealth::Unchecked);
        let well = of_group.clone().filter(|it| is_well(&it.health)).count();
        let ill = of_group
            .clone()
            .filter(|it| matches!(it.health, TargetHealth::Unhealthy(_)))
            .count();
        let dimensions = [
            ("LoadBalancer", balancer.as_str()),
            ("TargetGroup", group.value.as_str()),
        ];
        for (name, count) in [("HealthyHostCount", well), ("UnHealthyHostCount", ill)] {
            all.add(
                &group.scope,
                name,
                "Count",
                &dimensions,
                &Summary::of(count as f64, 1.0),
            );
        }
        if of_group.count() > 0 {
            let nobody = Summary::of(0.0, 1.0);
            for dimensions in [&dimensions[..], &dimensions[1..]] {
                all.add(
                    &group.scope,
                    "RequestCountPerTarget",
                    "Count",
                    dimensions,
                    &nobody,
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
