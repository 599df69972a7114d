//! Tags of clusters, container instances, task definitions, services and tasks.

use aws_protocol::{ApiError, Context};
use aws_shape::ecs::*;
use base_id::Scope;
use base_store::{Table, Transaction};

use crate::Ecs;
use crate::error::invalid;
use crate::model::Tags;
use crate::table::{CLUSTERS, DEFINITIONS, INSTANCES, PROVIDERS, SERVICES, TASKS, definition_key, key};
use crate::view;

const TAGS_MAX: usize = 50;
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

/// The tags that a caller gives something new.
///
/// # Errors
/// In AWS's words.
pub(super) fn parse(given: Option<Vec<Tag>>) -> Result<Tags, ApiError> {
    let mut tags = Tags::new();
    for tag in given.into_iter().flatten() {
        let (key, value) = (tag.key.unwrap_or_default(), tag.value.unwrap_or_default());
        if !(1..=KEY_CHARS_MAX).contains(&key.chars().count()) {
            return Err(invalid(format!(
                "The tag key '{key}' must have 1 to {KEY_CHARS_MAX} characters."
            )));
        }
        if value.chars().count() > VALUE_CHARS_MAX {
            return Err(invalid(format!(
                "The value of the tag '{key}' has more than {VALUE_CHARS_MAX} characters."
            )));
        }
        if key.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("aws:")) {
            return Err(invalid(
                "Some tags contain invalid characters. Valid characters: UTF-8 letters, spaces, numbers and _ . / = + - : @. Keys must not begin with 'aws:'.",
            ));
        }
        if tags.insert(key.clone(), value).is_some() {
            return Err(invalid(format!("Duplicate tag key '{key}'.")));
        }
    }
    check_count(&tags)?;
    Ok(tags)
}

fn check_count(tags: &Tags) -> Result<(), ApiError> {
    if tags.keys().filter(|key| !key.starts_with("aws:")).count() > TAGS_MAX {
        return Err(invalid(format!(
            "The number of tags exceeds the limit of {TAGS_MAX}."
        )));
    }
    Ok(())
}

/// Reads and, if `edit` is given, changes the tags of whatever the ARN names.
fn visit(tx: &mut Transaction, scope: &Scope, arn: &str, edit: &dyn Fn(&mut Tags)) -> Result<Tags, ApiError> {
    let refuse = || {
        invalid(format!(
            "The specified resource ARN is not valid or does not exist: {arn}"
        ))
    };
    let rest = arn.strip_prefix(&scope.arn("ecs", "")).ok_or_else(refuse)?;
    let (kind, name) = rest.split_once('/').ok_or_else(refuse)?;
    let tags = match kind {
        "cluster" => change(tx, CLUSTERS, &key(scope, name), |row| &mut row.tags, edit),
        "service" => change(tx, SERVICES, &key(scope, name), |row| &mut row.tags, edit),
        "capacity-provider" => change(tx, PROVIDERS, &key(scope, name), |row| &mut row.tags, edit),
        "container-instance" => change(tx, INSTANCES, &key(scope, name), |row| &mut row.tags, edit),
        "task" => change(tx, TASKS, &key(scope, name), |row| &mut row.tags, edit),
        "task-definition" => {
            let (family, revision) = crate::model::name::task_definition(scope, arn)?;
            let place = definition_key(scope, &family, revision.unwrap_or_default());
            change(tx, DEFINITIONS, &place, |row| &mut row.tags, edit)
        }
        _ => None,
    };
    tags.ok_or_else(refuse)
}

fn change<T: Clone + serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static>(
    tx: &mut Transaction,
    table: Table<T>,
    place: &str,
    tags: impl Fn(&mut T) -> &mut Tags,
    edit: &dyn Fn(&mut Tags),
) -> Option<Tags> {
    let mut row = T::clone(&*tx.get(table, place)?);
    let tags = tags(&mut row);
    edit(tags);
    let answer = tags.clone();
    tx.put(table, place, row);
    Some(answer)
}

pub(super) async fn tag_resource(
    ecs: &Ecs,
    context: &Context,
    input: TagResourceRequest,
) -> Result<TagResourceResponse, ApiError> {
    let (scope, new) = (context.scope.clone(), parse(Some(input.tags))?);
    ecs.store
        .write(move |tx| {
            let tags = visit(tx, &scope, &input.resource_arn, &|tags| tags.extend(new.clone()))?;
            check_count(&tags)
        })
        .await?;
    Ok(TagResourceResponse {})
}

pub(super) async fn untag_resource(
    ecs: &Ecs,
    context: &Context,
    input: UntagResourceRequest,
) -> Result<UntagResourceResponse, ApiError> {
    let (scope, gone) = (context.scope.clone(), input.tag_keys);
    ecs.store
        .write(move |tx| {
            visit(tx, &scope, &input.resource_arn, &|tags| {
                tags.retain(|key, _| !gone.contains(key))
            })
        })
        .await?;
    Ok(UntagResourceResponse {})
}

pub(super) async fn list_tags_for_resource(
    ecs: &Ecs,
    context: &Context,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, ApiError> {
    let scope = context.scope.clone();
    let tags = ecs
        .store
        .write(move |tx| visit(tx, &scope, &input.resource_arn, &|_| {}))
        .await?;
    Ok(ListTagsForResourceResponse {
        tags: Some(view::tags(&tags)),
    })
}
