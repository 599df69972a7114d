//! Staging labels: each is on one version of a secret at most.

use aws_protocol::{ApiError, Context};
use aws_shape::secretsmanager::*;

use super::{CURRENT, PREVIOUS, find_living, invalid};
use crate::{SECRETS, Secrets, model};

/// Puts a label on a version and takes it from the one that had it. Who loses `AWSCURRENT` becomes the previous one.
pub(super) fn attach(secret: &mut model::Secret, label: &str, id: &str) {
    let holder = secret.staged(label).map(|version| version.id.clone());
    if holder.as_deref() == Some(id) {
        return;
    }
    detach(secret, label);
    if let Some(version) = secret.versions.iter_mut().find(|version| version.id == id) {
        version.stages.push(label.to_owned());
    }
    if let (CURRENT, Some(holder)) = (label, holder) {
        attach(secret, PREVIOUS, &holder);
    }
}

fn detach(secret: &mut model::Secret, label: &str) {
    for version in &mut secret.versions {
        version.stages.retain(|it| it != label);
    }
}

pub(super) async fn update_secret_version_stage(
    secrets: &Secrets,
    context: &Context,
    input: UpdateSecretVersionStageRequest,
) -> Result<UpdateSecretVersionStageResponse, ApiError> {
    let (scope, now) = (context.scope.clone(), secrets.clock.now());
    secrets
        .store
        .write(move |tx| {
            let (key, found) = find_living(&tx.snapshot(), &scope, &input.secret_id)?;
            let mut secret = model::Secret::clone(&found);
            let label = input.version_stage.as_str();
            let (from, to) = (input.remove_from_version_id, input.move_to_version_id);
            check(&secret, label, from.as_deref(), to.as_deref())?;
            match to {
                Some(to) => attach(&mut secret, label, &to),
                None => detach(&mut secret, label),
            }
            secret.changed_at = now;
            let answer = UpdateSecretVersionStageResponse {
                arn: Some(secret.arn.clone()),
                name: Some(secret.name.clone()),
            };
            tx.put(SECRETS, &key, secret);
            Ok(answer)
        })
        .await
}

fn check(secret: &model::Secret, label: &str, from: Option<&str>, to: Option<&str>) -> Result<(), ApiError> {
    for id in [from, to].into_iter().flatten() {
        if secret.version(id).is_none() {
            let message =
                format!("Secrets Manager can't find the specified secret value for VersionId: {id}");
            return Err(ApiError::client("ResourceNotFoundException", message));
        }
    }
    let holder = secret.staged(label).map(|version| version.id.as_str());
    if to.is_none() && label == CURRENT {
        return Err(invalid(format!(
            "You can only move staging label {CURRENT} to a different secret version. It can't be completely removed."
        )));
    }
    match (holder, from) {
        (_, None) if to.is_none() => Err(invalid(
            "You must specify at least one of RemoveFromVersionId and MoveToVersionId.",
        )),
        (Some(holder), Some(from)) if holder == from => Ok(()),
        (_, Some(from)) => Err(invalid(format!(
            "The parameter RemoveFromVersionId is not valid. Staging label {label} is not currently attached to \
             version {from}."
        ))),
        (Some(holder), None) if Some(holder) != to => Err(invalid(format!(
            "The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached to version \
             {holder}, so you must explicitly reference that version in RemoveFromVersionId."
        ))),
        (_, None) => Ok(()),
    }
}
