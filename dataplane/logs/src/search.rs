//! Finding lines again: those in tables, then frames in the order that is wanted, on several cores, until what is
//! found cannot get any better.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use contract::log::{LogError, LogQuery, StoredLine};
use memchr::memmem;

use crate::expiry::Expired;
use crate::filter;
use crate::frame::{Frame, Head};
use crate::index::{self, Candidates, Found, Order};
use crate::store::{Shared, frames_path, sentence};
use crate::table::Batch;

/// Frames that are looked at before more than one core does so: most readers want the last few lines.
const FEW_FRAMES: usize = 4;
/// Frames that are given to the cores together.
const ROUND_FRAMES: usize = 128;
const CORES_MAX: usize = 8;

/// Where a line stands in the order that is wanted.
type Key = (i64, u64);

/// What is looked for in one group.
pub(crate) struct Wanted {
    pub scope: String,
    pub group: String,
    /// All if empty.
    pub streams: Vec<String>,
    pub stream_prefix: Option<String>,
    pub from_ms: i64,
    pub to_ms: i64,
    pub order: Order,
    /// Only what stands behind this.
    pub after: Option<Key>,
    pub contains: Vec<String>,
    pub limit: usize,
}

impl Wanted {
    pub fn by_time(query: LogQuery) -> Self {
        let order = if query.backwards {
            Order::TimeBackwards
        } else {
            Order::Time
        };
        let mut wanted = Self {
            scope: query.scope,
            group: query.group,
            streams: query.streams,
            stream_prefix: query.stream_prefix,
            from_ms: query.from_ms.unwrap_or(i64::MIN),
            to_ms: query.to_ms.unwrap_or(i64::MAX),
            order,
            after: query.after.map(|(at_ms, sequence)| key(order, at_ms, sequence)),
            contains: query.contains,
            limit: query.limit,
        };
        match query.after {
            Some((at_ms, _)) if query.backwards => wanted.to_ms = wanted.to_ms.min(at_ms),
            Some((at_ms, _)) => wanted.from_ms = wanted.from_ms.max(at_ms),
            None => {}
        }
        wanted
    }

    pub fn by_arrival(scope: &str, group: &str, after: u64, limit: usize) -> Self {
        Self {
            scope: scope.to_owned(),
            group: group.to_owned(),
            streams: Vec::new(),
            stream_prefix: None,
            from_ms: i64::MIN,
            to_ms: i64::MAX,
            order: Order::Arrival,
            after: Some((0, after)),
            contains: Vec::new(),
            limit,
        }
    }

    fn stream(&self, name: &str) -> bool {
        (self.streams.is_empty() || self.streams.iter().any(|stream| stream == name))
            && self
                .stream_prefix
                .as_ref()
                .is_none_or(|prefix| name.starts_with(prefix.as_str()))
    }

    /// Lines up to this sequence are not wanted.
    fn after_sequence(&self) -> u64 {
        match (self.order, self.after) {
            (Order::Arrival, Some((_, sequence))) => sequence.min(i64::MAX as u64),
            _ => 0,
        }
    }
}

fn key(order: Order, at_ms: i64, sequence: u64) -> Key {
    match order {
        Order::Time => (at_ms, sequence),
        Order::TimeBackwards => (!at_ms, !sequence),
        Order::Arrival => (0, sequence),
    }
}

/// No line of the frame stands before this.
fn lowest(order: Order, found: &Found) -> Key {
    let bounds = &found.placed.bounds;
    match order {
        Order::Time => (bounds.first_ms, 0),
        Order::TimeBackwards => (!bounds.last_ms, 0),
        Order::Arrival => (0, bounds.first_sequence),
    }
}

/// The best lines so far.
struct Best {
    limit: usize,
    lines: BTreeMap<Key, StoredLine>,
}

impl Best {
    /// Nothing behind this is needed any more.
    fn bound(&self) -> Option<Key> {
        (self.lines.len() >= self.limit)
            .then(|| self.lines.last_key_value().map(|(key, _)| *key))
            .flatten()
    }

    fn add(&mut self, key: Key, line: impl FnOnce() -> StoredLine) {
        if self.bound().is_some_and(|bound| key > bound) {
            return;
        }
        self.lines.insert(key, line());
        if self.lines.len() > self.limit {
            self.lines.pop_last();
        }
    }
}

struct Search<'a> {
    shared: &'a Shared,
    wanted: &'a Wanted,
    expired: Expired,
    finders: Vec<memmem::Finder<'a>>,
    best: Mutex<Best>,
}

