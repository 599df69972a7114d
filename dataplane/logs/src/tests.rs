use base_clock::ManualClock;

use super::*;

fn store() -> (tempfile::TempDir, LogDirectory) {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH));
    let logs = LogDirectory::open(&folder.path().join("logs"), clock).unwrap();
    (folder, logs)
}

fn stream(name: &str) -> StreamId {
    StreamId {
        scope: "s".into(),
        group: "g".into(),
        stream: name.into(),
    }
}

fn line(at_ms: i64, message: &str) -> Line {
    Line {
        at_ms,
        message: message.into(),
    }
}

async fn messages(logs: &LogDirectory, query: LogQuery) -> Vec<String> {
    let query = LogQuery {
        scope: "s".into(),
        group: "g".into(),
        limit: query.limit.max(1),
        ..query
    };
    logs.query(query)
        .await
        .unwrap()
        .into_iter()
        .map(|line| line.message)
        .collect()
}

#[tokio::test]
async fn lines_of_several_streams_come_by_time() {
    let (_folder, logs) = store();
    logs.append(&stream("a"), vec![line(1, "one"), line(4, "four")], None)
        .await
        .unwrap();
    logs.append(&stream("b"), vec![line(2, "two"), line(3, "three")], None)
        .await
        .unwrap();
    assert_eq!(
        messages(
            &logs,
            LogQuery {
                limit: 9,
                ..Default::default()
            }
        )
        .await,
        ["one", "two", "three", "four"]
    );
    let query = LogQuery {
        from_ms: Some(2),
        to_ms: Some(3),
        limit: 9,
        ..Default::default()
    };
    assert_eq!(messages(&logs, query).await, ["two", "three"]);
    let query = LogQuery {
        backwards: true,
        limit: 1,
        ..Default::default()
    };
    assert_eq!(messages(&logs, query).await, ["four"]);
    let query = LogQuery {
        stream_prefix: Some("b".into()),
        limit: 9,
        ..Default::default()
    };
    assert_eq!(messages(&logs, query).await, ["two", "three"]);
}

#[tokio::test]
async fn paging_by_time_and_sequence_misses_and_doubles_nothing() {
    let (_folder, logs) = store();
    let lines = (0..10).map(|n| line(n / 5, &n.to_string())).collect();
    logs.append(&stream("a"), lines, None).await.unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let query = LogQuery {
            scope: "s".into(),
            group: "g".into(),
            after,
            limit: 3,
            ..Default::default()
        };
        let page = logs.query(query).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.at_ms, last.sequence));
        seen.extend(page.into_iter().map(|line| line.message));
    }
    assert_eq!(seen.join(""), "0123456789");
}

#[tokio::test]
async fn the_position_in_a_spool_is_saved_with_its_lines() {
    let (folder, logs) = store();
    let position = SpoolPosition {
        spool: "t/c".into(),
        offset_bytes: 42,
    };
    logs.append(&stream("a"), vec![line(1, "x")], Some(position))
        .await
        .unwrap();
    drop(logs);
    let logs = LogDirectory::open(&folder.path().join("logs"), Arc::new(base_clock::SystemClock)).unwrap();
    assert_eq!(logs.position("t/c").await.unwrap(), 42);
    logs.forget_spool("t/c").await.unwrap();
    assert_eq!(logs.position("t/c").await.unwrap(), 0);
}

#[tokio::test]
async fn a_removed_group_takes_its_lines_with_it() {
    let (_folder, logs) = store();
    logs.append(&stream("a"), vec![line(1, "x")], None).await.unwrap();
    assert_eq!(logs.streams("s", "g").await.unwrap()[0].bytes, 27);
    logs.remove_group("s", "g").await.unwrap();
    assert!(logs.streams("s", "g").await.unwrap().is_empty());
    logs.append(&stream("a"), vec![], None).await.unwrap();
    assert!(
        messages(
            &logs,
            LogQuery {
                limit: 9,
                ..Default::default()
            }
        )
        .await
        .is_empty()
    );
}

#[tokio::test]
async fn old_lines_expire() {
    let (_folder, logs) = store();
    logs.append(&stream("a"), vec![line(1, "old"), line(9, "new")], None)
        .await
        .unwrap();
    assert_eq!(logs.expire("s", "g", 5).await.unwrap(), 1);
    assert_eq!(
        messages(
            &logs,
            LogQuery {
                limit: 9,
                ..Default::default()
            }
        )
        .await,
        ["new"]
    );
}

#[tokio::test]
async fn pages_over_frames_of_many_streams_miss_nothing() {
    const STREAMS: i64 = 12;
    const LINES: i64 = 300;
    let folder = tempfile::tempdir().unwrap();
    let logs = small(folder.path());
    for begin in (0..LINES).step_by(20) {
        for number in 0..STREAMS {
            let lines = (begin..begin + 20)
                .map(|n| line(n, &format!("line {n} of stream {number}")))
                .collect();
            let id = stream(&number.to_string());
            logs.append(&id, lines, None).await.unwrap();
        }
    }
    sealed(&logs).await;
    for (limit, backwards) in [(35, false), (35, true), (301, false)] {
        let (mut count, mut after) = (0, None);
        loop {
            let query = LogQuery {
                after,
                limit,
                backwards,
                ..everything()
            };
            let page = logs.query(query).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some((last.at_ms, last.sequence));
            count += page.len() as i64;
        }
        assert_eq!(count, STREAMS * LINES, "pages of {limit}");
    }
}

mod crash;
mod damage;
mod model;

/// Files and frames so small that a few lines fill them.
const SMALL: Limits = Limits {
    journal_bytes: 4 << 10,
    table_bytes: 1 << 20,
    frame_bytes: 512,
};

fn small(directory: &Path) -> LogDirectory {
    LogDirectory::open_with(directory, Arc::new(base_clock::SystemClock), SMALL).unwrap()
}

/// All of a group by time.
fn everything() -> LogQuery {
    LogQuery {
        scope: "s".into(),
        group: "g".into(),
        limit: usize::MAX,
        ..Default::default()
    }
}

async fn sealed(logs: &LogDirectory) {
    let mut waiting = logs.shared.waiting.subscribe();
    waiting.wait_for(|waiting| *waiting == 0).await.unwrap();
}
