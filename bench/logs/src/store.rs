//! The log store, through the interface that the node uses.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base_clock::SystemClock;
use contract::log::{Line, LogQuery, LogStore as _, SpoolPosition, StreamId};
use dataplane_logs::LogDirectory;

use crate::{Cost, SEARCHES, line};

pub fn measure(directory: &Path, lines: u64, writers: u64) -> Cost {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let logs = LogDirectory::open(directory, Arc::new(SystemClock)).expect("a new store");
    let each = lines / writers;
    // Made before: what is measured is the store.
    let begin = Instant::now();
    let mut making = Duration::ZERO;
    // In rounds, so that not all lines need be in memory at once.
    let rounds = each.div_ceil(line::BATCH);
    for round in 0..rounds {
        let made = Instant::now();
        let numbers = round * line::BATCH..((round + 1) * line::BATCH).min(each);
        let batches: Vec<Vec<Line>> = (0..writers)
            .map(|writer| {
                let line = |number| Line {
                    at_ms: line::at_ms(number),
                    message: line::text(writer, number, lines),
                };
                numbers.clone().map(line).collect()
            })
            .collect();
        making += made.elapsed();
        let appends = batches.into_iter().enumerate().map(|(writer, batch)| {
            let logs = logs.clone();
            let position = SpoolPosition {
                spool: format!("spool {writer}"),
                offset_bytes: round,
            };
            async move { logs.append(&stream(writer), batch, Some(position)).await }
        });
        let _entered = runtime.enter();
        let appends: tokio::task::JoinSet<_> = appends.collect();
        for appended in runtime.block_on(appends.join_all()) {
            appended.expect("a line is stored");
        }
    }
    let stored = begin.elapsed() - making;
    runtime.block_on(settled(directory));
    let compressed = begin.elapsed() - making;
    let count = runtime.block_on(count(&logs));
    assert_eq!(count, each * writers, "nothing is lost or doubled");
    Cost {
        stored,
        compressed,
        bytes: bytes(directory),
        search: (0..SEARCHES)
            .map(|search| runtime.block_on(find(&logs, &line::term(search))))
            .min()
            .unwrap_or_default(),
    }
}

fn stream(writer: usize) -> StreamId {
    StreamId {
        scope: "bench".to_owned(),
        group: "web".to_owned(),
        stream: format!("web/{writer}"),
    }
}

fn everything() -> LogQuery {
    LogQuery {
        scope: "bench".to_owned(),
        group: "web".to_owned(),
        ..LogQuery::default()
    }
}

/// One file of the journal is left: the one that grows.
async fn settled(directory: &Path) {
    loop {
        let journals = std::fs::read_dir(directory).expect("the store's directory");
        let journals = journals.flatten().filter(|file| {
            let path = file.path();
            path.extension().is_some_and(|ending| ending == "journal")
        });
        if journals.count() <= 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Every line, page by page.
async fn count(logs: &LogDirectory) -> u64 {
    let (mut count, mut after) = (0, None);
    loop {
        let query = LogQuery {
            after,
            limit: 100_000,
            ..everything()
        };
        let page = logs.query(query).await.expect("a page");
        let Some(last) = page.last() else {
            return count;
        };
        count += page.len() as u64;
        after = Some((last.at_ms, last.sequence));
    }
}

async fn find(logs: &LogDirectory, term: &str) -> Duration {
    let begin = Instant::now();
    let query = LogQuery {
        contains: vec![term.to_owned()],
        limit: 1000,
        ..everything()
    };
    let found = logs.query(query).await.expect("an answer");
    assert_eq!(found.len(), 1, "{term}");
    begin.elapsed()
}

fn bytes(directory: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let files = std::fs::read_dir(directory).expect("the store's directory");
    files
        .flatten()
        .filter_map(|file| file.metadata().ok())
        .map(|file| file.blocks() * 512)
        .sum()
}
