use std::sync::Arc;

use base_clock::SystemClock;
use contract::log::{LogQuery, LogStore as _};

use super::*;

/// What the earlier version has written.
fn old_store(path: &Path) {
    let file = Connection::open(path).unwrap();
    file.execute_batch(
        "CREATE TABLE stream (id INTEGER PRIMARY KEY, scope TEXT NOT NULL, \"group\" TEXT NOT NULL, name TEXT NOT NULL);
         CREATE TABLE line (sequence INTEGER PRIMARY KEY AUTOINCREMENT, stream INTEGER NOT NULL,
             at_ms INTEGER NOT NULL, stored_at_ms INTEGER NOT NULL, message TEXT NOT NULL);
         CREATE TABLE spool (name TEXT PRIMARY KEY, offset_bytes INTEGER NOT NULL) WITHOUT ROWID;
         INSERT INTO stream VALUES (1, 's', 'g', 'a'), (2, 's', 'g', 'b');
         INSERT INTO line VALUES (1, 1, 10, 100, 'one'), (2, 2, 5, 100, 'two'), (3, 1, 11, 101, 'three');
         INSERT INTO spool VALUES ('t/c/1', 42);",
    )
    .unwrap();
}

#[tokio::test]
async fn old_lines_and_positions_are_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("logs.db");
    old_store(&old);
    let logs = LogDirectory::open(&folder.path().join("store"), Arc::new(SystemClock)).unwrap();
    // Somebody was interrupted after the first line.
    let (stream, position) = ("a".to_owned(), (PROGRESS.to_owned(), 1));
    let id = StreamId {
        scope: "s".into(),
        group: "g".into(),
        stream,
    };
    let line = Line {
        at_ms: 10,
        message: "one".into(),
    };
    let position = SpoolPosition {
        spool: position.0,
        offset_bytes: position.1,
    };
    logs.append(&id, vec![line], Some(position)).await.unwrap();
    for _ in 0..2 {
        let (logs, old) = (logs.clone(), old.clone());
        tokio::task::spawn_blocking(move || logs.take_over(&old).unwrap())
            .await
            .unwrap();
    }
    assert!(!old.exists());
    let query = LogQuery {
        scope: "s".into(),
        group: "g".into(),
        limit: 10,
        ..Default::default()
    };
    let lines = logs.query(query).await.unwrap();
    let found: Vec<_> = lines
        .iter()
        .map(|line| (line.at_ms, line.message.as_str()))
        .collect();
    assert_eq!(found, [(5, "two"), (10, "one"), (11, "three")]);
    assert_eq!(lines[2].stored_at_ms, 101);
    assert_eq!(logs.position("t/c/1").await.unwrap(), 42);
    assert_eq!(logs.position(PROGRESS).await.unwrap(), 0);
    assert!(logs.streams("", "").await.unwrap().is_empty());
}
