//! Insights queries: begun by a call, done behind it, asked for and forgotten.

use std::sync::Arc;

use aws_protocol::{ApiError, Context, page};
use aws_shape::logs::*;
use contract::log::LogQuery;

use super::{group_name, identified, invalid};
use crate::insights::{Event, LIMIT_DEFAULT, LIMIT_MAX, Query, leaves};
use crate::pointer::Pointer;
use crate::query::Order;
use crate::reader::Reader;
use crate::{Logs, find_group};

const PAGE_QUERIES_MAX: usize = 1_000;
const PAGE_RESULTS_MAX: usize = 10_000;
const GROUPS_MAX: usize = 50;
/// Lines that GetLogGroupFields looks at, and around which time.
const FIELDS_LINES_MAX: usize = 1_000;
const FIELDS_WINDOW_MS: i64 = 15 * 60 * 1000;
/// Times above this are milliseconds, which is not what AWS asks for.
const SECONDS_MAX: i64 = 100_000_000_000;

pub(super) async fn start_query(
    logs: &Logs,
    context: &Context,
    input: StartQueryRequest,
) -> Result<StartQueryResponse, ApiError> {
    if input
        .query_language
        .as_ref()
        .is_some_and(|it| *it != QueryLanguage::Cwli)
    {
        return Err(invalid("Wharf serves queries in the language CWLI alone."));
    }
    let groups = groups(context, &input)?;
    let snapshot = logs.store.snapshot();
    for group in &groups {
        find_group(&snapshot, &context.scope, group)?;
    }
    let seconds = |at: i64| match at {
        0..=SECONDS_MAX => Ok(at * 1000),
        _ => Err(invalid("startTime and endTime are seconds since 1970.")),
    };
    let (from_ms, to_ms) = (seconds(input.start_time)?, seconds(input.end_time)?);
    if from_ms > to_ms {
        return Err(invalid("startTime must not be after endTime."));
    }
    let query = Arc::new(Query::parse(&input.query_string)?);
    let limit = input.limit.and_then(|it| usize::try_from(it).ok());
    let order = Order {
        scope: context.scope.clone(),
        groups,
        text: input.query_string,
        from_ms,
        to_ms,
        limit: limit.unwrap_or(LIMIT_DEFAULT).min(LIMIT_MAX),
        query,
        asked_by: context.principal_arn.clone(),
    };
    let id = logs.queries.start(logs, order)?;
    Ok(StartQueryResponse { query_id: Some(id) })
}

fn groups(context: &Context, input: &StartQueryRequest) -> Result<Vec<String>, ApiError> {
    let names = match (
        &input.log_group_name,
        &input.log_group_names,
        &input.log_group_identifiers,
    ) {
        (Some(name), None, None) => vec![name.clone()],
        (None, Some(names), None) => names.clone(),
        (None, None, Some(identifiers)) => identifiers
            .iter()
            .map(|it| identified(&context.scope, it))
            .collect::<Result<_, _>>()?,
        _ => {
            return Err(invalid(
                "Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be specified.",
            ));
        }
    };
    if names.is_empty() || names.len() > GROUPS_MAX {
        return Err(invalid(format!("A query is over 1 to {GROUPS_MAX} log groups.")));
    }
    Ok(names)
}

pub(super) async fn get_query_results(
    logs: &Logs,
    context: &Context,
    input: GetQueryResultsRequest,
) -> Result<GetQueryResultsResponse, ApiError> {
    let running = logs.queries.find(&context.scope, &input.query_id)?;
    let look = running.look();
    let field = |(field, value): (String, String)| ResultField {
        field: Some(field),
        value: Some(value),
    };
    let rows = look.rows.into_iter();
    let rows = rows.map(|row| row.into_iter().map(field).collect()).collect();
    let (results, next_token) = page(
        rows,
        input.max_items,
        PAGE_RESULTS_MAX,
        input.next_token.as_deref(),
    )?;
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let statistics = QueryStatistics {
        records_matched: Some(look.matched as f64),
        records_scanned: Some(look.scanned as f64),
        bytes_scanned: Some(look.bytes as f64),
        estimated_records_skipped: Some(0.0),
        estimated_bytes_skipped: Some(0.0),
        log_groups_scanned: Some(running.order.groups.len() as f64),
    };
    Ok(GetQueryResultsResponse {
        query_language: Some(QueryLanguage::Cwli),
        results: Some(results),
        statistics: Some(statistics),
        status: Some(look.status),
        encryption_key: None,
        next_token,
    })
}

pub(super) async fn stop_query(
    logs: &Logs,
    context: &Context,
    input: StopQueryRequest,
) -> Result<StopQueryResponse, ApiError> {
    let running = logs.queries.find(&context.scope, &input.query_id)?;
    if !running.stop() {
        return Err(invalid(format!(
            "Query with ID {} has already ended.",
            input.query_id
        )));
    }
    Ok(StopQueryResponse { success: Some(true) })
}

