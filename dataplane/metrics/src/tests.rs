use contract::metric::{Series, Summary};

use super::*;

const DAY: i64 = 86_400;

fn store() -> (tempfile::TempDir, MetricFile) {
    let folder = tempfile::tempdir().unwrap();
    let store = MetricFile::open(&folder.path().join("metrics.db")).unwrap();
    (folder, store)
}

fn series(name: &str) -> Series {
    Series {
        scope: "s".into(),
        namespace: "n".into(),
        name: name.into(),
        dimensions: vec![("a".into(), "1".into())],
    }
}

fn datum(at: i64, value: f64, is_high_resolution: bool) -> Datum {
    Datum {
        series: series("x"),
        at_seconds: at,
        unit: "Count".into(),
        is_high_resolution,
        summary: Summary::of(value, 1.0),
    }
}

async fn sums(store: &MetricFile, period: i64, to: i64) -> Vec<(i64, f64, f64)> {
    let query = MetricQuery {
        series: series("x"),
        from_seconds: 0,
        to_seconds: to,
        period_seconds: period,
        unit: None,
    };
    let found = store.read(query).await.unwrap();
    found
        .iter()
        .map(|it| (it.start_seconds, it.summary.count, it.summary.sum))
        .collect()
}

#[tokio::test]
async fn values_are_added_up_by_period() {
    let (_folder, store) = store();
    let data = [(0, 1.0), (30, 2.0), (61, 3.0), (179, 4.0)];
    store
        .put(data.map(|(at, value)| datum(at, value, false)).to_vec())
        .await
        .unwrap();
    store
        .put(vec![datum(65, 5.0, true), datum(66, 6.0, true)])
        .await
        .unwrap();
    assert_eq!(
        sums(&store, 60, 600).await,
        [(0, 2.0, 3.0), (60, 3.0, 14.0), (120, 1.0, 4.0)]
    );
    assert_eq!(sums(&store, 300, 600).await, [(0, 6.0, 21.0)]);
    assert_eq!(
        sums(&store, 1, 120).await,
        [(0, 2.0, 3.0), (60, 1.0, 3.0), (65, 1.0, 5.0), (66, 1.0, 6.0)]
    );
}

#[tokio::test]
async fn what_is_old_is_rolled_up_and_nothing_is_lost() {
    let (folder, store) = store();
    let data = (0..4000).map(|at| datum(at, 1.0, true)).collect();
    store.put(data).await.unwrap();
    for (now, period, rows) in [(5 * 3600, 60, 67), (20 * DAY, 300, 14), (70 * DAY, 3600, 2)] {
        store.tidy(now).await.unwrap();
        let found = sums(&store, 1, 10_000).await;
        assert_eq!(found.len(), rows, "at {now}");
        assert!(found.iter().all(|(start, ..)| start % period == 0));
        assert_eq!(found.iter().map(|it| it.2).sum::<f64>(), 4000.0);
    }
    let again = MetricFile::open(&folder.path().join("metrics.db")).unwrap();
    assert_eq!(sums(&again, 86_400, 10_000).await, [(0, 4000.0, 4000.0)]);
    store.tidy(456 * DAY).await.unwrap();
    assert_eq!(sums(&store, 1, 10_000).await, []);
    assert!(store.list("s", None, None).await.unwrap().is_empty());
}

#[tokio::test]
async fn series_are_listed_within_their_scope() {
    let (_folder, store) = store();
    let other = Datum {
        series: Series {
            scope: "t".into(),
            ..series("y")
        },
        ..datum(5, 1.0, false)
    };
    store
        .put(vec![datum(1, 1.0, false), datum(90, 1.0, false), other])
        .await
        .unwrap();
    let found = store.list("s", Some("n"), Some("x")).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].series, found[0].last_seconds), (&series("x"), 90));
    assert!(store.list("s", Some("other"), None).await.unwrap().is_empty());
    store.clear().await.unwrap();
    assert!(store.list("t", None, None).await.unwrap().is_empty());
}
