//! Tags of log groups.

use std::collections::BTreeMap;

use aws_protocol::{ApiError, Context};
use aws_shape::logs::*;
use base_id::Scope;

use super::{identified, invalid};
use crate::table::{GROUPS, group_key};
use crate::{Logs, find_group, model};

const TAGS_MAX: usize = 50;

/// The name in `arn:aws:logs:<region>:<account>:log-group:<name>`.
fn name(scope: &Scope, arn: &str) -> Result<String, ApiError> {
    if !arn.starts_with("arn:") {
        return Err(invalid(format!("{arn} is not the ARN of a log group.")));
    }
    identified(scope, arn)
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
    let name = name(&context.scope, &input.resource_arn)?;
    edit(logs, context, name, move |tags| tags.extend(input.tags)).await
}

pub(super) async fn untag_resource(
    logs: &Logs,
    context: &Context,
    input: UntagResourceRequest,
) -> Result<(), ApiError> {
    let name = name(&context.scope, &input.resource_arn)?;
    edit(logs, context, name, move |tags| {
        tags.retain(|key, _| !input.tag_keys.contains(key))
    })
    .await
}

pub(super) async fn list_tags_log_group(
    logs: &Logs,
    context: &Context,
    input: ListTagsLogGroupRequest,
) -> Result<ListTagsLogGroupResponse, ApiError> {
    let group = find_group(&logs.store.snapshot(), &context.scope, &input.log_group_name)?;
    Ok(ListTagsLogGroupResponse {
        tags: Some(group.tags.clone()),
    })
}

pub(super) async fn tag_log_group(
    logs: &Logs,
    context: &Context,
    input: TagLogGroupRequest,
) -> Result<(), ApiError> {
    edit(logs, context, input.log_group_name, move |tags| {
        tags.extend(input.tags)
    })
    .await
}

pub(super) async fn untag_log_group(
    logs: &Logs,
    context: &Context,
    input: UntagLogGroupRequest,
) -> Result<(), ApiError> {
    edit(logs, context, input.log_group_name, move |tags| {
        tags.retain(|key, _| !input.tags.contains(key))
    })
    .await
}

async fn edit(
    logs: &Logs,
    context: &Context,
    name: String,
    change: impl FnOnce(&mut BTreeMap<String, String>) + Send + 'static,
) -> Result<(), ApiError> {
    let scope = context.scope.clone();
    logs.store
        .write(move |tx| {
            let mut group = model::Group::clone(&*find_group(&tx.snapshot(), &scope, &name)?);
            change(&mut group.tags);
            if group.tags.len() > TAGS_MAX {
                let message = format!("A log group has at most {TAGS_MAX} tags.");
                return Err(ApiError::client("TooManyTagsException", message));
            }
            tx.put(GROUPS, &group_key(&scope, &name), group);
            Ok(())
        })
        .await
}
