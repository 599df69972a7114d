use super::*;

fn series(values: &[(i64, f64)]) -> Value {
    Value::Series(Series {
        period_seconds: 60,
        points: values.iter().copied().collect(),
        ..Series::default()
    })
}

fn run(text: &str) -> Result<Value, String> {
    let values = BTreeMap::from([
        ("m1".to_owned(), series(&[(0, 1.0), (60, 2.0), (120, 4.0)])),
        ("m2".to_owned(), series(&[(0, 10.0), (120, 0.0)])),
    ]);
    let metrics: Vec<Series> = values
        .iter()
        .filter_map(|(id, value)| match value {
            Value::Series(series) => Some(Series {
                id: id.clone(),
                ..series.clone()
            }),
            _ => None,
        })
        .collect();
    let given = Given {
        values: &values,
        metrics: &metrics,
        from_seconds: 0,
        to_seconds: 180,
        period_seconds: 60,
    };
    evaluate(&parse(text)?, &given)
}

fn points(text: &str) -> Vec<(i64, f64)> {
    match run(text).unwrap_or_else(|error| panic!("{text}: {error}")) {
        Value::Series(series) => series.points.into_iter().collect(),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn expressions_come_to_what_cloudwatch_documents() {
    for (text, expected) in [
        ("m1 * 100", vec![(0, 100.0), (60, 200.0), (120, 400.0)]),
        ("m1 + m2", vec![(0, 11.0), (120, 4.0)]),
        ("m1 / m2", vec![(0, 0.1)]),
        ("-m1 ^ 2", vec![(0, -1.0), (60, -4.0), (120, -16.0)]),
        ("1 + 2 * m1", vec![(0, 3.0), (60, 5.0), (120, 9.0)]),
        ("(1 + 2) * m1", vec![(0, 3.0), (60, 6.0), (120, 12.0)]),
        ("SUM([m1, m2])", vec![(0, 11.0), (60, 2.0), (120, 4.0)]),
        ("SUM(METRICS())", vec![(0, 11.0), (60, 2.0), (120, 4.0)]),
        ("AVG([m1, m2])", vec![(0, 5.5), (60, 2.0), (120, 2.0)]),
        (
            "m1 / SUM(m1) * 100",
            vec![(0, 100.0 / 7.0), (60, 200.0 / 7.0), (120, 400.0 / 7.0)],
        ),
        ("FILL(m2, 0)", vec![(0, 10.0), (60, 0.0), (120, 0.0)]),
        ("FILL(m2, REPEAT)", vec![(0, 10.0), (60, 10.0), (120, 0.0)]),
        ("FILL(m2, LINEAR)", vec![(0, 10.0), (60, 5.0), (120, 0.0)]),
        ("DIFF(m1)", vec![(60, 1.0), (120, 2.0)]),
        ("RATE(m1)", vec![(60, 1.0 / 60.0), (120, 2.0 / 60.0)]),
        ("RUNNING_SUM(m1)", vec![(0, 1.0), (60, 3.0), (120, 7.0)]),
        ("IF(m1 > 1, m1)", vec![(60, 2.0), (120, 4.0)]),
        ("IF(m1 > 1, m1, 0)", vec![(0, 0.0), (60, 2.0), (120, 4.0)]),
        ("m1 >= 2 AND m1 < 4", vec![(0, 0.0), (60, 1.0), (120, 0.0)]),
        ("m1 * PERIOD(m1)", vec![(0, 60.0), (60, 120.0), (120, 240.0)]),
        ("TIME_SERIES(7)", vec![(0, 7.0), (60, 7.0), (120, 7.0)]),
        ("MINUTE(m1)", vec![(0, 0.0), (60, 1.0), (120, 2.0)]),
        (
            "FIRST(SORT(METRICS(), MAX, DESC, 1))",
            vec![(0, 10.0), (120, 0.0)],
        ),
        (
            "SLICE(SORT(METRICS(), SUM, ASC), 0)",
            vec![(0, 1.0), (60, 2.0), (120, 4.0)],
        ),
        ("FIRST(METRICS(\"m2\"))", vec![(0, 10.0), (120, 0.0)]),
    ] {
        let found = points(text);
        let near = |(a, b): (&(i64, f64), &(i64, f64))| a.0 == b.0 && (a.1 - b.1).abs() < 1e-9;
        let same = found.len() == expected.len() && found.iter().zip(&expected).all(near);
        assert!(same, "{text}: {found:?}, not {expected:?}");
    }
}

#[test]
fn numbers_come_from_one_series() {
    for (text, expected) in [
        ("SUM(m1)", 7.0),
        ("MAX(m1)", 4.0),
        ("METRIC_COUNT(METRICS())", 2.0),
        ("STDDEV(m2)", 5.0),
    ] {
        assert_eq!(run(text), Ok(Value::Number(expected)), "{text}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    let deep = "(".repeat(10_000);
    for (text, says) in [
        ("m1 +", "ends too early"),
        ("m3", "m3 is not the id"),
        ("NOPE(m1)", "no function NOPE"),
        ("m1 m2", "was not expected"),
        ("SUM(m1", "')' is missing"),
        ("m1 $ 2", "'$'"),
        ("'x", "not closed"),
        (deep.as_str(), "nested too deeply"),
        ("SEARCH('{AWS/ECS}', 'Average', 60)", "not served"),
    ] {
        let error = run(text).unwrap_err();
        assert!(error.contains(says), "{says}: {error}");
    }
}
