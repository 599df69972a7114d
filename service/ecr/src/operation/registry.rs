//! Policies of repositories and of the registry: who else may. They are checked for their form, stored and given back.
//! And what else is set for a registry as a whole.

use aws_protocol::{ApiError, Context};
use aws_shape::ecr::*;
use base_id::Scope;
use serde_json::Value;

use crate::Ecr;
use crate::error::{invalid_parameter, not_set};
use crate::model;
use crate::table::{self, REGISTRIES};

/// As in AWS.
const POLICY_BYTES_MAX: usize = 10_240;

/// A statement that allows or denies somebody something.
fn is_statement(statement: &Value) -> bool {
    let has = |one: &str, other: &str| statement.get(one).is_some() != statement.get(other).is_some();
    let effect = statement.get("Effect").and_then(Value::as_str);
    statement.is_object()
        && matches!(effect, Some("Allow" | "Deny"))
        && has("Principal", "NotPrincipal")
        && has("Action", "NotAction")
}

fn check(text: &str, what: &str) -> Result<(), ApiError> {
    let wrong = || invalid_parameter("PolicyText", &format!("Invalid {what} policy provided"));
    if text.len() > POLICY_BYTES_MAX {
        return Err(wrong());
    }
    let policy: Value = serde_json::from_str(text).map_err(|_| wrong())?;
    let version = policy.get("Version").map(Value::as_str);
    let fits = match policy.get("Statement") {
        Some(Value::Array(statements)) => !statements.is_empty() && statements.iter().all(is_statement),
        Some(statement) => is_statement(statement),
        None => false,
    };
    if fits && matches!(version, None | Some(Some("2008-10-17" | "2012-10-17"))) {
        Ok(())
    } else {
        Err(wrong())
    }
}

fn no_policy(name: &str, account: &str) -> ApiError {
    not_set(
        "RepositoryPolicyNotFoundException",
        "Repository policy",
        name,
        account,
    )
}

pub(super) async fn set_repository_policy(
    ecr: &Ecr,
    context: &Context,
    input: SetRepositoryPolicyRequest,
) -> Result<SetRepositoryPolicyResponse, ApiError> {
    let (scope, name, text) = (&context.scope, input.repository_name, input.policy_text);
    table::check_registry(scope, input.registry_id.as_deref(), &name)?;
    check(&text, "repository")?;
    let policy = text.clone();
    super::repository::change(ecr, scope, &name, |row| {
        row.policy = Some(policy);
        Ok(())
    })
    .await?;
    Ok(SetRepositoryPolicyResponse {
        registry_id: Some(scope.account.clone()),
        repository_name: Some(name),
        policy_text: Some(text),
    })
}

pub(super) async fn get_repository_policy(
    ecr: &Ecr,
    context: &Context,
    input: GetRepositoryPolicyRequest,
) -> Result<GetRepositoryPolicyResponse, ApiError> {
    let (scope, name) = (&context.scope, input.repository_name);
    table::check_registry(scope, input.registry_id.as_deref(), &name)?;
    let row = table::repository(&ecr.store.snapshot(), scope, &name)?;
    let text = row.policy.clone();
    let text = text.ok_or_else(|| no_policy(&name, &scope.account))?;
    Ok(GetRepositoryPolicyResponse {
        registry_id: Some(scope.account.clone()),
        repository_name: Some(name),
        policy_text: Some(text),
    })
}

pub(super) async fn delete_repository_policy(
    ecr: &Ecr,
    context: &Context,
    input: DeleteRepositoryPolicyRequest,
) -> Result<DeleteRepositoryPolicyResponse, ApiError> {
    let (scope, name) = (&context.scope, input.repository_name);
    table::check_registry(scope, input.registry_id.as_deref(), &name)?;
    let missing = no_policy(&name, &scope.account);
    let text =
        super::repository::change(ecr, scope, &name, move |row| row.policy.take().ok_or(missing)).await?;
    Ok(DeleteRepositoryPolicyResponse {
        registry_id: Some(scope.account.clone()),
        repository_name: Some(name),
        policy_text: Some(text),
    })
}

/// Changes what is set for the whole registry.
pub(super) async fn change<T: Send + 'static>(
    ecr: &Ecr,
    scope: &Scope,
    change: impl FnOnce(&mut model::Registry) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let scope = scope.clone();
    ecr.store
        .write(move |tx| {
            let mut row = table::registry(&tx.snapshot(), &scope);
            let result = change(&mut row)?;
            tx.put(REGISTRIES, &scope.key(), row);
            Ok(result)
        })
        .await
}

