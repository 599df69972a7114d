//! Subscription filters: which of a group's lines are sent on as they come, and where to.

use std::sync::Arc;

use aws_protocol::{ApiError, Context, page};
use aws_shape::logs::*;

use super::metric_filter::check_regexes;
use super::{invalid, refuse_transformed};
use crate::delivery::{self, is_url};
use crate::model::{SubscriptionCursor, SubscriptionFilter as Stored};
use crate::pattern::Pattern;
use crate::table::{SUBSCRIPTION_CURSORS, SUBSCRIPTION_FILTERS, of_group};
use crate::{Logs, find_group};

const FILTERS_MAX: usize = 2;
const PAGE_FILTERS_MAX: usize = 50;

pub(super) async fn put_subscription_filter(
    logs: &Logs,
    context: &Context,
    input: PutSubscriptionFilterRequest,
) -> Result<(), ApiError> {
    refuse_transformed(
        input.apply_on_transformed_logs,
        input.field_selection_criteria.as_deref(),
        input.emit_system_fields.as_deref(),
    )?;
    let pattern = Pattern::parse(&input.filter_pattern)?;
    check_destination(&input.destination_arn)?;
    find_group(&logs.store.snapshot(), &context.scope, &input.log_group_name)?;
    let now = logs.clock.now().as_millisecond();
    let test = delivery::control_message(now).map_err(ApiError::internal)?;
    if let Err(cause) = logs.delivery.deliver(&input.destination_arn, test).await {
        return Err(invalid(format!(
            "Could not deliver test message to specified destination. Check if the destination is valid. {cause}"
        )));
    }
    let newest = logs.lines.newest().await.map_err(ApiError::internal)?;
    let filter = Stored {
        scope: context.scope.clone(),
        group: input.log_group_name,
        name: input.filter_name,
        pattern: input.filter_pattern,
        created_ms: now,
        destination: input.destination_arn,
        role_arn: input.role_arn,
        random: input.distribution == Some(Distribution::Random),
    };
    logs.store
        .write(move |tx| {
            find_group(&tx.snapshot(), &filter.scope, &filter.group)?;
            let of_group = of_group(&filter.scope, &filter.group);
            let key = format!("{of_group}{}", filter.name);
            let old = tx.get(SUBSCRIPTION_FILTERS, &key);
            if old.is_none() && tx.prefix(SUBSCRIPTION_FILTERS, &of_group).len() >= FILTERS_MAX {
                return Err(ApiError::client(
                    "LimitExceededException",
                    "Resource limit exceeded.",
                ));
            }
            if pattern.has_regex() {
                check_regexes(&tx.snapshot(), &of_group, &key)?;
            }
            let cursor = tx.get(SUBSCRIPTION_CURSORS, &key);
            // Only what comes from now on; a filter that is changed goes on where it was, and tries at once.
            let cursor = SubscriptionCursor {
                after: cursor.map_or(newest, |it| it.after),
                ..Default::default()
            };
            tx.put(SUBSCRIPTION_CURSORS, &key, cursor);
            let created_ms = old.map_or(filter.created_ms, |it| it.created_ms);
            tx.put(SUBSCRIPTION_FILTERS, &key, Stored { created_ms, ..filter });
            Ok(())
        })
        .await
}

/// # Errors
/// What AWS says of a destination that it cannot send to.
fn check_destination(destination: &str) -> Result<(), ApiError> {
    if is_url(destination) {
        return Ok(());
    }
    let message = match destination.split(':').nth(2) {
        Some("lambda") => {
            "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your function."
        }
        Some("kinesis") => {
            "Could not deliver test message to specified Kinesis stream. Check if the given kinesis stream is in ACTIVE state."
        }
        Some("firehose") => {
            "Could not deliver test message to specified Firehose stream. Check if the given Firehose stream is in ACTIVE state."
        }
        _ => "Invalid destination ARN.",
    };
    Err(invalid(format!(
        "{message} (Wharf sends to http:// and https:// URLs.)"
    )))
}

pub(super) async fn describe_subscription_filters(
    logs: &Logs,
    context: &Context,
    input: DescribeSubscriptionFiltersRequest,
) -> Result<DescribeSubscriptionFiltersResponse, ApiError> {
    let (scope, snapshot) = (&context.scope, logs.store.snapshot());
    find_group(&snapshot, scope, &input.log_group_name)?;
    let head = format!(
        "{}{}",
        of_group(scope, &input.log_group_name),
        input.filter_name_prefix.unwrap_or_default()
    );
    let found = snapshot.prefix(SUBSCRIPTION_FILTERS, &head);
    let (found, next_token) = page(
        found.into_iter().map(|(_, row)| row).collect(),
        input.limit,
        PAGE_FILTERS_MAX,
        input.next_token.as_deref(),
    )?;
    Ok(DescribeSubscriptionFiltersResponse {
        subscription_filters: Some(found.into_iter().map(shape).collect()),
        next_token,
    })
}

fn shape(filter: Arc<Stored>) -> SubscriptionFilter {
    SubscriptionFilter {
        filter_name: Some(filter.name.clone()),
        log_group_name: Some(filter.group.clone()),
        filter_pattern: Some(filter.pattern.clone()),
        destination_arn: Some(filter.destination.clone()),
        role_arn: filter.role_arn.clone(),
        distribution: Some(if filter.random {
            Distribution::Random
        } else {
            Distribution::ByLogStream
        }),
        apply_on_transformed_logs: Some(false),
        creation_time: Some(filter.created_ms),
        ..Default::default()
    }
}

pub(super) async fn delete_subscription_filter(
    logs: &Logs,
    context: &Context,
    input: DeleteSubscriptionFilterRequest,
) -> Result<(), ApiError> {
    let scope = context.scope.clone();
    logs.store
        .write(move |tx| {
            find_group(&tx.snapshot(), &scope, &input.log_group_name)?;
            let key = format!("{}{}", of_group(&scope, &input.log_group_name), input.filter_name);
            if tx.get(SUBSCRIPTION_FILTERS, &key).is_none() {
                let message = "The specified subscription filter does not exist.";
                return Err(ApiError::client("ResourceNotFoundException", message));
            }
            tx.delete(SUBSCRIPTION_FILTERS, &key);
            tx.delete(SUBSCRIPTION_CURSORS, &key);
            Ok(())
        })
        .await
}
