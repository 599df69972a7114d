//! The file's layout.

use std::path::Path;

use rusqlite::Connection;

pub(crate) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS series (
             id INTEGER PRIMARY KEY, scope TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
             dimensions TEXT NOT NULL, last_seconds INTEGER NOT NULL, UNIQUE (scope, namespace, name, dimensions)
         );
         CREATE TABLE IF NOT EXISTS point (
             series INTEGER NOT NULL, at_seconds INTEGER NOT NULL, resolution_seconds INTEGER NOT NULL,
             unit TEXT NOT NULL, count REAL NOT NULL, sum REAL NOT NULL, min REAL NOT NULL, max REAL NOT NULL,
             buckets BLOB NOT NULL, PRIMARY KEY (series, at_seconds, resolution_seconds, unit)
         ) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS mark (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
         CREATE INDEX IF NOT EXISTS point_by_age ON point (resolution_seconds, at_seconds);",
    )?;
    Ok(connection)
}
