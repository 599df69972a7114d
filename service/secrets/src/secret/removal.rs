//! Deleting with a way back, and without.

use std::time::Duration;

use aws_protocol::{ApiError, Context};
use aws_shape::secretsmanager::*;
use base_id::Scope;
use base_store::Transaction;

use super::{find, find_living, invalid, place, refused};
use crate::{SECRET_VALUES, SECRETS, Secrets, model};

const RECOVERY_DAYS_DEFAULT: i64 = 30;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes a secret and its values for good.
pub(crate) fn remove(tx: &mut Transaction, key: &str) {
    for (value, _) in tx.prefix(SECRET_VALUES, &place(key, "")) {
        tx.delete(SECRET_VALUES, &value);
    }
    tx.delete(SECRETS, key);
}

pub(super) async fn delete_secret(
    secrets: &Secrets,
    context: &Context,
    input: DeleteSecretRequest,
) -> Result<DeleteSecretResponse, ApiError> {
    let (scope, now) = (context.scope.clone(), secrets.clock.now());
    let force = input.force_delete_without_recovery == Some(true);
    if force && input.recovery_window_in_days.is_some() {
        return Err(invalid(
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        ));
    }
    let days = input.recovery_window_in_days.unwrap_or(RECOVERY_DAYS_DEFAULT);
    if !(7..=30).contains(&days) {
        return Err(invalid(
            "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
        ));
    }
    secrets
        .store
        .write(move |tx| {
            let snapshot = tx.snapshot();
            if force {
                // What is not there is as gone as was asked for.
                let Ok((key, secret)) = find(&snapshot, &scope, &input.secret_id) else {
                    return Ok(absent(&scope, input.secret_id, now));
                };
                remove(tx, &key);
                return Ok(deleted(&secret, now));
            }
            let (key, found) = find_living(&snapshot, &scope, &input.secret_id).map_err(|error| {
                if error.code == "InvalidRequestException" {
                    refused(
                        "You can't perform this operation on the secret because it was already scheduled for \
                         deletion.",
                    )
                } else {
                    error
                }
            })?;
            let at = now + DAY * u32::try_from(days).unwrap_or(30);
            let secret = model::Secret {
                deletion_at: Some(at),
                ..model::Secret::clone(&found)
            };
            let answer = deleted(&secret, at);
            tx.put(SECRETS, &key, secret);
            Ok(answer)
        })
        .await
}

fn absent(scope: &Scope, id: String, at: jiff::Timestamp) -> DeleteSecretResponse {
    let head = scope.arn("secretsmanager", "secret:");
    let name = id.strip_prefix(&head).unwrap_or(&id).to_owned();
    DeleteSecretResponse {
        arn: Some(format!("{head}{name}")),
        name: Some(name),
        deletion_date: Some(at),
    }
}

fn deleted(secret: &model::Secret, at: jiff::Timestamp) -> DeleteSecretResponse {
    DeleteSecretResponse {
        arn: Some(secret.arn.clone()),
        name: Some(secret.name.clone()),
        deletion_date: Some(at),
    }
}

pub(super) async fn restore_secret(
    secrets: &Secrets,
    context: &Context,
    input: RestoreSecretRequest,
) -> Result<RestoreSecretResponse, ApiError> {
    let scope = context.scope.clone();
    secrets
        .store
        .write(move |tx| {
            let (key, found) = find(&tx.snapshot(), &scope, &input.secret_id)?;
            let secret = model::Secret {
                deletion_at: None,
                ..model::Secret::clone(&found)
            };
            let answer = RestoreSecretResponse {
                arn: Some(secret.arn.clone()),
                name: Some(secret.name.clone()),
            };
            tx.put(SECRETS, &key, secret);
            Ok(answer)
        })
        .await
}