pub(super) async fn describe_queries(
    logs: &Logs,
    context: &Context,
    input: DescribeQueriesRequest,
) -> Result<DescribeQueriesResponse, ApiError> {
    let found = logs
        .queries
        .list(&context.scope)
        .into_iter()
        .filter_map(|(id, running)| {
            let status = running.status();
            let wanted = input.status.as_ref().is_none_or(|it| *it == status)
                && input
                    .query_language
                    .as_ref()
                    .is_none_or(|it| *it == QueryLanguage::Cwli)
                && input
                    .log_group_name
                    .as_ref()
                    .is_none_or(|it| running.order.groups.contains(it));
            let info = QueryInfo {
                query_language: Some(QueryLanguage::Cwli),
                query_id: Some(id),
                query_string: Some(running.order.text.clone()),
                status: Some(status),
                create_time: Some(running.began_ms),
                log_group_name: running.order.groups.first().cloned(),
                user_identity: Some(running.order.asked_by.clone()),
                ..Default::default()
            };
            wanted.then_some(info)
        });
    let (queries, next_token) = page(
        found.collect(),
        input.max_results,
        PAGE_QUERIES_MAX,
        input.next_token.as_deref(),
    )?;
    Ok(DescribeQueriesResponse {
        queries: Some(queries),
        next_token,
    })
}

pub(super) async fn get_log_record(
    logs: &Logs,
    context: &Context,
    input: GetLogRecordRequest,
) -> Result<GetLogRecordResponse, ApiError> {
    let pointer = Pointer::parse(&input.log_record_pointer);
    let pointer = pointer.ok_or_else(|| invalid("The specified logRecordPointer is invalid."))?;
    let gone = || {
        ApiError::client(
            "ResourceNotFoundException",
            "The specified log record does not exist.",
        )
    };
    find_group(&logs.store.snapshot(), &context.scope, &pointer.group)?;
    let query = LogQuery {
        scope: context.scope.key(),
        group: pointer.group.clone(),
        from_ms: Some(pointer.at_ms),
        to_ms: Some(pointer.at_ms),
        after: Some((pointer.at_ms, pointer.sequence.saturating_sub(1))),
        limit: 1,
        ..Default::default()
    };
    let lines = logs.lines.query(query).await.map_err(ApiError::internal)?;
    let line = lines.into_iter().find(|line| line.sequence == pointer.sequence);
    let (line, account) = (line.ok_or_else(gone)?, context.scope.account.clone());
    let event = Event::new(account, pointer.group, line, input.log_record_pointer);
    let mut record = event.json().map(leaves).unwrap_or_default();
    for (name, value) in [
        ("@timestamp", event.line.at_ms.to_string()),
        ("@ingestionTime", event.line.stored_at_ms.to_string()),
        ("@message", event.line.message.clone()),
        ("@logStream", event.line.stream.clone()),
        ("@log", format!("{}:{}", event.account, event.group)),
        ("@ptr", event.pointer.clone()),
    ] {
        record.insert(name.to_owned(), value);
    }
    Ok(GetLogRecordResponse {
        log_record: Some(record),
    })
}

pub(super) async fn get_log_group_fields(
    logs: &Logs,
    context: &Context,
    input: GetLogGroupFieldsRequest,
) -> Result<GetLogGroupFieldsResponse, ApiError> {
    let group = group_name(&context.scope, input.log_group_name, input.log_group_identifier)?;
    find_group(&logs.store.snapshot(), &context.scope, &group)?;
    let now = logs.clock.now().as_millisecond();
    // Around the time that is given; before now without one.
    let (from_ms, to_ms) = match input.time {
        Some(seconds) => {
            let at = seconds.saturating_mul(1000);
            (
                at.saturating_sub(FIELDS_WINDOW_MS / 2),
                at.saturating_add(FIELDS_WINDOW_MS / 2),
            )
        }
        None => (now - FIELDS_WINDOW_MS, now),
    };
    let query = LogQuery {
        scope: context.scope.key(),
        group: group.clone(),
        from_ms: Some(from_ms),
        to_ms: Some(to_ms),
        backwards: true,
        ..Default::default()
    };
    let mut reader = Reader::new(&*logs.lines, query);
    let (mut total, mut counts) = (0_usize, std::collections::BTreeMap::<String, usize>::new());
    while total < FIELDS_LINES_MAX {
        let lines = reader.next().await.map_err(ApiError::internal)?;
        if lines.is_empty() {
            break;
        }
        for line in lines.into_iter().take(FIELDS_LINES_MAX - total) {
            total += 1;
            let event = Event::new(String::new(), String::new(), line, String::new());
            let found = event.json().map(leaves).unwrap_or_default();
            let always = ["@timestamp", "@ingestionTime", "@message", "@logStream", "@log"];
            for name in found.into_keys().chain(always.map(str::to_owned)) {
                *counts.entry(name).or_default() += 1;
            }
        }
    }
    let mut fields: Vec<LogGroupField> = counts
        .into_iter()
        .map(|(name, count)| LogGroupField {
            name: Some(name),
            percent: i32::try_from(count * 100 / total.max(1)).ok(),
        })
        .collect();
    fields.sort_by_key(|field| std::cmp::Reverse(field.percent));
    Ok(GetLogGroupFieldsResponse {
        log_group_fields: Some(fields),
    })
}
