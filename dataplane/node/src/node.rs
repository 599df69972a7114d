//! One actor per task, made when its desired row appears; and the beginning and end of them all.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base_clock::Clock;
use base_store::{Store, StoreError, Table};
use contract::exec::{Exec, ExecError, ExecRequest, ExecSession};
use contract::log::LogStore;
use contract::network::DesiredNetwork;
use contract::task::{DesiredTask, ObservedTask, TaskPhase};
use dataplane_blobs::BlobStore;
use dataplane_network::{Network, NetworkError};
use dataplane_runtime::Runtime;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::containers;
use crate::host::Hosts;
use crate::image::{CredentialsFor, ImageSource, StoredImages};
use crate::ingest::Wakers;
use crate::networks::{self, Networks, Standing};
use crate::plan;
use crate::task;
use crate::usage::Storage;

pub(crate) const DESIRED: Table<DesiredTask> = Table::new(DesiredTask::TABLE, 1);
pub(crate) const OBSERVED: Table<ObservedTask> = Table::new(ObservedTask::TABLE, 1);
/// Task starts (network and shim) under way at once.
const STARTS_PARALLEL_MAX: usize = 8;
/// Image pulls under way at once.
const PULLS_PARALLEL_MAX: usize = 4;
/// How long a stop of everything may take before the rest is killed without being told of.
const STOP_ALL_GRACE: Duration = Duration::from_secs(10);
/// How long an unwanted task's shim may take to end it.
const SWEEP_GRACE: Duration = Duration::from_secs(3);
const REPAIR: Duration = Duration::from_secs(5);

/// What a node works with.
pub struct NodeParts {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub network: Network,
    pub runtime: Runtime,
    pub logs: Arc<dyn LogStore>,
    pub images: Arc<dyn ImageSource>,
    /// What tells this machine's own program that it is a host's first process.
    pub host_arguments: Vec<String>,
}

impl NodeParts {
    /// Images from the shared blob store, with credentials by image name where a registry wants some.
    pub fn images_of(store: BlobStore, credentials: CredentialsFor) -> Arc<dyn ImageSource> {
        Arc::new(StoredImages { store, credentials })
    }
}

/// Handle to the node; cheap to clone.
#[derive(Clone)]
pub struct Node {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub parts: NodeParts,
    pub starts: Semaphore,
    pub pulls: Semaphore,
    /// Networks that stand.
    pub standing: watch::Sender<Standing>,
    /// Hosts that run.
    pub hosts: watch::Sender<Hosts>,
    /// Everything shall end.
    pub ending: watch::Sender<bool>,
    /// Held while networks are changed.
    pub making_networks: tokio::sync::Mutex<()>,
    /// Tasks that hold processes or network interfaces.
    pub live: watch::Sender<usize>,
    pub storage: Storage,
    pub containers: containers::Memory,
}

impl Node {
    pub fn new(parts: NodeParts) -> Self {
        Self {
            inner: Arc::new(Inner {
                parts,
                starts: Semaphore::new(STARTS_PARALLEL_MAX),
                pulls: Semaphore::new(PULLS_PARALLEL_MAX),
                standing: watch::Sender::default(),
                hosts: watch::Sender::default(),
                ending: watch::Sender::new(false),
                making_networks: tokio::sync::Mutex::default(),
                live: watch::Sender::new(0),
                storage: Storage::default(),
                containers: containers::Memory::default(),
            }),
        }
    }

    /// Converges until `shutdown` says true. Tasks run on: whoever comes next finds them.
    ///
    /// # Errors
    /// When changes of files cannot be watched, or nothing can be saved.
    pub async fn run(&self, mut shutdown: watch::Receiver<bool>) -> Result<(), NodeError> {
        let wakers = Wakers::new()?;
        self.sweep().await?;
        let parts = &self.inner.parts;
        let mut work = JoinSet::new();
        work.spawn(Networks::new(Arc::clone(&self.inner)).run());
        work.spawn(containers::tidy(Arc::clone(&self.inner)));
        let mut changes = parts.store.watch(&[DesiredTask::TABLE]);
        let mut tasks: HashMap<String, watch::Sender<Option<Arc<DesiredTask>>>> = HashMap::new();
        let mut repair = tokio::time::interval(REPAIR);
        loop {
            let wanted: HashMap<String, Arc<DesiredTask>> =
                parts.store.snapshot().list(DESIRED).into_iter().collect();
            tasks.retain(|id, teller| {
                if !wanted.contains_key(id) {
                    teller.send_replace(None);
                }
                !teller.is_closed()
            });
            for (id, desired) in wanted {
                match tasks.get(&id) {
                    // One that is being removed is made anew when it is gone.
                    Some(teller) if teller.borrow().is_none() => {}
                    Some(teller) => {
                        teller.send_if_modified(|old| {
                            let changed = old.as_ref() != Some(&desired);
                            *old = Some(desired);
                            changed
                        });
                    }
                    // What comes while everything ends waits for the next start.
                    None if *self.inner.ending.borrow() => {}
                    None => {
                        let (teller, receiver) = watch::channel(Some(desired));
                        tasks.insert(id.clone(), teller);
                        work.spawn(task::live(
                            Arc::clone(&self.inner),
                            Arc::clone(&wakers),
                            id,
                            receiver,
                        ));
                    }
                }
            }
            tokio::select! {
                () = changes.changed() => {}
                _ = work.join_next() => {}
                _ = repair.tick() => {}
                _ = shutdown.wait_for(|stop| *stop) => break,
            }
        }
        // Tasks are left alone; their actors only stop looking.
        work.shutdown().await;
        Ok(())
    }

