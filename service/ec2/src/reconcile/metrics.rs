//! Every ten seconds: what the kernel counts for the instances that run; at the end of each period it becomes metrics.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base_id::Scope;
use base_reconcile::{Outcome, Reconciler};
use base_store::Snapshot;
use contract::metric::MetricStore;
use contract::task::TaskPhase;
use contract::usage::MachineMeter;
use jiff::Timestamp;

use crate::Ec2;
use crate::model::instance::Instance;
use crate::model::instance_type;
use crate::plan::usage::{Holder, Seen, Windows};
use crate::table::{DESIRED_TASKS, INSTANCES, OBSERVED_TASKS};

const EVERY_SECONDS: i64 = 10;
const GROUP_TAG: &str = "aws:autoscaling:groupName";

pub struct Metrics {
    ec2: Ec2,
    meter: Arc<dyn MachineMeter>,
    metrics: Arc<dyn MetricStore>,
    windows: Mutex<Windows>,
}

impl Metrics {
    pub fn new(ec2: Ec2, meter: Arc<dyn MachineMeter>, metrics: Arc<dyn MetricStore>) -> Self {
        Self {
            ec2,
            meter,
            metrics,
            windows: Mutex::default(),
        }
    }

    async fn look(&self, snapshot: &Snapshot, place: &str, instance: &Instance) -> Option<Seen> {
        let boot = instance.boot()?;
        if snapshot.get(OBSERVED_TASKS, boot)?.phase != TaskPhase::Running {
            return None;
        }
        let counters = self.meter.machine(boot).await?;
        let mut seen = Seen {
            boot: boot.to_owned(),
            holder: holder(place, instance)?,
            counters,
            guests: Default::default(),
        };
        for (id, task) in snapshot.list(DESIRED_TASKS) {
            let lives_here = task.host.as_ref().is_some_and(|it| it.disk == instance.id);
            if lives_here
                && task.interface.is_some()
                && let Some(usage) = self.meter.interface(&id).await
            {
                seen.guests.insert(id, usage);
            }
        }
        Some(seen)
    }
}

fn holder(place: &str, instance: &Instance) -> Option<Holder> {
    Some(Holder {
        scope: Scope::of_key(place).key(),
        instance: instance.id.clone(),
        image: instance.image.clone(),
        vcpus: instance_type::find(&instance.kind)?.vcpus,
        kind: instance.kind.clone(),
        group: instance.tags.get(GROUP_TAG).cloned(),
        is_detailed: instance.monitoring,
        launched_at: instance.launched_at.as_second(),
    })
}

#[async_trait]
impl Reconciler for Metrics {
    fn name(&self) -> &'static str {
        "ec2 metrics"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let snapshot = self.ec2.store.snapshot();
        let mut seen = Vec::new();
        for (place, instance) in snapshot.list(INSTANCES) {
            seen.extend(self.look(&snapshot, &place, &instance).await);
        }
        let now = self.ec2.clock.now().as_second();
        let data = self
            .windows
            .lock()
            .expect("no holder of this lock panics")
            .take(seen, now);
        if !data.is_empty() {
            self.metrics.put(data).await.map_err(|error| error.to_string())?;
        }
        let slot = now - now.rem_euclid(EVERY_SECONDS);
        let next = Timestamp::from_second(slot + EVERY_SECONDS).map_err(|error| error.to_string())?;
        Ok(Outcome::Until(next))
    }
}
