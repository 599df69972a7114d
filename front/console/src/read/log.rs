//! Lines of logs.

use aws_shape::logs;

use crate::picture::LogPlace;
use crate::source::{Source, sentence};

/// Lines that a page shows.
pub(crate) const LINES_MAX: usize = 200;
/// How far back a page looks, in milliseconds: a day.
const BACK_MILLIS: i64 = 24 * 60 * 60 * 1000;
/// Windows that are tried, the shortest first, in milliseconds: lines come oldest first, and the last ones are wanted.
const WINDOWS_MILLIS: [i64; 3] = [60_000, 30 * 60_000, BACK_MILLIS];
/// Pages of one window that are read.
const PAGES_MAX: usize = 4;
const PAGE_LINES: i32 = 2000;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tail {
    pub(crate) lines: Vec<LogLine>,
    /// Why there are none.
    pub(crate) error: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogLine {
    pub(crate) at_ms: i64,
    pub(crate) stream: String,
    pub(crate) id: String,
    pub(crate) message: String,
}

/// The last lines of some places, by time.
pub(crate) async fn tail(source: &Source, places: &[LogPlace], filter: Option<&str>) -> Tail {
    let mut tail = Tail::default();
    for place in places {
        match last_lines(source, place, filter).await {
            Ok(lines) => tail.lines.extend(lines),
            Err(error) => tail.error = Some(error),
        }
    }
    tail.lines.sort_by(|a, b| (a.at_ms, &a.id).cmp(&(b.at_ms, &b.id)));
    tail.lines.drain(..tail.lines.len().saturating_sub(LINES_MAX));
    tail
}

async fn last_lines(source: &Source, place: &LogPlace, filter: Option<&str>) -> Result<Vec<LogLine>, String> {
    let now = source.clock.now().as_millisecond();
    let mut lines = Vec::new();
    for window in WINDOWS_MILLIS {
        lines = read(source, place, filter, now - window).await?;
        if lines.len() >= LINES_MAX {
            break;
        }
    }
    Ok(lines)
}

async fn read(
    source: &Source,
    place: &LogPlace,
    filter: Option<&str>,
    from_ms: i64,
) -> Result<Vec<LogLine>, String> {
    let (mut lines, mut token) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let input = logs::FilterLogEventsRequest {
            log_group_name: Some(place.group.clone()),
            log_stream_name_prefix: place.prefix.clone(),
            start_time: Some(from_ms),
            filter_pattern: filter.map(str::to_owned),
            next_token: token,
            limit: Some(PAGE_LINES),
            ..Default::default()
        };
        let page = source.logs.filter_log_events(&source.context(), input).await;
        let page = page.map_err(|error| sentence(&error))?;
        lines.extend(page.events.into_iter().flatten().map(|it| LogLine {
            at_ms: it.timestamp.unwrap_or_default(),
            stream: it.log_stream_name.unwrap_or_default(),
            id: it.event_id.unwrap_or_default(),
            message: it.message.unwrap_or_default(),
        }));
        lines.drain(..lines.len().saturating_sub(LINES_MAX));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    Ok(lines)
}

/// All log groups with their stored bytes and retention in days.
pub(crate) async fn groups(source: &Source) -> Result<Vec<logs::LogGroup>, String> {
    let (mut groups, mut token) = (Vec::new(), None);
    for _ in 0..crate::source::PAGES_MAX {
        let input = logs::DescribeLogGroupsRequest {
            next_token: token,
            ..Default::default()
        };
        let page = source.logs.describe_log_groups(&source.context(), input).await;
        let page = page.map_err(|error| sentence(&error))?;
        groups.extend(page.log_groups.into_iter().flatten());
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    Ok(groups)
}
