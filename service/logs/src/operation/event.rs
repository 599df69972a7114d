//! Log events: putting, getting and finding them.

use aws_protocol::{ApiError, Context};
use aws_shape::logs::*;
use contract::log::{Line, LogQuery, StoredLine, StreamId};

use super::{group_name, invalid, stream};
use crate::delivery::event_id;
use crate::pattern::Pattern;
use crate::reader::Reader;
use crate::{DAY_MS, Logs, find_group};

/// Limits of PutLogEvents, as AWS documents them.
const BATCH_EVENTS_MAX: usize = 10_000;
const BATCH_BYTES_MAX: usize = 1_048_576;
/// One event, with what is counted for it beside its text.
const EVENT_BYTES_MAX: usize = 1_048_576;
const EVENT_OVERHEAD_BYTES: usize = 26;
const EVENT_FUTURE_MS_MAX: i64 = 2 * 60 * 60 * 1000;
const EVENT_AGE_MS_MAX: i64 = 14 * DAY_MS;
const BATCH_SPAN_MS_MAX: i64 = DAY_MS;
const PAGE_EVENTS_MAX: i32 = 10_000;
const PAGE_BYTES_MAX: usize = 1 << 20;
/// Lines looked at per request before the caller gets a token to go on with.
const SCAN_LINES_MAX: usize = 200_000;

pub(super) async fn put_log_events(
    logs: &Logs,
    context: &Context,
    input: PutLogEventsRequest,
) -> Result<PutLogEventsResponse, ApiError> {
    let (group, name) = (input.log_group_name, input.log_stream_name);
    stream::require(logs, context, &group, &name).await?;
    let retention = find_group(&logs.store.snapshot(), &context.scope, &group)?.retention_days;
    let events = input.log_events;
    check(&events)?;
    let now = logs.clock.now().as_millisecond();
    let older = |than: i64| events.iter().take_while(|event| event.timestamp < than).count();
    let too_old = older(now - EVENT_AGE_MS_MAX);
    let expired = retention.map_or(0, |days| older(now - i64::from(days) * DAY_MS));
    let too_new = events
        .iter()
        .position(|event| event.timestamp > now + EVENT_FUTURE_MS_MAX);
    let (start, end) = (too_old.max(expired), too_new.unwrap_or(events.len()));
    check_span(events.get(start..end).unwrap_or_default())?;
    let lines = events.into_iter().take(end).skip(start);
    let lines = lines
        .map(|event| Line {
            at_ms: event.timestamp,
            message: event.message,
        })
        .collect();
    let id = StreamId {
        scope: context.scope.key(),
        group,
        stream: name,
    };
    logs.lines
        .append(&id, lines, None)
        .await
        .map_err(ApiError::internal)?;
    let rejected = (start > 0 || too_new.is_some()).then(|| RejectedLogEventsInfo {
        too_new_log_event_start_index: too_new.map(|at| at as i32),
        too_old_log_event_end_index: (too_old > 0).then_some(too_old as i32),
        expired_log_event_end_index: (expired > too_old).then_some(expired as i32),
    });
    Ok(PutLogEventsResponse {
        rejected_log_events_info: rejected,
        ..Default::default()
    })
}

fn check(events: &[InputLogEvent]) -> Result<(), ApiError> {
    if events.len() > BATCH_EVENTS_MAX {
        return Err(invalid(format!(
            "A batch has at most {BATCH_EVENTS_MAX} log events."
        )));
    }
    let size = |event: &InputLogEvent| event.message.len() + EVENT_OVERHEAD_BYTES;
    if let Some(bytes) = events.iter().map(size).find(|bytes| *bytes > EVENT_BYTES_MAX) {
        return Err(invalid(format!(
            "Log event too large: {bytes} bytes exceeds limit of {EVENT_BYTES_MAX}"
        )));
    }
    let bytes: usize = events.iter().map(size).sum();
    if bytes > BATCH_BYTES_MAX {
        return Err(invalid(format!(
            "Upload too large: {bytes} bytes exceeds limit of {BATCH_BYTES_MAX}"
        )));
    }
    if events
        .windows(2)
        .any(|pair| pair[0].timestamp > pair[1].timestamp)
    {
        return Err(invalid(
            "Log events in a single PutLogEvents request must be in chronological order.",
        ));
    }
    Ok(())
}

/// Only what is taken in counts.
fn check_span(events: &[InputLogEvent]) -> Result<(), ApiError> {
    if let (Some(first), Some(last)) = (events.first(), events.last())
        && last.timestamp.saturating_sub(first.timestamp) > BATCH_SPAN_MS_MAX
    {
        return Err(invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ));
    }
    Ok(())
}

/// How many of the first lines fit into a page; always one.
fn fitting(lines: &[StoredLine]) -> usize {
    let mut bytes = 0;
    let fits = |line: &&StoredLine| {
        bytes += line.message.len() + EVENT_OVERHEAD_BYTES;
        bytes <= PAGE_BYTES_MAX
    };
    lines.iter().take_while(fits).count().max(1)
}

/// Where a page ends: `f/<ms>/<sequence>` going forward, `b/…` going back.
fn position(token: &str, direction: char) -> Option<(i64, u64)> {
    let (at, sequence) = token
        .strip_prefix(direction)?
        .strip_prefix('/')?
        .split_once('/')?;
    Some((at.parse().ok()?, sequence.parse().ok()?))
}

