//! Old values are rolled up, old history is removed.

use async_trait::async_trait;
use base_reconcile::{Outcome, Reconciler};
use jiff::SignedDuration;

use crate::CloudWatch;
use crate::table::HISTORY;

const LOOK_EVERY: SignedDuration = SignedDuration::from_mins(5);
/// As AWS keeps it.
const HISTORY_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

pub struct Upkeep {
    cloudwatch: CloudWatch,
}

impl Upkeep {
    pub fn new(cloudwatch: CloudWatch) -> Self {
        Self { cloudwatch }
    }
}

#[async_trait]
impl Reconciler for Upkeep {
    fn name(&self) -> &'static str {
        "cloudwatch upkeep"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let now = self.cloudwatch.clock.now();
        self.cloudwatch
            .metrics
            .tidy(now.as_second())
            .await
            .map_err(|error| error.to_string())?;
        let before = now.checked_sub(HISTORY_KEPT).map_err(|error| error.to_string())?;
        let history = self.cloudwatch.store.snapshot().list(HISTORY);
        let old: Vec<String> = history
            .into_iter()
            .filter(|(_, it)| it.at < before)
            .map(|(place, _)| place)
            .collect();
        if !old.is_empty() {
            let removed = self.cloudwatch.store.write(move |tx| {
                old.iter().for_each(|place| tx.delete(HISTORY, place));
                Ok::<_, base_store::StoreError>(())
            });
            removed.await.map_err(|error| error.to_string())?;
        }
        now.checked_add(LOOK_EVERY)
            .map(Outcome::Until)
            .map_err(|error| error.to_string())
    }
}
