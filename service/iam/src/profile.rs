//! Instance profiles: how an EC2 instance comes by a role.

use std::sync::Arc;
use std::time::Duration;

use aws_protocol::{ApiError, Context};
use aws_shape::iam as shape;
use base_store::{Snapshot, Transaction};

use crate::model::{Profile, Role};
use crate::{
    AssumeError, Credential, Iam, PROFILES, ROLES, ServiceSession, delete_conflict, limit_exceeded,
    no_such_entity, page, role, tag,
};

/// The service that acts for instances.
const INSTANCES: &str = "ec2.amazonaws.com";
/// As long as in AWS.
pub const CREDENTIALS_LIFE: Duration = Duration::from_secs(6 * 60 * 60);

fn missing(name: &str) -> ApiError {
    no_such_entity(format!("Instance Profile {name} cannot be found."))
}

fn load(tx: &Transaction, key: &str, name: &str) -> Result<Profile, ApiError> {
    tx.get(PROFILES, key)
        .map(|profile| Profile::clone(&profile))
        .ok_or_else(|| missing(name))
}

async fn edit<R: Send + 'static>(
    iam: &Iam,
    context: &Context,
    name: String,
    change: impl FnOnce(&mut Profile, &Transaction) -> Result<R, ApiError> + Send + 'static,
) -> Result<R, ApiError> {
    let key = role::key(&context.scope.account, &name);
    iam.store
        .write(move |tx| {
            let mut profile = load(tx, &key, &name)?;
            let answer = change(&mut profile, tx)?;
            tx.put(PROFILES, &key, profile);
            Ok(answer)
        })
        .await
}

impl Iam {
    /// Name of the role of an instance profile, if it has one.
    pub fn role_of_profile(&self, profile_arn: &str) -> Option<String> {
        Some(self.role_in(profile_arn)?.name.clone())
    }

    /// Credentials of the role of an instance profile, for the instance that has it.
    ///
    /// # Errors
    /// When the profile or its role is not there, or the role does not trust EC2.
    pub async fn instance_session(
        &self,
        profile_arn: &str,
        instance: &str,
        instance_arn: &str,
    ) -> Result<Credential, AssumeError> {
        let role = self.role_in(profile_arn).ok_or(AssumeError::Missing)?;
        let session = ServiceSession {
            service: INSTANCES,
            role_arn: &role.arn,
            name: instance,
            source_arn: instance_arn,
            life: CREDENTIALS_LIFE,
        };
        self.service_session(session).await
    }

    fn role_in(&self, profile_arn: &str) -> Option<Arc<Role>> {
        let (account, path) = profile_arn
            .strip_prefix("arn:aws:iam::")?
            .split_once(":instance-profile/")?;
        let snapshot = self.store.snapshot();
        let name = path.rsplit('/').next()?;
        let profile = snapshot.get(PROFILES, &role::key(account, name))?;
        snapshot.get(ROLES, &role::key(account, profile.role.as_deref()?))
    }
}

pub(super) async fn create_instance_profile(
    iam: &Iam,
    context: &Context,
    input: shape::CreateInstanceProfileRequest,
) -> Result<shape::CreateInstanceProfileResponse, ApiError> {
    let path = input.path.unwrap_or_else(|| "/".to_owned());
    let name = input.instance_profile_name;
    let profile = Profile {
        arn: format!(
            "arn:aws:iam::{}:instance-profile{path}{name}",
            context.scope.account
        ),
        id: format!("AIPA{}", iam.ids.hex(17).to_uppercase()),
        created_at: iam.clock.now(),
        role: None,
        tags: tag::added(Default::default(), input.tags.unwrap_or_default())?,
        name,
        path,
    };
    let key = role::key(&context.scope.account, &profile.name);
    let instance_profile = shape_of(&profile, None);
    iam.store
        .write(move |tx| {
            if tx.get(PROFILES, &key).is_some() {
                let message = format!("Instance Profile {} already exists.", profile.name);
                return Err(ApiError::with_status(409, "EntityAlreadyExists", message));
            }
            tx.put(PROFILES, &key, profile);
            Ok(())
        })
        .await?;
    Ok(shape::CreateInstanceProfileResponse { instance_profile })
}

pub(super) async fn get_instance_profile(
    iam: &Iam,
    context: &Context,
    input: shape::GetInstanceProfileRequest,
) -> Result<shape::GetInstanceProfileResponse, ApiError> {
    let snapshot = iam.store.snapshot();
    let name = &input.instance_profile_name;
    let profile = find(&snapshot, context, name)?;
    Ok(shape::GetInstanceProfileResponse {
        instance_profile: told(&snapshot, context, &profile),
    })
}

pub(super) async fn delete_instance_profile(
    iam: &Iam,
    context: &Context,
    input: shape::DeleteInstanceProfileRequest,
) -> Result<(), ApiError> {
    let name = input.instance_profile_name;
    let key = role::key(&context.scope.account, &name);
    iam.store
        .write(move |tx| {
            if load(tx, &key, &name)?.role.is_some() {
                return Err(role_in_profile());
            }
            tx.delete(PROFILES, &key);
            Ok(())
        })
        .await
}

/// A role that an instance profile has cannot be deleted, nor can the profile.
pub(super) fn role_in_profile() -> ApiError {
    delete_conflict("Cannot delete entity, must remove roles from instance profile first.")
}

