//! Versions of policies: one of them counts.

use aws_protocol::{ApiError, Context};
use aws_shape::iam as shape;

use crate::model::{Policy, PolicyVersion};
use crate::policy::{check, edit, find};
use crate::{Iam, delete_conflict, encoded, limit_exceeded, no_such_entity, page};

const VERSIONS_MAX: usize = 5;

fn numbered<'a>(policy: &'a Policy, id: &str) -> Result<&'a PolicyVersion, ApiError> {
    let number: Option<u32> = id.strip_prefix('v').and_then(|number| number.parse().ok());
    let mut versions = policy.versions.iter();
    versions
        .find(|version| Some(version.number) == number)
        .ok_or_else(|| {
            let arn = &policy.arn;
            no_such_entity(format!(
                "Policy {arn} version {id} does not exist or is not attachable."
            ))
        })
}

pub(super) async fn create_policy_version(
    iam: &Iam,
    context: &Context,
    input: shape::CreatePolicyVersionRequest,
) -> Result<shape::CreatePolicyVersionResponse, ApiError> {
    check(&input.policy_document)?;
    let now = iam.clock.now();
    let default = input.set_as_default == Some(true);
    edit(iam, context, input.policy_arn, move |policy| {
        if policy.versions.len() >= VERSIONS_MAX {
            return Err(limit_exceeded(format!(
                "A managed policy can have up to {VERSIONS_MAX} versions. Before you create a new version, you must \
                 delete an existing version."
            )));
        }
        policy.last += 1;
        let version = PolicyVersion {
            number: policy.last,
            document: input.policy_document,
            created_at: now,
        };
        if default {
            policy.default = version.number;
        }
        policy.updated_at = now;
        let answer = shape::PolicyVersion {
            document: None,
            ..shape(policy, &version)
        };
        policy.versions.push(version);
        Ok(shape::CreatePolicyVersionResponse {
            policy_version: Some(answer),
        })
    })
    .await
}

pub(super) async fn get_policy_version(
    iam: &Iam,
    context: &Context,
    input: shape::GetPolicyVersionRequest,
) -> Result<shape::GetPolicyVersionResponse, ApiError> {
    let policy = find(&iam.store.snapshot(), &context.scope.account, &input.policy_arn)?;
    let version = numbered(&policy, &input.version_id)?;
    Ok(shape::GetPolicyVersionResponse {
        policy_version: Some(shape(&policy, version)),
    })
}

pub(super) async fn list_policy_versions(
    iam: &Iam,
    context: &Context,
    input: shape::ListPolicyVersionsRequest,
) -> Result<shape::ListPolicyVersionsResponse, ApiError> {
    let policy = find(&iam.store.snapshot(), &context.scope.account, &input.policy_arn)?;
    let versions = policy.versions.iter().rev().map(|version| shape::PolicyVersion {
        document: None,
        ..shape(&policy, version)
    });
    let (versions, marker) = page(versions.collect(), input.max_items, input.marker.as_deref())?;
    Ok(shape::ListPolicyVersionsResponse {
        versions: Some(versions),
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

pub(super) async fn delete_policy_version(
    iam: &Iam,
    context: &Context,
    input: shape::DeletePolicyVersionRequest,
) -> Result<(), ApiError> {
    edit(iam, context, input.policy_arn, move |policy| {
        let number = numbered(policy, &input.version_id)?.number;
        if number == policy.default {
            return Err(delete_conflict("Cannot delete the default version of a policy."));
        }
        policy.versions.retain(|version| version.number != number);
        Ok(())
    })
    .await
}

pub(super) async fn set_default_policy_version(
    iam: &Iam,
    context: &Context,
    input: shape::SetDefaultPolicyVersionRequest,
) -> Result<(), ApiError> {
    let now = iam.clock.now();
    edit(iam, context, input.policy_arn, move |policy| {
        policy.default = numbered(policy, &input.version_id)?.number;
        policy.updated_at = now;
        Ok(())
    })
    .await
}

fn shape(policy: &Policy, version: &PolicyVersion) -> shape::PolicyVersion {
    shape::PolicyVersion {
        document: Some(encoded(&version.document)),
        version_id: Some(format!("v{}", version.number)),
        is_default_version: Some(version.number == policy.default),
        create_date: Some(version.created_at),
    }
}
