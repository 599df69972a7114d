//! Live Tail: what comes into some groups, each second, for as long as somebody watches.

use std::sync::Arc;
use std::time::Duration;

use aws_protocol::{ApiError, Context, EventStream};
use aws_shape::logs::*;
use base_clock::Clock;
use contract::log::{LogStore, StoredLine};
use futures::stream;
use jiff::Timestamp;
use tokio::sync::OwnedSemaphorePermit;

use super::{identified, invalid};
use crate::pattern::Pattern;
use crate::{Logs, SESSIONS_MAX, find_group};

const GROUPS_MAX: usize = 10;
const UPDATE_EVERY: Duration = Duration::from_secs(1);
/// Events in one update; of more some are left out.
const UPDATE_EVENTS_MAX: usize = 500;
const SESSION_FOR: Duration = Duration::from_secs(3 * 60 * 60);
/// Lines read at a time, and of one group for one update.
const READ_LINES: usize = 1_000;
const UPDATE_LINES_MAX: usize = 100_000;

pub(super) async fn start_live_tail(
    logs: &Logs,
    context: &Context,
    input: StartLiveTailRequest,
) -> Result<StartLiveTailResponse, ApiError> {
    let only = Only {
        streams: input.log_stream_names.clone().unwrap_or_default(),
        prefixes: input.log_stream_name_prefixes.clone().unwrap_or_default(),
        pattern: Pattern::parse(input.log_event_filter_pattern.as_deref().unwrap_or_default())?,
    };
    check(&input.log_group_identifiers, &only)?;
    let snapshot = logs.store.snapshot();
    let newest = logs.lines.newest().await.map_err(ApiError::internal)?;
    let mut groups = Vec::new();
    for identifier in &input.log_group_identifiers {
        let name = identified(&context.scope, identifier)?;
        find_group(&snapshot, &context.scope, &name)?;
        groups.push(Group {
            scope: context.scope.key(),
            name,
            identifier: identifier.clone(),
            after: newest,
        });
    }
    let permit = Arc::clone(&logs.sessions).try_acquire_owned().map_err(|_| {
        let message = format!("There are {SESSIONS_MAX} Live Tail sessions already.");
        ApiError::client("LimitExceededException", message)
    })?;
    let start = LiveTailSessionStart {
        request_id: Some(context.request_id.clone()),
        session_id: Some(logs.ids.uuid()),
        log_group_identifiers: Some(input.log_group_identifiers),
        log_stream_names: input.log_stream_names,
        log_stream_name_prefixes: input.log_stream_name_prefixes,
        log_event_filter_pattern: input.log_event_filter_pattern,
    };
    let session = Session {
        start: Some(start),
        groups,
        only,
        clock: Arc::clone(&logs.clock),
        lines: Arc::clone(&logs.lines),
        ends: logs.clock.now() + SESSION_FOR,
        has_ended: false,
        _permit: permit,
    };
    let events = stream::unfold(session, |mut session| async move {
        let event = session.next().await?;
        Some((event, session))
    });
    Ok(StartLiveTailResponse {
        response_stream: Some(EventStream::new(events)),
    })
}

fn check(identifiers: &[String], only: &Only) -> Result<(), ApiError> {
    if identifiers.is_empty() || identifiers.len() > GROUPS_MAX {
        return Err(invalid(format!(
            "A Live Tail session is over 1 to {GROUPS_MAX} log groups."
        )));
    }
    if let Some(bad) = identifiers
        .iter()
        .find(|it| !it.starts_with("arn:") || it.ends_with('*'))
    {
        return Err(invalid(format!(
            "{bad} is not the ARN of a log group, which does not end with an asterisk."
        )));
    }
    let (streams, prefixes) = (!only.streams.is_empty(), !only.prefixes.is_empty());
    if streams && prefixes {
        return Err(invalid(
            "logStreamNames and logStreamNamePrefixes cannot be used together.",
        ));
    }
    if (streams || prefixes) && identifiers.len() > 1 {
        return Err(invalid(
            "logStreamNames and logStreamNamePrefixes can be used with one log group only.",
        ));
    }
    Ok(())
}

/// Which lines of its groups a session shows.
struct Only {
    streams: Vec<String>,
    prefixes: Vec<String>,
    pattern: Pattern,
}

