//! Which frames there are, in SQLite: small, and the only place that says so. A file of frames counts for nothing
//! until its rows are committed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use contract::log::StreamSummary;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use crate::expiry::Expired;
use crate::frame::Bounds;
use crate::table::LINE_OVERHEAD_BYTES;

const BUSY_WAIT: std::time::Duration = std::time::Duration::from_secs(10);
/// Connections that are kept open for the next reader.
const IDLE_READERS_MAX: usize = 4;

/// A scope and the name of a group.
pub(crate) type GroupKey = (String, String);

/// Where something lies in a file of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Extent {
    pub file: u64,
    pub offset: u64,
    pub bytes: u64,
}

/// A frame on disk: its filter, then its compressed lines.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub extent: Extent,
    /// How much of the extent is the filter.
    pub filter_bytes: u64,
    /// Size of the lines when they are decompressed.
    pub bytes: u64,
    pub bounds: Bounds,
}

/// A frame as a reader finds it.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub id: i64,
    pub stream: i64,
    pub placed: Placed,
}

/// What a file of the journal has become.
#[derive(Default)]
pub(crate) struct Sealed {
    pub number: u64,
    /// The last sequence that was given to a line of it, or before it.
    pub newest: u64,
    pub streams: Vec<(contract::log::StreamId, Vec<Placed>)>,
    pub positions: HashMap<String, Option<u64>>,
}

pub(crate) struct Index(Connection);

impl Index {
    pub fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = connect(path)?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self(connection))
    }

    /// The last file of the journal that is in frames, and the last sequence of its lines.
    pub fn sealed(&self) -> rusqlite::Result<(u64, u64)> {
        self.0.query_row("SELECT number, newest FROM sealed", [], |row| {
            Ok((unsigned(row, 0)?, unsigned(row, 1)?))
        })
    }

    pub fn expired(&self) -> rusqlite::Result<HashMap<GroupKey, Expired>> {
        let mut all: HashMap<GroupKey, Expired> = HashMap::new();
        let mut statement = self.0.prepare(
            "SELECT g.scope, g.name, e.before_ms, e.through FROM expired e JOIN log_group g ON g.id = e.log_group
             ORDER BY e.through",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let expired = all.entry((row.get(0)?, row.get(1)?)).or_default();
            expired.add(row.get(2)?, unsigned(row, 3)?);
        }
        Ok(all)
    }

    /// Takes in what one file of the journal has become, all at once.
    pub fn commit(&mut self, sealed: &Sealed) -> rusqlite::Result<()> {
        let transaction = self.0.transaction()?;
        for (stream, frames) in &sealed.streams {
            let group = group_id(&transaction, &stream.scope, &stream.group)?;
            let id: i64 = transaction
                .prepare_cached(
                    "INSERT INTO stream (log_group, name) VALUES (?1, ?2)
                     ON CONFLICT DO UPDATE SET name = name RETURNING id",
                )?
                .query_row(params![group, stream.stream], |row| row.get(0))?;
            for frame in frames {
                insert(&transaction, group, id, frame)?;
            }
        }
        for (spool, offset) in &sealed.positions {
            match offset {
                Some(offset) => transaction
                    .prepare_cached("INSERT OR REPLACE INTO spool (name, offset_bytes) VALUES (?1, ?2)")?
                    .execute(params![spool, *offset as i64])?,
                None => transaction
                    .prepare_cached("DELETE FROM spool WHERE name = ?1")?
                    .execute([spool])?,
            };
        }
        transaction.execute(
            "UPDATE sealed SET number = ?1, newest = ?2",
            params![sealed.number as i64, sealed.newest as i64],
        )?;
        transaction.commit()
    }

    /// Removes a stream, or a whole group; returns what need not be kept any more.
    pub fn remove(
        &mut self,
        scope: &str,
        group: &str,
        stream: Option<&str>,
    ) -> rusqlite::Result<Vec<Extent>> {
        let transaction = self.0.transaction()?;
        let Some(group) = find_group(&transaction, scope, group)? else {
            return Ok(Vec::new());
        };
        let freed = match stream {
            None => {
                let freed = take(&transaction, "log_group = ?1", params![group])?;
                transaction.execute("DELETE FROM stream WHERE log_group = ?1", [group])?;
                transaction.execute("DELETE FROM expired WHERE log_group = ?1", [group])?;
                transaction.execute("DELETE FROM log_group WHERE id = ?1", [group])?;
                freed
            }
            Some(name) => {
                let freed = take(
                    &transaction,
                    "stream = (SELECT id FROM stream WHERE log_group = ?1 AND name = ?2)",
                    params![group, name],
                )?;
                transaction.execute(
                    "DELETE FROM stream WHERE log_group = ?1 AND name = ?2",
                    params![group, name],
                )?;
                freed
            }
        };
        transaction.commit()?;
        Ok(freed.into_iter().map(|(extent, _)| extent).collect())
    }

    /// Removes the frames that are older as a whole, and remembers for the others what is. Returns what need not be
    /// kept any more, and how many lines that was.
    pub fn expire(
        &mut self,
        scope: &str,
        group: &str,
        before_ms: i64,
        expired: &Expired,
    ) -> rusqlite::Result<(Vec<Extent>, u64)> {
        let transaction = self.0.transaction()?;
        let group = group_id(&transaction, scope, group)?;
        let freed = take(
            &transaction,
            "log_group = ?1 AND last_ms < ?2",
            params![group, before_ms],
        )?;
        if !freed.is_empty() {
            transaction.execute(SUMMARISE, [group])?;
        }
        transaction.execute("DELETE FROM expired WHERE log_group = ?1", [group])?;
        for (before_ms, through) in &expired.steps {
            transaction.execute(
                "INSERT INTO expired (log_group, before_ms, through) VALUES (?1, ?2, ?3)",
                params![group, before_ms, *through as i64],
            )?;
        }
        transaction.commit()?;
        let lines = freed.iter().map(|(_, lines)| lines).sum();
        Ok((freed.into_iter().map(|(extent, _)| extent).collect(), lines))
    }

    pub fn clear(&mut self) -> rusqlite::Result<()> {
        self.0.execute_batch(
            "BEGIN; DELETE FROM frame; DELETE FROM stream; DELETE FROM expired; DELETE FROM log_group;
             DELETE FROM spool; COMMIT;",
        )
    }

    pub fn is_in_use(&self, file: u64) -> rusqlite::Result<bool> {
        self.0
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM frame WHERE file = ?1)")?
            .query_row([file as i64], |row| row.get(0))
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

