use std::fs;

use async_trait::async_trait;
use contract::log::{LogQuery, StoredLine, StreamSummary};

use super::*;

/// Keeps lines and positions, and fails when told to.
#[derive(Default)]
struct Memory {
    lines: Mutex<Vec<String>>,
    positions: Mutex<HashMap<String, u64>>,
    failing: Mutex<bool>,
}

#[async_trait]
impl LogStore for Memory {
    async fn append(
        &self,
        _: &StreamId,
        lines: Vec<Line>,
        position: Option<SpoolPosition>,
    ) -> Result<(), LogError> {
        if *self.failing.lock().unwrap() {
            return Err(LogError("the disk is full".to_owned()));
        }
        self.lines
            .lock()
            .unwrap()
            .extend(lines.into_iter().map(|line| line.message));
        let position = position.unwrap();
        self.positions
            .lock()
            .unwrap()
            .insert(position.spool, position.offset_bytes);
        Ok(())
    }

    async fn position(&self, spool: &str) -> Result<u64, LogError> {
        Ok(self.positions.lock().unwrap().get(spool).copied().unwrap_or(0))
    }

    async fn forget_spool(&self, spool: &str) -> Result<(), LogError> {
        self.positions.lock().unwrap().remove(spool);
        Ok(())
    }

    async fn query(&self, _: LogQuery) -> Result<Vec<StoredLine>, LogError> {
        unreachable!("not asked for here")
    }

    async fn arrived(&self, _: &str, _: &str, _: u64, _: usize) -> Result<Vec<StoredLine>, LogError> {
        unreachable!("not asked for here")
    }

    async fn newest(&self) -> Result<u64, LogError> {
        unreachable!("not asked for here")
    }

    async fn beyond(&self, _: u64) -> Result<u64, LogError> {
        unreachable!("not asked for here")
    }

    async fn streams(&self, _: &str, _: &str) -> Result<Vec<StreamSummary>, LogError> {
        unreachable!("not asked for here")
    }

    async fn remove_group(&self, _: &str, _: &str) -> Result<(), LogError> {
        unreachable!("not asked for here")
    }

    async fn remove_stream(&self, _: &StreamId) -> Result<(), LogError> {
        unreachable!("not asked for here")
    }

    async fn expire(&self, _: &str, _: &str, _: i64) -> Result<u64, LogError> {
        unreachable!("not asked for here")
    }

    async fn clear(&self) -> Result<(), LogError> {
        unreachable!("not asked for here")
    }
}

fn ingest(directory: &Path, store: &Arc<Memory>) -> Ingest {
    let stream = StreamId {
        scope: "s".to_owned(),
        group: "g".to_owned(),
        stream: "web/1".to_owned(),
    };
    Ingest {
        task: "task".to_owned(),
        directory: directory.to_owned(),
        store: Arc::clone(store) as Arc<dyn LogStore>,
        sources: vec![Source {
            container: "web".to_owned(),
            stream,
            at: None,
            joins: false,
            open: None,
        }],
    }
}

fn write(directory: &Path, segment: u64, text: &str) {
    use std::io::Write as _;
    let path = spool::segment_path(directory, "web", segment);
    let mut file = fs::File::options().create(true).append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[tokio::test]
async fn every_line_once_across_segments_failures_and_restarts() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(Memory::default());
    let mut first = ingest(directory.path(), &store);
    write(directory.path(), 1, "1 o one\n2 e two\n3 o thr");
    first.take_in().await.unwrap();
    write(directory.path(), 1, "ee\n");
    *store.failing.lock().unwrap() = true;
    first.take_in().await.unwrap_err();
    *store.failing.lock().unwrap() = false;
    // A new one knows nothing but what is in the store.
    let mut second = ingest(directory.path(), &store);
    write(directory.path(), 2, "4 o four\n");
    second.take_in().await.unwrap();
    second.take_in().await.unwrap();
    assert_eq!(*store.lines.lock().unwrap(), ["one", "two", "three", "four"]);
    assert!(
        !spool::segment_path(directory.path(), "web", 1).exists(),
        "taken in and finished"
    );
    assert_eq!(store.positions.lock().unwrap().len(), 1);
    second.forget().await.unwrap();
    assert!(store.positions.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_written_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(Memory::default());
    let wakers = Wakers::new().unwrap();
    let following = ingest(directory.path(), &store).follow(&wakers);
    for count in 1..=3 {
        write(directory.path(), 1, &format!("{count} o line\n"));
        while store.lines.lock().unwrap().len() < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    let mut ingest = following.finish().await.unwrap();
    write(directory.path(), 1, "4 o last\n");
    ingest.take_in().await.unwrap();
    assert_eq!(store.lines.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn an_event_of_several_lines_waits_for_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(Memory::default());
    let mut first = ingest(directory.path(), &store);
    first.sources[0].joins = true;
    write(directory.path(), 1, "1 o one\n2 O more\n3 o two\n");
    first.take_in_while(Writing::GoesOn).await.unwrap();
    assert_eq!(*store.lines.lock().unwrap(), ["one\nmore"]);
    // A new one knows nothing but what is in the store, and finds the open event where it was.
    let mut second = ingest(directory.path(), &store);
    second.sources[0].joins = true;
    write(directory.path(), 1, "4 E of two\n5 o three\n");
    second.take_in_while(Writing::GoesOn).await.unwrap();
    assert_eq!(*store.lines.lock().unwrap(), ["one\nmore", "two\nof two"]);
    write(directory.path(), 2, "6 o four\n");
    second.take_in_while(Writing::GoesOn).await.unwrap();
    assert_eq!(
        store.lines.lock().unwrap().len(),
        3,
        "a finished segment leaves nothing open"
    );
    let wakers = Wakers::new().unwrap();
    let following = second.follow(&wakers);
    while store.lines.lock().unwrap().len() < 4 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut ingest = following.finish().await.unwrap();
    write(directory.path(), 2, "7 o five\n8 O and its end\n");
    ingest.take_in().await.unwrap();
    assert_eq!(store.lines.lock().unwrap()[3..], ["four", "five\nand its end"]);
}

#[tokio::test]
async fn an_event_that_a_chunk_ends_in_is_taken_in_whole() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(Memory::default());
    let mut ingest = ingest(directory.path(), &store);
    ingest.sources[0].joins = true;
    let event = format!("1 o begin\n{}", format!("1 O {}\n", "x".repeat(90_000)).repeat(2));
    write(directory.path(), 1, &event.repeat(20));
    ingest.take_in().await.unwrap();
    let lines = store.lines.lock().unwrap();
    assert_eq!(lines.len(), 20);
    assert!(lines.iter().all(|line| line.len() == 5 + 2 * 90_001));
}
