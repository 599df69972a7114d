//! Takes spooled output into the log store: every line once, promptly, whatever crashes in between.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

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
                if let Err(error) = self.take_in().await {
                    tracing::warn!(task = self.task, %error, "output could not be taken in and is tried again");
                    let _ = tokio::time::timeout(RETRY_AFTER, finished.changed()).await;
                    continue;
                }
                let told = async {
                    if watched.descriptor.is_some() {
                        watched.notify.notified().await;
                        tokio::time::sleep(GATHER).await;
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

    /// Takes in everything that is there now.
    ///
    /// # Errors
    /// When a spool cannot be read or the log store cannot be written; what was taken in stays so.
    pub async fn take_in(&mut self) -> Result<(), LogError> {
        for source in &mut self.sources {
            source
                .take_in(&self.task, &self.directory, self.store.as_ref())
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
    async fn take_in(&mut self, task: &str, directory: &Path, store: &dyn LogStore) -> Result<(), LogError> {
        let segments: Vec<u64> = spool::segments(directory, &self.container).into_iter().collect();
        for (place, &segment) in segments.iter().enumerate() {
            let name = spool_name(task, &self.container, segment);
            let path = spool::segment_path(directory, &self.container, segment);
            let mut offset = match self.at {
                Some((known, offset)) if known == segment => offset,
                _ => store.position(&name).await?,
            };
            loop {
                let chunk = read(path.clone(), offset)
                    .await
                    .map_err(|error| LogError(error.to_string()))?;
                if chunk.next_offset == offset {
                    break;
                }
                let lines: Vec<Line> = chunk
                    .lines
                    .into_iter()
                    .map(|line| Line {
                        at_ms: line.at_ms,
                        message: line.message,
                    })
                    .collect();
                let position = SpoolPosition {
                    spool: name.clone(),
                    offset_bytes: chunk.next_offset,
                };
                store.append(&self.stream, lines, Some(position)).await?;
                offset = chunk.next_offset;
                self.at = Some((segment, offset));
            }
            self.at = Some((segment, offset));
            if place + 1 < segments.len() {
                // It does not grow any more. The file goes first: a position without its file does no harm, a file
                // without its position would be taken in again.
                let _ = std::fs::remove_file(path);
                store.forget_spool(&name).await?;
            }
        }
        Ok(())
    }
}

async fn read(path: PathBuf, offset: u64) -> io::Result<spool::SpoolChunk> {
    tokio::task::spawn_blocking(move || spool::read_segment(&path, offset, CHUNK_BYTES))
        .await
        .map_err(io::Error::other)?
}

#[cfg(test)]
mod tests;
