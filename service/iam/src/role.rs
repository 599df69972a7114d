//! Roles. They are of an account, not of a region.

use aws_protocol::{ApiError, Context};
use aws_shape::iam as shape;
use base_store::Transaction;

use crate::model::Role;
use crate::{
    CREDENTIALS, Iam, ROLES, delete_conflict, document, encoded, limit_exceeded, no_such_entity, page,
    profile, tag,
};

/// Characters of a trust policy, white space aside.
const TRUST_CHARACTERS_MAX: usize = 2048;

pub(super) fn key(account: &str, name: &str) -> String {
    format!("{account}/{name}")
}

pub(super) fn missing(name: &str) -> ApiError {
    no_such_entity(format!("The role with name {name} cannot be found."))
}

pub(super) fn load(tx: &Transaction, key: &str, name: &str) -> Result<Role, ApiError> {
    tx.get(ROLES, key)
        .map(|role| Role::clone(&role))
        .ok_or_else(|| missing(name))
}

pub(super) fn find(iam: &Iam, context: &Context, name: &str) -> Result<std::sync::Arc<Role>, ApiError> {
    let key = key(&context.scope.account, name);
    iam.store.snapshot().get(ROLES, &key).ok_or_else(|| missing(name))
}

/// Changes a role.
pub(super) async fn edit<R: Send + 'static>(
    iam: &Iam,
    context: &Context,
    name: String,
    change: impl FnOnce(&mut Role) -> Result<R, ApiError> + Send + 'static,
) -> Result<R, ApiError> {
    let key = key(&context.scope.account, &name);
    iam.store
        .write(move |tx| {
            let mut role = load(tx, &key, &name)?;
            let answer = change(&mut role)?;
            tx.put(ROLES, &key, role);
            Ok(answer)
        })
        .await
}

fn check_trust(text: &str) -> Result<(), ApiError> {
    document::check_trust(text)?;
    if text.chars().filter(|it| !it.is_whitespace()).count() > TRUST_CHARACTERS_MAX {
        let message = format!("Cannot exceed quota for ACLSizePerRole: {TRUST_CHARACTERS_MAX}");
        return Err(limit_exceeded(message));
    }
    Ok(())
}

pub(super) async fn create_role(
    iam: &Iam,
    context: &Context,
    input: shape::CreateRoleRequest,
) -> Result<shape::CreateRoleResponse, ApiError> {
    if input.permissions_boundary.is_some() {
        return Err(ApiError::client(
            "InvalidInput",
            "Wharf does not serve permissions boundaries yet.",
        ));
    }
    check_trust(&input.assume_role_policy_document)?;
    let path = input.path.unwrap_or_else(|| "/".to_owned());
    let name = input.role_name;
    let role = Role {
        arn: format!("arn:aws:iam::{}:role{path}{name}", context.scope.account),
        id: format!("AROA{}", iam.ids.hex(17).to_uppercase()),
        created_at: iam.clock.now(),
        trust: input.assume_role_policy_document,
        description: input.description,
        session_seconds_max: input.max_session_duration.unwrap_or(3600),
        policies: vec![],
        inline: Default::default(),
        tags: tag::added(Default::default(), input.tags.unwrap_or_default())?,
        name,
        path,
    };
    let (key, answer) = (key(&context.scope.account, &role.name), shape(&role));
    iam.store
        .write(move |tx| {
            if tx.get(ROLES, &key).is_some() {
                let message = format!("Role with name {} already exists.", role.name);
                return Err(ApiError::with_status(409, "EntityAlreadyExists", message));
            }
            tx.put(ROLES, &key, role);
            Ok(())
        })
        .await?;
    Ok(shape::CreateRoleResponse { role: answer })
}

pub(super) async fn get_role(
    iam: &Iam,
    context: &Context,
    input: shape::GetRoleRequest,
) -> Result<shape::GetRoleResponse, ApiError> {
    let role = find(iam, context, &input.role_name)?;
    Ok(shape::GetRoleResponse { role: shape(&role) })
}

/// The role's sessions end with it.
pub(super) async fn delete_role(
    iam: &Iam,
    context: &Context,
    input: shape::DeleteRoleRequest,
) -> Result<(), ApiError> {
    let account = context.scope.account.clone();
    let key = key(&account, &input.role_name);
    iam.store
        .write(move |tx| {
            let role = load(tx, &key, &input.role_name)?;
            if !role.policies.is_empty() {
                return Err(delete_conflict(
                    "Cannot delete entity, must detach all policies first.",
                ));
            }
            if profile::has(tx, &account, &role.name) {
                return Err(profile::role_in_profile());
            }
            if !role.inline.is_empty() {
                return Err(delete_conflict(
                    "Cannot delete entity, must delete policies first.",
                ));
            }
            for (access_key, credential) in tx.list(CREDENTIALS) {
                if credential.role.as_ref().is_some_and(|it| it.id == role.id) {
                    tx.delete(CREDENTIALS, &access_key);
                }
            }
            tx.delete(ROLES, &key);
            Ok(())
        })
        .await
}

pub(super) async fn list_roles(
    iam: &Iam,
    context: &Context,
    input: shape::ListRolesRequest,
) -> Result<shape::ListRolesResponse, ApiError> {
    let rows = iam
        .store
        .snapshot()
        .prefix(ROLES, &key(&context.scope.account, ""));
    let prefix = input.path_prefix.unwrap_or_else(|| "/".to_owned());
    let roles = rows
        .iter()
        .filter(|(_, role)| role.path.starts_with(&prefix))
        .map(|(_, role)| shape(role));
    let (roles, marker) = page(roles.collect(), input.max_items, input.marker.as_deref())?;
    Ok(shape::ListRolesResponse {
        roles,
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

pub(super) async fn update_role(
    iam: &Iam,
    context: &Context,
    input: shape::UpdateRoleRequest,
) -> Result<shape::UpdateRoleResponse, ApiError> {
    edit(iam, context, input.role_name, move |role| {
        if input.description.is_some() {
            role.description = input.description;
        }
        role.session_seconds_max = input.max_session_duration.unwrap_or(role.session_seconds_max);
        Ok(shape::UpdateRoleResponse {})
    })
    .await
}

pub(super) async fn update_role_description(
    iam: &Iam,
    context: &Context,
    input: shape::UpdateRoleDescriptionRequest,
) -> Result<shape::UpdateRoleDescriptionResponse, ApiError> {
    edit(iam, context, input.role_name, move |role| {
        role.description = Some(input.description);
        Ok(shape::UpdateRoleDescriptionResponse {
            role: Some(shape(role)),
        })
    })
    .await
}

pub(super) async fn update_assume_role_policy(
    iam: &Iam,
    context: &Context,
    input: shape::UpdateAssumeRolePolicyRequest,
) -> Result<(), ApiError> {
    check_trust(&input.policy_document)?;
    edit(iam, context, input.role_name, move |role| {
        role.trust = input.policy_document;
        Ok(())
    })
    .await
}

pub(super) fn shape(role: &Role) -> shape::Role {
    shape::Role {
        path: role.path.clone(),
        role_name: role.name.clone(),
        role_id: role.id.clone(),
        arn: role.arn.clone(),
        create_date: role.created_at,
        assume_role_policy_document: Some(encoded(&role.trust)),
        description: role.description.clone(),
        max_session_duration: Some(role.session_seconds_max),
        tags: Some(tag::shapes(&role.tags)),
        ..Default::default()
    }
}
