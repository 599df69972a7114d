//! What is known about secrets beside their values.

use std::cmp::Reverse;
use std::sync::Arc;

use aws_protocol::{ApiError, Context, page};
use aws_shape::secretsmanager::*;
use base_id::Scope;

use super::{bad_token, find, key};
use crate::{SECRETS, Secrets, model};

const PAGE_SECRETS_MAX: usize = 100;
/// What AWS calls the key of an account that nobody chose.
const DEFAULT_KEY: &str = "DefaultEncryptionKey";

pub(super) async fn describe_secret(
    secrets: &Secrets,
    context: &Context,
    input: DescribeSecretRequest,
) -> Result<DescribeSecretResponse, ApiError> {
    let (_, secret) = find(&secrets.store.snapshot(), &context.scope, &input.secret_id)?;
    let entry = entry(&secret);
    Ok(DescribeSecretResponse {
        arn: entry.arn,
        name: entry.name,
        description: entry.description,
        kms_key_id: entry.kms_key_id,
        last_changed_date: entry.last_changed_date,
        last_accessed_date: entry.last_accessed_date,
        deleted_date: entry.deleted_date,
        tags: entry.tags,
        version_ids_to_stages: entry.secret_versions_to_stages,
        created_date: entry.created_date,
        ..Default::default()
    })
}

fn entry(secret: &model::Secret) -> SecretListEntry {
    let staged = secret
        .versions
        .iter()
        .filter(|version| !version.stages.is_empty());
    let stages = staged.map(|version| (version.id.clone(), version.stages.clone()));
    let tags = secret.tags.iter().map(|(key, value)| Tag {
        key: Some(key.clone()),
        value: Some(value.clone()),
    });
    SecretListEntry {
        arn: Some(secret.arn.clone()),
        name: Some(secret.name.clone()),
        description: secret.description.clone().filter(|text| !text.is_empty()),
        kms_key_id: secret.kms_key_id.clone(),
        last_changed_date: Some(secret.changed_at),
        last_accessed_date: secret.accessed_on,
        deleted_date: secret.deletion_at,
        tags: Some(tags.collect()),
        secret_versions_to_stages: (!secret.versions.is_empty()).then(|| stages.collect()),
        created_date: Some(secret.created_at),
        ..Default::default()
    }
}

pub(super) async fn list_secrets(
    secrets: &Secrets,
    context: &Context,
    input: ListSecretsRequest,
) -> Result<ListSecretsResponse, ApiError> {
    let filters = input.filters.unwrap_or_default();
    let planned = input.include_planned_deletion == Some(true);
    let mut found = select(secrets, &context.scope, &filters, planned);
    match input.sort_by.unwrap_or(SortByType::CreatedDate) {
        SortByType::Name => found.sort_by(|a, b| a.name.cmp(&b.name)),
        SortByType::LastAccessedDate => found.sort_by_key(|it| it.accessed_on),
        SortByType::LastChangedDate => found.sort_by_key(|it| it.changed_at),
        _ => found.sort_by_key(|it| it.created_at),
    }
    if input.sort_order == Some(SortOrderType::Desc) {
        found.reverse();
    }
    let (found, next_token) = page(
        found,
        input.max_results,
        PAGE_SECRETS_MAX,
        input.next_token.as_deref(),
    )
    .map_err(bad_token)?;
    Ok(ListSecretsResponse {
        secret_list: Some(found.iter().map(|secret| entry(secret)).collect()),
        next_token,
    })
}

/// Secrets that pass all filters, by name.
pub(super) fn select(
    secrets: &Secrets,
    scope: &Scope,
    filters: &[Filter],
    planned: bool,
) -> Vec<Arc<model::Secret>> {
    let rows = secrets.store.snapshot().prefix(SECRETS, &key(scope, ""));
    rows.into_iter()
        .map(|(_, secret)| secret)
        .filter(|secret| planned || secret.deletion_at.is_none())
        .filter(|secret| filters.iter().all(|filter| passes(secret, filter)))
        .collect()
}

/// Any of the values will do; one that begins with `!` asks for the opposite.
fn passes(secret: &model::Secret, filter: &Filter) -> bool {
    let values = filter.values.as_deref().unwrap_or_default();
    values.iter().any(|value| match value.strip_prefix('!') {
        Some(value) => !matches(secret, filter.key.as_ref(), value),
        None => matches(secret, filter.key.as_ref(), value),
    })
}

fn matches(secret: &model::Secret, key: Option<&FilterNameStringType>, value: &str) -> bool {
    let lower = value.to_lowercase();
    let description = secret.description.as_deref().unwrap_or_default().to_lowercase();
    match key {
        Some(FilterNameStringType::Name) => secret.name.starts_with(value),
        Some(FilterNameStringType::Description) => {
            description
                .split_whitespace()
                .any(|word| word.starts_with(&lower))
                || description.starts_with(&lower)
        }
        Some(FilterNameStringType::TagKey) => secret.tags.keys().any(|it| it.starts_with(value)),
        Some(FilterNameStringType::TagValue) => secret.tags.values().any(|it| it.starts_with(value)),
        Some(FilterNameStringType::All) => {
            let tags = secret.tags.iter().flat_map(|(key, value)| [key, value]);
            let mut all = vec![secret.name.to_lowercase(), description];
            all.extend(tags.map(|text| text.to_lowercase()));
            lower
                .split_whitespace()
                .all(|word| all.iter().any(|text| text.contains(word)))
        }
        // No secret here is a replica or belongs to a service.
        _ => false,
    }
}

pub(super) async fn list_secret_version_ids(
    secrets: &Secrets,
    context: &Context,
    input: ListSecretVersionIdsRequest,
) -> Result<ListSecretVersionIdsResponse, ApiError> {
    let (_, secret) = find(&secrets.store.snapshot(), &context.scope, &input.secret_id)?;
    let deprecated = input.include_deprecated == Some(true);
    let mut versions: Vec<&model::SecretVersion> = secret
        .versions
        .iter()
        .filter(|version| deprecated || !version.stages.is_empty())
        .collect();
    versions.sort_by_key(|version| Reverse(version.created_at));
    let (versions, next_token) = page(
        versions,
        input.max_results,
        PAGE_SECRETS_MAX,
        input.next_token.as_deref(),
    )
    .map_err(bad_token)?;
    let key_id = secret
        .kms_key_id
        .clone()
        .unwrap_or_else(|| DEFAULT_KEY.to_owned());
    let shape = |version: &model::SecretVersion| SecretVersionsListEntry {
        version_id: Some(version.id.clone()),
        version_stages: (!version.stages.is_empty()).then(|| version.stages.clone()),
        last_accessed_date: version.accessed_on,
        created_date: Some(version.created_at),
        kms_key_ids: Some(vec![key_id.clone()]),
    };
    Ok(ListSecretVersionIdsResponse {
        versions: Some(versions.into_iter().map(shape).collect()),
        next_token,
        arn: Some(secret.arn.clone()),
        name: Some(secret.name.clone()),
    })
}

/// Policies of secrets cannot be put, so there is none.
pub(super) async fn get_resource_policy(
    secrets: &Secrets,
    context: &Context,
    input: GetResourcePolicyRequest,
) -> Result<GetResourcePolicyResponse, ApiError> {
    let (_, secret) = find(&secrets.store.snapshot(), &context.scope, &input.secret_id)?;
    Ok(GetResourcePolicyResponse {
        arn: Some(secret.arn.clone()),
        name: Some(secret.name.clone()),
        resource_policy: None,
    })
}
