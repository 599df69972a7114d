use super::*;

fn summary(values: impl IntoIterator<Item = f64>) -> Summary {
    let mut all = Summary::default();
    values
        .into_iter()
        .for_each(|value| all.merge(&Summary::of(value, 1.0)));
    all
}

#[test]
fn a_buckets_value_is_within_one_percent() {
    for exponent in -109..109 {
        for value in [1.0, 2.5, 9.99].map(|it| it * 10_f64.powi(exponent)) {
            for value in [value, -value] {
                let off = (bucket_value(bucket(value)) - value).abs() / value.abs();
                assert!(off <= 0.0101, "{value}: {off}");
            }
        }
    }
    assert_eq!(bucket_value(bucket(0.0)), 0.0);
}

#[test]
fn buckets_rise_with_values() {
    let values = [-1e9, -3.0, -1e-9, 0.0, 1e-9, 0.5, 1.0, 1.05, 7e7];
    assert!(values.windows(2).all(|pair| bucket(pair[0]) < bucket(pair[1])));
}

#[test]
fn percentiles_are_within_one_percent() {
    let all = summary((1..=1000).map(f64::from));
    for (percent, expected) in [
        (50.0, 500.0),
        (90.0, 900.0),
        (99.0, 990.0),
        (100.0, 1000.0),
        (0.1, 1.0),
    ] {
        let found = all.percentile(percent).unwrap();
        assert!(
            (found - expected).abs() <= expected * 0.011,
            "p{percent}: {found}"
        );
    }
    assert_eq!(
        (all.count, all.sum, all.min, all.max),
        (1000.0, 500_500.0, 1.0, 1000.0)
    );
}

#[test]
fn trimmed_values_leave_out_the_ends() {
    let all = summary((1..=100).map(f64::from));
    let middle = all.between_percentiles(10.0, 90.0).unwrap();
    assert!((middle.average() - 50.5).abs() < 1.0, "{}", middle.average());
    assert!((middle.count - 80.0).abs() < 0.5);
    let low = all.between(f64::NEG_INFINITY, 10.0).unwrap();
    assert!((low.count - 10.0).abs() <= 1.0, "{}", low.count);
}

#[test]
fn what_was_given_as_sums_has_no_percentiles() {
    let mut all = summary([1.0, 2.0]);
    all.merge(&Summary {
        count: 10.0,
        sum: 30.0,
        min: 1.0,
        max: 9.0,
        ..Summary::default()
    });
    assert_eq!(all.percentile(50.0), None);
    assert_eq!(all.average(), 33.0 / 12.0);
}