fn find_group(connection: &Connection, scope: &str, name: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM log_group WHERE scope = ?1 AND name = ?2")?
        .query_row([scope, name], |row| row.get(0))
        .optional()
}

fn group_id(transaction: &Transaction<'_>, scope: &str, name: &str) -> rusqlite::Result<i64> {
    match find_group(transaction, scope, name)? {
        Some(id) => Ok(id),
        None => transaction
            .prepare_cached("INSERT INTO log_group (scope, name) VALUES (?1, ?2) RETURNING id")?
            .query_row([scope, name], |row| row.get(0)),
    }
}

fn insert(transaction: &Transaction<'_>, group: i64, stream: i64, frame: &Placed) -> rusqlite::Result<()> {
    let (extent, bounds) = (frame.extent, frame.bounds);
    transaction
        .prepare_cached(
            "INSERT INTO frame (log_group, stream, file, offset, packed_bytes, filter_bytes, bytes, lines, message_bytes,
             first_ms, last_ms, first_sequence, last_sequence, last_stored_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?
        .execute(params![
            group,
            stream,
            extent.file as i64,
            extent.offset as i64,
            extent.bytes as i64,
            frame.filter_bytes as i64,
            frame.bytes as i64,
            bounds.lines as i64,
            bounds.message_bytes as i64,
            bounds.first_ms,
            bounds.last_ms,
            bounds.first_sequence as i64,
            bounds.last_sequence as i64,
            bounds.last_stored_ms,
        ])?;
    transaction
        .prepare_cached(
            "UPDATE stream SET first_ms = min(coalesce(first_ms, ?2), ?2), last_ms = max(coalesce(last_ms, ?3), ?3),
             last_stored_ms = max(coalesce(last_stored_ms, ?4), ?4), bytes = bytes + ?5 WHERE id = ?1",
        )?
        .execute(params![
            stream,
            bounds.first_ms,
            bounds.last_ms,
            bounds.last_stored_ms,
            (bounds.message_bytes + bounds.lines * LINE_OVERHEAD_BYTES) as i64,
        ])?;
    Ok(())
}

/// Deletes frames; returns where they were and how many lines they had.
fn take(
    transaction: &Transaction<'_>,
    which: &str,
    values: &[&dyn rusqlite::ToSql],
) -> rusqlite::Result<Vec<(Extent, u64)>> {
    let sql = format!("DELETE FROM frame WHERE {which} RETURNING file, offset, packed_bytes, lines");
    let mut statement = transaction.prepare_cached(&sql)?;
    statement
        .query_map(values, |row| {
            let extent = Extent {
                file: unsigned(row, 0)?,
                offset: unsigned(row, 1)?,
                bytes: unsigned(row, 2)?,
            };
            Ok((extent, unsigned(row, 3)?))
        })?
        .collect()
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|value| value as u64)
}

