//! How much goes through, from which listener to which target group, and how fast it is answered.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use contract::metric::bucket;
use contract::route;
use http::StatusCode;

use crate::page::Own;

/// The failures that AWS counts by themselves.
const FAILURES: [StatusCode; 4] = [
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];
/// Faster answers count as this fast, slower ones as that slow.
const FASTEST_SECONDS: f64 = 1e-6;
const SLOWEST_SECONDS: f64 = 1e4;

pub(crate) struct Meter {
    boot: String,
    flows: RwLock<HashMap<String, HashMap<String, Arc<Flow>>>>,
}

pub(crate) struct Flow {
    requests: AtomicU64,
    target_answers: [AtomicU64; 4],
    own_answers: [AtomicU64; 4],
    fixed_answers: AtomicU64,
    redirects: AtomicU64,
    refused_connections: AtomicU64,
    response_microseconds: AtomicU64,
    buckets: Mutex<BTreeMap<i32, u64>>,
    own_failures: [AtomicU64; 4],
    new_connections: AtomicU64,
    open_connections: AtomicU64,
    bytes: AtomicU64,
    tls_failures: AtomicU64,
}

impl Flow {
    fn new() -> Self {
        Self {
            requests: AtomicU64::new(0),
            target_answers: Default::default(),
            own_answers: Default::default(),
            fixed_answers: AtomicU64::new(0),
            redirects: AtomicU64::new(0),
            refused_connections: AtomicU64::new(0),
            response_microseconds: AtomicU64::new(0),
            buckets: Mutex::default(),
            own_failures: Default::default(),
            new_connections: AtomicU64::new(0),
            open_connections: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            tls_failures: AtomicU64::new(0),
        }
    }

    pub(crate) fn opened(&self) {
        self.new_connections.fetch_add(1, Ordering::Relaxed);
        self.open_connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn closed(&self) {
        self.open_connections.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn carried(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn no_tls(&self) {
        self.tls_failures.fetch_add(1, Ordering::Relaxed);
    }

    /// A target was chosen.
    pub(crate) fn chosen(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.refused_connections.fetch_add(1, Ordering::Relaxed);
    }

    /// A target has begun to answer.
    pub(crate) fn answered(&self, status: StatusCode, after: Duration) {
        count(&self.target_answers, status);
        let seconds = after.as_secs_f64().clamp(FASTEST_SECONDS, SLOWEST_SECONDS);
        let microseconds = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
        self.response_microseconds
            .fetch_add(microseconds, Ordering::Relaxed);
        let mut buckets = self.buckets.lock().expect("no holder of this lock panics");
        *buckets.entry(bucket(seconds)).or_default() += 1;
    }

    /// The proxy answered itself.
    pub(crate) fn own(&self, kind: Own, status: StatusCode) {
        match kind {
            Own::Error => {
                count(&self.own_answers, status);
                if let Some(at) = FAILURES.iter().position(|it| *it == status) {
                    self.own_failures[at].fetch_add(1, Ordering::Relaxed);
                }
            }
            Own::Fixed => drop(self.fixed_answers.fetch_add(1, Ordering::Relaxed)),
            Own::Redirect => drop(self.redirects.fetch_add(1, Ordering::Relaxed)),
        }
    }

    fn read(&self, listener: &str, target_group: &str) -> route::Flow {
        let all = |counts: &[AtomicU64; 4]| std::array::from_fn(|at| counts[at].load(Ordering::Relaxed));
        #[expect(clippy::cast_precision_loss, reason = "285 years of microseconds fit")]
        let response_seconds = self.response_microseconds.load(Ordering::Relaxed) as f64 / 1e6;
        route::Flow {
            listener: listener.to_owned(),
            target_group: target_group.to_owned(),
            requests: self.requests.load(Ordering::Relaxed),
            target_answers: all(&self.target_answers),
            own_answers: all(&self.own_answers),
            fixed_answers: self.fixed_answers.load(Ordering::Relaxed),
            redirects: self.redirects.load(Ordering::Relaxed),
            refused_connections: self.refused_connections.load(Ordering::Relaxed),
            response_seconds,
            response_buckets: self
                .buckets
                .lock()
                .expect("no holder of this lock panics")
                .clone(),
            own_failures: all(&self.own_failures),
            new_connections: self.new_connections.load(Ordering::Relaxed),
            open_connections: self.open_connections.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            tls_failures: self.tls_failures.load(Ordering::Relaxed),
        }
    }
}

fn count(counts: &[AtomicU64; 4], status: StatusCode) {
    let class = usize::from(status.as_u16() / 100);
    if let Some(count) = class.checked_sub(2).and_then(|at| counts.get(at)) {
        count.fetch_add(1, Ordering::Relaxed);
    }
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self {
            boot: format!("{:032x}", rand::random::<u128>()),
            flows: RwLock::default(),
        }
    }

    pub(crate) fn flow(&self, listener: &str, target_group: &str) -> Arc<Flow> {
        let known = |flows: &HashMap<String, HashMap<String, Arc<Flow>>>| {
            flows
                .get(listener)
                .and_then(|groups| groups.get(target_group))
                .cloned()
        };
        let found = known(&self.flows.read().expect("no holder of this lock panics"));
        found.unwrap_or_else(|| {
            let mut flows = self.flows.write().expect("no holder of this lock panics");
            let groups = flows.entry(listener.to_owned()).or_default();
            Arc::clone(
                groups
                    .entry(target_group.to_owned())
                    .or_insert_with(|| Arc::new(Flow::new())),
            )
        })
    }

    /// Forgets listeners that are gone.
    pub(crate) fn keep(&self, is_known: impl Fn(&str) -> bool) {
        let mut flows = self.flows.write().expect("no holder of this lock panics");
        flows.retain(|listener, _| is_known(listener));
    }

    pub(crate) fn read(&self) -> route::Traffic {
        let flows = self.flows.read().expect("no holder of this lock panics");
        let mut found: Vec<route::Flow> = flows
            .iter()
            .flat_map(|(listener, groups)| groups.iter().map(|(group, flow)| flow.read(listener, group)))
            .collect();
        found.sort_by(|a, b| (&a.listener, &a.target_group).cmp(&(&b.listener, &b.target_group)));
        route::Traffic {
            boot: self.boot.clone(),
            flows: found,
        }
    }
}
