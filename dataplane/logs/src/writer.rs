//! The one who writes the journal: many changes with one wait for the disk.

use std::sync::Arc;
use std::sync::mpsc as thread;

use base_clock::Clock;
use contract::log::LogError;
use tokio::sync::{mpsc, oneshot};

use crate::Limits;
use crate::journal::Journal;
use crate::record::{self, Change, RECORD_BYTES_MAX, Stamp};
use crate::store::{Shared, sentence};

/// What is written at once.
const GROUP_BYTES_MAX: usize = 8 << 20;
/// Changes that wait for the writer; whoever comes then waits, too.
pub(crate) const QUEUE_MAX: usize = 64;
/// A change, encoded by whoever wants it.
pub(crate) struct Request {
    pub change: Change,
    pub record: Vec<u8>,
    /// Now, if absent.
    pub stored_at_ms: Option<i64>,
    pub done: oneshot::Sender<Result<(), LogError>>,
}

impl Request {
    /// And where its end is told.
    pub fn new(
        change: Change,
        stored_at_ms: Option<i64>,
    ) -> Result<(Self, oneshot::Receiver<Result<(), LogError>>), LogError> {
        let record = change.encode();
        if record.len() > RECORD_BYTES_MAX {
            let sentence = format!("{} bytes of lines are too many at once", record.len());
            return Err(LogError(sentence));
        }
        let (done, told) = oneshot::channel();
        let request = Self {
            change,
            record,
            stored_at_ms,
            done,
        };
        Ok((request, told))
    }
}

pub(crate) struct Writer {
    pub shared: Arc<Shared>,
    pub journal: Journal,
    pub journal_number: u64,
    pub clock: Arc<dyn Clock>,
    pub limits: Limits,
    pub requests: mpsc::Receiver<Request>,
    /// Told when a table waits to be made into frames.
    pub sealer: thread::Sender<()>,
}

impl Writer {
    /// Writes until nobody can ask any more.
    pub fn run(mut self) {
        while let Some(first) = self.requests.blocking_recv() {
            let mut bytes = first.record.len();
            let mut group = vec![first];
            while bytes < GROUP_BYTES_MAX
                && let Ok(next) = self.requests.try_recv()
            {
                bytes += next.record.len();
                group.push(next);
            }
            self.write(group, bytes);
            self.rotate();
        }
    }

    fn write(&mut self, mut group: Vec<Request>, bytes: usize) {
        let now_ms = self.clock.now().as_millisecond();
        let mut newest = self.shared.state().newest;
        let mut records = Vec::with_capacity(bytes);
        let mut stamps = Vec::with_capacity(group.len());
        for request in &mut group {
            let stamp = Stamp {
                after: newest,
                stored_at_ms: request.stored_at_ms.unwrap_or(now_ms),
            };
            newest += request.change.lines();
            let mut record = std::mem::take(&mut request.record);
            record::seal(&mut record, stamp);
            records.extend_from_slice(&record);
            stamps.push(stamp);
        }
        if let Err(error) = self.journal.write(&records) {
            for request in group {
                let _ = request.done.send(Err(sentence(&error)));
            }
            return;
        }
        let mut waiting = Vec::with_capacity(group.len());
        let mut state = self.shared.state_mut();
        for (request, stamp) in group.into_iter().zip(stamps) {
            state.apply(stamp, request.change);
            waiting.push(request.done);
        }
        drop(state);
        self.shared
            .newest
            .send_if_modified(|last| newest > std::mem::replace(last, newest));
        for done in waiting {
            let _ = done.send(Ok(()));
        }
    }

    fn rotate(&mut self) {
        let bytes = self.shared.state().active.bytes;
        if self.journal.bytes() < self.limits.journal_bytes && bytes < self.limits.table_bytes {
            return;
        }
        let number = self.journal_number + 1;
        match Journal::create(&self.shared.directory, number) {
            Ok(journal) => {
                self.journal = journal;
                self.journal_number = number;
                let mut state = self.shared.state_mut();
                state.rotate(number);
                self.shared.waiting.send_replace(state.waiting.len());
                drop(state);
                let _ = self.sealer.send(());
            }
            Err(error) => {
                tracing::warn!(%error, "the log journal goes on in its file, because no other can be made");
            }
        }
    }
}
