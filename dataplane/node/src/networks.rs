//! Keeps the networks as desired, and tells tasks when theirs stands.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use base_store::{StoreError, Table, Transaction};
use contract::network::{DesiredNetwork, ObservedNetwork};

use crate::node::Inner;

pub(crate) const DESIRED: Table<DesiredNetwork> = Table::new(DesiredNetwork::TABLE, 1);
pub(crate) const OBSERVED: Table<ObservedNetwork> = Table::new(ObservedNetwork::TABLE, 1);
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How often the host's name server and links are looked at.
const REFRESH: Duration = Duration::from_secs(10);

/// Generations of the networks that stand.
pub(crate) type Standing = HashMap<String, u64>;

pub(crate) struct Networks {
    inner: Arc<Inner>,
    /// What was last made, as it was asked for.
    made: HashMap<String, Arc<DesiredNetwork>>,
}

impl Networks {
    pub fn new(inner: Arc<Inner>) -> Self {
        Self {
            inner,
            made: HashMap::new(),
        }
    }

    pub async fn run(mut self) {
        let mut changes = self.inner.parts.store.watch(&[DesiredNetwork::TABLE]);
        let mut refresh = tokio::time::interval(REFRESH);
        loop {
            let settled = self.converge().await;
            let retry = async {
                if settled {
                    std::future::pending::<()>().await;
                }
                tokio::time::sleep(RETRY_AFTER).await;
            };
            tokio::select! {
                () = changes.changed() => {}
                () = retry => {}
                _ = refresh.tick() => {
                    if let Err(error) = self.inner.parts.network.refresh().await {
                        tracing::warn!(%error, "the host's part of the networks could not be refreshed");
                    }
                }
            }
        }
    }

    /// Whether everything is as desired.
    async fn converge(&mut self) -> bool {
        let inner = Arc::clone(&self.inner);
        // Whoever removes everything waits until nothing is being made, and then nothing is made any more.
        let _making = inner.making_networks.lock().await;
        if *inner.ending.borrow() {
            return true;
        }
        let snapshot = self.inner.parts.store.snapshot();
        let wanted = snapshot.list(DESIRED);
        let mut settled = true;
        let ids: HashSet<String> = wanted.iter().map(|(id, _)| id.clone()).collect();
        let seen = snapshot.list(OBSERVED).into_iter().map(|(id, _)| id);
        let gone: HashSet<String> = self
            .made
            .keys()
            .cloned()
            .chain(seen)
            .filter(|id| !ids.contains(id))
            .collect();
        for id in gone {
            match self.inner.parts.network.remove(&id).await {
                Ok(()) => {
                    self.made.remove(&id);
                    self.inner.standing.send_modify(|standing| {
                        standing.remove(&id);
                    });
                    self.save(move |transaction| transaction.delete(OBSERVED, &id))
                        .await;
                }
                Err(error) => {
                    tracing::warn!(network = id, %error, "a network could not be removed");
                    settled = false;
                }
            }
        }
        for (id, desired) in wanted {
            if self.made.get(&id).is_some_and(|made| *made == desired) {
                continue;
            }
            let failure = self
                .inner
                .parts
                .network
                .apply(&desired)
                .await
                .err()
                .map(|error| error.to_string());
            if let Some(sentence) = &failure {
                tracing::warn!(network = id, sentence, "a network could not be made");
                settled = false;
            } else {
                self.made.insert(id.clone(), Arc::clone(&desired));
                self.inner.standing.send_modify(|standing| {
                    standing.insert(id.clone(), desired.generation);
                });
            }
            let observed = ObservedNetwork {
                id: id.clone(),
                generation: desired.generation,
                failure,
            };
            self.save(move |transaction| transaction.put(OBSERVED, &id, observed))
                .await;
        }
        settled
    }

    async fn save(&self, change: impl FnOnce(&mut Transaction) + Send + 'static) {
        let saved = self.inner.parts.store.write(move |transaction| {
            change(transaction);
            Ok::<_, StoreError>(())
        });
        if let Err(error) = saved.await {
            tracing::error!(%error, "what became of a network could not be saved");
        }
    }
}
