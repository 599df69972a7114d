//! CloudWatch over the real metric store, at times that a test chooses.

mod alarm;
mod metric;

use std::sync::Arc;
use std::time::Duration;

use aws_protocol::Context;
use aws_shape::cloudwatch::*;
use base_clock::{Clock as _, ManualClock};
use base_id::{Scope, SequentialIds};
use base_store::Store;
use dataplane_metrics::MetricFile;
use jiff::Timestamp;

use crate::CloudWatch;

/// A whole number of hours since 1970.
const BEGIN: i64 = 1_800_000_000;

struct World {
    cloudwatch: CloudWatch,
    clock: Arc<ManualClock>,
    context: Context,
    _directory: tempfile::TempDir,
}

fn world() -> World {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::from_second(BEGIN).unwrap()));
    let metrics = MetricFile::open(&directory.path().join("metrics.db")).unwrap();
    let ids = Arc::new(SequentialIds::default());
    World {
        cloudwatch: CloudWatch::new(Store::in_memory(), clock.clone(), ids, Arc::new(metrics)),
        clock,
        context: Context {
            scope: Scope::new("000000000000", "us-east-1"),
            request_id: String::new(),
            principal_arn: String::new(),
            access_key: String::new(),
        },
        _directory: directory,
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(BEGIN + second).unwrap()
}

fn datum(name: &str, second: i64, value: f64) -> MetricDatum {
    MetricDatum {
        metric_name: name.to_owned(),
        timestamp: Some(at(second)),
        value: Some(value),
        ..MetricDatum::default()
    }
}

impl World {
    async fn put(&self, data: Vec<MetricDatum>) {
        let input = PutMetricDataInput {
            namespace: "app".into(),
            metric_data: Some(data),
            ..PutMetricDataInput::default()
        };
        self.cloudwatch
            .put_metric_data(&self.context, input)
            .await
            .unwrap();
    }

    fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        assert!(self.clock.now() > at(0));
    }
}
