//! Log groups.

use std::sync::Arc;

use aws_protocol::{ApiError, Context, page};
use aws_shape::logs::*;
use base_id::Scope;
use regex::Regex;

use super::{identified, invalid};
use crate::table::*;
use crate::{Logs, find_group, model};

const PAGE_GROUPS_MAX: usize = 50;
const LIST_GROUPS_MAX: usize = 1_000;
/// Days that AWS accepts.
const RETENTION_DAYS: [i32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

pub(super) async fn create_log_group(
    logs: &Logs,
    context: &Context,
    input: CreateLogGroupRequest,
) -> Result<(), ApiError> {
    if input.kms_key_id.is_some() {
        return Err(invalid("Wharf does not serve encryption with KMS keys yet."));
    }
    if input
        .log_group_class
        .as_ref()
        .is_some_and(|class| *class != LogGroupClass::Standard)
    {
        return Err(invalid(
            "Wharf does not serve log group classes other than STANDARD yet.",
        ));
    }
    if input.deletion_protection_enabled == Some(true) {
        return Err(invalid(
            "Wharf does not serve deletion protection of log groups yet.",
        ));
    }
    let group = model::Group {
        name: input.log_group_name,
        created_ms: logs.clock.now().as_millisecond(),
        retention_days: None,
        tags: input.tags.unwrap_or_default(),
    };
    let scope = context.scope.clone();
    // What containers wrote after a group of this name was deleted is not the new group's.
    let place = group_key(&scope, &group.name);
    if logs.store.snapshot().get(GROUPS, &place).is_none() {
        logs.lines
            .remove_group(&scope.key(), &group.name)
            .await
            .map_err(ApiError::internal)?;
    }
    logs.store
        .write(move |tx| {
            let key = group_key(&scope, &group.name);
            if tx.get(GROUPS, &key).is_some() {
                let message = "The specified log group already exists";
                return Err(ApiError::client("ResourceAlreadyExistsException", message));
            }
            tx.put(GROUPS, &key, group);
            Ok(())
        })
        .await
}

pub(super) async fn delete_log_group(
    logs: &Logs,
    context: &Context,
    input: DeleteLogGroupRequest,
) -> Result<(), ApiError> {
    let (scope, name) = (context.scope.clone(), input.log_group_name);
    let group = name.clone();
    logs.store
        .write(move |tx| {
            find_group(&tx.snapshot(), &scope, &name)?;
            let of_group = of_group(&scope, &name);
            for (key, _) in tx.prefix(STREAMS, &of_group) {
                tx.delete(STREAMS, &key);
            }
            for (key, _) in tx.prefix(METRIC_FILTERS, &of_group) {
                tx.delete(METRIC_FILTERS, &key);
                tx.delete(METRIC_CURSORS, &key);
            }
            for (key, _) in tx.prefix(SUBSCRIPTION_FILTERS, &of_group) {
                tx.delete(SUBSCRIPTION_FILTERS, &key);
                tx.delete(SUBSCRIPTION_CURSORS, &key);
            }
            tx.delete(GROUPS, &group_key(&scope, &name));
            Ok::<_, ApiError>(())
        })
        .await?;
    // A crash before this leaves lines that nobody can read; a group of the same name begins by removing them.
    logs.lines
        .remove_group(&context.scope.key(), &group)
        .await
        .map_err(ApiError::internal)
}

pub(super) async fn describe_log_groups(
    logs: &Logs,
    context: &Context,
    input: DescribeLogGroupsRequest,
) -> Result<DescribeLogGroupsResponse, ApiError> {
    let scope = &context.scope;
    if input.log_group_name_prefix.is_some() && input.log_group_name_pattern.is_some() {
        return Err(invalid(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
        ));
    }
    let linked = input.account_identifiers.is_some_and(|it| !it.is_empty());
    refuse_linked(input.include_linked_accounts, linked)?;
    let wanted = input.log_group_identifiers.unwrap_or_default();
    if !wanted.is_empty() && (input.log_group_name_prefix.is_some() || input.log_group_name_pattern.is_some())
    {
        return Err(invalid(
            "logGroupIdentifiers cannot be used together with logGroupNamePrefix or logGroupNamePattern.",
        ));
    }
    let wanted = wanted
        .iter()
        .map(|it| identified(scope, it))
        .collect::<Result<Vec<_>, _>>()?;
    let class = input.log_group_class.unwrap_or(LogGroupClass::Standard);
    let prefix = input.log_group_name_prefix.unwrap_or_default();
    let rows = logs.store.snapshot().prefix(GROUPS, &group_key(scope, &prefix));
    let pattern = input.log_group_name_pattern.unwrap_or_default();
    let found = rows
        .into_iter()
        .map(|(_, row)| row)
        .filter(|row| row.name.contains(&pattern) && class == LogGroupClass::Standard)
        .filter(|row| wanted.is_empty() || wanted.contains(&row.name))
        .collect();
    let snapshot = logs.store.snapshot();
    let filters = |group: &str| snapshot.prefix(METRIC_FILTERS, &of_group(scope, group)).len();
    let (found, next_token) = page(found, input.limit, PAGE_GROUPS_MAX, input.next_token.as_deref())?;
    let mut log_groups = Vec::new();
    for group in found {
        let streams = logs
            .lines
            .streams(&scope.key(), &group.name)
            .await
            .map_err(ApiError::internal)?;
        log_groups.push(shape(
            &group,
            scope,
            streams.iter().map(|stream| stream.bytes).sum(),
            filters(&group.name),
        ));
    }
    Ok(DescribeLogGroupsResponse {
        log_groups: Some(log_groups),
        next_token,
    })
}

/// Groups of this account alone are known here.
fn refuse_linked(include: Option<bool>, named: bool) -> Result<(), ApiError> {
    if include == Some(true) || named {
        return Err(invalid("Wharf does not serve log groups of linked accounts yet."));
    }
    Ok(())
}

pub(super) async fn list_log_groups(
    logs: &Logs,
    context: &Context,
    input: ListLogGroupsRequest,
) -> Result<ListLogGroupsResponse, ApiError> {
    let scope = &context.scope;
    let linked = input.account_identifiers.is_some_and(|it| !it.is_empty());
    refuse_linked(input.include_linked_accounts, linked)?;
    if input.data_sources.is_some_and(|it| !it.is_empty())
        || input.field_index_names.is_some_and(|it| !it.is_empty())
        || input.log_group_tags.is_some_and(|it| !it.is_empty())
    {
        return Err(invalid(
            "Wharf does not serve dataSources, fieldIndexNames and logGroupTags in ListLogGroups yet.",
        ));
    }
    let pattern = Regex::new(&input.log_group_name_pattern.unwrap_or_default())
        .map_err(|_| invalid("logGroupNamePattern is not a valid regular expression."))?;
    let standard = input
        .log_group_class
        .is_none_or(|it| it == LogGroupClass::Standard);
    let rows = logs.store.snapshot().prefix(GROUPS, &group_key(scope, ""));
    let rows = rows.into_iter().map(|(_, row)| row);
    let found = rows
        .filter(|row| standard && pattern.is_match(&row.name))
        .collect();
    let (found, next_token) = page(found, input.limit, LIST_GROUPS_MAX, input.next_token.as_deref())?;
    let summary = |group: Arc<model::Group>| LogGroupSummary {
        log_group_arn: Some(scope.arn("logs", &format!("log-group:{}", group.name))),
        log_group_name: Some(group.name.clone()),
        log_group_class: Some(LogGroupClass::Standard),
    };
    Ok(ListLogGroupsResponse {
        log_groups: Some(found.into_iter().map(summary).collect()),
        next_token,
    })
}

fn shape(group: &model::Group, scope: &Scope, bytes: u64, filters: usize) -> LogGroup {
    let arn = scope.arn("logs", &format!("log-group:{}", group.name));
    LogGroup {
        log_group_name: Some(group.name.clone()),
        creation_time: Some(group.created_ms),
        retention_in_days: group.retention_days,
        metric_filter_count: Some(filters as i32),
        stored_bytes: Some(bytes as i64),
        arn: Some(format!("{arn}:*")),
        log_group_arn: Some(arn),
        log_group_class: Some(LogGroupClass::Standard),
        ..Default::default()
    }
}

pub(super) async fn put_retention_policy(
    logs: &Logs,
    context: &Context,
    input: PutRetentionPolicyRequest,
) -> Result<(), ApiError> {
    let days = input.retention_in_days;
    if !RETENTION_DAYS.contains(&days) {
        let known = RETENTION_DAYS.map(|days| days.to_string()).join(", ");
        let message = format!(
            "1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [{known}]"
        );
        return Err(invalid(message));
    }
    set_retention(logs, context, input.log_group_name, Some(days)).await
}

pub(super) async fn delete_retention_policy(
    logs: &Logs,
    context: &Context,
    input: DeleteRetentionPolicyRequest,
) -> Result<(), ApiError> {
    set_retention(logs, context, input.log_group_name, None).await
}

async fn set_retention(
    logs: &Logs,
    context: &Context,
    name: String,
    days: Option<i32>,
) -> Result<(), ApiError> {
    let scope = context.scope.clone();
    logs.store
        .write(move |tx| {
            let group = find_group(&tx.snapshot(), &scope, &name)?;
            let group = model::Group {
                retention_days: days,
                ..model::Group::clone(&group)
            };
            tx.put(GROUPS, &group_key(&scope, &name), group);
            Ok(())
        })
        .await
}
