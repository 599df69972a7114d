//! Tags of secrets.

use std::collections::BTreeMap;

use aws_protocol::{ApiError, Context};
use aws_shape::secretsmanager::*;

use super::{find_living, tags};
use crate::{SECRETS, Secrets, model};

const TAGS_MAX: usize = 50;

pub(super) async fn tag_resource(
    secrets: &Secrets,
    context: &Context,
    input: TagResourceRequest,
) -> Result<(), ApiError> {
    let new = tags(input.tags)?;
    edit(secrets, context, input.secret_id, move |tags| tags.extend(new)).await
}

pub(super) async fn untag_resource(
    secrets: &Secrets,
    context: &Context,
    input: UntagResourceRequest,
) -> Result<(), ApiError> {
    edit(secrets, context, input.secret_id, move |tags| {
        tags.retain(|key, _| !input.tag_keys.contains(key))
    })
    .await
}

async fn edit(
    secrets: &Secrets,
    context: &Context,
    id: String,
    change: impl FnOnce(&mut BTreeMap<String, String>) + Send + 'static,
) -> Result<(), ApiError> {
    let (scope, now) = (context.scope.clone(), secrets.clock.now());
    secrets
        .store
        .write(move |tx| {
            let (key, found) = find_living(&tx.snapshot(), &scope, &id)?;
            let mut secret = model::Secret::clone(&found);
            change(&mut secret.tags);
            if secret.tags.len() > TAGS_MAX {
                let message = format!("A secret can't have more than {TAGS_MAX} tags.");
                return Err(ApiError::client("LimitExceededException", message));
            }
            secret.changed_at = now;
            tx.put(SECRETS, &key, secret);
            Ok(())
        })
        .await
}
