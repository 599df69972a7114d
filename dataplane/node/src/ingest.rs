//! Takes spooled output into the log store: every line once, promptly, whatever crashes in between.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use contract::log::{Line, LogError, LogStore, SpoolPosition, StreamId};
use contract::task::{DesiredTask, LogTarget};
use dataplane_runtime::spool;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use tokio::io::unix::AsyncFd;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// Bytes of a spool that are taken in with one transaction.
const CHUNK_BYTES: usize = 1 << 20;
/// Lines that come in quick succession are saved together.
const GATHER: Duration = Duration::from_millis(20);
/// An event of several lines is finished when nothing has been added to it for so long.
const SILENCE: Duration = Duration::from_secs(1);
/// When the log store fails, or nobody tells of changes.
const RETRY_AFTER: Duration = Duration::from_secs(1);

struct Events(Inotify);

impl AsRawFd for Events {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

/// Tells tasks that something was written into their directories.
pub(crate) struct Wakers {
    inotify: AsyncFd<Events>,
    waiting: Mutex<HashMap<WatchDescriptor, Arc<Notify>>>,
}

impl Wakers {
    pub fn new() -> io::Result<Arc<Self>> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        // SAFETY: the descriptor is owned by the `Inotify` inside and stays the same and open as long as that lives.
        let inotify = unsafe { AsyncFd::register(Events(inotify))? };
        let wakers = Arc::new(Self {
            inotify,
            waiting: Mutex::default(),
        });
        let weak = Arc::downgrade(&wakers);
        tokio::spawn(async move {
            while let Some(wakers) = weak.upgrade() {
                // Looks up now and then whether anybody still needs it.
                if let Ok(Err(error)) = tokio::time::timeout(RETRY_AFTER, wakers.wake()).await {
                    tracing::warn!(%error, "changes of spools are not told; they are looked for instead");
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
        });
        Ok(wakers)
    }

    async fn wake(&self) -> io::Result<()> {
        let mut ready = self.inotify.readable().await?;
        if let Ok(events) = ready.try_io(|inotify| Ok(inotify.get_ref().0.read_events()?)) {
            let waiting = self
                .waiting
                .lock()
                .expect("nothing panics while it holds the lock");
            for event in events? {
                if let Some(notify) = waiting.get(&event.wd) {
                    notify.notify_one();
                }
            }
        }
        Ok(())
    }

    pub fn watch(self: &Arc<Self>, directory: &Path) -> Watched {
        let notify = Arc::new(Notify::new());
        let flags = AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_CREATE;
        let mut waiting = self
            .waiting
            .lock()
            .expect("nothing panics while it holds the lock");
        let descriptor = self.inotify.get_ref().0.add_watch(directory, flags).ok();
        if let Some(descriptor) = descriptor {
            waiting.insert(descriptor, Arc::clone(&notify));
        }
        Watched {
            wakers: Arc::clone(self),
            descriptor,
            notify,
        }
    }
}

/// A directory that is watched as long as this exists.
pub(crate) struct Watched {
    wakers: Arc<Wakers>,
    descriptor: Option<WatchDescriptor>,
    notify: Arc<Notify>,
}

impl Watched {
    /// Ends when something was written since the last look, or when nobody tells of that and it is time to look.
    pub async fn changed(&self) {
        let _ = tokio::time::timeout(RETRY_AFTER, self.notify.notified()).await;
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(descriptor) = self.descriptor {
            self.wakers
                .waiting
                .lock()
                .expect("nothing panics while it holds the lock")
                .remove(&descriptor);
            let _ = self.wakers.inotify.get_ref().0.rm_watch(descriptor);
        }
    }
}

/// One container's spool and where its lines go.
struct Source {
    container: String,
    stream: StreamId,
    /// Segment and how much of it is in the store.
    at: Option<(u64, u64)>,
    /// Lines may belong to the event of the line before.
    joins: bool,
    /// The end of an event that may grow still (segment and offset), and since when it has been there.
    open: Option<((u64, u64), Instant)>,
}

/// An [`Ingest`] at work. Taking in must not be broken off in the middle by whoever goes on in this process: what
/// the log store is still saving would be taken in again.
pub(crate) struct Following {
    finish: watch::Sender<bool>,
    task: JoinHandle<Ingest>,
}

impl Following {
    /// Ends the following, not in the middle of anything; `None` when it has panicked.
    pub async fn finish(mut self) -> Option<Ingest> {
        self.finish.send_replace(true);
        (&mut self.task).await.ok()
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether a container may write more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writing {
    GoesOn,
    HasEnded,
}

/// Takes in the output of one task.
pub(crate) struct Ingest {
    task: String,
    directory: PathBuf,
    store: Arc<dyn LogStore>,
    sources: Vec<Source>,
}

impl Ingest {
    pub fn new(desired: &DesiredTask, directory: PathBuf, store: Arc<dyn LogStore>) -> Self {
        let sources = desired
            .containers
            .iter()
            .filter_map(|container| match &container.log {
                LogTarget::None | LogTarget::Frames => None,
                LogTarget::Stream(stream) => Some(Source {
                    container: container.name.clone(),
                    stream: stream.clone(),
                    at: None,
                    joins: container.delivery.event_start.is_some(),
                    open: None,
                }),
            })
            .collect();
        Self {
            task: desired.id.clone(),
            directory,
            store,
            sources,
        }
    }

    /// Takes in what comes, on a task of its own, until it is told to finish.
    pub fn follow(mut self, wakers: &Arc<Wakers>) -> Following {
        let (finish, mut finished) = watch::channel(false);
        let watched = wakers.watch(&self.directory);
        let task = tokio::spawn(async move {
            while !*finished.borrow_and_update() {
                if let Err(error) = self.take_in_while(Writing::GoesOn).await {
                    tracing::warn!(task = self.task, %error, "output could not be taken in and is tried again");
                    let _ = tokio::time::timeout(RETRY_AFTER, finished.changed()).await;
                    continue;
                }
                let told = async {
                    if watched.descriptor.is_some() {
                        self.written(&watched).await;
                    } else {
                        tokio::time::sleep(RETRY_AFTER).await;
                    }
                };
                tokio::select! {
                    () = told => {}
                    _ = finished.changed() => {}
                }
            }
            self
        });
        Following { finish, task }
    }

    /// Something was written, or an event that was left open can be taken in.
    async fn written(&self, watched: &Watched) {
        let open = self.sources.iter().any(|source| source.open.is_some());
        if !open {
            watched.notify.notified().await;
        } else if tokio::time::timeout(SILENCE, watched.notify.notified())
            .await
            .is_err()
        {
            return;
        }
        tokio::time::sleep(GATHER).await;
    }

    /// Takes in everything that is there, after the last of it was written.
    ///
    /// # Errors
    /// When a spool cannot be read or the log store cannot be written; what was taken in stays so.
    pub async fn take_in(&mut self) -> Result<(), LogError> {
        self.take_in_while(Writing::HasEnded).await
    }

    async fn take_in_while(&mut self, writing: Writing) -> Result<(), LogError> {
        for source in &mut self.sources {
            source
                .take_in(&self.task, &self.directory, self.store.as_ref(), writing)
                .await?;
        }
        Ok(())
    }

    /// The spools are gone: their positions need not be known any more.
    pub async fn forget(&self) -> Result<(), LogError> {
        for source in &self.sources {
            if let Some((segment, _)) = source.at {
                self.store
                    .forget_spool(&spool_name(&self.task, &source.container, segment))
                    .await?;
            }
        }
        Ok(())
    }
}

fn spool_name(task: &str, container: &str, segment: u64) -> String {
    format!("{task}/{container}/{segment}")
}

impl Source {
    async fn take_in(
        &mut self,
        task: &str,
        directory: &Path,
        store: &dyn LogStore,
        writing: Writing,
    ) -> Result<(), LogError> {
        let segments: Vec<u64> = spool::segments(directory, &self.container).into_iter().collect();
        for (place, &segment) in segments.iter().enumerate() {
            let name = spool_name(task, &self.container, segment);
            let path = spool::segment_path(directory, &self.container, segment);
            // A segment that has a successor does not grow any more.
            let last = place + 1 == segments.len();
            let grows = last && writing == Writing::GoesOn;
            self.take_in_segment(segment, &path, &name, store, grows).await?;
            if !last {
                // The file goes first: a position without its file does no harm, a file without its position would be
                // taken in again.
                let _ = std::fs::remove_file(path);
                store.forget_spool(&name).await?;
            }
        }
        Ok(())
    }

    async fn take_in_segment(
        &mut self,
        segment: u64,
        path: &Path,
        name: &str,
        store: &dyn LogStore,
        grows: bool,
    ) -> Result<(), LogError> {
        let mut offset = match self.at {
            Some((known, offset)) if known == segment => offset,
            _ => store.position(name).await?,
        };
        loop {
            let mut chunk = read(path.to_owned(), offset)
                .await
                .map_err(|error| LogError(error.to_string()))?;
            let more = chunk.more && chunk.next_offset > offset;
            self.leave_open(segment, &mut chunk, grows, more);
            if chunk.next_offset > offset {
                let line = |line: spool::SpoolLine| Line {
                    at_ms: line.at_ms,
                    message: line.message,
                };
                let lines = chunk.lines.into_iter().map(line).collect();
                let position = SpoolPosition {
                    spool: name.to_owned(),
                    offset_bytes: chunk.next_offset,
                };
                store.append(&self.stream, lines, Some(position)).await?;
                offset = chunk.next_offset;
            }
            self.at = Some((segment, offset));
            if !more {
                return Ok(());
            }
        }
    }

    /// Leaves out an event that may get further lines: it stays in the spool.
    fn leave_open(&mut self, segment: u64, chunk: &mut spool::SpoolChunk, grows: bool, more: bool) {
        let end = (segment, chunk.next_offset);
        let since = self.open.take().filter(|(place, _)| *place == end);
        if !self.joins || chunk.lines.is_empty() || !(grows || more) {
            return;
        }
        if more {
            // One that fills the chunk alone is ended here.
            if chunk.lines.len() == 1 {
                return;
            }
        } else {
            let (_, since) = *self.open.insert(since.unwrap_or((end, Instant::now())));
            if since.elapsed() >= SILENCE {
                self.open = None;
                return;
            }
        }
        chunk.lines.pop();
        chunk.next_offset = chunk.last_offset;
    }
}

async fn read(path: PathBuf, offset: u64) -> io::Result<spool::SpoolChunk> {
    tokio::task::spawn_blocking(move || spool::read_segment(&path, offset, CHUNK_BYTES))
        .await
        .map_err(io::Error::other)?
}

#[cfg(test)]
mod tests;
