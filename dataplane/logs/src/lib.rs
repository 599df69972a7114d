//! The log store: lines by stream, durable when accepted, found again by time.
//!
//! One SQLite file of its own, so that a flood of log lines never holds up the control plane's state. Lines and the
//! position in the spool file they came from are saved in one transaction: a crash neither loses nor doubles a line.

mod query;
mod schema;

use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base_clock::Clock;
use contract::log::{Line, LogError, LogQuery, LogStore, SpoolPosition, StoredLine, StreamId, StreamSummary};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

/// The log store in one file; cheap to clone.
#[derive(Clone)]
pub struct LogFile {
    /// Writing and reading have a connection each, so that a long search does not hold up the containers.
    writer: Arc<Mutex<Connection>>,
    reader: Arc<Mutex<Connection>>,
    clock: Arc<dyn Clock>,
}

impl LogFile {
    /// Opens or creates the file.
    ///
    /// # Errors
    /// When it cannot be opened or is not a log store.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, LogError> {
        let writer = schema::open(path).map_err(sentence)?;
        let reader = schema::open(path).map_err(sentence)?;
        Ok(Self {
            writer: Arc::new(Mutex::new(writer)),
            reader: Arc::new(Mutex::new(reader)),
            clock,
        })
    }

    async fn change<R: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<R> + Send + 'static,
    ) -> Result<R, LogError> {
        on(Arc::clone(&self.writer), move |connection| {
            let transaction = connection.transaction()?;
            let result = change(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })
        .await
    }
}

async fn on<R: Send + 'static>(
    connection: Arc<Mutex<Connection>>,
    work: impl FnOnce(&mut Connection) -> rusqlite::Result<R> + Send + 'static,
) -> Result<R, LogError> {
    tokio::task::spawn_blocking(move || work(&mut connection.lock().expect("no holder of this lock panics")))
        .await
        .map_err(sentence)?
        .map_err(sentence)
}

fn sentence(error: impl std::fmt::Display) -> LogError {
    LogError(error.to_string())
}

fn stream_id(transaction: &Transaction<'_>, stream: &StreamId) -> rusqlite::Result<i64> {
    let StreamId { scope, group, stream } = stream;
    let found = transaction
        .prepare_cached("SELECT id FROM stream WHERE scope = ?1 AND \"group\" = ?2 AND name = ?3")?
        .query_row(params![scope, group, stream], |row| row.get(0))
        .optional()?;
    match found {
        Some(id) => Ok(id),
        None => transaction
            .prepare_cached("INSERT INTO stream (scope, \"group\", name) VALUES (?1, ?2, ?3) RETURNING id")?
            .query_row(params![scope, group, stream], |row| row.get(0)),
    }
}

#[async_trait]
impl LogStore for LogFile {
    async fn append(
        &self,
        stream: &StreamId,
        lines: Vec<Line>,
        position: Option<SpoolPosition>,
    ) -> Result<(), LogError> {
        let (stream, now_ms) = (stream.clone(), self.clock.now().as_millisecond());
        self.change(move |transaction| {
            let id = stream_id(transaction, &stream)?;
            let mut insert = transaction
                .prepare_cached("INSERT INTO line (stream, at_ms, stored_at_ms, message) VALUES (?1, ?2, ?3, ?4)")?;
            let mut bytes = 0_i64;
            for line in &lines {
                bytes += line.message.len() as i64 + LINE_OVERHEAD_BYTES;
                insert.execute(params![id, line.at_ms, now_ms, line.message])?;
            }
            if let (Some(first), Some(last)) = (lines.iter().map(|l| l.at_ms).min(), lines.iter().map(|l| l.at_ms).max()) {
                transaction
                    .prepare_cached(
                        "UPDATE stream SET first_ms = min(coalesce(first_ms, ?2), ?2), last_ms = max(coalesce(last_ms, ?3), ?3),
                         last_stored_ms = ?4, bytes = bytes + ?5 WHERE id = ?1",
                    )?
                    .execute(params![id, first, last, now_ms, bytes])?;
            }
            if let Some(SpoolPosition { spool, offset_bytes }) = position {
                transaction
                    .prepare_cached("INSERT OR REPLACE INTO spool (name, offset_bytes) VALUES (?1, ?2)")?
                    .execute(params![spool, offset_bytes as i64])?;
            }
            Ok(())
        })
        .await
    }

    async fn position(&self, spool: &str) -> Result<u64, LogError> {
        let spool = spool.to_owned();
        let found: Option<i64> = on(Arc::clone(&self.writer), move |connection| {
            connection
                .query_row("SELECT offset_bytes FROM spool WHERE name = ?1", [spool], |row| {
                    row.get(0)
                })
                .optional()
        })
        .await?;
        Ok(found.unwrap_or(0) as u64)
    }

    async fn forget_spool(&self, spool: &str) -> Result<(), LogError> {
        let spool = spool.to_owned();
        self.change(move |tx| tx.execute("DELETE FROM spool WHERE name = ?1", [spool]).map(drop))
            .await
    }

    async fn query(&self, query: LogQuery) -> Result<Vec<StoredLine>, LogError> {
        on(Arc::clone(&self.reader), move |connection| {
            query::run(connection, &query)
        })
        .await
    }

    async fn streams(&self, scope: &str, group: &str) -> Result<Vec<StreamSummary>, LogError> {
        let key = (scope.to_owned(), group.to_owned());
        on(Arc::clone(&self.reader), move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT name, first_ms, last_ms, last_stored_ms, bytes FROM stream
                 WHERE scope = ?1 AND \"group\" = ?2 ORDER BY name",
            )?;
            let rows = statement.query_map(params![key.0, key.1], |row| {
                Ok(StreamSummary {
                    stream: row.get(0)?,
                    first_ms: row.get(1)?,
                    last_ms: row.get(2)?,
                    last_stored_ms: row.get(3)?,
                    bytes: row.get::<_, i64>(4)? as u64,
                })
            })?;
            rows.collect()
        })
        .await
    }

    async fn remove_group(&self, scope: &str, group: &str) -> Result<(), LogError> {
        let key = (scope.to_owned(), group.to_owned());
        self.change(move |tx| {
            tx.execute(
                "DELETE FROM stream WHERE scope = ?1 AND \"group\" = ?2",
                params![key.0, key.1],
            )
            .map(drop)
        })
        .await
    }

    async fn remove_stream(&self, stream: &StreamId) -> Result<(), LogError> {
        let StreamId { scope, group, stream } = stream.clone();
        self.change(move |tx| {
            tx.execute(
                "DELETE FROM stream WHERE scope = ?1 AND \"group\" = ?2 AND name = ?3",
                params![scope, group, stream],
            )
            .map(drop)
        })
        .await
    }

    async fn expire(&self, scope: &str, group: &str, before_ms: i64) -> Result<u64, LogError> {
        let key = (scope.to_owned(), group.to_owned());
        self.change(move |tx| {
            tx.execute(
                "DELETE FROM line WHERE at_ms < ?3 AND stream IN
                 (SELECT id FROM stream WHERE scope = ?1 AND \"group\" = ?2)",
                params![key.0, key.1, before_ms],
            )
        })
        .await
        .map(|removed| removed as u64)
    }

    async fn clear(&self) -> Result<(), LogError> {
        self.change(|tx| tx.execute_batch("DELETE FROM line; DELETE FROM stream; DELETE FROM spool;"))
            .await
    }
}

/// What a line counts beyond its message, as CloudWatch Logs counts it.
const LINE_OVERHEAD_BYTES: i64 = 26;

#[cfg(test)]
mod tests;