/// Connections that only read.
pub(crate) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            idle: Mutex::default(),
        }
    }

    pub fn with<R>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<R>) -> rusqlite::Result<R> {
        let idle = || self.idle.lock().expect("nothing panics while it holds the lock");
        let known = idle().pop();
        let connection = match known {
            Some(connection) => connection,
            None => connect(&self.path)?,
        };
        let result = read(&connection);
        let mut idle = idle();
        if idle.len() < IDLE_READERS_MAX {
            idle.push(connection);
        }
        result
    }
}

pub(crate) fn position(connection: &Connection, spool: &str) -> rusqlite::Result<Option<u64>> {
    connection
        .prepare_cached("SELECT offset_bytes FROM spool WHERE name = ?1")?
        .query_row([spool], |row| unsigned(row, 0))
        .optional()
}

pub(crate) fn summaries(
    connection: &Connection,
    scope: &str,
    group: &str,
) -> rusqlite::Result<Vec<StreamSummary>> {
    let Some(group) = find_group(connection, scope, group)? else {
        return Ok(Vec::new());
    };
    let mut statement = connection.prepare_cached(
        "SELECT name, first_ms, last_ms, last_stored_ms, bytes FROM stream WHERE log_group = ?1 ORDER BY name",
    )?;
    statement
        .query_map([group], |row| {
            Ok(StreamSummary {
                stream: row.get(0)?,
                first_ms: row.get(1)?,
                last_ms: row.get(2)?,
                last_stored_ms: row.get(3)?,
                bytes: unsigned(row, 4)?,
            })
        })?
        .collect()
}

/// A group's number and its streams' numbers and names.
pub(crate) fn streams(
    connection: &Connection,
    scope: &str,
    group: &str,
) -> rusqlite::Result<Option<(i64, HashMap<i64, String>)>> {
    let Some(group) = find_group(connection, scope, group)? else {
        return Ok(None);
    };
    let names = connection
        .prepare_cached("SELECT id, name FROM stream WHERE log_group = ?1")?
        .query_map([group], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Some((group, names)))
}

/// In which order a reader wants to look at frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Time,
    TimeBackwards,
    Arrival,
}

/// Which frames a reader wants.
pub(crate) struct Candidates {
    pub group: i64,
    pub only_stream: Option<i64>,
    /// Files up to this.
    pub file_last: u64,
    pub from_ms: i64,
    pub to_ms: i64,
    pub after_sequence: u64,
    pub order: Order,
}

impl Candidates {
    /// Hands frames over, in order, as long as they are wanted.
    pub fn each(
        &self,
        connection: &Connection,
        mut wanted: impl FnMut(Found) -> bool,
    ) -> rusqlite::Result<()> {
        // A plus sign keeps SQLite from using an index for that term.
        let (range, order) = match self.order {
            Order::Time => (
                "first_ms <= ?4 AND +last_ms >= ?3 AND +last_sequence > ?5",
                "first_ms",
            ),
            Order::TimeBackwards => (
                "last_ms >= ?3 AND +first_ms <= ?4 AND +last_sequence > ?5",
                "last_ms DESC",
            ),
            Order::Arrival => (
                "last_sequence > ?5 AND +last_ms >= ?3 AND +first_ms <= ?4",
                "+first_sequence",
            ),
        };
        let (of, id) = match self.only_stream {
            Some(stream) if self.order != Order::Arrival => ("stream", stream),
            _ => ("log_group", self.group),
        };
        let sql = format!(
            "SELECT id, stream, file, offset, packed_bytes, filter_bytes, bytes, lines, message_bytes, first_ms, last_ms,
             first_sequence, last_sequence, last_stored_ms
             FROM frame WHERE {of} = ?1 AND +file <= ?2 AND {range} ORDER BY {order}"
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params![
            id,
            self.file_last as i64,
            self.from_ms,
            self.to_ms,
            self.after_sequence as i64
        ])?;
        while let Some(row) = rows.next()? {
            if !wanted(found(row)?) {
                break;
            }
        }
        Ok(())
    }
}

