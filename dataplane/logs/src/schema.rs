//! The file's layout.

use std::path::Path;

use rusqlite::Connection;

pub(crate) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS stream (
             id INTEGER PRIMARY KEY, scope TEXT NOT NULL, \"group\" TEXT NOT NULL, name TEXT NOT NULL,
             first_ms INTEGER, last_ms INTEGER, last_stored_ms INTEGER, bytes INTEGER NOT NULL DEFAULT 0,
             UNIQUE (scope, \"group\", name)
         );
         CREATE TABLE IF NOT EXISTS line (
             sequence INTEGER PRIMARY KEY AUTOINCREMENT,
             stream INTEGER NOT NULL REFERENCES stream (id) ON DELETE CASCADE,
             at_ms INTEGER NOT NULL, stored_at_ms INTEGER NOT NULL, message TEXT NOT NULL
         );
         CREATE INDEX IF NOT EXISTS line_by_time ON line (stream, at_ms, sequence);
         CREATE TABLE IF NOT EXISTS spool (name TEXT PRIMARY KEY, offset_bytes INTEGER NOT NULL) WITHOUT ROWID;",
    )?;
    Ok(connection)
}
