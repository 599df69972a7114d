use super::*;

#[test]
fn statistics_are_read_and_computed() {
    let mut all = Summary::default();
    (1..=100).for_each(|it| all.merge(&Summary::of(f64::from(it), 1.0)));
    for (text, expected) in [
        ("SampleCount", 100.0),
        ("Average", 50.5),
        ("Sum", 5050.0),
        ("Minimum", 1.0),
        ("Maximum", 100.0),
        ("p50", 50.0),
        ("p99.9", 100.0),
        ("tm90", 45.5),
        ("TM(10%:90%)", 50.5),
        ("IQM", 50.5),
        ("TC(20%:80%)", 60.0),
        ("TS(:50%)", 1275.0),
        ("TM(:10.4)", 5.5),
        ("PR(:30)", 30.0),
        ("wm90", 50.0),
    ] {
        let found = Statistic::parse(text)
            .unwrap_or_else(|| panic!("{text}"))
            .of(&all)
            .unwrap();
        assert!(
            (found - expected).abs() <= expected * 0.05,
            "{text}: {found}, not {expected}"
        );
    }
}

#[test]
fn what_is_no_statistic_is_refused() {
    for text in [
        "",
        "average",
        "p101",
        "p",
        "p-1",
        "TM(90%:10%)",
        "TM(10:90",
        "PR(10%:)",
        "XX(1:2)",
        "tm(5%)",
    ] {
        assert_eq!(Statistic::parse(text), None, "{text}");
    }
}
