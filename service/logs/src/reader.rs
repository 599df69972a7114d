//! Lines of one group, read a batch at a time: as many as fit into a few megabytes, however long they are.

use contract::log::{LogError, LogQuery, LogStore, StoredLine};

/// Lines of the first batch, whose length nobody knows yet.
const FIRST_LINES: usize = 500;
const BATCH_LINES_MIN: usize = 16;
const BATCH_LINES_MAX: usize = 10_000;
/// What a batch should take in memory.
const BATCH_BYTES: usize = 8 << 20;

pub(crate) struct Reader<'a> {
    store: &'a dyn LogStore,
    query: LogQuery,
    ended: bool,
}

impl<'a> Reader<'a> {
    /// The query's own limit is not looked at.
    pub(crate) fn new(store: &'a dyn LogStore, query: LogQuery) -> Self {
        let query = LogQuery {
            limit: FIRST_LINES,
            ..query
        };
        Self {
            store,
            query,
            ended: false,
        }
    }

    /// Behind which line the next batch begins.
    pub(crate) fn after(&self) -> Option<(i64, u64)> {
        self.query.after
    }

    /// The next lines; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Vec<StoredLine>, LogError> {
        if self.ended {
            return Ok(Vec::new());
        }
        let lines = self.store.query(self.query.clone()).await?;
        self.ended = lines.len() < self.query.limit;
        if let Some(last) = lines.last() {
            self.query.after = Some((last.at_ms, last.sequence));
            let bytes: usize = lines.iter().map(|line| line.message.len() + 1).sum();
            self.query.limit = (BATCH_BYTES * lines.len() / bytes).clamp(BATCH_LINES_MIN, BATCH_LINES_MAX);
        }
        Ok(lines)
    }
}
