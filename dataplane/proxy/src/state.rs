//! The table in use and what is known of its targets.

use std::collections::{HashMap, HashSet};
use std::net::{SocketAddr, SocketAddrV4};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use contract::route::{
    Action, Listener, ObservedListener, ObservedRoutes, ObservedTarget, RouteTable, TargetGroup, TargetHealth,
};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::dial::Dialer;
use crate::meter::Meter;
use crate::pool::Pool;
use crate::serve::Door;
use crate::stick::Sticky;

pub(crate) struct State {
    pub(crate) dialer: Dialer,
    pub(crate) routing: ArcSwap<Routing>,
    /// Raised when the table has changed; listeners follow it.
    pub(crate) changed: watch::Sender<u64>,
    pub(crate) meter: Meter,
    /// Something worth reporting has happened.
    pub(crate) news: Notify,
    failures: Mutex<HashMap<String, String>>,
}

/// One table, ready to serve from.
#[derive(Default)]
pub(crate) struct Routing {
    pub(crate) table: RouteTable,
    pub(crate) listeners: HashMap<String, Arc<Listener>>,
    pub(crate) groups: HashMap<String, Arc<Group>>,
}

pub(crate) struct Group {
    pub(crate) config: TargetGroup,
    pub(crate) targets: Vec<Arc<TargetState>>,
    next: AtomicUsize,
}

/// A target from its registration to the end of its draining.
pub(crate) struct TargetState {
    pub(crate) address: SocketAddrV4,
    pub(crate) pool: Pool,
    pub(crate) health: Mutex<TargetHealth>,
    in_flight: AtomicU32,
    draining: AtomicBool,
    drained: AtomicBool,
    /// Ends probing, and whatever is still in flight when draining has taken too long.
    pub(crate) gone: CancellationToken,
}

impl State {
    pub(crate) fn new(dialer: Dialer) -> Self {
        Self {
            dialer,
            meter: Meter::new(),
            routing: ArcSwap::default(),
            changed: watch::Sender::new(0),
            news: Notify::new(),
            failures: Mutex::default(),
        }
    }

    /// Takes a table into use unless it is older than the present one. Targets that stay keep their connections and
    /// their health.
    pub(crate) fn apply(self: &Arc<Self>, table: RouteTable) -> bool {
        let old = self.routing.load_full();
        if table.generation < old.table.generation {
            return false;
        }
        let mut routing = Routing {
            table: table.clone(),
            ..Routing::default()
        };
        for listener in table.listeners {
            routing.listeners.insert(listener.id.clone(), Arc::new(listener));
        }
        let mut kept = HashSet::new();
        for config in table.target_groups {
            let former = old.groups.get(&config.id);
            let targets = config.targets.iter().map(|target| {
                let address = SocketAddrV4::new(target.address, target.port);
                let known =
                    former.and_then(|group| group.targets.iter().find(|known| known.address == address));
                // A target that comes back after draining begins anew.
                let known = known.filter(|known| target.draining || !known.draining.load(Ordering::SeqCst));
                let checked = config.health_check.enabled;
                let state = known.map_or_else(|| Arc::new(TargetState::new(address, checked)), Arc::clone);
                kept.insert(Arc::as_ptr(&state));
                if target.draining {
                    self.drain(
                        &state,
                        Duration::from_secs(config.deregistration_delay_seconds.into()),
                    );
                } else if known.is_none() {
                    tokio::spawn(crate::health::watch(
                        Arc::clone(self),
                        config.id.clone(),
                        Arc::clone(&state),
                    ));
                }
                state
            });
            let targets = targets.collect();
            let group = Group {
                config,
                targets,
                next: AtomicUsize::new(rand::random_range(0..1024)),
            };
            routing.groups.insert(group.config.id.clone(), Arc::new(group));
        }
        for target in old.groups.values().flat_map(|group| &group.targets) {
            if !kept.contains(&Arc::as_ptr(target)) {
                target.draining.store(true, Ordering::SeqCst);
                target.gone.cancel();
                target.pool.clear();
            }
        }
        self.dialer.keep(&routing.networks());
        self.meter.keep(|id| routing.listeners.contains_key(id));
        let known = |id: &String| routing.listeners.contains_key(id);
        self.failures
            .lock()
            .expect("no holder of this lock panics")
            .retain(|id, _| known(id));
        self.routing.store(Arc::new(routing));
        self.changed.send_modify(|count| *count += 1);
        self.news.notify_one();
        true
    }

