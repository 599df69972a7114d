//! The life of one task: network, images, shim; then what the shim tells, until nothing is left.

use std::sync::Arc;
use std::time::Duration;

use base_store::StoreError;
use contract::task::{DesiredTask, ObservedTask, Root, StopCause, StopKind, TaskPhase};
use dataplane_runtime::{TaskError, TaskHandle, TaskStatus};
use tokio::sync::watch;

mod place;

use crate::host::HostPlace;
use crate::image::PreparedImage;
use crate::ingest::{Ingest, Wakers};
use crate::node::{DESIRED, Inner, OBSERVED};
use crate::plan;

/// Attempts at saving or cleaning that failed are repeated after this.
const RETRY_AFTER: Duration = Duration::from_secs(1);
const CLOUD_STOPPED: &str = "The local cloud was stopped";
const HOST_GONE: &str = "The task's host has ended";
const LOST: &str = "The task's processes are gone: they were killed, or the machine was restarted";

type Wish = watch::Receiver<Option<Arc<DesiredTask>>>;

/// Why a task's start ended before it ran.
enum Halt {
    /// It is to be told.
    Failed(StopCause),
    /// Its desired row is gone: nobody is to be told.
    Unwanted,
}

impl Halt {
    fn failed(sentence: String) -> Self {
        Self::Failed(StopCause {
            kind: StopKind::FailedToStart,
            reason: sentence,
        })
    }
}

/// Counts a task as live as long as it exists.
struct Live(Arc<Inner>);

impl Live {
    fn new(inner: &Arc<Inner>) -> Self {
        inner.live.send_modify(|count| *count += 1);
        Self(Arc::clone(inner))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.live.send_modify(|count| *count -= 1);
    }
}

struct Actor {
    inner: Arc<Inner>,
    wakers: Arc<Wakers>,
    id: String,
    wish: Wish,
    /// The desired row as it was first seen; only `stop`, `generation` and the interface's groups change afterwards.
    desired: Arc<DesiredTask>,
    observed: ObservedTask,
    saved: Option<ObservedTask>,
    ingest: Ingest,
    /// The task in which it was started, as its host may be started again meanwhile.
    boot: Option<String>,
}

/// Follows a task from its desired row's appearance until after its disappearance.
pub(crate) async fn live(inner: Arc<Inner>, wakers: Arc<Wakers>, id: String, wish: Wish) {
    let Some(desired) = wish.borrow().clone() else {
        return;
    };
    let seen = inner.parts.store.snapshot().get(OBSERVED, &id);
    let ingest = new_ingest(&inner, &desired);
    let observed = seen
        .as_deref()
        .cloned()
        .unwrap_or_else(|| plan::provisioning(&desired));
    let saved = seen.as_deref().cloned();
    let mut actor = Actor {
        inner,
        wakers,
        id,
        wish,
        desired,
        observed,
        saved,
        ingest,
        boot: None,
    };
    if actor.observed.phase != TaskPhase::Stopped {
        let live = Live::new(&actor.inner);
        let cause = actor.be().await;
        actor.give_back(cause).await;
        drop(live);
    }
    actor.outlive().await;
}

fn new_ingest(inner: &Inner, desired: &DesiredTask) -> Ingest {
    Ingest::new(
        desired,
        inner.parts.runtime.directory(&desired.id),
        Arc::clone(&inner.parts.logs),
    )
}

impl Actor {
    /// Everything until nothing of it runs any more; `None` when its shim has told the cause.
    async fn be(&mut self) -> Option<StopCause> {
        let handle = match self.find().await {
            Found::Running(handle) => handle,
            Found::Lost => {
                return Some(StopCause {
                    kind: StopKind::Lost,
                    reason: LOST.to_owned(),
                });
            }
            Found::Nothing => match self.start().await {
                Ok(handle) => handle,
                Err(Halt::Failed(cause)) => return Some(cause),
                Err(Halt::Unwanted) => return None,
            },
        };
        self.follow(handle).await
    }

