//! Tags of roles and policies.

use std::collections::BTreeMap;

use aws_protocol::{ApiError, Context};
use aws_shape::iam::*;

use crate::role::{edit, find};
use crate::{Iam, limit_exceeded, page, policy};

const TAGS_MAX: usize = 50;

type Tags = BTreeMap<String, String>;

/// What there was and what is new; keys that differ in case alone are one.
pub(super) fn added(mut tags: Tags, new: Vec<Tag>) -> Result<Tags, ApiError> {
    let mut seen = Vec::new();
    for tag in new {
        let lower = tag.key.to_lowercase();
        if seen.contains(&lower) {
            return Err(ApiError::client(
                "InvalidInput",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
        if lower.starts_with("aws:") {
            return Err(ApiError::client(
                "InvalidInput",
                "Tag keys can't begin with aws: because that prefix is reserved for AWS.",
            ));
        }
        tags.retain(|key, _| key.to_lowercase() != lower);
        tags.insert(tag.key, tag.value);
        seen.push(lower);
    }
    if tags.len() > TAGS_MAX {
        return Err(limit_exceeded(format!(
            "Cannot exceed quota for TagsPerResource: {TAGS_MAX}"
        )));
    }
    Ok(tags)
}

pub(super) fn shapes(tags: &Tags) -> Vec<Tag> {
    let tags = tags.iter().map(|(key, value)| Tag {
        key: key.clone(),
        value: value.clone(),
    });
    tags.collect()
}

pub(super) async fn tag_role(iam: &Iam, context: &Context, input: TagRoleRequest) -> Result<(), ApiError> {
    edit(iam, context, input.role_name, move |role| {
        role.tags = added(std::mem::take(&mut role.tags), input.tags)?;
        Ok(())
    })
    .await
}

pub(super) async fn untag_role(
    iam: &Iam,
    context: &Context,
    input: UntagRoleRequest,
) -> Result<(), ApiError> {
    edit(iam, context, input.role_name, move |role| {
        role.tags.retain(|key, _| !input.tag_keys.contains(key));
        Ok(())
    })
    .await
}

pub(super) async fn list_role_tags(
    iam: &Iam,
    context: &Context,
    input: ListRoleTagsRequest,
) -> Result<ListRoleTagsResponse, ApiError> {
    let role = find(iam, context, &input.role_name)?;
    let (tags, marker) = page(shapes(&role.tags), input.max_items, input.marker.as_deref())?;
    Ok(ListRoleTagsResponse {
        tags,
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

pub(super) async fn tag_policy(
    iam: &Iam,
    context: &Context,
    input: TagPolicyRequest,
) -> Result<(), ApiError> {
    policy::edit(iam, context, input.policy_arn, move |policy| {
        policy.tags = added(std::mem::take(&mut policy.tags), input.tags)?;
        Ok(())
    })
    .await
}

pub(super) async fn untag_policy(
    iam: &Iam,
    context: &Context,
    input: UntagPolicyRequest,
) -> Result<(), ApiError> {
    policy::edit(iam, context, input.policy_arn, move |policy| {
        policy.tags.retain(|key, _| !input.tag_keys.contains(key));
        Ok(())
    })
    .await
}

pub(super) async fn list_policy_tags(
    iam: &Iam,
    context: &Context,
    input: ListPolicyTagsRequest,
) -> Result<ListPolicyTagsResponse, ApiError> {
    let found = policy::find(&iam.store.snapshot(), &context.scope.account, &input.policy_arn)?;
    let (tags, marker) = page(shapes(&found.tags), input.max_items, input.marker.as_deref())?;
    Ok(ListPolicyTagsResponse {
        tags,
        is_truncated: Some(marker.is_some()),
        marker,
    })
}