/// Lines in the order that is wanted, `limit` at most.
pub(crate) fn run(shared: &Shared, wanted: &Wanted) -> Result<Vec<StoredLine>, LogError> {
    if wanted.limit == 0 || wanted.from_ms > wanted.to_ms {
        return Ok(Vec::new());
    }
    let state = shared.state();
    let group = (wanted.scope.clone(), wanted.group.clone());
    let search = Search {
        shared,
        wanted,
        expired: state.expired.get(&group).cloned().unwrap_or_default(),
        finders: finders(&wanted.contains),
        best: Mutex::new(Best {
            limit: wanted.limit,
            lines: BTreeMap::new(),
        }),
    };
    let mut batches = Vec::new();
    for table in state.tables() {
        for (stream, found) in table.group(&group.0, &group.1) {
            if wanted.stream(stream) {
                let found = found.iter().filter(|batch| search.overlaps(batch));
                batches.extend(found.map(|batch| (stream.to_owned(), Arc::clone(batch))));
            }
        }
    }
    let sealed = state.sealed;
    drop(state);
    for (stream, batch) in &batches {
        search.look_into_batch(stream, batch);
    }
    search.look_into_frames(sealed)?;
    let best = search.best.into_inner().map_err(sentence)?;
    Ok(best.lines.into_values().collect())
}

/// The longest first: it tells the most.
fn finders(contains: &[String]) -> Vec<memmem::Finder<'_>> {
    let mut texts: Vec<&str> = contains.iter().map(String::as_str).collect();
    texts.retain(|text| !text.is_empty());
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    texts.into_iter().map(memmem::Finder::new).collect()
}

