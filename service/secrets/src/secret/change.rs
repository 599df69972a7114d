//! New secrets and new versions of their values.

use aws_protocol::{ApiError, Context};
use aws_shape::secretsmanager::*;
use base_store::Transaction;

use super::{CURRENT, find_living, invalid, key, place, refused, stage, tags};
use crate::{SECRET_VALUES, SECRETS, Secrets, model};

/// Versions of one secret; of more than these the oldest without a label goes.
const VERSIONS_MAX: usize = 100;
const STAGES_MAX: usize = 20;
/// Characters of an ARN that nobody can foresee.
const ARN_DIGITS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A value as it came.
struct Plain {
    bytes: Vec<u8>,
    is_binary: bool,
}

fn plain(text: Option<String>, binary: Option<Vec<u8>>) -> Result<Option<Plain>, ApiError> {
    match (text, binary) {
        (Some(_), Some(_)) => Err(invalid(
            "You can't specify both a binary secret value and a string secret value in the same secret.",
        )),
        (Some(text), None) => Ok(Some(Plain {
            bytes: text.into_bytes(),
            is_binary: false,
        })),
        (None, Some(bytes)) => Ok(Some(Plain {
            bytes,
            is_binary: true,
        })),
        (None, None) => Ok(None),
    }
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let allowed = |it: char| it.is_ascii_alphanumeric() || "-/_+=.@!".contains(it);
    if name.is_empty() || !name.chars().all(allowed) {
        return Err(ApiError::client(
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        ));
    }
    Ok(())
}

pub(super) async fn create_secret(
    secrets: &Secrets,
    context: &Context,
    input: CreateSecretRequest,
) -> Result<CreateSecretResponse, ApiError> {
    check_name(&input.name)?;
    if input.add_replica_regions.is_some() {
        return Err(invalid("Wharf does not serve replicas of secrets yet."));
    }
    if input.type_.is_some() {
        return Err(invalid(
            "Wharf does not serve secrets of other parties (Type) yet.",
        ));
    }
    let plain = plain(input.secret_string, input.secret_binary)?;
    let tags = tags(input.tags.unwrap_or_default())?;
    let (scope, now) = (context.scope.clone(), secrets.clock.now());
    let suffix = random_text(secrets);
    let arn = scope.arn("secretsmanager", &format!("secret:{}-{suffix}", input.name));
    let mut secret = model::Secret {
        name: input.name,
        arn,
        description: input.description,
        kms_key_id: input.kms_key_id.filter(|id| !id.is_empty()),
        tags: tags.into_iter().collect(),
        created_at: now,
        changed_at: now,
        accessed_on: None,
        deletion_at: None,
        versions: vec![],
    };
    let id = input.client_request_token.unwrap_or_else(|| new_id(secrets));
    let this = secrets.clone();
    secrets
        .store
        .write(move |tx| {
            let key = key(&scope, &secret.name);
            if let Some(old) = tx.get(SECRETS, &key) {
                if old.deletion_at.is_some() {
                    return Err(refused(
                        "You can't create this secret because a secret with this name is already scheduled for \
                         deletion.",
                    ));
                }
                let Some(plain) = plain.filter(|_| old.version(&id).is_some()) else {
                    let message = format!(
                        "The operation failed because the secret {} already exists.",
                        old.name
                    );
                    return Err(ApiError::client("ResourceExistsException", message));
                };
                same_value(&this, tx, &key, &old, &id, &plain)?;
                return Ok(created(&old, Some(id)));
            }
            let version = match plain {
                Some(plain) => {
                    add_version(&this, tx, &key, &mut secret, &id, &plain, &[CURRENT.to_owned()])?;
                    Some(id)
                }
                None => None,
            };
            let answer = created(&secret, version);
            tx.put(SECRETS, &key, secret);
            Ok(answer)
        })
        .await
}

fn created(secret: &model::Secret, version_id: Option<String>) -> CreateSecretResponse {
    CreateSecretResponse {
        arn: Some(secret.arn.clone()),
        name: Some(secret.name.clone()),
        version_id,
        replication_status: None,
    }
}

pub(super) async fn put_secret_value(
    secrets: &Secrets,
    context: &Context,
    input: PutSecretValueRequest,
) -> Result<PutSecretValueResponse, ApiError> {
    if input.rotation_token.is_some() {
        return Err(invalid(
            "Wharf does not serve rotation yet, so no RotationToken is valid.",
        ));
    }
    let plain = plain(input.secret_string, input.secret_binary)?
        .ok_or_else(|| refused("You must provide either SecretString or SecretBinary."))?;
    let stages = input.version_stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
    let id = input.client_request_token.unwrap_or_else(|| new_id(secrets));
    let (scope, this) = (context.scope.clone(), secrets.clone());
    secrets
        .store
        .write(move |tx| {
            let (key, found) = find_living(&tx.snapshot(), &scope, &input.secret_id)?;
            let mut secret = model::Secret::clone(&found);
            add_version(&this, tx, &key, &mut secret, &id, &plain, &stages)?;
            let stages = secret.version(&id).map(|version| version.stages.clone());
            let answer = PutSecretValueResponse {
                arn: Some(secret.arn.clone()),
                name: Some(secret.name.clone()),
                version_id: Some(id),
                version_stages: stages,
            };
            tx.put(SECRETS, &key, secret);
            Ok(answer)
        })
        .await
}

