//! Every ten seconds: what the kernel counts for the instances that run and the NAT gateways that there are; at the end of
//! each period it becomes metrics.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base_id::Scope;
use base_reconcile::{Outcome, Reconciler};
use base_store::Snapshot;
use contract::metric::MetricStore;
use contract::task::TaskPhase;
use contract::usage::{GatewayMeter, MachineMeter};
use jiff::Timestamp;

use crate::Ec2;
use crate::model::instance::Instance;
use crate::model::instance_type;
use crate::plan::gateway_usage;
use crate::plan::usage::{Holder, Seen, Windows};
use crate::table::{DESIRED_TASKS, INSTANCES, NAT_GATEWAYS, OBSERVED_TASKS};

const EVERY_SECONDS: i64 = 10;
const GROUP_TAG: &str = "aws:autoscaling:groupName";

pub struct Metrics {
    ec2: Ec2,
    meters: Meters,
    metrics: Arc<dyn MetricStore>,
    windows: Mutex<Windows>,
    gateways: Mutex<gateway_usage::Windows>,
}

/// Who counts.
pub struct Meters {
    pub machines: Arc<dyn MachineMeter>,
    pub gateways: Arc<dyn GatewayMeter>,
}

impl Metrics {
    pub fn new(ec2: Ec2, meters: Meters, metrics: Arc<dyn MetricStore>) -> Self {
        Self {
            ec2,
            meters,
            metrics,
            windows: Mutex::default(),
            gateways: Mutex::default(),
        }
    }

    async fn look(&self, snapshot: &Snapshot, place: &str, instance: &Instance) -> Option<Seen> {
        let boot = instance.boot()?;
        if snapshot.get(OBSERVED_TASKS, boot)?.phase != TaskPhase::Running {
            return None;
        }
        let counters = self.meters.machines.machine(boot).await?;
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
                && let Some(usage) = self.meters.machines.interface(&id).await
            {
                seen.guests.insert(id, usage);
            }
        }
        Some(seen)
    }
}

impl Metrics {
    /// Each network is looked at once.
    async fn look_at_gateways(&self, snapshot: &Snapshot) -> Vec<gateway_usage::Seen> {
        let mut counted = BTreeMap::new();
        let mut seen = Vec::new();
        for (place, gateway) in snapshot.list(NAT_GATEWAYS) {
            if !gateway.available {
                continue;
            }
            if !counted.contains_key(&gateway.vpc) {
                let usage = self.meters.gateways.gateways(&gateway.vpc).await;
                counted.insert(gateway.vpc.clone(), usage);
            }
            let usage = counted
                .get(&gateway.vpc)
                .and_then(|it| it.as_ref()?.get(&gateway.id));
            seen.push(gateway_usage::Seen {
                scope: Scope::of_key(&place).key(),
                gateway: gateway.id.clone(),
                made: gateway.made,
                usage: usage.cloned(),
            });
        }
        seen
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
        let gateways = self.look_at_gateways(&snapshot).await;
        let at = self.ec2.clock.now();
        let now = at.as_second();
        let mut data = self
            .windows
            .lock()
            .expect("no holder of this lock panics")
            .take(seen, now);
        let windows = self.gateways.lock();
        data.extend(windows.expect("no holder of this lock panics").take(gateways, at));
        if !data.is_empty() {
            self.metrics.put(data).await.map_err(|error| error.to_string())?;
        }
        let slot = now - now.rem_euclid(EVERY_SECONDS);
        let next = Timestamp::from_second(slot + EVERY_SECONDS).map_err(|error| error.to_string())?;
        Ok(Outcome::Until(next))
    }
}