impl Search<'_> {
    fn best(&self) -> std::sync::MutexGuard<'_, Best> {
        self.best.lock().expect("nothing panics while it holds the lock")
    }

    fn overlaps(&self, batch: &Batch) -> bool {
        batch.bounds.last_ms >= self.wanted.from_ms
            && batch.bounds.first_ms <= self.wanted.to_ms
            && batch.bounds.last_sequence > self.wanted.after_sequence()
    }

    fn wants(&self, at_ms: i64, sequence: u64, bound: Option<Key>) -> Option<Key> {
        let key = key(self.wanted.order, at_ms, sequence);
        let wanted = (self.wanted.from_ms..=self.wanted.to_ms).contains(&at_ms)
            && self.wanted.after.is_none_or(|after| key > after)
            && bound.is_none_or(|bound| key <= bound)
            && !self.expired.hides(at_ms, sequence);
        wanted.then_some(key)
    }

    fn contains_all(&self, text: &[u8]) -> bool {
        self.finders.iter().all(|finder| finder.find(text).is_some())
    }

    fn look_into_batch(&self, stream: &str, batch: &Batch) {
        let mut best = self.best();
        for entry in batch.entries() {
            if let Some(key) = self.wants(entry.at_ms, entry.sequence, best.bound())
                && self.contains_all(entry.message.as_bytes())
            {
                best.add(key, || StoredLine {
                    sequence: entry.sequence,
                    stream: stream.to_owned(),
                    at_ms: entry.at_ms,
                    stored_at_ms: entry.stored_at_ms,
                    message: entry.message.to_owned(),
                });
            }
        }
    }

    fn look_into_frames(&self, sealed: u64) -> Result<(), LogError> {
        let wanted = self.wanted;
        self.shared
            .readers
            .with(|connection| {
                let Some((group, names)) = index::streams(connection, &wanted.scope, &wanted.group)? else {
                    return Ok(());
                };
                let names: HashMap<i64, String> = names
                    .into_iter()
                    .filter(|(_, name)| wanted.stream(name))
                    .collect();
                let candidates = Candidates {
                    group,
                    only_stream: names.keys().next().copied().filter(|_| names.len() == 1),
                    file_last: sealed,
                    from_ms: wanted.from_ms,
                    to_ms: wanted.to_ms,
                    after_sequence: wanted.after_sequence(),
                    order: wanted.order,
                };
                let (mut round, mut length) = (Vec::new(), FEW_FRAMES);
                candidates.each(connection, |found| {
                    if !names.contains_key(&found.stream) {
                        return true;
                    }
                    round.push(found);
                    if round.len() < length {
                        return true;
                    }
                    length = ROUND_FRAMES;
                    self.look_into_round(&std::mem::take(&mut round), &names)
                        .is_continue()
                })?;
                let _ = self.look_into_round(&round, &names);
                Ok(())
            })
            .map_err(sentence)
    }

    /// Looks into frames that stand in order; breaks when those behind them are not needed.
    fn look_into_round(&self, round: &[Found], names: &HashMap<i64, String>) -> ControlFlow<()> {
        let (next, done) = (AtomicUsize::new(0), AtomicBool::new(false));
        let work = || {
            let mut reader = Reader::default();
            while let Some(found) = round.get(next.fetch_add(1, Ordering::Relaxed)) {
                let bound = self.best().bound();
                // Those behind it are not needed either; those before it are somebody else's, and are looked into.
                if bound.is_some_and(|bound| lowest(self.wanted.order, found) > bound) {
                    done.store(true, Ordering::Relaxed);
                    break;
                }
                let stream = names.get(&found.stream).map_or("", String::as_str);
                if let Err(error) = self.look_into_frame(&mut reader, found, stream, bound) {
                    self.tell(found, &error);
                }
            }
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        if round.len() <= FEW_FRAMES || cores == 1 {
            work();
        } else {
            std::thread::scope(|scope| {
                for _ in 0..cores.min(CORES_MAX) {
                    scope.spawn(work);
                }
            });
        }
        if done.into_inner() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// What is damaged is left out of the answer, and an operator told; what was removed meanwhile is nobody's loss.
    fn tell(&self, found: &Found, error: &io::Error) {
        let there = self
            .shared
            .readers
            .with(|connection| index::exists(connection, found.id));
        if !matches!(there, Ok(false)) {
            let placed = &found.placed;
            tracing::error!(
                file = placed.extent.file,
                offset = placed.extent.offset,
                lines = placed.bounds.lines,
                %error,
                "log lines cannot be read"
            );
        }
    }

    fn look_into_frame(
        &self,
        reader: &mut Reader,
        found: &Found,
        stream: &str,
        bound: Option<Key>,
    ) -> io::Result<()> {
        if let Some(bytes) = self.shared.cache.get(found.id) {
            return self.pick(&bytes, stream, bound);
        }
        let file = File::open(frames_path(&self.shared.directory, found.placed.extent.file))?;
        if !self.finders.is_empty() && !reader.may_contain(&file, found, &self.finders)? {
            return Ok(());
        }
        reader.read(&file, found)?;
        self.pick(&reader.bytes, stream, bound)?;
        // A search through everything would only drive out what others read page by page.
        if self.finders.is_empty() {
            self.shared.cache.put(found.id, std::mem::take(&mut reader.bytes));
        }
        Ok(())
    }

    fn pick(&self, bytes: &[u8], stream: &str, bound: Option<Key>) -> io::Result<()> {
        let malformed = |_| io::Error::other("a frame is not what was written");
        let frame = Frame::parse(bytes).map_err(malformed)?;
        if !self.finders.iter().all(|finder| frame.may_contain(finder)) {
            return Ok(());
        }
        let mut picked: Vec<(Key, Head)> = frame
            .heads()
            .map_err(malformed)?
            .into_iter()
            .filter_map(|head| Some((self.wants(head.at_ms, head.sequence, bound)?, head)))
            .filter(|(_, head)| self.contains_all(frame.text(head)))
            .collect();
        picked.sort_unstable_by_key(|(key, _)| *key);
        picked.truncate(self.wanted.limit);
        let mut best = self.best();
        for (key, head) in picked {
            best.add(key, || frame.line(&head, stream));
        }
        Ok(())
    }
}

/// Buffers of one core.
#[derive(Default)]
struct Reader {
    packed: Vec<u8>,
    bytes: Vec<u8>,
}

impl Reader {
    fn may_contain(
        &mut self,
        file: &File,
        found: &Found,
        finders: &[memmem::Finder<'_>],
    ) -> io::Result<bool> {
        let placed = &found.placed;
        self.packed.resize(placed.filter_bytes as usize, 0);
        file.read_exact_at(&mut self.packed, placed.extent.offset)?;
        match self.packed.split_first_chunk::<4>() {
            Some((checksum, filter)) if crc32fast::hash(filter) == u32::from_le_bytes(*checksum) => {
                Ok(finders
                    .iter()
                    .all(|finder| filter::may_contain(filter, finder.needle())))
            }
            // It says nothing, but the lines may be well.
            _ => Ok(true),
        }
    }

    fn read(&mut self, file: &File, found: &Found) -> io::Result<()> {
        let placed = &found.placed;
        let length = placed.extent.bytes.saturating_sub(placed.filter_bytes);
        self.packed.resize(length as usize, 0);
        file.read_exact_at(&mut self.packed, placed.extent.offset + placed.filter_bytes)?;
        self.bytes.resize(placed.bytes as usize, 0);
        let length = zstd::bulk::decompress_to_buffer(&self.packed, self.bytes.as_mut_slice())?;
        self.bytes.truncate(length);
        Ok(())
    }
}
