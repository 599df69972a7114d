//! Tags of groups, and whether their instances get them.

use std::collections::BTreeMap;

use aws_protocol::{ApiError, Context, page};
use aws_shape::autoscaling::*;

use crate::Autoscaling;
use crate::error::{bad_token, validation};
use crate::model;
use crate::table::{self, GROUPS, key};

const KIND: &str = "auto-scaling-group";
const TAGS_MAX: usize = 50;
const PAGE_MAX: usize = 100;
const PAGE_DEFAULT: i32 = 50;

/// Tags that must be of this group.
pub(super) fn parse(group: &str, given: Vec<Tag>) -> Result<BTreeMap<String, model::Tag>, ApiError> {
    let mut tags = BTreeMap::new();
    for tag in given {
        if tag.resource_id.as_ref().is_some_and(|id| id != group) {
            return Err(validation("Tags must be of the group that is created."));
        }
        let (key, value) = checked(tag)?;
        tags.insert(key, value);
    }
    if tags.len() > TAGS_MAX {
        return Err(validation(format!("A group has at most {TAGS_MAX} tags.")));
    }
    Ok(tags)
}

fn checked(tag: Tag) -> Result<(String, model::Tag), ApiError> {
    if tag.resource_type.as_ref().is_some_and(|kind| kind != KIND) {
        return Err(validation(format!("The only resource type of tags is {KIND}.")));
    }
    if tag.key.to_ascii_lowercase().starts_with("aws:") {
        let message = "Tag keys starting with 'aws:' are reserved for internal use.";
        return Err(validation(message));
    }
    let value = model::Tag {
        value: tag.value.unwrap_or_default(),
        propagate: tag.propagate_at_launch.unwrap_or(false),
    };
    Ok((tag.key, value))
}

pub(super) fn shapes(group: &model::Group) -> Vec<TagDescription> {
    group
        .tags
        .iter()
        .map(|(key, tag)| TagDescription {
            resource_id: Some(group.name.clone()),
            resource_type: Some(KIND.to_owned()),
            key: Some(key.clone()),
            value: Some(tag.value.clone()),
            propagate_at_launch: Some(tag.propagate),
        })
        .collect()
}

fn owner(tag: &Tag) -> Result<String, ApiError> {
    tag.resource_id
        .clone()
        .ok_or_else(|| validation("Each tag must have a ResourceId."))
}

pub(super) async fn create_or_update_tags(
    autoscaling: &Autoscaling,
    context: &Context,
    input: CreateOrUpdateTagsType,
) -> Result<(), ApiError> {
    let scope = context.scope.clone();
    autoscaling
        .store
        .write(move |tx| {
            for tag in input.tags {
                let mut group = table::group(&tx.snapshot(), &scope, &owner(&tag)?)?;
                let (name, value) = checked(tag)?;
                group.tags.insert(name, value);
                if group.tags.len() > TAGS_MAX {
                    return Err(validation(format!("A group has at most {TAGS_MAX} tags.")));
                }
                tx.put(GROUPS, &key(&scope, &group.name), group.clone());
            }
            Ok(())
        })
        .await
}

pub(super) async fn delete_tags(
    autoscaling: &Autoscaling,
    context: &Context,
    input: DeleteTagsType,
) -> Result<(), ApiError> {
    let scope = context.scope.clone();
    autoscaling
        .store
        .write(move |tx| {
            for tag in input.tags {
                let mut group = table::group(&tx.snapshot(), &scope, &owner(&tag)?)?;
                group.tags.remove(&tag.key);
                tx.put(GROUPS, &key(&scope, &group.name), group.clone());
            }
            Ok(())
        })
        .await
}

pub(super) async fn describe_tags(
    autoscaling: &Autoscaling,
    context: &Context,
    input: DescribeTagsType,
) -> Result<TagsType, ApiError> {
    let groups = table::groups(&autoscaling.store.snapshot(), &context.scope);
    let mut found: Vec<TagDescription> = groups.iter().flat_map(|group| shapes(group)).collect();
    for filter in input.filters.into_iter().flatten() {
        let values = filter.values.unwrap_or_default();
        let name = filter.name.unwrap_or_default();
        let fact: fn(&TagDescription) -> Option<String> = match name.as_str() {
            "auto-scaling-group" => |it| it.resource_id.clone(),
            "key" => |it| it.key.clone(),
            "value" => |it| it.value.clone(),
            "propagate-at-launch" => |it| it.propagate_at_launch.map(|on| on.to_string()),
            _ => return Err(validation(format!("The filter name '{name}' is not valid."))),
        };
        found.retain(|it| fact(it).is_some_and(|value| values.contains(&value)));
    }
    let limit = input.max_records.or(Some(PAGE_DEFAULT));
    let (tags, next_token) = page(found, limit, PAGE_MAX, input.next_token.as_deref()).map_err(bad_token)?;
    Ok(TagsType {
        tags: Some(tags),
        next_token,
    })
}
