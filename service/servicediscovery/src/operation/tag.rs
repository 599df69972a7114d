//! Tags of namespaces and services.

use std::collections::BTreeMap;

use aws_protocol::{ApiError, Context};
use aws_shape::servicediscovery::*;
use base_id::Scope;
use base_store::Transaction;

use super::namespace::namespace_arn;
use super::service::service_arn;
use crate::ServiceDiscovery;
use crate::error::{invalid, resource_not_found, too_many_tags};
use crate::model;
use crate::table::{self, NAMESPACES, SERVICES, key};

const TAGS_MAX: usize = 50;

type Tags = BTreeMap<String, String>;

/// The tags of something new.
pub(super) fn checked(tags: Vec<Tag>, arn: impl Fn() -> String) -> Result<Tags, ApiError> {
    let mut found = Tags::new();
    for tag in tags {
        if tag.key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid("Tag keys that start with 'aws:' are reserved."));
        }
        if found.insert(tag.key.clone(), tag.value).is_some() {
            return Err(invalid(format!("The tag key '{}' is given twice.", tag.key)));
        }
    }
    if found.len() > TAGS_MAX {
        return Err(too_many_tags(arn()));
    }
    Ok(found)
}

enum Owner {
    Namespace(model::Namespace),
    Service(model::Service),
}

impl Owner {
    fn tags(&mut self) -> &mut Tags {
        match self {
            Self::Namespace(row) => &mut row.tags,
            Self::Service(row) => &mut row.tags,
        }
    }

    fn of(snapshot: &base_store::Snapshot, scope: &Scope, arn: &str) -> Result<Self, ApiError> {
        let id = table::id_of(arn);
        let found = if arn == namespace_arn(scope, id) {
            let row = table::namespace(snapshot, scope, id).ok();
            row.map(|row| Self::Namespace(model::Namespace::clone(&row)))
        } else if arn == service_arn(scope, id) {
            let row = table::service(snapshot, scope, id).ok();
            row.map(|row| Self::Service(model::Service::clone(&row)))
        } else {
            None
        };
        found.ok_or_else(resource_not_found)
    }

    fn put(self, tx: &mut Transaction, scope: &Scope) {
        match self {
            Self::Namespace(row) => tx.put(NAMESPACES, &key(scope, &row.id), row.clone()),
            Self::Service(row) => tx.put(SERVICES, &key(scope, &row.id), row.clone()),
        }
    }
}

pub(super) async fn list_tags_for_resource(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, ApiError> {
    let snapshot = servicediscovery.store.snapshot();
    let mut owner = Owner::of(&snapshot, &context.scope, &input.resource_arn)?;
    let shapes = owner.tags().iter().map(|(key, value)| Tag {
        key: key.clone(),
        value: value.clone(),
    });
    Ok(ListTagsForResourceResponse {
        tags: Some(shapes.collect()),
    })
}

pub(super) async fn tag_resource(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: TagResourceRequest,
) -> Result<TagResourceResponse, ApiError> {
    let scope = context.scope.clone();
    let new = checked(input.tags, || input.resource_arn.clone())?;
    let arn = input.resource_arn;
    let written = servicediscovery.store.write(move |tx| {
        let mut owner = Owner::of(&tx.snapshot(), &scope, &arn)?;
        owner.tags().extend(new);
        if owner.tags().len() > TAGS_MAX {
            return Err(too_many_tags(arn));
        }
        owner.put(tx, &scope);
        Ok(TagResourceResponse {})
    });
    written.await
}

pub(super) async fn untag_resource(
    servicediscovery: &ServiceDiscovery,
    context: &Context,
    input: UntagResourceRequest,
) -> Result<UntagResourceResponse, ApiError> {
    let scope = context.scope.clone();
    let written = servicediscovery.store.write(move |tx| {
        let mut owner = Owner::of(&tx.snapshot(), &scope, &input.resource_arn)?;
        owner.tags().retain(|name, _| !input.tag_keys.contains(name));
        owner.put(tx, &scope);
        Ok(UntagResourceResponse {})
    });
    written.await
}
