//! Tags of parameters. Nothing else of Systems Manager is here to be tagged.

use aws_protocol::{ApiError, Context};
use aws_shape::ssm::*;
use base_id::Scope;
use base_store::Snapshot;

use super::{invalid, key};
use crate::{PARAMETERS, Secrets, model};

const TAGS_MAX: usize = 50;

/// Tags that may be put on something.
pub(super) fn checked(tags: Vec<Tag>) -> Result<super::put::Tags, ApiError> {
    if tags
        .iter()
        .any(|tag| tag.key.to_ascii_lowercase().starts_with("aws:"))
    {
        return Err(invalid(
            "Tag keys can't begin with aws: because that prefix is reserved for AWS.",
        ));
    }
    within_limit(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

fn within_limit(tags: super::put::Tags) -> Result<super::put::Tags, ApiError> {
    if tags.len() > TAGS_MAX {
        let message = format!("The parameter can't have more than {TAGS_MAX} tags.");
        return Err(ApiError::client("TooManyTagsError", message));
    }
    Ok(tags)
}

fn find(
    snapshot: &Snapshot,
    scope: &Scope,
    kind: &ResourceTypeForTagging,
    id: &str,
) -> Result<(String, model::Parameter), ApiError> {
    if *kind != ResourceTypeForTagging::Parameter {
        let message = format!("Wharf has no resources of type {kind}.");
        return Err(ApiError::client("InvalidResourceType", message));
    }
    let key = key(scope, id);
    match snapshot.get(PARAMETERS, &key) {
        Some(found) if found.name == id => Ok((key, model::Parameter::clone(&found))),
        _ => Err(ApiError::client(
            "InvalidResourceId",
            "The resource ID is not valid. Verify that you entered the correct ID and try again.",
        )),
    }
}

pub(super) async fn add_tags_to_resource(
    secrets: &Secrets,
    context: &Context,
    input: AddTagsToResourceRequest,
) -> Result<AddTagsToResourceResult, ApiError> {
    let (scope, new) = (context.scope.clone(), checked(input.tags)?);
    secrets
        .store
        .write(move |tx| {
            let (key, mut found) = find(&tx.snapshot(), &scope, &input.resource_type, &input.resource_id)?;
            found.tags.extend(new);
            found.tags = within_limit(found.tags)?;
            tx.put(PARAMETERS, &key, found);
            Ok(AddTagsToResourceResult {})
        })
        .await
}

pub(super) async fn remove_tags_from_resource(
    secrets: &Secrets,
    context: &Context,
    input: RemoveTagsFromResourceRequest,
) -> Result<RemoveTagsFromResourceResult, ApiError> {
    let scope = context.scope.clone();
    secrets
        .store
        .write(move |tx| {
            let (key, mut found) = find(&tx.snapshot(), &scope, &input.resource_type, &input.resource_id)?;
            found.tags.retain(|key, _| !input.tag_keys.contains(key));
            tx.put(PARAMETERS, &key, found);
            Ok(RemoveTagsFromResourceResult {})
        })
        .await
}

pub(super) async fn list_tags_for_resource(
    secrets: &Secrets,
    context: &Context,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResult, ApiError> {
    let snapshot = secrets.store.snapshot();
    let (_, found) = find(
        &snapshot,
        &context.scope,
        &input.resource_type,
        &input.resource_id,
    )?;
    let tags = found.tags.into_iter().map(|(key, value)| Tag { key, value });
    Ok(ListTagsForResourceResult {
        tag_list: Some(tags.collect()),
    })
}