    /// Looks for what an earlier process has started.
    async fn find(&mut self) -> Found {
        let runtime = &self.inner.parts.runtime;
        let status = runtime.last_status(&self.id);
        match (runtime.adopt(&self.id).await, status) {
            (Ok(handle), _) => {
                if handle.status().phase != TaskPhase::Stopped {
                    self.boot = runtime.host_of(&self.id);
                    self.renew_place(&handle).await;
                }
                Found::Running(handle)
            }
            (Err(_), Some(_)) => Found::Lost,
            (Err(_), None) => {
                // What was begun but never ran is begun again.
                self.kill_rest().await;
                let begun = self.observed.phase >= TaskPhase::Running;
                if begun { Found::Lost } else { Found::Nothing }
            }
        }
    }

    async fn start(&mut self) -> Result<TaskHandle, Halt> {
        self.observed = plan::provisioning(&self.desired);
        self.save().await;
        self.check_wish()?;
        let place = {
            // Not while it pulls: that may take long, and others need not wait for it; nor while it waits for a host,
            // which may have to start first.
            let inner = Arc::clone(&self.inner);
            let _permit = match self.desired.host {
                None => Some(inner.starts.acquire().await),
                Some(_) => None,
            };
            self.make_place().await?
        };
        self.boot = place.host.as_ref().map(|host| host.task.clone());
        self.check_wish()?;
        self.observed.phase = TaskPhase::Pending;
        self.observed.pull_started_at = Some(self.now());
        self.save().await;
        let images = self.pull().await?;
        self.observed.pull_stopped_at = Some(self.now());
        for (container, image) in self.observed.containers.iter_mut().zip(&images) {
            container.image_digest = image.digest.clone();
        }
        self.check_wish()?;
        let spec = plan::task_spec(&self.desired, &images, place, &self.inner.parts.host_arguments)
            .map_err(|sentence| Halt::failed(format!("CannotStartContainerError: {sentence}")))?;
        let inner = Arc::clone(&self.inner);
        let _permit = inner.starts.acquire().await;
        self.inner.parts.runtime.start(&spec).await.map_err(|error| {
            let name = match error {
                TaskError::Io(_) => "ResourceInitializationError",
                _ => "CannotCreateContainerError",
            };
            Halt::failed(format!("{name}: {error}"))
        })
    }

    /// The way from wish to start is long; the wish may change on it.
    fn check_wish(&self) -> Result<(), Halt> {
        if *self.inner.ending.borrow() {
            return Err(Halt::Failed(requested(CLOUD_STOPPED)));
        }
        match &*self.wish.borrow() {
            None => Err(Halt::Unwanted),
            Some(desired) => match &desired.stop {
                Some(stop) => Err(Halt::Failed(requested(&stop.reason))),
                None => Ok(()),
            },
        }
    }

    /// Waits until the task shall end, or everything shall.
    async fn unwished(&self) {
        let (mut wish, mut ending) = (self.wish.clone(), self.inner.ending.subscribe());
        tokio::select! {
            _ = wish.wait_for(|desired| desired.as_ref().is_none_or(|desired| desired.stop.is_some())) => {}
            _ = ending.wait_for(|ending| *ending) => {}
        }
    }

    async fn pull(&self) -> Result<Vec<PreparedImage>, Halt> {
        let pulling = async {
            let mut images = Vec::with_capacity(self.desired.containers.len());
            for container in &self.desired.containers {
                if container.root != Root::Image {
                    images.push(PreparedImage::default());
                    continue;
                }
                // The source itself sees to it that the same image is not pulled twice at a time.
                let _permit = self.inner.pulls.acquire().await;
                let image = self.inner.parts.images.prepare(&container.image).await;
                images.push(
                    image
                        .map_err(|sentence| Halt::failed(format!("CannotPullContainerError: {sentence}")))?,
                );
            }
            Ok(images)
        };
        tokio::select! {
            images = pulling => images,
            () = self.unwished() => Err(self.check_wish().err().unwrap_or(Halt::Unwanted)),
        }
    }

