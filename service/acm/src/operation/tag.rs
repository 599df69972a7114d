//! Tags of certificates.

use std::collections::BTreeMap;

use aws_protocol::{ApiError, Context};
use aws_shape::acm::*;

use crate::Acm;
use crate::error::{invalid_tag, too_many_tags};
use crate::model;
use crate::table::{self, CERTIFICATES};

const TAGS_MAX: usize = 50;

type Tags = BTreeMap<String, String>;

/// New tags.
pub(super) fn checked(tags: Vec<Tag>) -> Result<Tags, ApiError> {
    let mut found = Tags::new();
    for tag in tags {
        if tag.key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid_tag("Tag keys that start with 'aws:' are reserved."));
        }
        if found
            .insert(tag.key.clone(), tag.value.unwrap_or_default())
            .is_some()
        {
            return Err(invalid_tag(format!("The tag key '{}' is given twice.", tag.key)));
        }
    }
    if found.len() > TAGS_MAX {
        return Err(too_many_tags());
    }
    Ok(found)
}

async fn change(
    acm: &Acm,
    context: &Context,
    arn: String,
    change: impl FnOnce(&mut Tags) + Send + 'static,
) -> Result<(), ApiError> {
    let scope = context.scope.clone();
    let written = acm.store.write(move |tx| {
        let (place, row) = table::certificate(&tx.snapshot(), &scope, &arn)?;
        let mut row = model::Certificate::clone(&row);
        change(&mut row.tags);
        if row.tags.len() > TAGS_MAX {
            return Err(too_many_tags());
        }
        tx.put(CERTIFICATES, &place, row);
        Ok(())
    });
    written.await
}

pub(super) async fn add_tags_to_certificate(
    acm: &Acm,
    context: &Context,
    input: AddTagsToCertificateRequest,
) -> Result<(), ApiError> {
    let new = checked(input.tags)?;
    change(acm, context, input.certificate_arn, |tags| tags.extend(new)).await
}

/// A tag that is given with a value goes only if it has that value.
pub(super) async fn remove_tags_from_certificate(
    acm: &Acm,
    context: &Context,
    input: RemoveTagsFromCertificateRequest,
) -> Result<(), ApiError> {
    let old = input.tags;
    let goes = move |key: &String, value: &String| {
        let same = |tag: &Tag| tag.key == *key && tag.value.as_ref().is_none_or(|it| it == value);
        old.iter().any(same)
    };
    let remove = move |tags: &mut Tags| tags.retain(|key, value| !goes(key, value));
    change(acm, context, input.certificate_arn, remove).await
}

pub(super) async fn list_tags_for_certificate(
    acm: &Acm,
    context: &Context,
    input: ListTagsForCertificateRequest,
) -> Result<ListTagsForCertificateResponse, ApiError> {
    let (_, row) = table::certificate(&acm.store.snapshot(), &context.scope, &input.certificate_arn)?;
    let shapes = row.tags.iter().map(|(key, value)| Tag {
        key: key.clone(),
        value: Some(value.clone()),
    });
    Ok(ListTagsForCertificateResponse {
        tags: Some(shapes.collect()),
    })
}
