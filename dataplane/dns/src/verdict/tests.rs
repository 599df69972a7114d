use contract::dns::{EndpointProbe, ProbeProtocol};

use super::*;

fn endpoint() -> Probe {
    Probe::Endpoint(EndpointProbe {
        protocol: ProbeProtocol::Tcp,
        address: None,
        host: None,
        port: 80,
        interval_seconds: 30,
        failure_threshold: 3,
        regions: Vec::new(),
    })
}

fn checks(list: &[(&str, Probe, bool, bool)]) -> imbl::HashMap<String, Arc<HealthCheck>> {
    let check = |(id, probe, inverted, disabled): &(&str, Probe, bool, bool)| {
        let check = HealthCheck {
            id: (*id).to_owned(),
            probe: probe.clone(),
            inverted: *inverted,
            disabled: *disabled,
        };
        ((*id).to_owned(), Arc::new(check))
    };
    list.iter().map(check).collect()
}

fn calculated(children: &[&str], at_least: u32) -> Probe {
    Probe::Calculated {
        children: children.iter().map(|child| (*child).to_owned()).collect(),
        at_least,
    }
}

/// So many of these checkers say healthy.
fn opinions(healthy: usize, of: usize) -> Opinions {
    let mut opinions = Opinions::default();
    for number in 0..of {
        opinions.put(&format!("region-{number}"), number < healthy, None);
    }
    opinions
}

#[test]
fn more_than_eighteen_percent_must_say_healthy() {
    for (healthy, of, expected) in [
        (0, 3, false),
        (1, 3, true),
        (2, 16, false),
        (3, 16, true),
        (18, 100, false),
        (0, 0, true),
    ] {
        let opinions = HashMap::from([("a".to_owned(), opinions(healthy, of))]);
        let judged = judge(&checks(&[("a", endpoint(), false, false)]), &opinions);
        assert_eq!(judged["a"], expected, "{healthy} of {of}");
    }
}

#[test]
fn checks_are_inverted_disabled_and_calculated() {
    let down = HashMap::from([
        ("down".to_owned(), opinions(0, 3)),
        ("down too".to_owned(), opinions(0, 3)),
    ]);
    let judged = judge(
        &checks(&[
            ("up", endpoint(), false, false),
            ("down", endpoint(), false, false),
            ("down too", endpoint(), false, true),
            ("new, inverted", endpoint(), true, false),
            ("disabled, inverted", endpoint(), true, true),
            ("one of two", calculated(&["up", "down"], 1), false, false),
            ("two of two", calculated(&["up", "down"], 2), false, false),
            ("not two of two", calculated(&["up", "down"], 2), true, false),
            ("none needed", calculated(&[], 0), false, false),
            ("of itself", calculated(&["of itself"], 1), false, false),
            (
                "of calculated",
                calculated(&["one of two", "not two of two"], 2),
                false,
                false,
            ),
        ]),
        &down,
    );
    for (id, expected) in [
        ("up", true),
        ("down", false),
        ("down too", true),
        ("new, inverted", false),
        ("disabled, inverted", false),
        ("one of two", true),
        ("two of two", false),
        ("not two of two", true),
        ("none needed", true),
        ("of itself", false),
        ("of calculated", true),
    ] {
        assert_eq!(judged[id], expected, "{id}");
    }
}
