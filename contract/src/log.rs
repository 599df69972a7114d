//! Log lines in streams, streams in groups.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Where a line belongs. `scope` keeps tenants apart (account and region), and is opaque here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StreamId {
    pub scope: String,
    pub group: String,
    pub stream: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredLine {
    /// Rises with every line of the store; order of arrival.
    pub sequence: u64,
    pub stream: String,
    pub at_ms: i64,
    pub stored_at_ms: i64,
    pub message: String,
}

/// Which lines of one group. Lines come by time, then by arrival.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    pub scope: String,
    pub group: String,
    /// Only these streams; all if empty.
    pub streams: Vec<String>,
    pub stream_prefix: Option<String>,
    /// From this time on (included), milliseconds since 1970.
    pub from_ms: Option<i64>,
    /// Up to this time (included).
    pub to_ms: Option<i64>,
    /// Strictly after (or, backwards, before) this (time, sequence).
    pub after: Option<(i64, u64)>,
    pub backwards: bool,
    /// Only lines with each of these in them, as they are written; whoever asks looks for the rest.
    pub contains: Vec<String>,
    pub limit: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSummary {
    pub stream: String,
    pub first_ms: Option<i64>,
    pub last_ms: Option<i64>,
    pub last_stored_ms: Option<i64>,
    pub bytes: u64,
}

/// How a container's output comes into its stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// What the store has not taken in yet may be so much, and lines beyond it are dropped. Without a number none is
    /// dropped: the container is held up when it writes.
    pub buffer_bytes_max: Option<u64>,
    /// An event begins with a line that this regular expression matches, and the lines that follow are part of it;
    /// without one, every line is an event.
    pub event_start: Option<String>,
}

/// How far a spool file has been taken in, so that a crash neither loses nor doubles a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolPosition {
    /// Names the spool file; unique for ever.
    pub spool: String,
    pub offset_bytes: u64,
}

#[async_trait]
pub trait LogStore: Send + Sync {
    /// Durable when it returns. With `position`, lines and position are saved together or not at all.
    async fn append(
        &self,
        stream: &StreamId,
        lines: Vec<Line>,
        position: Option<SpoolPosition>,
    ) -> Result<(), LogError>;
    /// Bytes of this spool file that were taken in already.
    async fn position(&self, spool: &str) -> Result<u64, LogError>;
    async fn forget_spool(&self, spool: &str) -> Result<(), LogError>;
    async fn query(&self, query: LogQuery) -> Result<Vec<StoredLine>, LogError>;
    /// Lines of one group in the order in which they were stored, strictly after this sequence.
    async fn arrived(
        &self,
        scope: &str,
        group: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<StoredLine>, LogError>;
    /// The last sequence given to a line; 0 when there was none.
    async fn newest(&self) -> Result<u64, LogError>;
    /// Returns when a line after this sequence was stored, with the last sequence then.
    async fn beyond(&self, sequence: u64) -> Result<u64, LogError>;
    async fn streams(&self, scope: &str, group: &str) -> Result<Vec<StreamSummary>, LogError>;
    async fn remove_group(&self, scope: &str, group: &str) -> Result<(), LogError>;
    async fn remove_stream(&self, stream: &StreamId) -> Result<(), LogError>;
    /// Removes lines of a group older than this.
    async fn expire(&self, scope: &str, group: &str, before_ms: i64) -> Result<u64, LogError>;
    /// Removes everything.
    async fn clear(&self) -> Result<(), LogError>;
}

/// The last words of a container, from what is kept on disk with its task: for people who ask why it ended.
#[async_trait]
pub trait LastOutput: Send + Sync {
    /// At most so many lines and 8 KiB, oldest first, of all streams and all runs; none when the task's files are gone
    /// or it has said nothing.
    async fn tail(&self, task: &str, container: &str, lines: usize) -> Vec<Line>;
}

#[derive(Debug, thiserror::Error)]
#[error("log store: {0}")]
pub struct LogError(pub String);
