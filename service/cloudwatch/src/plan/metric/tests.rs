use super::*;

fn alarm(needed: i32, missing: Option<Gap>) -> Metric {
    Metric {
        queries: vec![],
        is_plain: true,
        evaluation_periods: 3,
        datapoints_to_alarm: Some(needed),
        threshold: 10.0,
        comparison: "GreaterThanThreshold".to_owned(),
        missing,
        low_sample_percentile: None,
    }
}

fn points(text: &str) -> Vec<Option<f64>> {
    let point = |it| match it {
        "X" => Some(11.0),
        "0" => Some(1.0),
        _ => None,
    };
    text.split(' ').map(point).collect()
}

/// The two tables of "Configuring how CloudWatch alarms treat missing data".
#[test]
fn missing_data_counts_as_aws_documents() {
    let (ok, alarmed, gone) = (Some(OK), Some(ALARM), Some(INSUFFICIENT_DATA));
    for (needed, text, expected) in [
        (3, "0 - X - X", [ok, ok, ok, ok]),
        (3, "- - - - 0", [ok, ok, ok, ok]),
        (3, "- - - - -", [gone, None, alarmed, ok]),
        (3, "0 X X - X", [alarmed; 4]),
        (3, "- - X - -", [alarmed, None, alarmed, ok]),
        (2, "0 - X - X", [alarmed; 4]),
        (2, "0 0 X 0 X", [alarmed; 4]),
        (2, "0 - X - -", [ok, ok, alarmed, ok]),
        (2, "- - - - 0", [ok, ok, alarmed, ok]),
        (2, "- - - X -", [alarmed, None, alarmed, ok]),
    ] {
        let ways = [Gap::Missing, Gap::Ignore, Gap::Breaching, Gap::NotBreaching];
        for (missing, expected) in ways.into_iter().zip(expected) {
            let found = evaluate(&alarm(needed, Some(missing)), &points(text)).state;
            assert_eq!(found, expected, "{needed} of 3, {text}, {missing:?}");
        }
    }
}

#[test]
fn one_breach_alone_is_too_early() {
    assert_eq!(evaluate(&alarm(3, None), &points("- - - - X")).state, None);
    assert_eq!(evaluate(&alarm(1, None), &points("- - - - X")).state, Some(ALARM));
}

#[test]
fn every_comparison_compares() {
    for (comparison, expected) in [
        ("GreaterThanOrEqualToThreshold", [false, true, true]),
        ("GreaterThanThreshold", [false, false, true]),
        ("LessThanThreshold", [true, false, false]),
        ("LessThanOrEqualToThreshold", [true, true, false]),
    ] {
        assert_eq!(
            [1.0, 2.0, 3.0].map(|it| breaches(comparison, it, 2.0)),
            expected,
            "{comparison}"
        );
    }
}
