//! The log store: lines by stream, durable when accepted, found again by time, by arrival and by what is in them.
//!
//! A directory of three kinds of files. Changes go to the **journal** (`record`, `journal`), many of them with one wait
//! for the disk (`writer`); lines and the position in the spool that they came from are one record, so a crash neither
//! loses nor doubles a line. What is in the journal is in memory, too (`table`). A file of the journal that is full is
//! made into **frames** in the background (`seal`, `frame`): compressed blocks of one stream's lines, each with a
//! `filter` that says what is not in it. The **index** (`index`) says which frames there are. Reading is `search`.

mod cache;
mod expiry;
mod filter;
mod frame;
mod index;
mod journal;
mod record;
mod seal;
mod search;
mod store;
mod table;
mod takeover;
mod varint;
mod writer;

use std::path::Path;
use std::sync::{Arc, mpsc as thread};
use std::time::Duration;

use async_trait::async_trait;
use base_clock::Clock;
use contract::log::{Line, LogError, LogQuery, LogStore, SpoolPosition, StoredLine, StreamId, StreamSummary};
use tokio::sync::mpsc;

use crate::journal::Journal;
use crate::record::Change;
use crate::search::Wanted;
use crate::store::{Shared, sentence};
use crate::writer::{Request, Writer};

/// Full tables that may wait to be made into frames. Whoever appends waits then, too: memory is bounded.
const WAITING_TABLES_MAX: usize = 3;
/// How long an append waits for that.
const WAIT: Duration = Duration::from_secs(30);

/// When files and frames are full.
#[derive(Clone, Copy)]
struct Limits {
    /// A file of the journal that has grown to this is made into frames.
    journal_bytes: u64,
    /// So is one whose lines have grown to this in memory.
    table_bytes: usize,
    /// A frame has no more text than this, unless a single line has.
    frame_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            journal_bytes: 32 << 20,
            table_bytes: 64 << 20,
            frame_bytes: 1 << 20,
        }
    }
}

/// The log store in a directory; cheap to clone.
#[derive(Clone)]
pub struct LogDirectory {
    shared: Arc<Shared>,
    requests: mpsc::Sender<Request>,
}

impl LogDirectory {
    /// Opens or creates the store.
    ///
    /// # Errors
    /// When the directory cannot be used, is not a log store, or is open elsewhere.
    pub fn open(directory: &Path, clock: Arc<dyn Clock>) -> Result<Self, LogError> {
        Self::open_with(directory, clock, Limits::default())
    }

    fn open_with(directory: &Path, clock: Arc<dyn Clock>, limits: Limits) -> Result<Self, LogError> {
        let opened = Shared::open(directory)?;
        let journal =
            Journal::reopen(directory, opened.journal_number, opened.journal_bytes).map_err(sentence)?;
        journal::sync_directory(directory).map_err(sentence)?;
        let shared = opened.shared;
        let (requests, receiver) = mpsc::channel(writer::QUEUE_MAX);
        let (sealer, told) = thread::channel();
        let _ = sealer.send(());
        let writer = Writer {
            shared: Arc::clone(&shared),
            journal,
            journal_number: opened.journal_number,
            clock,
            limits,
            requests: receiver,
            sealer,
        };
        let sealing = Arc::clone(&shared);
        let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
        named("log writer")
            .spawn(move || writer.run())
            .map_err(sentence)?;
        named("log sealer")
            .spawn(move || seal::run(&sealing, limits, &told))
            .map_err(sentence)?;
        Ok(Self { shared, requests })
    }

    /// Makes a change durable. Blocks.
    fn change(&self, change: Change) -> Result<(), LogError> {
        let (request, done) = Request::new(change, None)?;
        self.requests.blocking_send(request).map_err(closed)?;
        done.blocking_recv().map_err(closed)?
    }

    /// Takes lines out of tables and frames; returns how many have expired. Nobody makes frames meanwhile.
    async fn remove(&self, removal: Change) -> Result<u64, LogError> {
        let logs = self.clone();
        blocking(move || {
            let _alone = logs.shared.sealing();
            let in_tables = logs.expiring(&removal);
            let Some(again) = removal.removal() else {
                return Ok(0);
            };
            logs.change(removal)?;
            let expired = logs.shared.state().expired.clone();
            let removed = store::remove(&mut logs.shared.index(), &expired, &again);
            let (freed, in_frames) = removed.map_err(sentence)?;
            logs.shared.release(freed);
            if again == Change::Clear {
                logs.remove_frame_files()?;
            }
            Ok(in_tables + in_frames)
        })
        .await
    }

    /// Lines in tables that this change lets expire.
    fn expiring(&self, change: &Change) -> u64 {
        let Change::Expire {
            scope,
            group,
            before_ms,
        } = change
        else {
            return 0;
        };
        let state = self.shared.state();
        let expired = state.expired.get(&(scope.clone(), group.clone()));
        let known = |at_ms, sequence| expired.is_some_and(|expired| expired.hides(at_ms, sequence));
        let groups = state.tables().flat_map(|table| table.group(scope, group));
        groups
            .flat_map(|(_, batches)| batches.iter().flat_map(|batch| batch.entries()))
            .filter(|entry| entry.at_ms < *before_ms && !known(entry.at_ms, entry.sequence))
            .count() as u64
    }

