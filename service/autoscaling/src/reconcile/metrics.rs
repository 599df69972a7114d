//! Each minute: how large the groups are whose metrics are enabled.

use std::sync::Arc;

use async_trait::async_trait;
use base_id::Scope;
use base_reconcile::{Outcome, Reconciler};
use contract::metric::{Datum, MetricStore, Series, Summary};
use jiff::Timestamp;

use crate::Autoscaling;
use crate::plan::sizes;
use crate::table::GROUPS;

const NAMESPACE: &str = "AWS/AutoScaling";
/// Under it the metric store remembers the minute that was told last, so that a restart does not tell it twice.
const MARK: &str = "autoscaling/sizes";
const MINUTE_SECONDS: i64 = 60;

pub struct Metrics {
    autoscaling: Autoscaling,
    metrics: Arc<dyn MetricStore>,
}

impl Metrics {
    pub fn new(autoscaling: Autoscaling, metrics: Arc<dyn MetricStore>) -> Self {
        Self { autoscaling, metrics }
    }

    fn data(&self, at_seconds: i64) -> Vec<Datum> {
        let mut found = Vec::new();
        for (place, group) in self.autoscaling.store.snapshot().list(GROUPS) {
            for (name, number) in sizes(&group) {
                found.push(Datum {
                    series: Series {
                        scope: Scope::of_key(&place).key(),
                        namespace: NAMESPACE.to_owned(),
                        name: name.to_owned(),
                        dimensions: vec![("AutoScalingGroupName".to_owned(), group.name.clone())],
                    },
                    at_seconds,
                    unit: "None".to_owned(),
                    is_high_resolution: false,
                    summary: Summary::of(number.into(), 1.0),
                });
            }
        }
        found
    }
}

#[async_trait]
impl Reconciler for Metrics {
    fn name(&self) -> &'static str {
        "autoscaling metrics"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let now = self.autoscaling.clock.now().as_second();
        let minute = now - now.rem_euclid(MINUTE_SECONDS);
        let next = Timestamp::from_second(minute + MINUTE_SECONDS).map_err(|error| error.to_string())?;
        let told = self.metrics.mark(MARK).await.map_err(|error| error.to_string())?;
        let mark = minute.to_string();
        let data = self.data(minute);
        if told.as_ref() != Some(&mark) && !data.is_empty() {
            let put = self.metrics.put_marked(data, MARK, mark).await;
            put.map_err(|error| error.to_string())?;
        }
        Ok(Outcome::Until(next))
    }
}
