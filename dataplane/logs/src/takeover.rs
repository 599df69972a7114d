//! Lines of a store of an earlier version, a single SQLite file, are taken in once.

use std::fs;
use std::path::Path;

use contract::log::{Line, LogError, SpoolPosition, StreamId};
use rusqlite::{Connection, OpenFlags};

use crate::record::Change;
use crate::store::sentence;
use crate::writer::Request;
use crate::{LogDirectory, WAITING_TABLES_MAX, closed};

/// Lines that are taken over together.
const BATCH_LINES: usize = 10_000;
/// How far it is, kept like the position in a spool: whoever is interrupted goes on where it was.
const PROGRESS: &str = "lines of an earlier version";

/// While earlier lines are made into frames.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(10);

struct OldLine {
    sequence: i64,
    stored_at_ms: i64,
    stream: StreamId,
    line: Line,
}

impl LogDirectory {
    /// Takes in an earlier version's file if there is one, and removes it. Blocks until that is done: what reads spools
    /// has to know how far they were read.
    ///
    /// # Errors
    /// When the file cannot be read or its lines cannot be stored.
    pub fn take_over(&self, old: &Path) -> Result<(), LogError> {
        if !old.exists() {
            return Ok(());
        }
        // A thread of its own, because threads of an asynchronous runtime may not wait.
        std::thread::scope(|scope| scope.spawn(|| self.take_over_file(old)).join())
            .unwrap_or_else(|_| Err(LogError("lines of an earlier version: a panic".to_owned())))
    }

    fn take_over_file(&self, old: &Path) -> Result<(), LogError> {
        let file = Connection::open_with_flags(old, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(sentence)?;
        let mut done = self.known_position(PROGRESS)?;
        loop {
            let lines = read(&file, done).map_err(sentence)?;
            let Some(last) = lines.last() else {
                break;
            };
            done = last.sequence as u64;
            self.take_over_lines(lines)?;
        }
        for (spool, offset_bytes) in positions(&file).map_err(sentence)? {
            let position = SpoolPosition { spool, offset_bytes };
            self.change(append(nowhere(), Vec::new(), Some(position)))?;
        }
        self.change(Change::RemoveStream(nowhere()))?;
        drop(file);
        let name = old.display();
        for path in [format!("{name}-wal"), format!("{name}-shm"), name.to_string()] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(sentence(error)),
                _ => {}
            }
        }
        self.change(Change::ForgetSpool(PROGRESS.to_owned()))
    }

    /// Lines that came together stay together. They wait for the disk together, too.
    fn take_over_lines(&self, lines: Vec<OldLine>) -> Result<(), LogError> {
        while *self.shared.waiting.borrow() >= WAITING_TABLES_MAX {
            std::thread::sleep(LOOK_AGAIN);
        }
        let mut waiting = Vec::new();
        let mut lines = lines.into_iter().peekable();
        while let Some(first) = lines.next() {
            let (stream, stored_at_ms) = (first.stream, first.stored_at_ms);
            let (mut batch, mut last) = (vec![first.line], first.sequence);
            while let Some(next) =
                lines.next_if(|next| next.stream == stream && next.stored_at_ms == stored_at_ms)
            {
                last = next.sequence;
                batch.push(next.line);
            }
            let position = SpoolPosition {
                spool: PROGRESS.to_owned(),
                offset_bytes: last as u64,
            };
            let (request, done) = Request::new(append(stream, batch, Some(position)), Some(stored_at_ms))?;
            self.requests.blocking_send(request).map_err(closed)?;
            waiting.push(done);
        }
        for done in waiting {
            done.blocking_recv().map_err(closed)??;
        }
        Ok(())
    }
}

fn append(stream: StreamId, lines: Vec<Line>, position: Option<SpoolPosition>) -> Change {
    Change::Append {
        stream,
        lines,
        position,
    }
}

/// A position comes with a stream; this one is removed again.
fn nowhere() -> StreamId {
    StreamId {
        scope: String::new(),
        group: String::new(),
        stream: String::new(),
    }
}

fn read(file: &Connection, after: u64) -> rusqlite::Result<Vec<OldLine>> {
    file.prepare_cached(
        "SELECT l.sequence, l.stored_at_ms, s.scope, s.\"group\", s.name, l.at_ms, l.message
         FROM line l JOIN stream s ON s.id = l.stream WHERE l.sequence > ?1 ORDER BY l.sequence LIMIT ?2",
    )?
    .query_map([after as i64, BATCH_LINES as i64], |row| {
        Ok(OldLine {
            sequence: row.get(0)?,
            stored_at_ms: row.get(1)?,
            stream: StreamId {
                scope: row.get(2)?,
                group: row.get(3)?,
                stream: row.get(4)?,
            },
            line: Line {
                at_ms: row.get(5)?,
                message: row.get(6)?,
            },
        })
    })?
    .collect()
}

fn positions(file: &Connection) -> rusqlite::Result<Vec<(String, u64)>> {
    file.prepare("SELECT name, offset_bytes FROM spool")?
        .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?
        .collect()
}

#[cfg(test)]
mod tests;