struct Group {
    scope: String,
    name: String,
    /// As the caller named it.
    identifier: String,
    /// The last line that was looked at.
    after: u64,
}

struct Session {
    /// Until it was sent.
    start: Option<LiveTailSessionStart>,
    groups: Vec<Group>,
    only: Only,
    clock: Arc<dyn Clock>,
    lines: Arc<dyn LogStore>,
    ends: Timestamp,
    has_ended: bool,
    /// Given back when nobody watches any more.
    _permit: OwnedSemaphorePermit,
}

impl Session {
    async fn next(&mut self) -> Option<Result<StartLiveTailResponseStream, ApiError>> {
        if self.has_ended {
            return None;
        }
        if let Some(start) = self.start.take() {
            return Some(Ok(StartLiveTailResponseStream {
                session_start: Some(start),
                ..Default::default()
            }));
        }
        self.clock.sleep(UPDATE_EVERY).await;
        if self.clock.now() >= self.ends {
            self.has_ended = true;
            let message = "The Live Tail session has been open for three hours and ends.";
            return Some(Err(ApiError::client("SessionTimeoutException", message)));
        }
        let update = self.update().await.map_err(|cause| {
            self.has_ended = true;
            tracing::error!(cause, "a Live Tail session ends");
            ApiError::client(
                "SessionStreamingException",
                "An error occurred on the server side.",
            )
        });
        Some(update.map(|update| StartLiveTailResponseStream {
            session_update: Some(update),
            ..Default::default()
        }))
    }

    async fn update(&mut self) -> Result<LiveTailSessionUpdate, String> {
        let mut sample = Sample::default();
        for group in &mut self.groups {
            let mut seen = 0;
            loop {
                let lines = self
                    .lines
                    .arrived(&group.scope, &group.name, group.after, READ_LINES)
                    .await;
                let lines = lines.map_err(|error| error.to_string())?;
                let (count, last) = (lines.len(), lines.last().map(|line| line.sequence));
                seen += count;
                group.after = last.unwrap_or(group.after);
                for line in lines.into_iter().filter(|line| self.only.shows(line)) {
                    sample.take(event(group, line));
                }
                if count < READ_LINES {
                    break;
                }
                if seen >= UPDATE_LINES_MAX {
                    // Whoever watches wants what comes now.
                    group.after = self.lines.newest().await.map_err(|error| error.to_string())?;
                    sample.is_sampled = true;
                    break;
                }
            }
        }
        let metadata = LiveTailSessionMetadata {
            sampled: Some(sample.is_sampled),
        };
        Ok(LiveTailSessionUpdate {
            session_metadata: Some(metadata),
            session_results: Some(sample.end()),
        })
    }
}

impl Only {
    fn shows(&self, line: &StoredLine) -> bool {
        let begins = |prefix: &String| line.stream.starts_with(prefix.as_str());
        (self.streams.is_empty() || self.streams.contains(&line.stream))
            && (self.prefixes.is_empty() || self.prefixes.iter().any(begins))
            && self.pattern.matches(&line.message)
    }
}

fn event(group: &Group, line: StoredLine) -> LiveTailSessionLogEvent {
    LiveTailSessionLogEvent {
        log_stream_name: Some(line.stream),
        log_group_identifier: Some(group.identifier.clone()),
        message: Some(line.message),
        timestamp: Some(line.at_ms),
        ingestion_time: Some(line.stored_at_ms),
    }
}

/// Every event, or every second, fourth, … so that they are few enough and spread evenly.
struct Sample {
    events: Vec<LiveTailSessionLogEvent>,
    every: usize,
    count: usize,
    is_sampled: bool,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            events: Vec::new(),
            every: 1,
            count: 0,
            is_sampled: false,
        }
    }
}

impl Sample {
    fn take(&mut self, event: LiveTailSessionLogEvent) {
        if self.count.is_multiple_of(self.every) {
            self.events.push(event);
        }
        self.count += 1;
        if self.events.len() > UPDATE_EVENTS_MAX {
            let mut keep = false;
            self.events.retain(|_| {
                keep = !keep;
                keep
            });
            self.every *= 2;
            self.is_sampled = true;
        }
    }

    fn end(mut self) -> Vec<LiveTailSessionLogEvent> {
        self.events.sort_by_key(|event| event.timestamp);
        self.events
    }
}
