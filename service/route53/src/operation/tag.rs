//! Tags of hosted zones and health checks.

use aws_protocol::{ApiError, Context};
use aws_shape::route53::*;
use base_store::Snapshot;

use crate::error::invalid;
use crate::model::{self, Tags};
use crate::table::{self, CHECKS, ZONES, key};
use crate::{Route53, name};

const TAGS_MAX: usize = 10;

pub(super) async fn change_tags_for_resource(
    route53: &Route53,
    context: &Context,
    input: ChangeTagsForResourceRequest,
) -> Result<ChangeTagsForResourceResponse, ApiError> {
    let context = context.clone();
    route53
        .store
        .write(move |tx| {
            let snapshot = tx.snapshot();
            let id = name::id(&input.resource_id).to_owned();
            let mut tags = tags(&snapshot, &context, &input.resource_type, &id)?;
            for gone in input.remove_tag_keys.iter().flatten() {
                tags.remove(gone);
            }
            for tag in input.add_tags.into_iter().flatten() {
                tags.insert(tag.key.unwrap_or_default(), tag.value.unwrap_or_default());
            }
            if tags.len() > TAGS_MAX {
                return Err(invalid(format!("A resource can have at most {TAGS_MAX} tags.")));
            }
            let place = key(&context, &id);
            match input.resource_type {
                TagResourceType::Healthcheck => {
                    let row = table::check(&snapshot, &context, &id)?;
                    let row = model::HealthCheck {
                        tags,
                        ..model::HealthCheck::clone(&row)
                    };
                    tx.put(CHECKS, &place, row);
                }
                _ => {
                    let row = table::zone(&snapshot, &context, &id)?;
                    tx.put(
                        ZONES,
                        &place,
                        model::Zone {
                            tags,
                            ..model::Zone::clone(&row)
                        },
                    );
                }
            }
            Ok(ChangeTagsForResourceResponse {})
        })
        .await
}

fn tags(snapshot: &Snapshot, context: &Context, kind: &TagResourceType, id: &str) -> Result<Tags, ApiError> {
    Ok(match kind {
        TagResourceType::Healthcheck => table::check(snapshot, context, id)?.tags.clone(),
        _ => table::zone(snapshot, context, id)?.tags.clone(),
    })
}

fn set(
    snapshot: &Snapshot,
    context: &Context,
    kind: &TagResourceType,
    given: &str,
) -> Result<ResourceTagSet, ApiError> {
    let id = name::id(given);
    let tags = tags(snapshot, context, kind, id)?;
    let tag = |(key, value): (String, String)| Tag {
        key: Some(key),
        value: Some(value),
    };
    Ok(ResourceTagSet {
        resource_type: Some(kind.clone()),
        resource_id: Some(id.to_owned()),
        tags: Some(tags.into_iter().map(tag).collect()),
    })
}

pub(super) async fn list_tags_for_resource(
    route53: &Route53,
    context: &Context,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, ApiError> {
    let snapshot = route53.store.snapshot();
    Ok(ListTagsForResourceResponse {
        resource_tag_set: set(&snapshot, context, &input.resource_type, &input.resource_id)?,
    })
}

pub(super) async fn list_tags_for_resources(
    route53: &Route53,
    context: &Context,
    input: ListTagsForResourcesRequest,
) -> Result<ListTagsForResourcesResponse, ApiError> {
    let snapshot = route53.store.snapshot();
    let sets = input.resource_ids.iter();
    let sets = sets.map(|id| set(&snapshot, context, &input.resource_type, id));
    Ok(ListTagsForResourcesResponse {
        resource_tag_sets: sets.collect::<Result<_, _>>()?,
    })
}
