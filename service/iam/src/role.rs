//! Roles and the policies attached to them. Roles are of an account, not of a region.

use aws_protocol::{ApiError, Context, page};
use aws_shape::iam as shape;
use base_store::Transaction;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::Role;
use crate::{Iam, ROLES};

/// Policies of AWS's own that services here know.
const MANAGED_POLICIES: &[&str] = &[
    "AdministratorAccess",
    "AmazonEC2ContainerRegistryFullAccess",
    "AmazonEC2ContainerRegistryPowerUser",
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonECS_FullAccess",
    "AmazonS3FullAccess",
    "AmazonS3ReadOnlyAccess",
    "AmazonSSMManagedInstanceCore",
    "AmazonSSMReadOnlyAccess",
    "CloudWatchAgentServerPolicy",
    "CloudWatchLogsFullAccess",
    "PowerUserAccess",
    "ReadOnlyAccess",
    "SecretsManagerReadWrite",
    "service-role/AmazonEC2ContainerServiceAutoscaleRole",
    "service-role/AmazonEC2ContainerServiceEventsRole",
    "service-role/AmazonEC2ContainerServiceRole",
    "service-role/AmazonEC2ContainerServiceforEC2Role",
    "service-role/AmazonECSTaskExecutionRolePolicy",
];
/// All but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');
const PAGE_ITEMS_MAX: usize = 1000;

fn key(context: &Context, name: &str) -> String {
    format!("{}/{name}", context.scope.account)
}

fn missing(name: &str) -> ApiError {
    ApiError::with_status(
        404,
        "NoSuchEntity",
        format!("The role with name {name} cannot be found."),
    )
}

fn load(tx: &Transaction, key: &str, name: &str) -> Result<Role, ApiError> {
    tx.get(ROLES, key)
        .map(|role| Role::clone(&role))
        .ok_or_else(|| missing(name))
}

pub(super) async fn create_role(
    iam: &Iam,
    context: &Context,
    input: shape::CreateRoleRequest,
) -> Result<shape::CreateRoleResponse, ApiError> {
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
        tags: input
            .tags
            .into_iter()
            .flatten()
            .map(|tag| (tag.key, tag.value))
            .collect(),
        name,
        path,
    };
    let (key, answer) = (key(context, &role.name), shape(&role));
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
    let found = iam.store.snapshot().get(ROLES, &key(context, &input.role_name));
    let role = found.ok_or_else(|| missing(&input.role_name))?;
    Ok(shape::GetRoleResponse { role: shape(&role) })
}

pub(super) async fn delete_role(
    iam: &Iam,
    context: &Context,
    input: shape::DeleteRoleRequest,
) -> Result<(), ApiError> {
    let key = key(context, &input.role_name);
    iam.store
        .write(move |tx| {
            if !load(tx, &key, &input.role_name)?.policies.is_empty() {
                let message = "Cannot delete entity, must detach all policies first.";
                return Err(ApiError::with_status(409, "DeleteConflict", message));
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
    let rows = iam.store.snapshot().prefix(ROLES, &key(context, ""));
    let prefix = input.path_prefix.unwrap_or_else(|| "/".to_owned());
    let roles = rows
        .iter()
        .filter(|(_, role)| role.path.starts_with(&prefix))
        .map(|(_, role)| shape(role));
    let (roles, marker) = page(
        roles.collect(),
        input.max_items.or(Some(100)),
        PAGE_ITEMS_MAX,
        input.marker.as_deref(),
    )?;
    Ok(shape::ListRolesResponse {
        roles,
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

pub(super) async fn attach_role_policy(
    iam: &Iam,
    context: &Context,
    input: shape::AttachRolePolicyRequest,
) -> Result<(), ApiError> {
    let arn = input.policy_arn;
    let known = arn
        .strip_prefix("arn:aws:iam::aws:policy/")
        .is_some_and(|name| MANAGED_POLICIES.contains(&name));
    if !known {
        let message = format!("Policy {arn} does not exist or is not attachable.");
        return Err(ApiError::with_status(404, "NoSuchEntity", message));
    }
    let key = key(context, &input.role_name);
    iam.store
        .write(move |tx| {
            let mut role = load(tx, &key, &input.role_name)?;
            if !role.policies.contains(&arn) {
                role.policies.push(arn);
            }
            tx.put(ROLES, &key, role);
            Ok(())
        })
        .await
}

pub(super) async fn detach_role_policy(
    iam: &Iam,
    context: &Context,
    input: shape::DetachRolePolicyRequest,
) -> Result<(), ApiError> {
    let key = key(context, &input.role_name);
    iam.store
        .write(move |tx| {
            let mut role = load(tx, &key, &input.role_name)?;
            let before = role.policies.len();
            role.policies.retain(|arn| *arn != input.policy_arn);
            if role.policies.len() == before {
                let message = format!("Policy {} was not found.", input.policy_arn);
                return Err(ApiError::with_status(404, "NoSuchEntity", message));
            }
            tx.put(ROLES, &key, role);
            Ok(())
        })
        .await
}

pub(super) async fn list_attached_role_policies(
    iam: &Iam,
    context: &Context,
    input: shape::ListAttachedRolePoliciesRequest,
) -> Result<shape::ListAttachedRolePoliciesResponse, ApiError> {
    let found = iam.store.snapshot().get(ROLES, &key(context, &input.role_name));
    let role = found.ok_or_else(|| missing(&input.role_name))?;
    let attached = role.policies.iter().map(|arn| shape::AttachedPolicy {
        policy_name: arn.rsplit('/').next().map(str::to_owned),
        policy_arn: Some(arn.clone()),
    });
    Ok(shape::ListAttachedRolePoliciesResponse {
        attached_policies: Some(attached.collect()),
        is_truncated: Some(false),
        marker: None,
    })
}

/// Inline policies cannot be put yet, so there are none.
pub(super) async fn list_role_policies(
    iam: &Iam,
    context: &Context,
    input: shape::ListRolePoliciesRequest,
) -> Result<shape::ListRolePoliciesResponse, ApiError> {
    let found = iam.store.snapshot().get(ROLES, &key(context, &input.role_name));
    found.ok_or_else(|| missing(&input.role_name))?;
    Ok(shape::ListRolePoliciesResponse {
        policy_names: vec![],
        is_truncated: Some(false),
        marker: None,
    })
}

/// Instance profiles cannot be created yet, so a role is in none.
pub(super) async fn list_instance_profiles_for_role(
    iam: &Iam,
    context: &Context,
    input: shape::ListInstanceProfilesForRoleRequest,
) -> Result<shape::ListInstanceProfilesForRoleResponse, ApiError> {
    let found = iam.store.snapshot().get(ROLES, &key(context, &input.role_name));
    found.ok_or_else(|| missing(&input.role_name))?;
    Ok(shape::ListInstanceProfilesForRoleResponse {
        instance_profiles: vec![],
        is_truncated: Some(false),
        marker: None,
    })
}

fn shape(role: &Role) -> shape::Role {
    let tags = role.tags.iter().map(|(key, value)| shape::Tag {
        key: key.clone(),
        value: value.clone(),
    });
    shape::Role {
        path: role.path.clone(),
        role_name: role.name.clone(),
        role_id: role.id.clone(),
        arn: role.arn.clone(),
        create_date: role.created_at,
        // IAM shows policy documents percent-encoded.
        assume_role_policy_document: Some(utf8_percent_encode(&role.trust, RESERVED).to_string()),
        description: role.description.clone(),
        max_session_duration: Some(role.session_seconds_max),
        tags: Some(tags.collect()),
        ..Default::default()
    }
}
