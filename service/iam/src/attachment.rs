//! Which policies are attached to which roles.

use aws_protocol::{ApiError, Context};
use aws_shape::iam::*;

use crate::role::{edit, find, key, load};
use crate::{Iam, ROLES, limit_exceeded, no_such_entity, page, policy};

const POLICIES_PER_ROLE_MAX: usize = 10;

pub(super) async fn attach_role_policy(
    iam: &Iam,
    context: &Context,
    input: AttachRolePolicyRequest,
) -> Result<(), ApiError> {
    let (account, arn) = (context.scope.account.clone(), input.policy_arn);
    let key = key(&account, &input.role_name);
    iam.store
        .write(move |tx| {
            let mut role = load(tx, &key, &input.role_name)?;
            if !policy::exists(&tx.snapshot(), &account, &arn) {
                let message = format!("Policy {arn} does not exist or is not attachable.");
                return Err(no_such_entity(message));
            }
            if !role.policies.contains(&arn) {
                role.policies.push(arn);
            }
            if role.policies.len() > POLICIES_PER_ROLE_MAX {
                let message = format!("Cannot exceed quota for PoliciesPerRole: {POLICIES_PER_ROLE_MAX}");
                return Err(limit_exceeded(message));
            }
            tx.put(ROLES, &key, role);
            Ok(())
        })
        .await
}

pub(super) async fn detach_role_policy(
    iam: &Iam,
    context: &Context,
    input: DetachRolePolicyRequest,
) -> Result<(), ApiError> {
    edit(iam, context, input.role_name, move |role| {
        let before = role.policies.len();
        role.policies.retain(|arn| *arn != input.policy_arn);
        if role.policies.len() == before {
            return Err(no_such_entity(format!(
                "Policy {} was not found.",
                input.policy_arn
            )));
        }
        Ok(())
    })
    .await
}

pub(super) async fn list_attached_role_policies(
    iam: &Iam,
    context: &Context,
    input: ListAttachedRolePoliciesRequest,
) -> Result<ListAttachedRolePoliciesResponse, ApiError> {
    let role = find(iam, context, &input.role_name)?;
    let prefix = input.path_prefix.unwrap_or_else(|| "/".to_owned());
    let attached = role
        .policies
        .iter()
        .filter(|arn| policy::path(arn).starts_with(&prefix))
        .map(|arn| AttachedPolicy {
            policy_name: arn.rsplit('/').next().map(str::to_owned),
            policy_arn: Some(arn.clone()),
        });
    let (attached, marker) = page(attached.collect(), input.max_items, input.marker.as_deref())?;
    Ok(ListAttachedRolePoliciesResponse {
        attached_policies: Some(attached),
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

/// There are no users and groups, and no permissions boundaries: what a policy is attached to are roles.
pub(super) async fn list_entities_for_policy(
    iam: &Iam,
    context: &Context,
    input: ListEntitiesForPolicyRequest,
) -> Result<ListEntitiesForPolicyResponse, ApiError> {
    let snapshot = iam.store.snapshot();
    let account = &context.scope.account;
    if !policy::exists(&snapshot, account, &input.policy_arn) {
        return Err(policy::missing(&input.policy_arn));
    }
    let prefix = input.path_prefix.unwrap_or_else(|| "/".to_owned());
    let wanted = input.entity_filter.is_none_or(|it| it == EntityType::Role)
        && input.policy_usage_filter != Some(PolicyUsageType::PermissionsBoundary);
    let rows = snapshot.prefix(ROLES, &key(account, ""));
    let roles = rows
        .iter()
        .filter(|(_, role)| wanted && role.path.starts_with(&prefix))
        .filter(|(_, role)| role.policies.contains(&input.policy_arn))
        .map(|(_, role)| PolicyRole {
            role_name: Some(role.name.clone()),
            role_id: Some(role.id.clone()),
        });
    let (roles, marker) = page(roles.collect(), input.max_items, input.marker.as_deref())?;
    Ok(ListEntitiesForPolicyResponse {
        policy_groups: Some(vec![]),
        policy_users: Some(vec![]),
        policy_roles: Some(roles),
        is_truncated: Some(marker.is_some()),
        marker,
    })
}
