//! What a container writes, to who reads it: what there is, then what comes, until the container has ended.

use std::collections::VecDeque;
use std::sync::Arc;

use contract::container::{CONTAINER, ContainerView, OutputPiece, OutputPieces, OutputStream, OutputWish};
use contract::task::ContainerPhase;
use dataplane_runtime::frames::{Frame, FrameReader};
use dataplane_runtime::spool::Stream;

use super::{NodeContainers, exit_of, view};
use crate::ingest::Watched;
use crate::node::Inner;

struct Reading {
    containers: NodeContainers,
    id: String,
    reader: FrameReader,
    pending: VecDeque<Frame>,
    follow: bool,
    changes: base_store::Watch,
    watched: Option<Watched>,
    _counted: Counted,
}

/// Counts a reader as long as it exists: output is not removed under it.
struct Counted(Arc<Inner>, String);

impl Counted {
    fn new(inner: &Arc<Inner>, id: &str) -> Self {
        inner
            .containers
            .readers
            .send_modify(|readers| *readers.entry(id.to_owned()).or_default() += 1);
        Self(Arc::clone(inner), id.to_owned())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.containers.readers.send_modify(|readers| {
            if let Some(count) = readers.get_mut(&self.1) {
                *count -= 1;
                if *count == 0 {
                    readers.remove(&self.1);
                }
            }
        });
    }
}

pub(super) fn pieces(containers: &NodeContainers, of: &ContainerView, wish: OutputWish) -> OutputPieces {
    let directory = containers.inner.parts.runtime.directory(of.record.task_id());
    let mut reader = FrameReader::new(directory, CONTAINER);
    if !wish.past {
        // What cannot be read now cannot be read later either, and is told then.
        while reader.read().is_ok_and(|frames| !frames.is_empty()) {}
    }
    let reading = Reading {
        id: of.record.id.clone(),
        reader,
        pending: VecDeque::new(),
        follow: wish.follow,
        changes: containers.changes(),
        watched: None,
        _counted: Counted::new(&containers.inner, &of.record.id),
        containers: containers.clone(),
    };
    Box::pin(futures::stream::try_unfold(reading, |mut reading| async move {
        let frame = reading.next().await?;
        Ok(frame.map(|frame| (piece(frame), reading)))
    }))
}

fn piece(frame: Frame) -> OutputPiece {
    OutputPiece {
        at_ms: frame.at_ms,
        stream: match frame.stream {
            Stream::Stdout => OutputStream::Stdout,
            Stream::Stderr => OutputStream::Stderr,
        },
        bytes: frame.bytes.into(),
    }
}

impl Reading {
    async fn next(&mut self) -> std::io::Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.pending.pop_front() {
                return Ok(Some(frame));
            }
            // Looked at before reading: what is written before the end is there then.
            let ended = self.has_ended();
            self.pending.extend(self.reader.read()?);
            if self.pending.is_empty() {
                if ended || !self.follow {
                    return Ok(None);
                }
                self.more().await;
            }
        }
    }

    fn has_ended(&self) -> bool {
        view(&self.containers.inner, &self.id).is_none_or(|view| {
            let container = view
                .observed
                .as_ref()
                .and_then(|observed| observed.containers.first());
            let drained = container.is_some_and(|container| container.phase == ContainerPhase::Stopped);
            drained || exit_of(&view).is_some()
        })
    }

    /// Until something may have changed.
    async fn more(&mut self) {
        if self.watched.is_none()
            && let Some(view) = view(&self.containers.inner, &self.id)
        {
            let directory = self
                .containers
                .inner
                .parts
                .runtime
                .directory(view.record.task_id());
            if directory.exists() {
                // Something may have been written before anybody watched: it is looked at once more.
                self.watched = Some(self.containers.wakers.watch(&directory));
                return;
            }
        }
        let written = async {
            match &self.watched {
                Some(watched) => watched.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.changes.changed() => {}
            () = written => {}
        }
    }
}
