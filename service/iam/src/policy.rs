//! Policies that can be attached: AWS's and the account's own.

use aws_protocol::{ApiError, Context};
use aws_shape::iam as shape;
use base_store::Snapshot;

use crate::managed::{self, Managed};
use crate::model::{Policy, PolicyVersion};
use crate::{
    Iam, POLICIES, ROLES, delete_conflict, document, limit_exceeded, no_such_entity, page, role, tag,
};

/// Characters of a document, white space aside.
const CHARACTERS_MAX: usize = 6144;

fn key(account: &str, name: &str) -> String {
    format!("{account}/{name}")
}

pub(super) fn missing(arn: &str) -> ApiError {
    no_such_entity(format!("Policy {arn} was not found."))
}

/// The path in a policy's ARN.
pub(super) fn path(arn: &str) -> &str {
    let resource = arn.split_once(":policy").map_or("/", |(_, resource)| resource);
    resource.rfind('/').map_or("/", |end| &resource[..=end])
}

/// A policy of the account's own; AWS's are shown the same way.
pub(super) fn find(snapshot: &Snapshot, account: &str, arn: &str) -> Result<Policy, ApiError> {
    if let Some(managed) = managed::find(arn) {
        return Ok(of_aws(managed));
    }
    let name = arn.rsplit('/').next().unwrap_or_default();
    let found = snapshot
        .get(POLICIES, &key(account, name))
        .filter(|it| it.arn == arn);
    found.map(|it| Policy::clone(&it)).ok_or_else(|| missing(arn))
}

pub(super) fn exists(snapshot: &Snapshot, account: &str, arn: &str) -> bool {
    find(snapshot, account, arn).is_ok()
}

fn of_aws(managed: &Managed) -> Policy {
    let number = managed
        .version
        .trim_start_matches('v')
        .parse()
        .unwrap_or_default();
    Policy {
        name: managed.name.clone(),
        id: managed.id(),
        path: managed.path.clone(),
        arn: managed.arn(),
        description: None,
        created_at: managed.created,
        updated_at: managed.updated,
        tags: Default::default(),
        versions: vec![PolicyVersion {
            number,
            document: managed.document(),
            created_at: managed.updated,
        }],
        default: number,
        last: number,
    }
}

/// Changes a policy of the account's own.
pub(super) async fn edit<R: Send + 'static>(
    iam: &Iam,
    context: &Context,
    arn: String,
    change: impl FnOnce(&mut Policy) -> Result<R, ApiError> + Send + 'static,
) -> Result<R, ApiError> {
    own(&arn)?;
    let account = context.scope.account.clone();
    iam.store
        .write(move |tx| {
            let mut policy = find(&tx.snapshot(), &account, &arn)?;
            let answer = change(&mut policy)?;
            tx.put(POLICIES, &key(&account, &policy.name), policy);
            Ok(answer)
        })
        .await
}

/// Nobody but AWS changes AWS's policies.
fn own(arn: &str) -> Result<(), ApiError> {
    match managed::find(arn) {
        None => Ok(()),
        Some(_) => Err(ApiError::with_status(
            403,
            "AccessDenied",
            format!("Policy {arn} is managed by AWS and cannot be changed."),
        )),
    }
}

pub(super) fn check(text: &str) -> Result<(), ApiError> {
    document::check_permissions(text)?;
    if text.chars().filter(|it| !it.is_whitespace()).count() > CHARACTERS_MAX {
        return Err(limit_exceeded(format!(
            "Cannot exceed quota for PolicySize: {CHARACTERS_MAX}"
        )));
    }
    Ok(())
}

pub(super) async fn create_policy(
    iam: &Iam,
    context: &Context,
    input: shape::CreatePolicyRequest,
) -> Result<shape::CreatePolicyResponse, ApiError> {
    check(&input.policy_document)?;
    let (account, now) = (context.scope.account.clone(), iam.clock.now());
    let path = input.path.unwrap_or_else(|| "/".to_owned());
    let policy = Policy {
        arn: format!("arn:aws:iam::{account}:policy{path}{}", input.policy_name),
        id: format!("ANPA{}", iam.ids.hex(17).to_uppercase()),
        name: input.policy_name,
        path,
        description: input.description,
        created_at: now,
        updated_at: now,
        tags: tag::added(Default::default(), input.tags.unwrap_or_default())?,
        versions: vec![PolicyVersion {
            number: 1,
            document: input.policy_document,
            created_at: now,
        }],
        default: 1,
        last: 1,
    };
    let answer = shape(&policy, 0);
    iam.store
        .write(move |tx| {
            let key = key(&account, &policy.name);
            if tx.get(POLICIES, &key).is_some() {
                let message = format!(
                    "A policy called {} already exists. Duplicate names are not allowed.",
                    policy.name
                );
                return Err(ApiError::with_status(409, "EntityAlreadyExists", message));
            }
            tx.put(POLICIES, &key, policy);
            Ok(())
        })
        .await?;
    Ok(shape::CreatePolicyResponse { policy: Some(answer) })
}

