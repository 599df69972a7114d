use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
use aws_shape::cloudwatch::{self, PutMetricDataInput};
use aws_shape::logs::*;
use base_reconcile::{Outcome, Reconciler as _};

use super::world::*;
use crate::MetricFilters;

/// Remembers what was published; refuses it while it is told to.
#[derive(Default)]
struct Metrics {
    published: Mutex<Vec<String>>,
    down: Mutex<bool>,
}

#[async_trait]
impl cloudwatch::Api for Metrics {
    async fn put_metric_data(&self, _: &Context, input: PutMetricDataInput) -> Result<(), ApiError> {
        if *self.down.lock().unwrap() {
            return Err(ApiError::internal("down"));
        }
        for datum in input.metric_data.unwrap_or_default() {
            let dimensions = datum.dimensions.unwrap_or_default();
            let dimensions: Vec<_> = dimensions
                .iter()
                .map(|it| format!("{}={}", it.name, it.value))
                .collect();
            let mut values: Vec<_> = datum
                .values
                .unwrap_or_default()
                .into_iter()
                .zip(datum.counts.unwrap_or_default())
                .map(|(value, count)| format!("{value}x{count}"))
                .chain(datum.value.map(|it| it.to_string()))
                .collect();
            values.sort();
            let at = datum.timestamp.unwrap().strftime("%H:%M");
            let unit = datum.unit.map(|it| it.to_string()).unwrap_or_default();
            let text = format!(
                "{} {} {at} [{}] {} {unit}",
                input.namespace,
                datum.metric_name,
                dimensions.join(","),
                values.join(",")
            );
            self.published.lock().unwrap().push(text.trim_end().to_owned());
        }
        Ok(())
    }
}

impl Metrics {
    fn take(&self) -> Vec<String> {
        let mut taken = std::mem::take(&mut *self.published.lock().unwrap());
        taken.sort();
        taken
    }
}

