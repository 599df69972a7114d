//! Tags of repositories.

use std::collections::BTreeMap;

use aws_protocol::{ApiError, Context};
use aws_shape::ecr::*;
use base_id::Scope;

use crate::Ecr;
use crate::model::Repository;
use crate::table::{self, REPOSITORIES, repository_key};

/// The name in `arn:aws:ecr:<region>:<account>:repository/<name>`.
fn name(scope: &Scope, arn: &str) -> Result<String, ApiError> {
    let head = scope.arn("ecr", "repository/");
    arn.strip_prefix(&head).map(str::to_owned).ok_or_else(|| {
        let message =
            format!("Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN: {arn}'");
        ApiError::client("InvalidParameterException", message)
    })
}

pub(super) async fn list_tags_for_resource(
    ecr: &Ecr,
    context: &Context,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, ApiError> {
    let name = name(&context.scope, &input.resource_arn)?;
    let repository = table::repository(&ecr.store.snapshot(), &context.scope, &name)?;
    let tags = repository.tags.iter().map(|(key, value)| Tag {
        key: key.clone(),
        value: value.clone(),
    });
    Ok(ListTagsForResourceResponse {
        tags: Some(tags.collect()),
    })
}

pub(super) async fn tag_resource(
    ecr: &Ecr,
    context: &Context,
    input: TagResourceRequest,
) -> Result<TagResourceResponse, ApiError> {
    let new = input.tags;
    edit(ecr, context, &input.resource_arn, |tags| {
        tags.extend(new.into_iter().map(|tag| (tag.key, tag.value)))
    })
    .await?;
    Ok(TagResourceResponse {})
}

pub(super) async fn untag_resource(
    ecr: &Ecr,
    context: &Context,
    input: UntagResourceRequest,
) -> Result<UntagResourceResponse, ApiError> {
    let gone = input.tag_keys;
    edit(ecr, context, &input.resource_arn, move |tags| {
        tags.retain(|key, _| !gone.contains(key))
    })
    .await?;
    Ok(UntagResourceResponse {})
}

async fn edit(
    ecr: &Ecr,
    context: &Context,
    arn: &str,
    change: impl FnOnce(&mut BTreeMap<String, String>) + Send + 'static,
) -> Result<(), ApiError> {
    let scope = context.scope.clone();
    let name = name(&scope, arn)?;
    ecr.store
        .write(move |tx| {
            let mut repository = Repository::clone(&*table::repository(&tx.snapshot(), &scope, &name)?);
            change(&mut repository.tags);
            tx.put(REPOSITORIES, &repository_key(&scope, &name), repository);
            Ok(())
        })
        .await
}
