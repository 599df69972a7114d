//! Lines in memory, as the log store keeps them.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base_clock::{Clock, ManualClock};
use contract::log::*;
use tokio::sync::watch;

pub(super) struct MemoryLines {
    clock: Arc<ManualClock>,
    lines: Mutex<Vec<(StreamId, StoredLine)>>,
    newest: watch::Sender<u64>,
    asked_for: Mutex<Vec<String>>,
}

impl MemoryLines {
    pub(super) fn new(clock: Arc<ManualClock>) -> Self {
        Self {
            clock,
            lines: Mutex::default(),
            newest: watch::Sender::new(0),
            asked_for: Mutex::default(),
        }
    }

    /// What the last query wanted lines to contain.
    pub(super) fn asked_for(&self) -> Vec<String> {
        self.asked_for.lock().unwrap().clone()
    }

    fn keep(&self, keep: impl Fn(&StreamId, &StoredLine) -> bool) {
        self.lines
            .lock()
            .unwrap()
            .retain(|(stream, line)| keep(stream, line));
    }
}

#[async_trait]
impl LogStore for MemoryLines {
    async fn append(
        &self,
        stream: &StreamId,
        lines: Vec<Line>,
        _: Option<SpoolPosition>,
    ) -> Result<(), LogError> {
        let mut all = self.lines.lock().unwrap();
        let mut sequence = *self.newest.borrow();
        for line in lines {
            sequence += 1;
            let line = StoredLine {
                sequence,
                stream: stream.stream.clone(),
                at_ms: line.at_ms,
                stored_at_ms: self.clock.now().as_millisecond(),
                message: line.message,
            };
            all.push((stream.clone(), line));
        }
        self.newest.send_replace(sequence);
        Ok(())
    }

    async fn position(&self, _: &str) -> Result<u64, LogError> {
        Ok(0)
    }

    async fn forget_spool(&self, _: &str) -> Result<(), LogError> {
        Ok(())
    }

    async fn query(&self, query: LogQuery) -> Result<Vec<StoredLine>, LogError> {
        self.asked_for.lock().unwrap().clone_from(&query.contains);
        let all = self.lines.lock().unwrap();
        let place = |line: &StoredLine| (line.at_ms, line.sequence);
        let wanted = |(id, line): &&(StreamId, StoredLine)| {
            let prefix = query.stream_prefix.as_ref();
            id.scope == query.scope
                && id.group == query.group
                && (query.streams.is_empty() || query.streams.contains(&id.stream))
                && prefix.is_none_or(|it| id.stream.starts_with(it.as_str()))
                && query.from_ms.is_none_or(|from| line.at_ms >= from)
                && query.to_ms.is_none_or(|to| line.at_ms <= to)
                && query.after.is_none_or(|after| {
                    if query.backwards {
                        place(line) < after
                    } else {
                        place(line) > after
                    }
                })
                && query.contains.iter().all(|it| line.message.contains(it.as_str()))
        };
        let mut lines: Vec<StoredLine> = all.iter().filter(wanted).map(|(_, line)| line.clone()).collect();
        lines.sort_by_key(place);
        if query.backwards {
            lines.reverse();
        }
        lines.truncate(query.limit);
        Ok(lines)
    }

    async fn arrived(
        &self,
        scope: &str,
        group: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<StoredLine>, LogError> {
        let all = self.lines.lock().unwrap();
        let wanted = all
            .iter()
            .filter(|(id, line)| id.scope == scope && id.group == group && line.sequence > after);
        Ok(wanted.take(limit).map(|(_, line)| line.clone()).collect())
    }

    async fn newest(&self) -> Result<u64, LogError> {
        Ok(*self.newest.borrow())
    }

    async fn beyond(&self, sequence: u64) -> Result<u64, LogError> {
        let mut newest = self.newest.subscribe();
        Ok(*newest.wait_for(|it| *it > sequence).await.unwrap())
    }

    async fn streams(&self, scope: &str, group: &str) -> Result<Vec<StreamSummary>, LogError> {
        let all = self.lines.lock().unwrap();
        let mut streams: Vec<StreamSummary> = Vec::new();
        for (_, line) in all
            .iter()
            .filter(|(id, _)| id.scope == scope && id.group == group)
        {
            let at = streams
                .iter()
                .position(|it| it.stream == line.stream)
                .unwrap_or_else(|| {
                    streams.push(StreamSummary {
                        stream: line.stream.clone(),
                        first_ms: Some(line.at_ms),
                        last_ms: None,
                        last_stored_ms: None,
                        bytes: 0,
                    });
                    streams.len() - 1
                });
            let stream = &mut streams[at];
            stream.first_ms = stream.first_ms.min(Some(line.at_ms));
            stream.last_ms = stream.last_ms.max(Some(line.at_ms));
            stream.last_stored_ms = Some(line.stored_at_ms);
            stream.bytes += line.message.len() as u64;
        }
        Ok(streams)
    }

    async fn remove_group(&self, scope: &str, group: &str) -> Result<(), LogError> {
        self.keep(|id, _| id.scope != scope || id.group != group);
        Ok(())
    }

    async fn remove_stream(&self, stream: &StreamId) -> Result<(), LogError> {
        self.keep(|id, _| id != stream);
        Ok(())
    }

    async fn expire(&self, scope: &str, group: &str, before_ms: i64) -> Result<u64, LogError> {
        self.keep(|id, line| id.scope != scope || id.group != group || line.at_ms >= before_ms);
        Ok(0)
    }

    async fn clear(&self) -> Result<(), LogError> {
        self.keep(|_, _| false);
        Ok(())
    }
}
