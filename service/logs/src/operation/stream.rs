//! Log streams: those made by a call, and those that containers made by writing.

use std::collections::BTreeMap;

use aws_protocol::{ApiError, Context, page};
use aws_shape::logs::*;
use contract::log::{StreamId, StreamSummary};

use super::{group_name, invalid};
use crate::table::{STREAMS, of_group};
use crate::{Logs, find_group, model};

const PAGE_STREAMS_MAX: usize = 50;

pub(super) async fn create_log_stream(
    logs: &Logs,
    context: &Context,
    input: CreateLogStreamRequest,
) -> Result<(), ApiError> {
    let scope = context.scope.clone();
    let (group, name) = (input.log_group_name, input.log_stream_name);
    find_group(&logs.store.snapshot(), &scope, &group)?;
    let written = logs
        .lines
        .streams(&scope.key(), &group)
        .await
        .map_err(ApiError::internal)?;
    let stream = model::Stream {
        name,
        created_ms: logs.clock.now().as_millisecond(),
    };
    logs.store
        .write(move |tx| {
            let key = format!("{}{}", of_group(&scope, &group), stream.name);
            if tx.get(STREAMS, &key).is_some() || written.iter().any(|one| one.stream == stream.name) {
                let message = "The specified log stream already exists";
                return Err(ApiError::client("ResourceAlreadyExistsException", message));
            }
            tx.put(STREAMS, &key, stream);
            Ok(())
        })
        .await
}

pub(super) async fn delete_log_stream(
    logs: &Logs,
    context: &Context,
    input: DeleteLogStreamRequest,
) -> Result<(), ApiError> {
    let scope = context.scope.clone();
    let (group, stream) = (input.log_group_name, input.log_stream_name);
    require(logs, context, &group, &stream).await?;
    let id = StreamId {
        scope: scope.key(),
        group: group.clone(),
        stream: stream.clone(),
    };
    logs.lines.remove_stream(&id).await.map_err(ApiError::internal)?;
    logs.store
        .write(move |tx| {
            tx.delete(STREAMS, &format!("{}{stream}", of_group(&scope, &group)));
            Ok(())
        })
        .await
}

/// # Errors
/// When the group or the stream does not exist.
pub(super) async fn require(
    logs: &Logs,
    context: &Context,
    group: &str,
    stream: &str,
) -> Result<(), ApiError> {
    let (scope, snapshot) = (&context.scope, logs.store.snapshot());
    find_group(&snapshot, scope, group)?;
    if snapshot
        .get(STREAMS, &format!("{}{stream}", of_group(scope, group)))
        .is_some()
    {
        return Ok(());
    }
    let written = logs
        .lines
        .streams(&scope.key(), group)
        .await
        .map_err(ApiError::internal)?;
    if written.iter().any(|one| one.stream == stream) {
        return Ok(());
    }
    Err(ApiError::client(
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    ))
}

pub(super) async fn describe_log_streams(
    logs: &Logs,
    context: &Context,
    input: DescribeLogStreamsRequest,
) -> Result<DescribeLogStreamsResponse, ApiError> {
    let (scope, snapshot) = (&context.scope, logs.store.snapshot());
    let group = group_name(scope, input.log_group_name, input.log_group_identifier)?;
    find_group(&snapshot, scope, &group)?;
    let by_time = input.order_by == Some(OrderBy::LastEventTime);
    if by_time && input.log_stream_name_prefix.is_some() {
        return Err(invalid(
            "Cannot order by LastEventTime with a logStreamNamePrefix.",
        ));
    }
    let written = logs
        .lines
        .streams(&scope.key(), &group)
        .await
        .map_err(ApiError::internal)?;
    let mut all: BTreeMap<String, (Option<i64>, Option<StreamSummary>)> = BTreeMap::new();
    for (_, made) in snapshot.prefix(STREAMS, &of_group(scope, &group)) {
        all.entry(made.name.clone()).or_default().0 = Some(made.created_ms);
    }
    for summary in written {
        let name = summary.stream.clone();
        all.entry(name).or_default().1 = Some(summary);
    }
    let prefix = input.log_stream_name_prefix.unwrap_or_default();
    let arn = |name: &str| scope.arn("logs", &format!("log-group:{group}:log-stream:{name}"));
    let mut streams: Vec<LogStream> = all
        .into_iter()
        .filter(|(name, _)| name.starts_with(&prefix))
        .map(|(name, (created, seen))| LogStream {
            arn: Some(arn(&name)),
            log_stream_name: Some(name),
            creation_time: created.or(seen.as_ref().and_then(|it| it.first_ms)),
            first_event_timestamp: seen.as_ref().and_then(|it| it.first_ms),
            last_event_timestamp: seen.as_ref().and_then(|it| it.last_ms),
            last_ingestion_time: seen.as_ref().and_then(|it| it.last_stored_ms),
            stored_bytes: Some(0),
            upload_sequence_token: None,
        })
        .collect();
    if by_time {
        streams.sort_by_key(|stream| stream.last_event_timestamp);
    }
    if input.descending == Some(true) {
        streams.reverse();
    }
    let (streams, next_token) = page(
        streams,
        input.limit,
        PAGE_STREAMS_MAX,
        input.next_token.as_deref(),
    )?;
    Ok(DescribeLogStreamsResponse {
        log_streams: Some(streams),
        next_token,
    })
}