fn no_registry_policy(scope: &Scope) -> ApiError {
    let message = format!(
        "Registry policy does not exist in the registry with id '{}'",
        scope.account
    );
    ApiError::client("RegistryPolicyNotFoundException", message)
}

pub(super) async fn put_registry_policy(
    ecr: &Ecr,
    context: &Context,
    input: PutRegistryPolicyRequest,
) -> Result<PutRegistryPolicyResponse, ApiError> {
    check(&input.policy_text, "registry")?;
    let text = input.policy_text.clone();
    change(ecr, &context.scope, |row| {
        row.policy = Some(text);
        Ok(())
    })
    .await?;
    Ok(PutRegistryPolicyResponse {
        registry_id: Some(context.scope.account.clone()),
        policy_text: Some(input.policy_text),
    })
}

pub(super) async fn get_registry_policy(
    ecr: &Ecr,
    context: &Context,
    _: GetRegistryPolicyRequest,
) -> Result<GetRegistryPolicyResponse, ApiError> {
    let row = table::registry(&ecr.store.snapshot(), &context.scope);
    let text = row.policy.ok_or_else(|| no_registry_policy(&context.scope))?;
    Ok(GetRegistryPolicyResponse {
        registry_id: Some(context.scope.account.clone()),
        policy_text: Some(text),
    })
}

pub(super) async fn delete_registry_policy(
    ecr: &Ecr,
    context: &Context,
    _: DeleteRegistryPolicyRequest,
) -> Result<DeleteRegistryPolicyResponse, ApiError> {
    let missing = no_registry_policy(&context.scope);
    let text = change(ecr, &context.scope, move |row| row.policy.take().ok_or(missing)).await?;
    Ok(DeleteRegistryPolicyResponse {
        registry_id: Some(context.scope.account.clone()),
        policy_text: Some(text),
    })
}

/// Nothing is replicated from here.
pub(super) async fn describe_registry(
    _: &Ecr,
    context: &Context,
    _: DescribeRegistryRequest,
) -> Result<DescribeRegistryResponse, ApiError> {
    Ok(DescribeRegistryResponse {
        registry_id: Some(context.scope.account.clone()),
        replication_configuration: Some(ReplicationConfiguration { rules: Vec::new() }),
    })
}

/// What can be set, with its values; the first is what holds when nobody said anything.
const SETTINGS: [(&str, &[&str]); 3] = [
    ("BASIC_SCAN_TYPE_VERSION", &["AWS_NATIVE", "CLAIR"]),
    ("REGISTRY_POLICY_SCOPE", &["V2", "V1"]),
    ("BLOB_MOUNTING", &["ENABLED", "DISABLED"]),
];

fn setting(name: &str) -> Result<&'static [&'static str], ApiError> {
    let found = SETTINGS.iter().find(|(known, _)| *known == name);
    found.map(|(_, values)| *values).ok_or_else(|| {
        let names = SETTINGS.map(|(known, _)| known).join(", ");
        let message = format!("Invalid account setting name: {name}. Valid names are: [{names}]");
        ApiError::client("ValidationException", message)
    })
}

pub(super) async fn get_account_setting(
    ecr: &Ecr,
    context: &Context,
    input: GetAccountSettingRequest,
) -> Result<GetAccountSettingResponse, ApiError> {
    let values = setting(&input.name)?;
    let row = table::registry(&ecr.store.snapshot(), &context.scope);
    let value = row.settings.get(&input.name).cloned();
    Ok(GetAccountSettingResponse {
        value: value.or_else(|| values.first().map(|value| (*value).to_owned())),
        name: Some(input.name),
    })
}

pub(super) async fn put_account_setting(
    ecr: &Ecr,
    context: &Context,
    input: PutAccountSettingRequest,
) -> Result<PutAccountSettingResponse, ApiError> {
    let (name, value) = (input.name, input.value);
    let values = setting(&name)?;
    if !values.contains(&value.as_str()) {
        let message = format!(
            "Invalid value {value} for the account setting {name}. Valid values are: [{}]",
            values.join(", ")
        );
        return Err(ApiError::client("ValidationException", message));
    }
    let stored = (name.clone(), value.clone());
    change(ecr, &context.scope, |row| {
        row.settings.extend([stored]);
        Ok(())
    })
    .await?;
    Ok(PutAccountSettingResponse {
        name: Some(name),
        value: Some(value),
    })
}