    fn remove_frame_files(&self) -> Result<(), LogError> {
        let directory = &self.shared.directory;
        for number in journal::numbers(directory, store::FRAMES_ENDING).map_err(sentence)? {
            std::fs::remove_file(store::frames_path(directory, number)).map_err(sentence)?;
        }
        Ok(())
    }

    fn known_position(&self, spool: &str) -> Result<u64, LogError> {
        let state = self.shared.state();
        let known = state
            .tables()
            .rev()
            .find_map(|table| table.positions.get(spool).copied());
        let position = match known {
            Some(position) => position,
            None => self
                .shared
                .readers
                .with(|connection| index::position(connection, spool))
                .map_err(sentence)?,
        };
        Ok(position.unwrap_or(0))
    }

    fn summaries(&self, scope: &str, group: &str) -> Result<Vec<StreamSummary>, LogError> {
        // Held until the end, so that no line is counted in a table and in a frame, or in neither.
        let state = self.shared.state();
        let known = self
            .shared
            .readers
            .with(|connection| index::summaries(connection, scope, group))
            .map_err(sentence)?;
        let mut streams: std::collections::BTreeMap<String, StreamSummary> = known
            .into_iter()
            .map(|summary| (summary.stream.clone(), summary))
            .collect();
        for table in state.tables() {
            for (stream, batches) in table.group(scope, group) {
                let summary = streams.entry(stream.to_owned()).or_insert_with(|| StreamSummary {
                    stream: stream.to_owned(),
                    first_ms: None,
                    last_ms: None,
                    last_stored_ms: None,
                    bytes: 0,
                });
                for batch in batches {
                    table::add_to_summary(summary, &batch.bounds);
                }
            }
        }
        Ok(streams.into_values().collect())
    }
}

fn closed(_: impl Sized) -> LogError {
    LogError("the log store is closed".to_owned())
}

async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, LogError> + Send + 'static,
) -> Result<R, LogError> {
    tokio::task::spawn_blocking(work).await.map_err(sentence)?
}

#[async_trait]
impl LogStore for LogDirectory {
    async fn append(
        &self,
        stream: &StreamId,
        lines: Vec<Line>,
        position: Option<SpoolPosition>,
    ) -> Result<(), LogError> {
        let mut waiting = self.shared.waiting.subscribe();
        let room = waiting.wait_for(|waiting| *waiting < WAITING_TABLES_MAX);
        tokio::time::timeout(WAIT, room)
            .await
            .map_err(|_| LogError("earlier lines cannot be made into frames".to_owned()))?
            .map_err(sentence)?;
        let change = Change::Append {
            stream: stream.clone(),
            lines,
            position,
        };
        let (request, done) = Request::new(change, None)?;
        self.requests.send(request).await.map_err(closed)?;
        done.await.map_err(closed)?
    }

    async fn position(&self, spool: &str) -> Result<u64, LogError> {
        let (logs, spool) = (self.clone(), spool.to_owned());
        blocking(move || logs.known_position(&spool)).await
    }

    async fn forget_spool(&self, spool: &str) -> Result<(), LogError> {
        let (logs, change) = (self.clone(), Change::ForgetSpool(spool.to_owned()));
        blocking(move || logs.change(change)).await
    }

    async fn query(&self, query: LogQuery) -> Result<Vec<StoredLine>, LogError> {
        let shared = Arc::clone(&self.shared);
        blocking(move || search::run(&shared, &Wanted::by_time(query))).await
    }

    async fn arrived(
        &self,
        scope: &str,
        group: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<StoredLine>, LogError> {
        let shared = Arc::clone(&self.shared);
        let wanted = Wanted::by_arrival(scope, group, after, limit);
        blocking(move || search::run(&shared, &wanted)).await
    }

    async fn newest(&self) -> Result<u64, LogError> {
        Ok(*self.shared.newest.borrow())
    }

    async fn beyond(&self, sequence: u64) -> Result<u64, LogError> {
        let mut newest = self.shared.newest.subscribe();
        let found = newest.wait_for(|last| *last > sequence).await;
        found.map(|last| *last).map_err(sentence)
    }

    async fn streams(&self, scope: &str, group: &str) -> Result<Vec<StreamSummary>, LogError> {
        let (logs, scope, group) = (self.clone(), scope.to_owned(), group.to_owned());
        blocking(move || logs.summaries(&scope, &group)).await
    }

    async fn remove_group(&self, scope: &str, group: &str) -> Result<(), LogError> {
        let (scope, group) = (scope.to_owned(), group.to_owned());
        self.remove(Change::RemoveGroup { scope, group }).await.map(drop)
    }

    async fn remove_stream(&self, stream: &StreamId) -> Result<(), LogError> {
        let removal = Change::RemoveStream(stream.clone());
        self.remove(removal).await.map(drop)
    }

    async fn expire(&self, scope: &str, group: &str, before_ms: i64) -> Result<u64, LogError> {
        let (scope, group) = (scope.to_owned(), group.to_owned());
        let change = Change::Expire {
            scope,
            group,
            before_ms,
        };
        self.remove(change).await
    }

    async fn clear(&self) -> Result<(), LogError> {
        self.remove(Change::Clear).await.map(drop)
    }
}

#[cfg(test)]
mod tests;