pub(super) async fn update_secret(
    secrets: &Secrets,
    context: &Context,
    input: UpdateSecretRequest,
) -> Result<UpdateSecretResponse, ApiError> {
    if input.type_.is_some() {
        return Err(invalid(
            "Wharf does not serve secrets of other parties (Type) yet.",
        ));
    }
    let plain = plain(input.secret_string, input.secret_binary)?;
    let id = input.client_request_token.unwrap_or_else(|| new_id(secrets));
    let (scope, this) = (context.scope.clone(), secrets.clone());
    secrets
        .store
        .write(move |tx| {
            let (key, found) = find_living(&tx.snapshot(), &scope, &input.secret_id)?;
            let mut secret = model::Secret::clone(&found);
            secret.changed_at = this.clock.now();
            if input.description.is_some() {
                secret.description = input.description;
            }
            if let Some(id) = input.kms_key_id {
                secret.kms_key_id = Some(id).filter(|id| !id.is_empty());
            }
            let version_id = match plain {
                Some(plain) => {
                    add_version(&this, tx, &key, &mut secret, &id, &plain, &[CURRENT.to_owned()])?;
                    Some(id)
                }
                None => None,
            };
            let answer = UpdateSecretResponse {
                arn: Some(secret.arn.clone()),
                name: Some(secret.name.clone()),
                version_id,
            };
            tx.put(SECRETS, &key, secret);
            Ok(answer)
        })
        .await
}

/// Adds a version, or finds that the same request has done so already. The caller saves the secret.
fn add_version(
    secrets: &Secrets,
    tx: &mut Transaction,
    key: &str,
    secret: &mut model::Secret,
    id: &str,
    plain: &Plain,
    stages: &[String],
) -> Result<(), ApiError> {
    if secret.version(id).is_some() {
        return same_value(secrets, tx, key, secret, id, plain);
    }
    let stages: std::collections::BTreeSet<&String> = stages.iter().collect();
    if stages.len() > STAGES_MAX {
        let message = format!("A version can't have more than {STAGES_MAX} staging labels.");
        return Err(ApiError::client("LimitExceededException", message));
    }
    if secret.versions.len() >= VERSIONS_MAX {
        let oldest = secret
            .versions
            .iter()
            .position(|version| version.stages.is_empty());
        let Some(oldest) = oldest else {
            let message = format!("The secret has {VERSIONS_MAX} versions with staging labels.");
            return Err(ApiError::client("LimitExceededException", message));
        };
        let removed = secret.versions.remove(oldest);
        tx.delete(SECRET_VALUES, &place(key, &removed.id));
    }
    let now = secrets.clock.now();
    secret.changed_at = now;
    secret.versions.push(model::SecretVersion {
        id: id.to_owned(),
        created_at: now,
        accessed_on: None,
        stages: vec![],
        is_binary: plain.is_binary,
    });
    for label in stages {
        stage::attach(secret, label, id);
    }
    let place = place(key, id);
    let sealed = secrets.seal(&place, &plain.bytes);
    tx.put(SECRET_VALUES, &place, sealed);
    Ok(())
}

/// A token that was used before is good for the same value only.
fn same_value(
    secrets: &Secrets,
    tx: &Transaction,
    key: &str,
    secret: &model::Secret,
    id: &str,
    plain: &Plain,
) -> Result<(), ApiError> {
    let place = place(key, id);
    let kept = tx.get(SECRET_VALUES, &place);
    let kept = kept.and_then(|sealed| secrets.key.open(&place, &sealed.0));
    let is_binary = secret.version(id).is_some_and(|version| version.is_binary);
    if kept.as_ref() == Some(&plain.bytes) && is_binary == plain.is_binary {
        return Ok(());
    }
    let message = format!(
        "You can't use ClientRequestToken {id} because that value is already in use for a version of secret {}.",
        secret.arn
    );
    Err(ApiError::client("ResourceExistsException", message))
}

/// A random UUID.
fn new_id(secrets: &Secrets) -> String {
    let hex = secrets.ids.hex(32);
    format!(
        "{}-{}-4{}-a{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..]
    )
}

fn random_text(secrets: &Secrets) -> String {
    let mut number = secrets.ids.next();
    let digits = std::iter::repeat_with(|| {
        let digit = ARN_DIGITS[(number % 62) as usize];
        number /= 62;
        char::from(digit)
    });
    digits.take(6).collect()
}