    fn drain(self: &Arc<Self>, target: &Arc<TargetState>, delay: Duration) {
        if target.draining.swap(true, Ordering::SeqCst) {
            return;
        }
        let (state, target) = (Arc::clone(self), Arc::clone(target));
        target.set_health(TargetHealth::Draining { done: false });
        tokio::spawn(async move {
            let finished = async {
                while target.in_flight.load(Ordering::SeqCst) > 0 {
                    tokio::time::sleep(DRAIN_LOOK_EVERY).await;
                }
            };
            if tokio::time::timeout(delay, finished).await.is_err() {
                tracing::info!(target = %target.address, "the deregistration delay is over; what is in flight is cut off");
            }
            target.drained.store(true, Ordering::SeqCst);
            target.gone.cancel();
            target.pool.clear();
            target.set_health(TargetHealth::Draining { done: true });
            state.news.notify_one();
        });
    }

    pub(crate) fn listener_failed(&self, id: &str, failure: Option<String>) {
        let mut failures = self.failures.lock().expect("no holder of this lock panics");
        let known = match failure {
            Some(sentence) => failures.insert(id.to_owned(), sentence.clone()).as_ref() == Some(&sentence),
            None => failures.remove(id).is_none(),
        };
        if !known {
            self.news.notify_one();
        }
    }

    pub(crate) fn observed(&self) -> ObservedRoutes {
        let routing = self.routing.load();
        let failures = self.failures.lock().expect("no holder of this lock panics");
        let listeners = routing.table.listeners.iter().map(|listener| ObservedListener {
            id: listener.id.clone(),
            failure: failures.get(&listener.id).cloned(),
        });
        let targets = routing.table.target_groups.iter().flat_map(|config| {
            let group = &routing.groups[&config.id];
            group.targets.iter().map(|target| ObservedTarget {
                target_group: config.id.clone(),
                address: *target.address.ip(),
                port: target.address.port(),
                health: target
                    .health
                    .lock()
                    .expect("no holder of this lock panics")
                    .clone(),
                in_flight: target.in_flight.load(Ordering::SeqCst),
            })
        });
        ObservedRoutes {
            generation: routing.table.generation,
            listeners: listeners.collect(),
            targets: targets.collect(),
        }
    }
}

/// How often a draining target's requests in flight are counted.
const DRAIN_LOOK_EVERY: Duration = Duration::from_millis(5);

impl Group {
    /// The next target that may be used, with one more request counted on it. Healthy ones first; when all are
    /// unhealthy, all of them: a wrong health check shall not take an application down.
    fn acquire(&self, tried: &[SocketAddrV4]) -> Option<InFlight> {
        let usable = |wanted: fn(&TargetHealth) -> bool| {
            let count = self.targets.len();
            let start = self.next.fetch_add(1, Ordering::Relaxed);
            (0..count)
                .map(move |n| &self.targets[(start + n) % count])
                .find_map(|target| {
                    let fits = wanted(&target.health.lock().expect("no holder of this lock panics"));
                    (fits && !tried.contains(&target.address))
                        .then(|| InFlight::begin(target))
                        .flatten()
                })
        };
        usable(|health| matches!(health, TargetHealth::Healthy | TargetHealth::Unchecked))
            .or_else(|| usable(|health| matches!(health, TargetHealth::Unhealthy(_))))
    }

