//! Attributes of container instances.

use aws_protocol::{ApiError, Context, page};
use aws_shape::ecs::*;
use base_id::Scope;
use base_store::Transaction;

use super::PAGE_ITEMS_MAX;
use crate::Ecs;
use crate::error::invalid;
use crate::model::instance::Instance;
use crate::table::{self, INSTANCES, key};
use crate::view;

const NAME_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 128;
const ATTRIBUTES_PER_CALL_MAX: usize = 10;
const CUSTOM_PER_INSTANCE_MAX: usize = 10;
/// How the names of attributes begin that ECS and its agent set.
const RESERVED: [&str; 2] = ["ecs.", "com.amazonaws."];

/// # Errors
/// In AWS's words.
pub(super) fn check(one: &Attribute) -> Result<(), ApiError> {
    let name = |c: char| c.is_ascii_alphanumeric() || "-_./\\".contains(c);
    if !(1..=NAME_CHARS_MAX).contains(&one.name.len()) || !one.name.chars().all(name) {
        return Err(invalid(format!(
            "Attribute name '{}' is not valid: it has 1 to {NAME_CHARS_MAX} letters, digits, hyphens, underscores, slashes, back slashes or periods.",
            one.name
        )));
    }
    let value = |c: char| c.is_ascii_alphanumeric() || "-_.@:/\\ ".contains(c);
    let text = one.value.as_deref().unwrap_or_default();
    if text.len() > VALUE_CHARS_MAX || !text.chars().all(value) || text != text.trim() {
        return Err(invalid(format!(
            "Attribute value '{text}' is not valid: it has up to {VALUE_CHARS_MAX} letters, digits, hyphens, underscores, at signs, slashes, back slashes, colons, periods or spaces, and no space at its ends."
        )));
    }
    Ok(())
}

fn is_reserved(name: &str) -> bool {
    RESERVED.iter().any(|head| name.starts_with(head))
}

/// Changes the instances that the attributes name; answers the attributes with full names of their targets.
fn change(
    tx: &mut Transaction,
    scope: &Scope,
    cluster: Option<&str>,
    attributes: Vec<Attribute>,
    edit: impl Fn(&mut Instance, &Attribute) -> Result<(), ApiError>,
) -> Result<Vec<Attribute>, ApiError> {
    let cluster = table::cluster(&tx.snapshot(), scope, cluster)?;
    if attributes.is_empty() {
        return Err(invalid("Attributes can not be empty."));
    }
    if attributes.len() > ATTRIBUTES_PER_CALL_MAX {
        return Err(invalid(format!(
            "Attributes can have at most {ATTRIBUTES_PER_CALL_MAX} items."
        )));
    }
    let mut changed = Vec::new();
    for one in attributes {
        check(&one)?;
        if is_reserved(&one.name) {
            return Err(invalid(format!("Attribute name {} is reserved.", one.name)));
        }
        let target = one.target_id.clone().unwrap_or_default();
        let found = table::instance(&tx.snapshot(), scope, &cluster.name, &target);
        let Some(found) = found else {
            let message = format!("Could not find target with ARN or ID {target}.");
            return Err(ApiError::client("TargetNotFoundException", message));
        };
        let mut row = Instance::clone(&found);
        edit(&mut row, &one)?;
        row.version += u64::from(row.attributes != found.attributes);
        changed.push(Attribute {
            target_type: Some(TargetType::ContainerInstance),
            target_id: Some(row.arn.clone()),
            ..one
        });
        tx.put(INSTANCES, &key(scope, &row.path()), row);
    }
    Ok(changed)
}

pub(super) async fn put_attributes(
    ecs: &Ecs,
    context: &Context,
    input: PutAttributesRequest,
) -> Result<PutAttributesResponse, ApiError> {
    let scope = context.scope.clone();
    let put = |row: &mut Instance, one: &Attribute| {
        let value = one.value.clone().filter(|value| !value.is_empty());
        row.attributes.insert(one.name.clone(), value);
        let custom = row.attributes.keys().filter(|name| !is_reserved(name));
        if custom.count() > CUSTOM_PER_INSTANCE_MAX {
            let message = format!(
                "Attribute limit exceeded: a resource has at most {CUSTOM_PER_INSTANCE_MAX} attributes."
            );
            return Err(ApiError::client("AttributeLimitExceededException", message));
        }
        Ok(())
    };
    let attributes = ecs
        .store
        .write(move |tx| change(tx, &scope, input.cluster.as_deref(), input.attributes, put))
        .await?;
    Ok(PutAttributesResponse {
        attributes: Some(attributes),
    })
}

pub(super) async fn delete_attributes(
    ecs: &Ecs,
    context: &Context,
    input: DeleteAttributesRequest,
) -> Result<DeleteAttributesResponse, ApiError> {
    let scope = context.scope.clone();
    let delete = |row: &mut Instance, one: &Attribute| {
        row.attributes.remove(&one.name);
        Ok(())
    };
    let attributes = ecs
        .store
        .write(move |tx| change(tx, &scope, input.cluster.as_deref(), input.attributes, delete))
        .await?;
    Ok(DeleteAttributesResponse {
        attributes: Some(attributes),
    })
}

pub(super) async fn list_attributes(
    ecs: &Ecs,
    context: &Context,
    input: ListAttributesRequest,
) -> Result<ListAttributesResponse, ApiError> {
    let (scope, snapshot) = (&context.scope, ecs.store.snapshot());
    let cluster = table::cluster(&snapshot, scope, input.cluster.as_deref())?;
    if input.target_type != TargetType::ContainerInstance {
        return Err(invalid("targetType should be one of [container-instance]"));
    }
    if input.attribute_value.is_some() && input.attribute_name.is_none() {
        return Err(invalid(
            "Attribute name is required when an attribute value is given.",
        ));
    }
    let wanted = |one: &Attribute| {
        input.attribute_name.as_ref().is_none_or(|name| *name == one.name)
            && (input.attribute_value.is_none() || input.attribute_value == one.value)
    };
    let rows = table::instances(&snapshot, scope, &cluster.name);
    let all = rows.iter().flat_map(|row| {
        row.attributes.iter().map(|(name, value)| Attribute {
            name: name.clone(),
            value: value.clone(),
            target_type: Some(TargetType::ContainerInstance),
            target_id: Some(view::instance_arn(scope, &row.cluster, &row.id)),
        })
    });
    let (attributes, next_token) = page(
        all.filter(wanted).collect(),
        input.max_results,
        PAGE_ITEMS_MAX,
        input.next_token.as_deref(),
    )?;
    Ok(ListAttributesResponse {
        attributes: Some(attributes),
        next_token,
    })
}
