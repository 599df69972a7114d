//! What the server holds while it runs: what answers are made from, and what it has seen.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use arc_swap::ArcSwap;
use contract::dns::{CheckerResult, ObservedCheck, ObservedDns};
use tokio::sync::Notify;

use crate::answer::Known;
use crate::table::Table;
use crate::verdict::{self, Opinions};

pub(crate) struct State {
    /// Who is not well, on disk: a server that is started again must not send anybody to them until it has looked anew.
    file: PathBuf,
    known: ArcSwap<Known>,
    seen: Mutex<Seen>,
    /// Something that is observed has changed.
    pub(crate) news: Notify,
    /// There are other health checks than before.
    pub(crate) checks_changed: Notify,
    /// There are other networks than before.
    pub(crate) networks_changed: Notify,
}

#[derive(Default)]
struct Seen {
    address: Option<SocketAddr>,
    /// By what could not be opened.
    failures: BTreeMap<String, String>,
    /// By check.
    opinions: HashMap<String, Opinions>,
}

impl State {
    pub(crate) fn new(file: PathBuf) -> Self {
        let text = std::fs::read(&file).unwrap_or_default();
        let against: HashMap<String, Vec<String>> = serde_json::from_slice(&text).unwrap_or_default();
        let mut seen = Seen::default();
        for (check, regions) in against {
            let opinions = seen.opinions.entry(check).or_default();
            for region in regions {
                opinions.put(&region, false, None);
            }
        }
        Self {
            file,
            known: ArcSwap::default(),
            seen: Mutex::new(seen),
            news: Notify::new(),
            checks_changed: Notify::new(),
            networks_changed: Notify::new(),
        }
    }

    pub(crate) fn known(&self) -> arc_swap::Guard<Arc<Known>> {
        self.known.load()
    }

    /// Changes the table; whoever answers uses the old one or the new one. One at a time: the lock is held.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Table)) {
        let seen = self.seen();
        let known = self.known.load_full();
        let mut table = known.table.clone();
        change(&mut table);
        let same_checks = table.checks.ptr_eq(&known.table.checks);
        let same_networks = table.networks.ptr_eq(&known.table.networks);
        let health = if same_checks {
            Arc::clone(&known.health)
        } else {
            Arc::new(verdict::judge(&table.checks, &seen.opinions))
        };
        self.known.store(Arc::new(Known { table, health }));
        drop(seen);
        if !same_checks {
            self.checks_changed.notify_one();
        }
        if !same_networks {
            self.networks_changed.notify_one();
        }
        self.news.notify_one();
    }

    /// What this checker thinks as it begins.
    pub(crate) fn enter(&self, check: &str, region: &str) -> bool {
        self.seen()
            .opinions
            .entry(check.to_owned())
            .or_default()
            .enter(region)
    }

    /// What one checker has found, and whether it has changed its mind.
    pub(crate) fn report(&self, check: &str, region: &str, healthy: bool, result: Option<CheckerResult>) {
        let mut seen = self.seen();
        let changed = seen
            .opinions
            .entry(check.to_owned())
            .or_default()
            .put(region, healthy, result);
        if changed {
            self.judge(&seen);
            if let Err(error) = self.keep(&seen) {
                tracing::warn!(%error, "the health of what is checked could not be saved");
            }
        }
        drop(seen);
        self.news.notify_one();
    }

    fn keep(&self, seen: &Seen) -> std::io::Result<()> {
        let known = self.known.load();
        let ours = seen
            .opinions
            .iter()
            .filter(|(check, _)| known.table.checks.contains_key(*check));
        let against: BTreeMap<&String, Vec<String>> = ours
            .map(|(check, opinions)| (check, opinions.against()))
            .filter(|(_, regions)| !regions.is_empty())
            .collect();
        let new = self.file.with_extension("new");
        std::fs::write(&new, serde_json::to_vec(&against)?)?;
        std::fs::rename(&new, &self.file)
    }

    /// The check is gone or was changed: what was found before means nothing any more.
    pub(crate) fn forget(&self, check: &str) {
        let mut seen = self.seen();
        if seen.opinions.remove(check).is_some() {
            self.judge(&seen);
        }
    }

    fn judge(&self, seen: &Seen) {
        let known = self.known.load_full();
        let health = verdict::judge(&known.table.checks, &seen.opinions);
        if *known.health != health {
            tracing::info!(?health, "the health of what is checked has changed");
            self.known.store(Arc::new(Known {
                table: known.table.clone(),
                health: Arc::new(health),
            }));
        }
    }

    pub(crate) fn opened(&self, address: SocketAddr) {
        self.seen().address = Some(address);
        self.news.notify_one();
    }

    /// `None` when it works.
    pub(crate) fn failure(&self, what: &str, sentence: Option<String>) {
        let mut seen = self.seen();
        let changed = match sentence {
            Some(sentence) => seen.failures.insert(what.to_owned(), sentence.clone()) != Some(sentence),
            None => seen.failures.remove(what).is_some(),
        };
        drop(seen);
        if changed {
            self.news.notify_one();
        }
    }

    pub(crate) fn own_address(&self) -> Option<SocketAddr> {
        self.seen().address
    }

    pub(crate) fn observed(&self) -> ObservedDns {
        let seen = self.seen();
        let known = self.known.load();
        let mut checks: Vec<ObservedCheck> = known
            .table
            .checks
            .keys()
            .map(|id| {
                let opinions = seen.opinions.get(id);
                ObservedCheck {
                    id: id.clone(),
                    healthy: known.health.get(id).copied().unwrap_or(true),
                    results: opinions.map(Opinions::results).unwrap_or_default(),
                    last_failures: opinions.map(Opinions::last_failures).unwrap_or_default(),
                }
            })
            .collect();
        checks.sort_by(|a, b| a.id.cmp(&b.id));
        ObservedDns {
            sequence: known.table.sequence,
            checks,
            address: seen.address,
            failures: seen.failures.values().cloned().collect(),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("no holder of this lock panics")
    }
}
