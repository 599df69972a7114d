//! Tags of log groups.

use std::collections::BTreeMap;

use aws_protocol::{ApiError, Context};
use aws_shape::logs::*;
use base_id::Scope;

use super::invalid;
use crate::{GROUPS, Logs, find_group, group_key, model};

/// The name in `arn:aws:logs:<region>:<account>:log-group:<name>`.
fn name(scope: &Scope, arn: &str) -> Result<String, ApiError> {
    let head = scope.arn("logs", "log-group:");
    let name = arn
        .strip_prefix(&head)
        .map(|name| name.trim_end_matches(":*").to_owned());
    name.ok_or_else(|| {
        invalid(format!(
            "{arn} is not the ARN of a log group of this account and region."
        ))
    })
}

pub(super) async fn list_tags_for_resource(
    logs: &Logs,
    context: &Context,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, ApiError> {
    let name = name(&context.scope, &input.resource_arn)?;
    let group = find_group(&logs.store.snapshot(), &context.scope, &name)?;
    Ok(ListTagsForResourceResponse {
        tags: Some(group.tags.clone()),
    })
}

pub(super) async fn tag_resource(
    logs: &Logs,
    context: &Context,
    input: TagResourceRequest,
) -> Result<(), ApiError> {
    edit(logs, context, &input.resource_arn, move |tags| {
        tags.extend(input.tags)
    })
    .await
}

pub(super) async fn untag_resource(
    logs: &Logs,
    context: &Context,
    input: UntagResourceRequest,
) -> Result<(), ApiError> {
    edit(logs, context, &input.resource_arn, move |tags| {
        tags.retain(|key, _| !input.tag_keys.contains(key))
    })
    .await
}

async fn edit(
    logs: &Logs,
    context: &Context,
    arn: &str,
    change: impl FnOnce(&mut BTreeMap<String, String>) + Send + 'static,
) -> Result<(), ApiError> {
    let scope = context.scope.clone();
    let name = name(&scope, arn)?;
    logs.store
        .write(move |tx| {
            let mut group = model::Group::clone(&*find_group(&tx.snapshot(), &scope, &name)?);
            change(&mut group.tags);
            tx.put(GROUPS, &group_key(&scope, &name), group);
            Ok(())
        })
        .await
}