pub(crate) fn exists(connection: &Connection, frame: i64) -> rusqlite::Result<bool> {
    connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM frame WHERE id = ?1)",
        [frame],
        |row| row.get(0),
    )
}

fn found(row: &Row<'_>) -> rusqlite::Result<Found> {
    Ok(Found {
        id: row.get(0)?,
        stream: row.get(1)?,
        placed: Placed {
            extent: Extent {
                file: unsigned(row, 2)?,
                offset: unsigned(row, 3)?,
                bytes: unsigned(row, 4)?,
            },
            filter_bytes: unsigned(row, 5)?,
            bytes: unsigned(row, 6)?,
            bounds: Bounds {
                lines: unsigned(row, 7)?,
                message_bytes: unsigned(row, 8)?,
                first_ms: row.get(9)?,
                last_ms: row.get(10)?,
                first_sequence: unsigned(row, 11)?,
                last_sequence: unsigned(row, 12)?,
                last_stored_ms: row.get(13)?,
            },
        },
    })
}

/// A stream's times and size, from the frames that are left of it.
const SUMMARISE: &str = "
    UPDATE stream SET (first_ms, last_ms, bytes) =
        (SELECT min(first_ms), max(last_ms), coalesce(sum(message_bytes + 26 * lines), 0) FROM frame
         WHERE frame.stream = stream.id)
    WHERE log_group = ?1";

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS sealed (number INTEGER NOT NULL, newest INTEGER NOT NULL);
    INSERT INTO sealed SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM sealed);
    CREATE TABLE IF NOT EXISTS log_group (
        id INTEGER PRIMARY KEY AUTOINCREMENT, scope TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (scope, name)
    );
    CREATE TABLE IF NOT EXISTS expired (log_group INTEGER NOT NULL, before_ms INTEGER NOT NULL, through INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS stream (
        id INTEGER PRIMARY KEY AUTOINCREMENT, log_group INTEGER NOT NULL, name TEXT NOT NULL,
        first_ms INTEGER, last_ms INTEGER, last_stored_ms INTEGER, bytes INTEGER NOT NULL DEFAULT 0,
        UNIQUE (log_group, name)
    );
    CREATE TABLE IF NOT EXISTS frame (
        id INTEGER PRIMARY KEY AUTOINCREMENT, log_group INTEGER NOT NULL, stream INTEGER NOT NULL,
        file INTEGER NOT NULL, offset INTEGER NOT NULL, packed_bytes INTEGER NOT NULL, filter_bytes INTEGER NOT NULL,
        bytes INTEGER NOT NULL, lines INTEGER NOT NULL, message_bytes INTEGER NOT NULL,
        first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
        first_sequence INTEGER NOT NULL, last_sequence INTEGER NOT NULL, last_stored_ms INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS frame_by_group ON frame (log_group, first_ms);
    CREATE INDEX IF NOT EXISTS frame_by_group_end ON frame (log_group, last_ms);
    CREATE INDEX IF NOT EXISTS frame_by_arrival ON frame (log_group, last_sequence);
    CREATE INDEX IF NOT EXISTS frame_by_stream ON frame (stream, first_ms);
    CREATE INDEX IF NOT EXISTS frame_by_stream_end ON frame (stream, last_ms);
    CREATE INDEX IF NOT EXISTS frame_by_file ON frame (file);
    CREATE TABLE IF NOT EXISTS spool (name TEXT PRIMARY KEY, offset_bytes INTEGER NOT NULL) WITHOUT ROWID;";
