//! Tags of scalable targets.

use std::collections::BTreeMap;

use aws_protocol::{ApiError, Context};
use aws_shape::applicationautoscaling::*;

use crate::AppScaling;
use crate::model::Target;
use crate::table::{TARGETS, key, target_arn};

fn not_found(arn: &str) -> ApiError {
    ApiError::client(
        "ResourceNotFoundException",
        format!("No scalable target found for the ARN {arn}"),
    )
    .field("resourceName", arn.to_owned())
}

async fn edit(
    scaling: &AppScaling,
    context: &Context,
    arn: String,
    change: impl FnOnce(&mut BTreeMap<String, String>) + Send + 'static,
) -> Result<(), ApiError> {
    let scope = context.scope.clone();
    scaling
        .store
        .write(move |tx| {
            let all = tx.prefix(TARGETS, &key(&scope, ""));
            let (place, found) = all
                .into_iter()
                .find(|(_, it)| target_arn(&scope, it) == arn)
                .ok_or_else(|| not_found(&arn))?;
            let mut target = Target::clone(&found);
            change(&mut target.tags);
            tx.put(TARGETS, &place, target);
            Ok(())
        })
        .await
}

pub(super) async fn tag_resource(
    scaling: &AppScaling,
    context: &Context,
    input: TagResourceRequest,
) -> Result<TagResourceResponse, ApiError> {
    let added = input.tags;
    edit(scaling, context, input.resource_arn, move |tags| {
        tags.extend(added)
    })
    .await?;
    Ok(TagResourceResponse {})
}

pub(super) async fn untag_resource(
    scaling: &AppScaling,
    context: &Context,
    input: UntagResourceRequest,
) -> Result<UntagResourceResponse, ApiError> {
    let removed = input.tag_keys;
    edit(scaling, context, input.resource_arn, move |tags| {
        tags.retain(|key, _| !removed.contains(key))
    })
    .await?;
    Ok(UntagResourceResponse {})
}

pub(super) async fn list_tags_for_resource(
    scaling: &AppScaling,
    context: &Context,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, ApiError> {
    let all = scaling.store.snapshot().prefix(TARGETS, &key(&context.scope, ""));
    let found = all
        .into_iter()
        .find(|(_, it)| target_arn(&context.scope, it) == input.resource_arn);
    let (_, found) = found.ok_or_else(|| not_found(&input.resource_arn))?;
    Ok(ListTagsForResourceResponse {
        tags: Some(found.tags.clone()),
    })
}
