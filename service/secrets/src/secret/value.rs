//! Reading values.

use aws_protocol::{ApiError, Context, page};
use aws_shape::secretsmanager::*;
use base_id::Scope;
use jiff::Timestamp;

use super::{CURRENT, bad_token, find_living, invalid, list, place, refused};
use crate::{SECRET_VALUES, SECRETS, Secrets, model};

const BATCH_SECRETS_MAX: usize = 20;
const DAY_SECONDS: i64 = 24 * 60 * 60;

pub(super) async fn get_secret_value(
    secrets: &Secrets,
    context: &Context,
    input: GetSecretValueRequest,
) -> Result<GetSecretValueResponse, ApiError> {
    let scope = &context.scope;
    let (id, stage) = (input.version_id.as_deref(), input.version_stage.as_deref());
    let found = read(secrets, scope, &input.secret_id, id, stage).await?;
    Ok(GetSecretValueResponse {
        arn: found.arn,
        name: found.name,
        version_id: found.version_id,
        secret_binary: found.secret_binary,
        secret_string: found.secret_string,
        version_stages: found.version_stages,
        created_date: found.created_date,
    })
}

pub(super) async fn batch_get_secret_value(
    secrets: &Secrets,
    context: &Context,
    input: BatchGetSecretValueRequest,
) -> Result<BatchGetSecretValueResponse, ApiError> {
    let filters = input.filters.filter(|filters| !filters.is_empty());
    let (ids, next_token) = match (input.secret_id_list, filters) {
        (Some(_), Some(_)) | (None, None) => {
            return Err(invalid(
                "Either 'SecretIdList' or 'Filters' must be provided, but not both.",
            ));
        }
        (Some(_), None) if input.max_results.is_some() || input.next_token.is_some() => {
            return Err(invalid(
                "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.",
            ));
        }
        (Some(ids), None) => (ids, None),
        (None, Some(filters)) => {
            let all = list::select(secrets, &context.scope, &filters, false);
            let arns = all.into_iter().map(|secret| secret.arn.clone()).collect();
            page(
                arns,
                input.max_results,
                BATCH_SECRETS_MAX,
                input.next_token.as_deref(),
            )
            .map_err(bad_token)?
        }
    };
    let (mut values, mut errors) = (vec![], vec![]);
    for id in ids {
        match read(secrets, &context.scope, &id, None, None).await {
            Ok(value) => values.push(value),
            Err(error) => errors.push(APIErrorType {
                secret_id: Some(id),
                error_code: Some(error.code),
                message: Some(error.message),
            }),
        }
    }
    Ok(BatchGetSecretValueResponse {
        secret_values: Some(values),
        next_token,
        errors: Some(errors),
    })
}

async fn read(
    secrets: &Secrets,
    scope: &Scope,
    id: &str,
    version: Option<&str>,
    stage: Option<&str>,
) -> Result<SecretValueEntry, ApiError> {
    let snapshot = secrets.store.snapshot();
    let (key, secret) = find_living(&snapshot, scope, id)?;
    let version = choose(&secret, version, stage)?;
    let place = place(&key, &version.id);
    let opened = snapshot
        .get(SECRET_VALUES, &place)
        .and_then(|sealed| secrets.key.open(&place, &sealed.0));
    let unreadable = || {
        ApiError::client(
            "DecryptionFailure",
            "Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
        )
    };
    let bytes = opened.ok_or_else(unreadable)?;
    touch(secrets, &key, &secret, version).await?;
    let (text, binary) = if version.is_binary {
        (None, Some(bytes))
    } else {
        (Some(String::from_utf8(bytes).map_err(ApiError::internal)?), None)
    };
    Ok(SecretValueEntry {
        arn: Some(secret.arn.clone()),
        name: Some(secret.name.clone()),
        version_id: Some(version.id.clone()),
        secret_binary: binary,
        secret_string: text,
        version_stages: Some(version.stages.clone()),
        created_date: Some(version.created_at),
    })
}

fn choose<'a>(
    secret: &'a model::Secret,
    id: Option<&str>,
    stage: Option<&str>,
) -> Result<&'a model::SecretVersion, ApiError> {
    let absent = |what: &str| {
        let message = format!("Secrets Manager can't find the specified secret value for {what}");
        ApiError::client("ResourceNotFoundException", message)
    };
    let Some(id) = id else {
        let stage = stage.unwrap_or(CURRENT);
        return secret
            .staged(stage)
            .ok_or_else(|| absent(&format!("staging label: {stage}")));
    };
    let version = secret
        .version(id)
        .ok_or_else(|| absent(&format!("VersionId: {id}")))?;
    if stage.is_some_and(|stage| !version.stages.iter().any(|it| it == stage)) {
        return Err(refused(
            "You provided a VersionStage that is not associated to the provided VersionId.",
        ));
    }
    Ok(version)
}

/// Remembers the day of the last look: at most one write a day.
async fn touch(
    secrets: &Secrets,
    key: &str,
    secret: &model::Secret,
    version: &model::SecretVersion,
) -> Result<(), ApiError> {
    let seconds = secrets.clock.now().as_second();
    let today = Timestamp::from_second(seconds - seconds.rem_euclid(DAY_SECONDS)).ok();
    if secret.accessed_on == today && version.accessed_on == today {
        return Ok(());
    }
    let (key, id) = (key.to_owned(), version.id.clone());
    secrets
        .store
        .write(move |tx| {
            let Some(found) = tx.get(SECRETS, &key) else {
                return Ok(());
            };
            let mut secret = model::Secret::clone(&found);
            secret.accessed_on = today;
            for version in secret.versions.iter_mut().filter(|version| version.id == id) {
                version.accessed_on = today;
            }
            tx.put(SECRETS, &key, secret);
            Ok(())
        })
        .await
}