fn token(direction: char, (at, sequence): (i64, u64)) -> String {
    format!("{direction}/{at}/{sequence}")
}

pub(super) async fn get_log_events(
    logs: &Logs,
    context: &Context,
    input: GetLogEventsRequest,
) -> Result<GetLogEventsResponse, ApiError> {
    let group = group_name(&context.scope, input.log_group_name, input.log_group_identifier)?;
    stream::require(logs, context, &group, &input.log_stream_name).await?;
    let bad = || invalid("The specified nextToken is invalid.");
    let (backwards, after) = match &input.next_token {
        Some(token) if token.starts_with("b/") => (true, Some(position(token, 'b').ok_or_else(bad)?)),
        Some(token) => (false, Some(position(token, 'f').ok_or_else(bad)?)),
        None => (input.start_from_head != Some(true), None),
    };
    let query = LogQuery {
        scope: context.scope.key(),
        group,
        streams: vec![input.log_stream_name],
        from_ms: input.start_time,
        // The end of the range does not belong to it.
        to_ms: input.end_time.map(|end| end.saturating_sub(1)),
        after,
        backwards,
        limit: input.limit.unwrap_or(PAGE_EVENTS_MAX).clamp(1, PAGE_EVENTS_MAX) as usize,
        ..Default::default()
    };
    let mut lines = logs.lines.query(query).await.map_err(ApiError::internal)?;
    // The end that the next token leads away from stays.
    lines.truncate(fitting(&lines));
    if backwards {
        lines.reverse();
    }
    let place = |line: &StoredLine| (line.at_ms, line.sequence);
    let here = after.unwrap_or((0, 0));
    let (first, last) = (
        lines.first().map_or(here, place),
        lines.last().map_or(here, place),
    );
    let events = lines.into_iter().map(|line| OutputLogEvent {
        timestamp: Some(line.at_ms),
        message: Some(line.message),
        ingestion_time: Some(line.stored_at_ms),
    });
    Ok(GetLogEventsResponse {
        events: Some(events.collect()),
        next_forward_token: Some(token('f', last)),
        next_backward_token: Some(token('b', first)),
    })
}

pub(super) async fn filter_log_events(
    logs: &Logs,
    context: &Context,
    input: FilterLogEventsRequest,
) -> Result<FilterLogEventsResponse, ApiError> {
    let group = group_name(&context.scope, input.log_group_name, input.log_group_identifier)?;
    find_group(&logs.store.snapshot(), &context.scope, &group)?;
    let streams = input.log_stream_names.unwrap_or_default();
    if !streams.is_empty() && input.log_stream_name_prefix.is_some() {
        return Err(invalid(
            "logStreamNames and logStreamNamePrefix cannot be used together.",
        ));
    }
    for name in &streams {
        stream::require(logs, context, &group, name).await?;
    }
    let pattern = Pattern::parse(input.filter_pattern.as_deref().unwrap_or_default())?;
    let after = match &input.next_token {
        Some(token) => {
            Some(position(token, 'f').ok_or_else(|| invalid("The specified nextToken is invalid."))?)
        }
        None => None,
    };
    let limit = input.limit.unwrap_or(PAGE_EVENTS_MAX).clamp(1, PAGE_EVENTS_MAX) as usize;
    let query = LogQuery {
        scope: context.scope.key(),
        group,
        streams,
        stream_prefix: input.log_stream_name_prefix,
        from_ms: input.start_time,
        to_ms: input.end_time,
        after,
        contains: pattern.contains(),
        ..Default::default()
    };
    let (events, next) = matching(&mut Reader::new(&*logs.lines, query), &pattern, limit).await?;
    Ok(FilterLogEventsResponse {
        events: Some(events),
        searched_log_streams: Some(vec![]),
        next_token: next.map(|place| token('f', place)),
    })
}

/// Lines that match, a page at most, and where to go on if there may be more.
async fn matching(
    reader: &mut Reader<'_>,
    pattern: &Pattern,
    limit: usize,
) -> Result<(Vec<FilteredLogEvent>, Option<(i64, u64)>), ApiError> {
    let (mut events, mut scanned, mut bytes) = (Vec::new(), 0, 0);
    loop {
        let before = reader.after();
        let lines = reader.next().await.map_err(ApiError::internal)?;
        if lines.is_empty() {
            return Ok((events, None));
        }
        scanned += lines.len();
        let mut place = before;
        for line in lines {
            if events.len() == limit || bytes >= PAGE_BYTES_MAX {
                return Ok((events, place));
            }
            place = Some((line.at_ms, line.sequence));
            if pattern.matches(&line.message) {
                bytes += line.message.len() + EVENT_OVERHEAD_BYTES;
                events.push(found(line));
            }
        }
        if scanned >= SCAN_LINES_MAX {
            return Ok((events, place));
        }
    }
}

fn found(line: StoredLine) -> FilteredLogEvent {
    FilteredLogEvent {
        event_id: Some(event_id(line.sequence)),
        log_stream_name: Some(line.stream),
        timestamp: Some(line.at_ms),
        message: Some(line.message),
        ingestion_time: Some(line.stored_at_ms),
    }
}
