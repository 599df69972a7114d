//! Lines that are in the journal and not yet in frames: one table per file of the journal.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use contract::log::{Line, SpoolPosition, StreamId, StreamSummary};

use crate::frame::{Bounds, Entry};
use crate::record::{Change, Stamp};

/// What a line takes in memory beside its text.
const LINE_COST_BYTES: usize = 64;
/// What a line counts beyond its message, as CloudWatch Logs counts it.
pub(crate) const LINE_OVERHEAD_BYTES: u64 = 26;

/// Lines of one stream that came together.
pub(crate) struct Batch {
    pub bounds: Bounds,
    stored_at_ms: i64,
    lines: Vec<Line>,
}

impl Batch {
    fn new(stamp: Stamp, lines: Vec<Line>) -> Option<Self> {
        let bounds = Bounds::of(entries(stamp.after + 1, stamp.stored_at_ms, &lines))?;
        Some(Self {
            bounds,
            stored_at_ms: stamp.stored_at_ms,
            lines,
        })
    }

    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        entries(self.bounds.first_sequence, self.stored_at_ms, &self.lines)
    }
}

fn entries(first: u64, stored_at_ms: i64, lines: &[Line]) -> impl Iterator<Item = Entry<'_>> {
    lines.iter().zip(first..).map(move |(line, sequence)| Entry {
        at_ms: line.at_ms,
        sequence,
        stored_at_ms,
        message: &line.message,
    })
}

#[derive(Clone, Default)]
pub(crate) struct Table {
    /// Of its file in the journal, and of the file of frames that is made of it.
    pub number: u64,
    pub streams: BTreeMap<StreamId, Vec<Arc<Batch>>>,
    /// Positions in spools; none for those that are forgotten.
    pub positions: HashMap<String, Option<u64>>,
    /// About what it takes in memory.
    pub bytes: usize,
}

impl Table {
    pub fn new(number: u64) -> Self {
        Self {
            number,
            ..Self::default()
        }
    }

    /// Takes in a change that adds something; what removes something is for all tables, see [`Table::remove`].
    pub fn add(&mut self, stream: StreamId, lines: Vec<Line>, position: Option<SpoolPosition>, stamp: Stamp) {
        let text: usize = lines
            .iter()
            .map(|line| line.message.len() + LINE_COST_BYTES)
            .sum();
        self.bytes += text + 2 * LINE_COST_BYTES;
        if let Some(SpoolPosition { spool, offset_bytes }) = position {
            self.positions.insert(spool, Some(offset_bytes));
        }
        let batches = self.streams.entry(stream).or_default();
        batches.extend(Batch::new(stamp, lines).map(Arc::new));
    }

    pub fn remove(&mut self, change: &Change) {
        match change {
            Change::RemoveStream(stream) => {
                self.streams.remove(stream);
            }
            Change::RemoveGroup { scope, group } => self
                .streams
                .retain(|stream, _| stream.scope != *scope || stream.group != *group),
            Change::Clear => {
                self.streams.clear();
                self.positions.clear();
            }
            Change::Append { .. } | Change::ForgetSpool(_) | Change::Expire { .. } => {}
        }
    }

    /// The streams of a group, by name.
    pub fn group<'a>(
        &'a self,
        scope: &'a str,
        group: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a [Arc<Batch>])> {
        let first = StreamId {
            scope: scope.to_owned(),
            group: group.to_owned(),
            stream: String::new(),
        };
        self.streams
            .range(first..)
            .take_while(move |(stream, _)| stream.scope == scope && stream.group == group)
            .map(|(stream, batches)| (stream.stream.as_str(), batches.as_slice()))
    }
}

/// Adds what these lines say about their stream.
pub(crate) fn add_to_summary(summary: &mut StreamSummary, bounds: &Bounds) {
    let at_least = |known: Option<i64>, new: i64| Some(known.map_or(new, |known| known.max(new)));
    summary.first_ms = Some(
        summary
            .first_ms
            .map_or(bounds.first_ms, |known| known.min(bounds.first_ms)),
    );
    summary.last_ms = at_least(summary.last_ms, bounds.last_ms);
    summary.last_stored_ms = at_least(summary.last_stored_ms, bounds.last_stored_ms);
    summary.bytes += bounds.message_bytes + bounds.lines * LINE_OVERHEAD_BYTES;
}