fn filter(name: &str, pattern: &str, value: &str) -> PutMetricFilterRequest {
    PutMetricFilterRequest {
        log_group_name: "/app".into(),
        filter_name: name.into(),
        filter_pattern: pattern.into(),
        metric_transformations: vec![MetricTransformation {
            metric_name: name.into(),
            metric_namespace: "App".into(),
            metric_value: value.into(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

async fn begin(filters: Vec<PutMetricFilterRequest>) -> (World, Arc<Metrics>, MetricFilters) {
    let world = world();
    world.group().await.unwrap();
    world.stream("one").await.unwrap();
    world
        .put("one", vec![event(world.now(), "ERROR before there was a filter")])
        .await
        .unwrap();
    for filter in filters {
        world
            .logs
            .put_metric_filter(&world.context, filter)
            .await
            .unwrap();
    }
    let metrics = Arc::new(Metrics::default());
    let counting = MetricFilters::new(
        world.store.clone(),
        world.clock.clone(),
        world.lines.clone(),
        metrics.clone(),
    );
    (world, metrics, counting)
}

#[tokio::test]
async fn matches_are_counted_once_each_also_when_publishing_failed() {
    let (world, metrics, counting) = begin(vec![filter("errors", "ERROR", "1")]).await;
    let now = world.now();
    let batch = vec![
        event(now, "ERROR a"),
        event(now + 1, "fine"),
        event(now + 2, "ERROR b"),
        event(now + 60_000, "ERROR c"),
    ];
    world.put("one", batch).await.unwrap();
    *metrics.down.lock().unwrap() = true;
    assert!(counting.activate().await.is_err());
    assert!(metrics.take().is_empty());
    *metrics.down.lock().unwrap() = false;
    counting.activate().await.unwrap();
    assert_eq!(
        metrics.take(),
        ["App errors 00:00 [] 1x2", "App errors 00:01 [] 1x1"]
    );
    counting.activate().await.unwrap();
    assert!(metrics.take().is_empty());
    // Another process goes on where the cursor is.
    let again = MetricFilters::new(
        world.store.clone(),
        world.clock.clone(),
        world.lines.clone(),
        metrics.clone(),
    );
    again.activate().await.unwrap();
    assert!(metrics.take().is_empty());
}

#[tokio::test]
async fn values_and_dimensions_come_from_the_line() {
    let mut latency = filter("latency", "{ $.latency = * }", "$.latency");
    latency.metric_transformations[0].unit = Some(StandardUnit::Milliseconds);
    latency.metric_transformations[0].dimensions = Some([("Path".to_owned(), "$.path".to_owned())].into());
    let bytes = filter("bytes", "[ip, ..., bytes > 10]", "$bytes");
    let (world, metrics, counting) = begin(vec![latency, bytes]).await;
    let lines = [
        "{\"latency\":50,\"path\":\"/a\"}",
        "{\"latency\":50,\"path\":\"/a\"}",
        "{\"latency\":1.5,\"path\":\"/b\"}",
        "{\"latency\":\"slow\",\"path\":\"/b\"}",
        "{\"latency\":7}",
        "10.0.0.1 x 11",
        "10.0.0.1 x 9",
    ];
    let now = world.now();
    let events = lines.into_iter().map(|line| event(now, line)).collect();
    world.put("one", events).await.unwrap();
    counting.activate().await.unwrap();
    let expected = [
        "App bytes 00:00 [] 11x1",
        "App latency 00:00 [Path=/a] 50x2 Milliseconds",
        "App latency 00:00 [Path=/b] 1.5x1 Milliseconds",
    ];
    assert_eq!(metrics.take(), expected);
}

#[tokio::test]
async fn a_minute_with_lines_and_no_match_gets_the_default() {
    let mut errors = filter("errors", "ERROR", "1");
    errors.metric_transformations[0].default_value = Some(0.0);
    let (world, metrics, counting) = begin(vec![errors]).await;
    let minute = Duration::from_secs(60);
    world.put("one", vec![event(world.now(), "fine")]).await.unwrap();
    // The minute has not ended.
    assert!(matches!(counting.activate().await.unwrap(), Outcome::Until(_)));
    assert!(metrics.take().is_empty());
    world.clock.advance(minute + Duration::from_secs(2));
    assert_eq!(counting.activate().await.unwrap(), Outcome::Settled);
    assert_eq!(metrics.take(), ["App errors 00:00 [] 0"]);
    // A minute without lines gets nothing; one with a match only the match.
    world.clock.advance(minute);
    world.put("one", vec![event(world.now(), "ERROR")]).await.unwrap();
    counting.activate().await.unwrap();
    world.put("one", vec![event(world.now(), "fine")]).await.unwrap();
    counting.activate().await.unwrap();
    world.clock.advance(minute + minute);
    counting.activate().await.unwrap();
    assert_eq!(metrics.take(), ["App errors 00:02 [] 1x1"]);
}

#[tokio::test]
async fn a_filter_that_cannot_work_is_refused() {
    let world = world();
    world.group().await.unwrap();
    let put = async |input| code(world.logs.put_metric_filter(&world.context, input).await);
    assert_eq!(
        put(filter("a", "ERROR", "$.latency")).await,
        "InvalidParameterException"
    );
    assert_eq!(
        put(filter("a", "ERROR", "many")).await,
        "InvalidParameterException"
    );
    assert_eq!(
        put(filter("a", "{ $.a = }", "1")).await,
        "InvalidParameterException"
    );
    assert_eq!(
        put(filter("a", "[ip, ...]", "$bytes")).await,
        "InvalidParameterException"
    );
    let mut both = filter("a", "{ $.a = * }", "1");
    both.metric_transformations[0].default_value = Some(0.0);
    both.metric_transformations[0].dimensions = Some([("A".to_owned(), "$.a".to_owned())].into());
    assert_eq!(put(both).await, "InvalidParameterException");
    let elsewhere = PutMetricFilterRequest {
        log_group_name: "/other".into(),
        ..filter("a", "ERROR", "1")
    };
    assert_eq!(put(elsewhere).await, "ResourceNotFoundException");
    for n in 0..5 {
        let input = filter(&format!("regex-{n}"), "%x%", "1");
        world.logs.put_metric_filter(&world.context, input).await.unwrap();
    }
    assert_eq!(put(filter("regex-5", "%x%", "1")).await, "LimitExceededException");
}

#[tokio::test]
async fn filters_are_described_tested_and_deleted() {
    let world = world();
    world.group().await.unwrap();
    let mut one = filter("one", "{ $.a = * }", "$.a");
    one.metric_transformations[0].unit = Some(StandardUnit::Count);
    for input in [one.clone(), filter("two", "b", "2.5")] {
        world.logs.put_metric_filter(&world.context, input).await.unwrap();
    }
    let all = DescribeMetricFiltersRequest {
        log_group_name: Some("/app".into()),
        ..Default::default()
    };
    let found = world
        .logs
        .describe_metric_filters(&world.context, all.clone())
        .await
        .unwrap();
    let found = found.metric_filters.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].metric_transformations, Some(one.metric_transformations));
    let by_metric = DescribeMetricFiltersRequest {
        metric_name: Some("two".into()),
        metric_namespace: Some("App".into()),
        ..Default::default()
    };
    let found = world
        .logs
        .describe_metric_filters(&world.context, by_metric)
        .await
        .unwrap();
    assert_eq!(
        found.metric_filters.unwrap()[0].filter_name.as_deref(),
        Some("two")
    );
    let test = TestMetricFilterRequest {
        filter_pattern: "[ip, ..., size > 5]".into(),
        log_event_messages: vec!["a 1".into(), "b x 6".into()],
    };
    let matches = world
        .logs
        .test_metric_filter(&world.context, test)
        .await
        .unwrap()
        .matches
        .unwrap();
    assert_eq!(matches.len(), 1);
    assert_eq!(matches[0].event_number, Some(2));
    let values = matches[0].extracted_values.clone().unwrap();
    let expected = [("$ip", "b"), ("$2", "x"), ("$size", "6")];
    assert_eq!(
        values,
        expected
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    );
    let delete = DeleteMetricFilterRequest {
        log_group_name: "/app".into(),
        filter_name: "one".into(),
    };
    world
        .logs
        .delete_metric_filter(&world.context, delete.clone())
        .await
        .unwrap();
    assert_eq!(
        code(world.logs.delete_metric_filter(&world.context, delete).await),
        "ResourceNotFoundException"
    );
    let groups = DescribeLogGroupsRequest::default();
    let groups = world
        .logs
        .describe_log_groups(&world.context, groups)
        .await
        .unwrap();
    assert_eq!(groups.log_groups.unwrap()[0].metric_filter_count, Some(1));
}