    /// Removes what nobody wants any more: tasks, networks, interfaces, build steps, rows.
    async fn sweep(&self) -> Result<(), NodeError> {
        let parts = &self.inner.parts;
        let snapshot = parts.store.snapshot();
        let wanted: HashMap<String, Arc<DesiredTask>> = snapshot.list(DESIRED).into_iter().collect();
        let runtime = parts.runtime.clone();
        let unwanted: Vec<String> = runtime
            .known()
            .into_iter()
            .filter(|id| !wanted.contains_key(id))
            .collect();
        let disks: BTreeSet<String> = wanted
            .values()
            .filter_map(|task| task.disk().map(str::to_owned))
            .collect();
        for id in &unwanted {
            end(&runtime, id).await;
        }
        tokio::task::spawn_blocking(move || {
            runtime.sweep_steps();
            if let Err(error) = runtime.retain_disks(&disks) {
                tracing::warn!(%error, "a host's disk could not be removed");
            }
            for id in unwanted {
                runtime.kill(&id);
                if let Err(error) = runtime.forget(&id) {
                    tracing::warn!(task = id, %error, "files of a task could not be removed");
                }
            }
        })
        .await
        .map_err(std::io::Error::other)?;
        let interfaces: BTreeSet<String> = wanted
            .values()
            .filter(|task| {
                let seen = snapshot.get(OBSERVED, &task.id);
                seen.is_none_or(|seen| seen.phase != TaskPhase::Stopped)
            })
            .flat_map(|task| plan::places(task))
            .collect();
        let networks: BTreeSet<String> = snapshot
            .list::<DesiredNetwork>(networks::DESIRED)
            .into_iter()
            .map(|(id, _)| id)
            .collect();
        parts.network.sweep(networks, interfaces).await?;
        let orphans: Vec<String> = snapshot
            .list(OBSERVED)
            .into_iter()
            .map(|(id, _)| id)
            .filter(|id| !wanted.contains_key(id))
            .collect();
        parts
            .store
            .write(move |transaction| {
                for id in &orphans {
                    transaction.delete(OBSERVED, id);
                }
                Ok::<_, StoreError>(())
            })
            .await?;
        Ok(())
    }

    /// Ends everything that runs on this machine: tasks are killed, networks removed. Desired rows stay. Works with
    /// and without [`Node::run`] running.
    pub async fn stop_all(&self) {
        self.inner.ending.send_replace(true);
        let mut live = self.inner.live.subscribe();
        let ended = tokio::time::timeout(STOP_ALL_GRACE, live.wait_for(|count| *count == 0)).await;
        if ended.is_err() {
            tracing::warn!("some tasks did not end in time and are killed");
        }
        let runtime = self.inner.parts.runtime.clone();
        let _ = tokio::task::spawn_blocking(move || runtime.kill_all()).await;
        let _making = self.inner.making_networks.lock().await;
        if let Err(error) = self.inner.parts.network.teardown().await {
            tracing::error!(%error, "the networks could not be removed");
        }
    }
}

#[async_trait]
impl Exec for Node {
    async fn exec(&self, request: ExecRequest) -> Result<ExecSession, ExecError> {
        self.inner.parts.runtime.exec(request).await
    }
}

/// Lets a shim that still answers end its task itself: it may be about to start containers, which killing those that
/// run would miss.
async fn end(runtime: &Runtime, id: &str) {
    let Ok(mut handle) = runtime.adopt(id).await else {
        return;
    };
    if handle.kill("Nobody wants the task any more").await.is_ok() {
        let _ = tokio::time::timeout(SWEEP_GRACE, async { while handle.changed().await.is_some() {} }).await;
    }
}

#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error("the node cannot work: {0}")]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Network(#[from] NetworkError),
    #[error(transparent)]
    Store(#[from] StoreError),
}