    /// Tells what the shim tells and passes orders on, until the task has ended.
    async fn follow(&mut self, handle: TaskHandle) -> Option<StopCause> {
        let following = new_ingest(&self.inner, &self.desired).follow(&self.wakers);
        let host = HostPlace::of(&self.desired);
        if let Some((disk, place)) = host.clone() {
            self.inner
                .hosts
                .send_modify(|hosts| drop(hosts.insert(disk, place)));
        }
        let cause = self.listen(handle).await;
        if let Some((disk, _)) = host {
            self.inner.hosts.send_modify(|hosts| drop(hosts.remove(&disk)));
        }
        if let Some(ingest) = following.finish().await {
            self.ingest = ingest;
        }
        cause
    }

    async fn listen(&mut self, mut handle: TaskHandle) -> Option<StopCause> {
        let mut asked = Asked::Nothing;
        let mut ending = self.inner.ending.subscribe();
        let mut hosted = true;
        let host_gone = place::host_gone(
            Arc::clone(&self.inner),
            Arc::clone(&self.desired),
            self.boot.clone(),
        );
        tokio::pin!(host_gone);
        loop {
            let status = handle.status();
            self.take_in(&status).await;
            if status.phase == TaskPhase::Stopped {
                return None;
            }
            asked = self.order(&handle, asked).await;
            tokio::select! {
                status = handle.changed() => {
                    if status.is_none() {
                        return self.shim_gone().await;
                    }
                }
                _ = self.wish.changed() => self.follow_interface(&handle).await,
                _ = ending.changed() => {}
                () = &mut host_gone, if hosted => {
                    hosted = false;
                    let _ = handle.kill(HOST_GONE).await;
                }
            }
        }
    }

    /// A running task's security groups may change.
    async fn follow_interface(&mut self, handle: &TaskHandle) {
        let wish = self.wish.borrow().clone();
        if let Some(wish) = wish.filter(|wish| wish.interface != self.desired.interface) {
            self.desired = wish;
            self.renew_place(handle).await;
        }
    }

    /// The connection ended: the last word is on disk, or there was none.
    async fn shim_gone(&mut self) -> Option<StopCause> {
        let last = self.inner.parts.runtime.last_status(&self.id);
        if let Some(status) = &last {
            self.take_in(status).await;
        }
        match last {
            Some(status) if status.phase == TaskPhase::Stopped => None,
            _ => {
                // A stop that was asked for and not finished is still a loss.
                self.observed.stop_cause = None;
                Some(StopCause {
                    kind: StopKind::Lost,
                    reason: LOST.to_owned(),
                })
            }
        }
    }

    /// Tells the shim what is wished, once.
    async fn order(&mut self, handle: &TaskHandle, asked: Asked) -> Asked {
        let wish = self.wish.borrow_and_update().clone();
        let ending = *self.inner.ending.borrow();
        let (ask, reason) = match &wish {
            None => (Asked::Kill, "The task was removed".to_owned()),
            Some(_) if ending => (Asked::Kill, CLOUD_STOPPED.to_owned()),
            Some(desired) => match &desired.stop {
                Some(stop) => (Asked::Stop, stop.reason.clone()),
                None => return asked,
            },
        };
        if ask <= asked {
            return asked;
        }
        let told = match ask {
            Asked::Kill => handle.kill(&reason).await,
            _ => handle.stop(&reason).await,
        };
        // A shim that does not listen is about to be found gone.
        if told.is_ok() { ask } else { asked }
    }

    async fn take_in(&mut self, status: &TaskStatus) {
        plan::take_in(&mut self.observed, status);
        self.save().await;
    }