    /// The target that the client belongs to, if that is well, or any other.
    pub(crate) fn acquire_for(&self, sticky: Option<&Sticky>, tried: &[SocketAddrV4]) -> Option<InFlight> {
        let is_meant = |target: &&Arc<TargetState>| {
            sticky.is_some_and(|sticky| sticky.leads_to(target.address)) && !tried.contains(&target.address)
        };
        let meant = self.targets.iter().find(is_meant).filter(|it| it.is_well());
        meant.and_then(InFlight::begin).or_else(|| self.acquire(tried))
    }

    /// Why there is nobody to ask.
    pub(crate) fn shortage(&self) -> &'static str {
        if self.targets.is_empty() {
            "no target is registered"
        } else {
            "no target has passed a health check yet"
        }
    }
}

impl TargetState {
    /// One that nobody checks is there at once.
    fn new(address: SocketAddrV4, checked: bool) -> Self {
        let health = match checked {
            true => TargetHealth::Initial,
            false => TargetHealth::Unchecked,
        };
        Self {
            address,
            pool: Pool::default(),
            health: Mutex::new(health),
            in_flight: AtomicU32::new(0),
            draining: AtomicBool::new(false),
            drained: AtomicBool::new(false),
            gone: CancellationToken::new(),
        }
    }

    /// Returns whether that is news. Once draining has begun a probe has no say any more.
    pub(crate) fn set_health(&self, new: TargetHealth) -> bool {
        let mut health = self.health.lock().expect("no holder of this lock panics");
        let final_already =
            matches!(*health, TargetHealth::Draining { .. }) && !matches!(new, TargetHealth::Draining { .. });
        if final_already || *health == new {
            return false;
        }
        *health = new;
        true
    }

    fn is_well(&self) -> bool {
        let health = self.health.lock().expect("no holder of this lock panics");
        matches!(*health, TargetHealth::Healthy | TargetHealth::Unchecked)
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }
}

/// One request on its way to a target; counted until this is dropped.
pub(crate) struct InFlight(pub(crate) Arc<TargetState>);

impl InFlight {
    /// Counts first and looks at the flag afterwards, as draining sets the flag first and counts afterwards: so either
    /// this request is refused or draining waits for it.
    fn begin(target: &Arc<TargetState>) -> Option<Self> {
        target.in_flight.fetch_add(1, Ordering::SeqCst);
        let guard = Self(Arc::clone(target));
        (!target.is_draining()).then_some(guard)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Routing {
    /// The listener at a door of its own.
    pub(crate) fn at(&self, door: &Door) -> Option<Arc<Listener>> {
        match door {
            Door::Listener(id) => self.listeners.get(id).cloned(),
            Door::Behind(_) | Door::ByName(_) => None,
        }
    }

    /// The listener at an address of a network.
    pub(crate) fn at_address(&self, network: &str, address: SocketAddr) -> Option<&Arc<Listener>> {
        let mut listeners = self.listeners.values();
        listeners.find(|it| it.network == network && it.bind == address)
    }

    /// Networks that anything here is in.
    fn networks(&self) -> HashSet<&str> {
        let listeners = self.table.listeners.iter().map(|it| it.network.as_str());
        let groups = self.table.target_groups.iter().map(|it| it.network.as_str());
        listeners.chain(groups).collect()
    }

    /// The target group that a listener's default action leads to this time.
    pub(crate) fn choose(&self, action: &Action) -> Option<Arc<Group>> {
        let Action::Forward(groups) = action else {
            return None;
        };
        let total: u32 = groups.iter().map(|group| group.weight).sum();
        let chosen = match groups.as_slice() {
            [only] => only,
            _ if total == 0 => return None,
            _ => {
                let mut ticket = rand::random_range(0..total);
                groups.iter().find(|group| {
                    let hit = ticket < group.weight;
                    ticket = ticket.saturating_sub(group.weight);
                    hit
                })?
            }
        };
        self.groups.get(&chosen.target_group).cloned()
    }
}
