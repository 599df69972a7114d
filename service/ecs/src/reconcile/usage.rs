//! Every ten seconds: what the kernel counts for the tasks that run; at the end of each minute it becomes metrics.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base_id::Scope;
use base_reconcile::{Outcome, Reconciler};
use base_store::Snapshot;
use contract::metric::{Datum, MetricStore, Series, Summary};
use contract::task::TaskPhase;
use contract::usage::Usage;
use jiff::Timestamp;

use crate::Ecs;
use crate::model::service::State;
use crate::model::task::Task;
use crate::plan::usage::{Holder, INSIGHTS, MINUTE_SECONDS, Minute};
use crate::table::{self, CLUSTERS, OBSERVED, SERVICES, TASKS, key};

const EVERY_SECONDS: i64 = 10;

pub struct Metrics {
    ecs: Ecs,
    usage: Arc<dyn Usage>,
    metrics: Arc<dyn MetricStore>,
    minute: Mutex<Minute>,
    /// The minute whose counts of tasks were told last.
    counted: Mutex<i64>,
}

impl Metrics {
    pub fn new(ecs: Ecs, usage: Arc<dyn Usage>, metrics: Arc<dyn MetricStore>) -> Self {
        Self {
            ecs,
            usage,
            metrics,
            minute: Mutex::default(),
            counted: Mutex::default(),
        }
    }
}

fn is_insightful(snapshot: &Snapshot, scope: &Scope, cluster: &str) -> bool {
    snapshot.get(CLUSTERS, &key(scope, cluster)).is_some_and(|it| {
        let mut settings = it.settings.iter();
        settings
            .any(|(name, value)| name == "containerInsights" && (value == "enabled" || value == "enhanced"))
    })
}

fn holder(snapshot: &Snapshot, place: &str, task: &Task) -> Holder {
    let scope = Scope::of_key(place);
    let definition = table::definition_of(snapshot, &scope, &task.task_definition);
    let spec = definition.as_ref().map(|it| &it.spec);
    let size = task.size(spec);
    let containers = spec.map(|it| it.containers.as_slice()).unwrap_or_default();
    // Where the task says nothing its containers together do.
    let sum = |of: fn(&crate::model::task::Size) -> Option<u32>| {
        let all: u32 = containers.iter().filter_map(|it| of(&task.size_of(it))).sum();
        (all > 0).then_some(all)
    };
    let memory = |it: &crate::model::task::Size| it.memory_reservation_mib.or(it.memory_mib);
    Holder {
        cluster: task.cluster.clone(),
        service: task.service().map(str::to_owned),
        family: definition
            .as_ref()
            .map(|it| it.family.clone())
            .unwrap_or_default(),
        cpu_units: size.cpu_units.or_else(|| sum(|it| it.cpu_units)).map(f64::from),
        memory_mib: size.memory_mib.or_else(|| sum(memory)).map(f64::from),
        is_insightful: is_insightful(snapshot, &scope, &task.cluster),
        scope: scope.key(),
    }
}

/// How many tasks there are and shall be, of clusters that want Container Insights.
fn counts(snapshot: &Snapshot, at_seconds: i64) -> Vec<Datum> {
    let mut found = Vec::new();
    for (place, service) in snapshot.list(SERVICES) {
        let scope = Scope::of_key(&place);
        if service.state != State::Active || !is_insightful(snapshot, &scope, &service.cluster) {
            continue;
        }
        let tasks = snapshot.prefix(TASKS, &key(&scope, &format!("{}/", service.cluster)));
        let phases = tasks
            .iter()
            .filter(|(_, it)| it.service() == Some(service.name.as_str()))
            .map(|(_, it)| {
                snapshot
                    .get(OBSERVED, &it.id)
                    .map_or(TaskPhase::Provisioning, |seen| seen.phase)
            });
        let (mut running, mut pending) = (0_u32, 0_u32);
        for phase in phases {
            match phase {
                TaskPhase::Running => running += 1,
                TaskPhase::Provisioning | TaskPhase::Pending => pending += 1,
                TaskPhase::Stopping | TaskPhase::Stopped => {}
            }
        }
        let dimensions = vec![
            ("ClusterName".to_owned(), service.cluster.clone()),
            ("ServiceName".to_owned(), service.name.clone()),
        ];
        for (name, count) in [
            ("RunningTaskCount", running),
            ("PendingTaskCount", pending),
            ("DesiredTaskCount", service.desired),
        ] {
            found.push(Datum {
                series: Series {
                    scope: scope.key(),
                    namespace: INSIGHTS.to_owned(),
                    name: name.to_owned(),
                    dimensions: dimensions.clone(),
                },
                at_seconds,
                unit: "Count".to_owned(),
                is_high_resolution: false,
                summary: Summary::of(count.into(), 1.0),
            });
        }
    }
    found
}

#[async_trait]
impl Reconciler for Metrics {
    fn name(&self) -> &'static str {
        "ecs metrics"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let now = self.ecs.clock.now().as_second();
        let slot = now - now.rem_euclid(EVERY_SECONDS);
        let snapshot = self.ecs.store.snapshot();
        let mut seen = Vec::new();
        for (place, task) in snapshot.list(TASKS) {
            let runs = snapshot
                .get(OBSERVED, &task.id)
                .is_some_and(|it| it.phase == TaskPhase::Running);
            if runs && let Some(counters) = self.usage.counters(&task.id).await {
                seen.push((task.id.clone(), holder(&snapshot, &place, &task), counters));
            }
        }
        let mut data = self
            .minute
            .lock()
            .expect("no holder of this lock panics")
            .take(seen, now);
        let minute = now - now.rem_euclid(MINUTE_SECONDS);
        if std::mem::replace(
            &mut *self.counted.lock().expect("no holder of this lock panics"),
            minute,
        ) < minute
        {
            data.extend(counts(&snapshot, minute));
        }
        if !data.is_empty() {
            self.metrics.put(data).await.map_err(|error| error.to_string())?;
        }
        let next = Timestamp::from_second(slot + EVERY_SECONDS).map_err(|error| error.to_string())?;
        Ok(Outcome::Until(next))
    }
}