    /// After the last process: everything but the files is given back, then the end is told.
    async fn give_back(&mut self, cause: Option<StopCause>) {
        self.kill_rest().await;
        self.give_place_back().await;
        // The last lines before the end: who waits for the end may then read them.
        if let Err(error) = self.ingest.take_in().await {
            tracing::warn!(task = self.id, %error, "the last output of a task is taken in later");
        }
        let cause = cause.unwrap_or(StopCause {
            kind: StopKind::Lost,
            reason: LOST.to_owned(),
        });
        let now = self.now();
        plan::stopped(&mut self.observed, cause, now);
        self.save().await;
    }

    /// Waits until nobody wants to know of the task any more, and removes its last traces.
    async fn outlive(mut self) {
        loop {
            self.save().await;
            if self.wish.borrow_and_update().is_none() {
                break;
            }
            if self.wish.changed().await.is_err() {
                return;
            }
        }
        while let Err(error) = self.ingest.take_in().await {
            tracing::warn!(task = self.id, %error, "the output of a removed task cannot be taken in");
            tokio::time::sleep(RETRY_AFTER).await;
        }
        let (runtime, id) = (self.inner.parts.runtime.clone(), self.id.clone());
        let disk = self.unwanted_disk();
        let removed = tokio::task::spawn_blocking(move || {
            disk.map_or(Ok(()), |disk| runtime.forget_disk(&disk))?;
            runtime.forget(&id)
        })
        .await;
        if let Ok(Err(error)) = removed {
            tracing::warn!(task = self.id, %error, "files of a task could not be removed");
        }
        if let Err(error) = self.ingest.forget().await {
            tracing::warn!(task = self.id, %error, "a position in a spool stays behind");
        }
        let id = self.id.clone();
        self.write(move |transaction| transaction.delete(OBSERVED, &id))
            .await;
    }

    /// The disk of a host that nobody will start again.
    fn unwanted_disk(&self) -> Option<String> {
        let disk = self.desired.disk()?;
        let desired = self.inner.parts.store.snapshot().list(DESIRED);
        let wanted = desired.iter().any(|(_, task)| task.disk() == Some(disk));
        (!wanted).then(|| disk.to_owned())
    }

    async fn kill_rest(&self) {
        let (runtime, id) = (self.inner.parts.runtime.clone(), self.id.clone());
        let _ = tokio::task::spawn_blocking(move || runtime.kill(&id)).await;
    }

    fn now(&self) -> jiff::Timestamp {
        self.inner.parts.clock.now()
    }

    /// Saves what is observed, if it is news. A row whose desired row is gone is not written again.
    async fn save(&mut self) {
        let generation = match &*self.wish.borrow() {
            Some(desired) => desired.generation,
            None => return,
        };
        self.observed.generation = generation;
        if self.saved.as_ref() == Some(&self.observed) {
            return;
        }
        let (id, observed) = (self.id.clone(), self.observed.clone());
        self.write(move |transaction| transaction.put(OBSERVED, &id, observed.clone()))
            .await;
        self.saved = Some(self.observed.clone());
    }

    async fn write(&self, change: impl Fn(&mut base_store::Transaction) + Send + Sync + 'static) {
        let change = Arc::new(change);
        loop {
            let change = Arc::clone(&change);
            let written = self.inner.parts.store.write(move |transaction| {
                change(transaction);
                Ok::<_, StoreError>(())
            });
            match written.await {
                Ok(()) => return,
                Err(error) => {
                    tracing::error!(task = self.id, %error, "what became of a task could not be saved");
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
        }
    }
}

enum Found {
    Running(TaskHandle),
    Lost,
    Nothing,
}

/// What the shim was asked for; more can only be worse.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    Nothing,
    Stop,
    Kill,
}

fn requested(reason: &str) -> StopCause {
    StopCause {
        kind: StopKind::Requested,
        reason: reason.to_owned(),
    }
}