/// Whether an instance profile has this role.
pub(super) fn has(tx: &Transaction, account: &str, role: &str) -> bool {
    let rows = tx.snapshot().prefix(PROFILES, &role::key(account, ""));
    rows.iter()
        .any(|(_, profile)| profile.role.as_deref() == Some(role))
}

pub(super) async fn list_instance_profiles(
    iam: &Iam,
    context: &Context,
    input: shape::ListInstanceProfilesRequest,
) -> Result<shape::ListInstanceProfilesResponse, ApiError> {
    let prefix = input.path_prefix.unwrap_or_else(|| "/".to_owned());
    let found = listed(iam, context, |profile| profile.path.starts_with(&prefix));
    let (instance_profiles, marker) = page(found, input.max_items, input.marker.as_deref())?;
    Ok(shape::ListInstanceProfilesResponse {
        instance_profiles,
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

pub(super) async fn list_instance_profiles_for_role(
    iam: &Iam,
    context: &Context,
    input: shape::ListInstanceProfilesForRoleRequest,
) -> Result<shape::ListInstanceProfilesForRoleResponse, ApiError> {
    role::find(iam, context, &input.role_name)?;
    let found = listed(iam, context, |profile| {
        profile.role.as_ref() == Some(&input.role_name)
    });
    let (instance_profiles, marker) = page(found, input.max_items, input.marker.as_deref())?;
    Ok(shape::ListInstanceProfilesForRoleResponse {
        instance_profiles,
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

fn listed(iam: &Iam, context: &Context, wanted: impl Fn(&Profile) -> bool) -> Vec<shape::InstanceProfile> {
    let snapshot = iam.store.snapshot();
    let rows = snapshot.prefix(PROFILES, &role::key(&context.scope.account, ""));
    let wanted = rows.iter().filter(|(_, profile)| wanted(profile));
    wanted
        .map(|(_, profile)| told(&snapshot, context, profile))
        .collect()
}

pub(super) async fn add_role_to_instance_profile(
    iam: &Iam,
    context: &Context,
    input: shape::AddRoleToInstanceProfileRequest,
) -> Result<(), ApiError> {
    let role_key = role::key(&context.scope.account, &input.role_name);
    edit(iam, context, input.instance_profile_name, move |profile, tx| {
        role::load(tx, &role_key, &input.role_name)?;
        if profile.role.is_some() {
            return Err(limit_exceeded(
                "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
            ));
        }
        profile.role = Some(input.role_name);
        Ok(())
    })
    .await
}

pub(super) async fn remove_role_from_instance_profile(
    iam: &Iam,
    context: &Context,
    input: shape::RemoveRoleFromInstanceProfileRequest,
) -> Result<(), ApiError> {
    edit(iam, context, input.instance_profile_name, move |profile, _| {
        if profile.role.as_ref() != Some(&input.role_name) {
            return Err(role::missing(&input.role_name));
        }
        profile.role = None;
        Ok(())
    })
    .await
}

pub(super) async fn tag_instance_profile(
    iam: &Iam,
    context: &Context,
    input: shape::TagInstanceProfileRequest,
) -> Result<(), ApiError> {
    edit(iam, context, input.instance_profile_name, move |profile, _| {
        profile.tags = tag::added(std::mem::take(&mut profile.tags), input.tags)?;
        Ok(())
    })
    .await
}

pub(super) async fn untag_instance_profile(
    iam: &Iam,
    context: &Context,
    input: shape::UntagInstanceProfileRequest,
) -> Result<(), ApiError> {
    edit(iam, context, input.instance_profile_name, move |profile, _| {
        profile.tags.retain(|key, _| !input.tag_keys.contains(key));
        Ok(())
    })
    .await
}

pub(super) async fn list_instance_profile_tags(
    iam: &Iam,
    context: &Context,
    input: shape::ListInstanceProfileTagsRequest,
) -> Result<shape::ListInstanceProfileTagsResponse, ApiError> {
    let profile = find(&iam.store.snapshot(), context, &input.instance_profile_name)?;
    let (tags, marker) = page(
        tag::shapes(&profile.tags),
        input.max_items,
        input.marker.as_deref(),
    )?;
    Ok(shape::ListInstanceProfileTagsResponse {
        tags,
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

fn find(snapshot: &Snapshot, context: &Context, name: &str) -> Result<Arc<Profile>, ApiError> {
    let found = snapshot.get(PROFILES, &role::key(&context.scope.account, name));
    found.ok_or_else(|| missing(name))
}

fn told(snapshot: &Snapshot, context: &Context, profile: &Profile) -> shape::InstanceProfile {
    let role = profile.role.as_ref().and_then(|name| {
        let key = role::key(&context.scope.account, name);
        snapshot.get(ROLES, &key)
    });
    shape_of(profile, role.as_deref())
}

fn shape_of(profile: &Profile, role: Option<&Role>) -> shape::InstanceProfile {
    shape::InstanceProfile {
        path: profile.path.clone(),
        instance_profile_name: profile.name.clone(),
        instance_profile_id: profile.id.clone(),
        arn: profile.arn.clone(),
        create_date: profile.created_at,
        roles: role.into_iter().map(role::shape).collect(),
        tags: Some(tag::shapes(&profile.tags)),
    }
}
