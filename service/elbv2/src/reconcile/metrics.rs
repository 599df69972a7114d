//! Every ten seconds: what went through since the last time becomes metrics.

use std::sync::Arc;

use async_trait::async_trait;
use base_reconcile::{Outcome, Reconciler};
use contract::metric::MetricStore;
use contract::route::{RouteTable, Traffic, TrafficMeter};
use jiff::Timestamp;

use crate::Elbv2;
use crate::plan::traffic;
use crate::table::{OBSERVED, ROUTES};

/// Under it the metric store remembers what it has taken in, so that a restart neither loses nor doubles it.
const MARK: &str = "elbv2/traffic";
const EVERY_SECONDS: i64 = 10;

pub struct Metrics {
    elbv2: Elbv2,
    meter: Arc<dyn TrafficMeter>,
    metrics: Arc<dyn MetricStore>,
}

impl Metrics {
    pub fn new(elbv2: Elbv2, meter: Arc<dyn TrafficMeter>, metrics: Arc<dyn MetricStore>) -> Self {
        Self {
            elbv2,
            meter,
            metrics,
        }
    }
}

#[async_trait]
impl Reconciler for Metrics {
    fn name(&self) -> &'static str {
        "elbv2 metrics"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let now = self.elbv2.clock.now().as_second();
        let slot = now - now.rem_euclid(EVERY_SECONDS);
        let next = Timestamp::from_second(slot + EVERY_SECONDS).map_err(|error| error.to_string())?;
        let heard = self.meter.traffic();
        let marked = self.metrics.mark(MARK).await.map_err(|error| error.to_string())?;
        let before: Option<Traffic> = marked.and_then(|it| serde_json::from_str(&it).ok());
        let snapshot = self.elbv2.store.snapshot();
        let routes = snapshot.get(ROUTES, RouteTable::KEY).unwrap_or_default();
        let observed = snapshot.get(OBSERVED, RouteTable::KEY).unwrap_or_default();
        let flows = traffic::since(before.as_ref(), &heard);
        // What came until now belongs to the slot that has just ended.
        let data = traffic::data(&flows, &routes, &observed, slot - 1);
        let saved = match heard.last() {
            Some(last) if before.as_ref() != Some(last) => {
                let mark = serde_json::to_string(last).map_err(|error| error.to_string())?;
                self.metrics.put_marked(data, MARK, mark).await
            }
            _ if data.is_empty() => Ok(()),
            _ => self.metrics.put(data).await,
        };
        saved.map_err(|error| error.to_string())?;
        Ok(Outcome::Until(next))
    }
}
