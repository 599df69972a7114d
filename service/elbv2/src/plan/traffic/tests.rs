use super::*;

const LISTENER: &str = "arn:aws:elasticloadbalancing:us-east-1:000000000000:listener/app/web/1234/abcd";
const GROUP: &str = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/web/5678";

fn traffic(boot: &str, requests: u64, fast: u64) -> Traffic {
    Traffic {
        boot: boot.into(),
        flows: vec![Flow {
            listener: LISTENER.into(),
            target_group: GROUP.into(),
            requests,
            target_answers: [requests, 0, 0, 0],
            response_seconds: fast as f64 * 0.01,
            response_buckets: BTreeMap::from([(contract::metric::bucket(0.01), fast)]),
            ..Flow::default()
        }],
    }
}

fn routes() -> RouteTable {
    let listener: contract::route::Listener = serde_json::from_value(serde_json::json!({
        "id": LISTENER, "bind": "127.0.0.1:80", "names": [], "idle_timeout_seconds": 60,
        "default_action": { "Forward": [{ "target_group": GROUP, "weight": 1 }] },
    }))
    .unwrap();
    RouteTable {
        listeners: vec![listener],
        ..RouteTable::default()
    }
}

fn sum(data: &[Datum], name: &str, dimensions: usize) -> Option<f64> {
    let found = data
        .iter()
        .find(|it| it.series.name == name && it.series.dimensions.len() == dimensions);
    found.map(|it| it.summary.sum)
}

#[test]
fn only_what_came_since_is_counted() {
    let flows = since(Some(&traffic("a", 100, 90)), &[traffic("a", 150, 130)]);
    let found = data(&flows, &routes(), &ObservedRoutes::default(), 60);
    assert_eq!(sum(&found, "RequestCount", 1), Some(50.0));
    assert_eq!(sum(&found, "RequestCount", 2), Some(50.0));
    assert_eq!(sum(&found, "HTTPCode_Target_2XX_Count", 1), Some(50.0));
    let times = found
        .iter()
        .find(|it| it.series.name == "TargetResponseTime")
        .unwrap();
    assert_eq!(times.summary.count, 40.0);
    assert!((times.summary.percentile(99.0).unwrap() - 0.01).abs() < 0.0002);
    let series = &found[0].series;
    assert_eq!(
        (series.scope.as_str(), series.namespace.as_str()),
        ("000000000000/us-east-1", "AWS/ApplicationELB")
    );
}

#[test]
fn a_proxy_that_was_started_anew_counts_from_nothing() {
    let flows = since(
        Some(&traffic("a", 100, 90)),
        &[traffic("a", 120, 90), traffic("b", 7, 7)],
    );
    assert_eq!(flows.iter().map(|it| it.requests).collect::<Vec<_>>(), [20, 7]);
    let again = since(
        Some(&traffic("b", 7, 7)),
        &[traffic("a", 120, 90), traffic("b", 9, 9)],
    );
    assert_eq!(again.iter().map(|it| it.requests).collect::<Vec<_>>(), [2]);
}

#[test]
fn nothing_new_is_no_value() {
    let flows = since(Some(&traffic("a", 100, 90)), &[traffic("a", 100, 90)]);
    let found = data(&flows, &routes(), &ObservedRoutes::default(), 60);
    assert_eq!(sum(&found, "RequestCount", 1), None);
    assert_eq!(sum(&found, "HealthyHostCount", 2), Some(0.0));
}

/// What clients did.
fn clients(boot: &str, connections: u64, open: u64, bytes: u64) -> Traffic {
    Traffic {
        boot: boot.into(),
        flows: vec![Flow {
            listener: LISTENER.into(),
            new_connections: connections,
            open_connections: open,
            bytes,
            own_failures: [0, 1, 0, 0],
            ..Flow::default()
        }],
    }
}

#[test]
fn connections_are_counted_when_made_and_looked_at_once_a_minute() {
    let before = clients("a", 5, 5, 1_000);
    let flows = since(Some(&before), &[clients("a", 9, 3, 1_500)]);
    let found = data(&flows, &routes(), &ObservedRoutes::default(), 119);
    assert_eq!(sum(&found, "NewConnectionCount", 1), Some(4.0));
    assert_eq!(sum(&found, "ActiveConnectionCount", 1), Some(3.0));
    assert_eq!(sum(&found, "ProcessedBytes", 1), Some(500.0));
    assert_eq!(sum(&found, "HTTPCode_ELB_502_Count", 1), None);
    let within = data(&flows, &routes(), &ObservedRoutes::default(), 109);
    assert_eq!(sum(&within, "ActiveConnectionCount", 1), None);
}

#[test]
fn connections_of_a_proxy_that_is_gone_are_not_open() {
    let heard = [clients("a", 9, 9, 100), clients("b", 1, 1, 10)];
    let flows = since(Some(&clients("a", 9, 9, 100)), &heard);
    let found = data(&flows, &routes(), &ObservedRoutes::default(), 59);
    assert_eq!(sum(&found, "ActiveConnectionCount", 1), Some(1.0));
    assert_eq!(sum(&found, "NewConnectionCount", 1), Some(1.0));
}

#[test]
fn a_listener_without_requests_that_was_away_counts_anew() {
    let flows = since(Some(&clients("a", 9, 0, 900)), &[clients("a", 2, 2, 50)]);
    assert_eq!((flows[0].new_connections, flows[0].bytes), (2, 50));
}
