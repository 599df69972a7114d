//! Policies that are part of one role.

use aws_protocol::{ApiError, Context};
use aws_shape::iam::*;

use crate::role::{edit, find};
use crate::{Iam, document, encoded, limit_exceeded, no_such_entity, page};

/// Characters of all inline policies of a role, white space aside.
const CHARACTERS_MAX: usize = 10_240;

fn missing(name: &str) -> ApiError {
    no_such_entity(format!("The role policy with name {name} cannot be found."))
}

pub(super) async fn put_role_policy(
    iam: &Iam,
    context: &Context,
    input: PutRolePolicyRequest,
) -> Result<(), ApiError> {
    document::check_permissions(&input.policy_document)?;
    edit(iam, context, input.role_name, move |role| {
        role.inline.insert(input.policy_name, input.policy_document);
        let all = role.inline.values().flat_map(|text| text.chars());
        if all.filter(|it| !it.is_whitespace()).count() > CHARACTERS_MAX {
            let message = format!(
                "Maximum policy size of {CHARACTERS_MAX} bytes exceeded for role {}",
                role.name
            );
            return Err(limit_exceeded(message));
        }
        Ok(())
    })
    .await
}

pub(super) async fn get_role_policy(
    iam: &Iam,
    context: &Context,
    input: GetRolePolicyRequest,
) -> Result<GetRolePolicyResponse, ApiError> {
    let role = find(iam, context, &input.role_name)?;
    let found = role.inline.get(&input.policy_name);
    let text = found.ok_or_else(|| missing(&input.policy_name))?;
    Ok(GetRolePolicyResponse {
        policy_document: encoded(text),
        role_name: input.role_name,
        policy_name: input.policy_name,
    })
}

pub(super) async fn delete_role_policy(
    iam: &Iam,
    context: &Context,
    input: DeleteRolePolicyRequest,
) -> Result<(), ApiError> {
    edit(iam, context, input.role_name, move |role| {
        let removed = role.inline.remove(&input.policy_name);
        removed.map(drop).ok_or_else(|| missing(&input.policy_name))
    })
    .await
}

pub(super) async fn list_role_policies(
    iam: &Iam,
    context: &Context,
    input: ListRolePoliciesRequest,
) -> Result<ListRolePoliciesResponse, ApiError> {
    let role = find(iam, context, &input.role_name)?;
    let names = role.inline.keys().cloned().collect();
    let (policy_names, marker) = page(names, input.max_items, input.marker.as_deref())?;
    Ok(ListRolePoliciesResponse {
        policy_names,
        is_truncated: Some(marker.is_some()),
        marker,
    })
}