pub(super) async fn get_policy(
    iam: &Iam,
    context: &Context,
    input: shape::GetPolicyRequest,
) -> Result<shape::GetPolicyResponse, ApiError> {
    let (snapshot, account) = (iam.store.snapshot(), &context.scope.account);
    let found = find(&snapshot, account, &input.policy_arn)?;
    let count = attachments(&snapshot, account, &found.arn);
    Ok(shape::GetPolicyResponse {
        policy: Some(shape::Policy {
            tags: Some(tag::shapes(&found.tags)),
            ..shape(&found, count)
        }),
    })
}

fn attachments(snapshot: &Snapshot, account: &str, arn: &str) -> usize {
    let roles = snapshot.prefix(ROLES, &role::key(account, ""));
    let holds = |(_, role): &&(String, std::sync::Arc<crate::model::Role>)| {
        role.policies.iter().any(|policy| policy == arn)
    };
    roles.iter().filter(holds).count()
}

pub(super) async fn delete_policy(
    iam: &Iam,
    context: &Context,
    input: shape::DeletePolicyRequest,
) -> Result<(), ApiError> {
    own(&input.policy_arn)?;
    let account = context.scope.account.clone();
    iam.store
        .write(move |tx| {
            let snapshot = tx.snapshot();
            let policy = find(&snapshot, &account, &input.policy_arn)?;
            if attachments(&snapshot, &account, &policy.arn) > 0 {
                return Err(delete_conflict("Cannot delete a policy attached to entities."));
            }
            if policy.versions.len() > 1 {
                return Err(delete_conflict(
                    "This policy has more than one version. Before you delete a policy, you must delete the policy's \
                     versions. The default version is deleted with the policy.",
                ));
            }
            tx.delete(POLICIES, &key(&account, &policy.name));
            Ok(())
        })
        .await
}

pub(super) async fn list_policies(
    iam: &Iam,
    context: &Context,
    input: shape::ListPoliciesRequest,
) -> Result<shape::ListPoliciesResponse, ApiError> {
    let (snapshot, account) = (iam.store.snapshot(), &context.scope.account);
    let scope = input.scope.unwrap_or(shape::PolicyScopeType::All);
    let mut all = Vec::new();
    if scope != shape::PolicyScopeType::Aws {
        let own = snapshot.prefix(POLICIES, &key(account, ""));
        all.extend(own.into_iter().map(|(_, policy)| Policy::clone(&policy)));
    }
    if scope != shape::PolicyScopeType::Local {
        all.extend(managed::all().iter().map(of_aws));
    }
    let prefix = input.path_prefix.unwrap_or_else(|| "/".to_owned());
    // Nothing is a permissions boundary of anything.
    let wanted = input.policy_usage_filter != Some(shape::PolicyUsageType::PermissionsBoundary);
    let only_attached = input.only_attached == Some(true);
    let found = all
        .iter()
        .filter(|policy| wanted && policy.path.starts_with(&prefix))
        .map(|policy| (policy, attachments(&snapshot, account, &policy.arn)))
        .filter(|(_, count)| !only_attached || *count > 0)
        .map(|(policy, count)| shape(policy, count));
    let (policies, marker) = page(found.collect(), input.max_items, input.marker.as_deref())?;
    Ok(shape::ListPoliciesResponse {
        policies: Some(policies),
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

fn shape(policy: &Policy, attachments: usize) -> shape::Policy {
    shape::Policy {
        policy_name: Some(policy.name.clone()),
        policy_id: Some(policy.id.clone()),
        arn: Some(policy.arn.clone()),
        path: Some(policy.path.clone()),
        default_version_id: Some(format!("v{}", policy.default)),
        attachment_count: i32::try_from(attachments).ok(),
        permissions_boundary_usage_count: Some(0),
        is_attachable: Some(true),
        description: policy.description.clone(),
        create_date: Some(policy.created_at),
        update_date: Some(policy.updated_at),
        tags: None,
    }
}
