//! IAM and STS: who may sign, and the roles that services name.
//!
//! Credentials are enforced: every request's signature is verified against them. So are trust policies: who assumes a
//! role must be trusted by it. What roles may do is stored and shown, and not evaluated (docs/book/identity.md).

mod assume;
mod attachment;
mod credential;
mod document;
mod inline;
mod linked;
mod managed;
mod model;
mod policy;
mod profile;
mod provider;
mod reconcile;
mod role;
mod session;
mod tag;
mod trust;
mod version;
mod web;

pub use assume::{AssumeError, ServiceSession};
pub use model::{Credential, SessionRole};
pub use profile::CREDENTIALS_LIFE as INSTANCE_CREDENTIALS_LIFE;
pub use reconcile::Sessions;
pub use web::{Issuers, WORKFLOWS};

use std::sync::Arc;

use aws_protocol::{ApiError, operations};
use aws_shape::{iam, sts};
use base_clock::Clock;
use base_id::IdSource;
use base_store::{Store, Table};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::{Policy, Profile, Provider, Role};

const CREDENTIALS: Table<Credential> = Table::new(Iam::CREDENTIAL_TABLE, 1);
/// Under `<account>/<name>`; so are instance profiles and policies.
const ROLES: Table<Role> = Table::new("iam/role", 1);
const PROFILES: Table<Profile> = Table::new("iam/instance_profile", 1);
const POLICIES: Table<Policy> = Table::new("iam/policy", 1);
const PROVIDERS: Table<Provider> = Table::new("iam/open_id_connect_provider", 1);
const PAGE_ITEMS_MAX: usize = 1000;
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Both services; cheap to clone.
#[derive(Clone)]
pub struct Iam {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    /// Whose tokens can be believed.
    issuers: Option<web::Issuers>,
}

impl Iam {
    /// Credentials outlive a reset: whoever may drive this cloud still may.
    pub const CREDENTIAL_TABLE: &'static str = "iam/credential";

    pub fn new(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) -> Self {
        Self {
            store,
            clock,
            ids,
            issuers: None,
        }
    }

    /// With the keys of issuers of tokens.
    #[must_use]
    pub fn with_issuers(mut self, issuers: web::Issuers) -> Self {
        self.issuers = Some(issuers);
        self
    }
}

operations! { Iam as iam::Api:
    create_role(iam::CreateRoleRequest) -> iam::CreateRoleResponse = role;
    get_role(iam::GetRoleRequest) -> iam::GetRoleResponse = role;
    delete_role(iam::DeleteRoleRequest) -> () = role;
    list_roles(iam::ListRolesRequest) -> iam::ListRolesResponse = role;
    update_role(iam::UpdateRoleRequest) -> iam::UpdateRoleResponse = role;
    update_role_description(iam::UpdateRoleDescriptionRequest) -> iam::UpdateRoleDescriptionResponse = role;
    update_assume_role_policy(iam::UpdateAssumeRolePolicyRequest) -> () = role;
    create_service_linked_role(iam::CreateServiceLinkedRoleRequest) -> iam::CreateServiceLinkedRoleResponse = linked;
    create_instance_profile(iam::CreateInstanceProfileRequest) -> iam::CreateInstanceProfileResponse = profile;
    get_instance_profile(iam::GetInstanceProfileRequest) -> iam::GetInstanceProfileResponse = profile;
    delete_instance_profile(iam::DeleteInstanceProfileRequest) -> () = profile;
    list_instance_profiles(iam::ListInstanceProfilesRequest) -> iam::ListInstanceProfilesResponse = profile;
    list_instance_profiles_for_role(iam::ListInstanceProfilesForRoleRequest) -> iam::ListInstanceProfilesForRoleResponse = profile;
    add_role_to_instance_profile(iam::AddRoleToInstanceProfileRequest) -> () = profile;
    remove_role_from_instance_profile(iam::RemoveRoleFromInstanceProfileRequest) -> () = profile;
    tag_instance_profile(iam::TagInstanceProfileRequest) -> () = profile;
    untag_instance_profile(iam::UntagInstanceProfileRequest) -> () = profile;
    list_instance_profile_tags(iam::ListInstanceProfileTagsRequest) -> iam::ListInstanceProfileTagsResponse = profile;
    create_open_id_connect_provider(iam::CreateOpenIDConnectProviderRequest) -> iam::CreateOpenIDConnectProviderResponse = provider;
    get_open_id_connect_provider(iam::GetOpenIDConnectProviderRequest) -> iam::GetOpenIDConnectProviderResponse = provider;
    list_open_id_connect_providers(iam::ListOpenIDConnectProvidersRequest) -> iam::ListOpenIDConnectProvidersResponse = provider;
    delete_open_id_connect_provider(iam::DeleteOpenIDConnectProviderRequest) -> () = provider;
    update_open_id_connect_provider_thumbprint(iam::UpdateOpenIDConnectProviderThumbprintRequest) -> () = provider;
    add_client_id_to_open_id_connect_provider(iam::AddClientIDToOpenIDConnectProviderRequest) -> () = provider;
    remove_client_id_from_open_id_connect_provider(iam::RemoveClientIDFromOpenIDConnectProviderRequest) -> () = provider;
    tag_open_id_connect_provider(iam::TagOpenIDConnectProviderRequest) -> () = provider;
    untag_open_id_connect_provider(iam::UntagOpenIDConnectProviderRequest) -> () = provider;
    list_open_id_connect_provider_tags(iam::ListOpenIDConnectProviderTagsRequest) -> iam::ListOpenIDConnectProviderTagsResponse = provider;
    put_role_policy(iam::PutRolePolicyRequest) -> () = inline;
    get_role_policy(iam::GetRolePolicyRequest) -> iam::GetRolePolicyResponse = inline;
    delete_role_policy(iam::DeleteRolePolicyRequest) -> () = inline;
    list_role_policies(iam::ListRolePoliciesRequest) -> iam::ListRolePoliciesResponse = inline;
    attach_role_policy(iam::AttachRolePolicyRequest) -> () = attachment;
    detach_role_policy(iam::DetachRolePolicyRequest) -> () = attachment;
    list_attached_role_policies(iam::ListAttachedRolePoliciesRequest) -> iam::ListAttachedRolePoliciesResponse = attachment;
    list_entities_for_policy(iam::ListEntitiesForPolicyRequest) -> iam::ListEntitiesForPolicyResponse = attachment;
    create_policy(iam::CreatePolicyRequest) -> iam::CreatePolicyResponse = policy;
    get_policy(iam::GetPolicyRequest) -> iam::GetPolicyResponse = policy;
    delete_policy(iam::DeletePolicyRequest) -> () = policy;
    list_policies(iam::ListPoliciesRequest) -> iam::ListPoliciesResponse = policy;
    create_policy_version(iam::CreatePolicyVersionRequest) -> iam::CreatePolicyVersionResponse = version;
    get_policy_version(iam::GetPolicyVersionRequest) -> iam::GetPolicyVersionResponse = version;
    list_policy_versions(iam::ListPolicyVersionsRequest) -> iam::ListPolicyVersionsResponse = version;
    delete_policy_version(iam::DeletePolicyVersionRequest) -> () = version;
    set_default_policy_version(iam::SetDefaultPolicyVersionRequest) -> () = version;
    tag_role(iam::TagRoleRequest) -> () = tag;
    untag_role(iam::UntagRoleRequest) -> () = tag;
    list_role_tags(iam::ListRoleTagsRequest) -> iam::ListRoleTagsResponse = tag;
    tag_policy(iam::TagPolicyRequest) -> () = tag;
    untag_policy(iam::UntagPolicyRequest) -> () = tag;
    list_policy_tags(iam::ListPolicyTagsRequest) -> iam::ListPolicyTagsResponse = tag;
}

operations! { Iam as sts::Api:
    get_caller_identity(sts::GetCallerIdentityRequest) -> sts::GetCallerIdentityResponse = session;
    get_session_token(sts::GetSessionTokenRequest) -> sts::GetSessionTokenResponse = session;
    assume_role(sts::AssumeRoleRequest) -> sts::AssumeRoleResponse = assume;
    assume_role_with_web_identity(sts::AssumeRoleWithWebIdentityRequest) -> sts::AssumeRoleWithWebIdentityResponse = web;
}

fn limit_exceeded(message: impl Into<String>) -> ApiError {
    ApiError::with_status(409, "LimitExceeded", message)
}

fn no_such_entity(message: impl Into<String>) -> ApiError {
    ApiError::with_status(404, "NoSuchEntity", message)
}

fn delete_conflict(message: impl Into<String>) -> ApiError {
    ApiError::with_status(409, "DeleteConflict", message)
}

/// One page of a list; `max_items` is 100 unless told.
fn page<T>(
    items: Vec<T>,
    max_items: Option<i32>,
    marker: Option<&str>,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let bad = |_| ApiError::client("ValidationError", "Invalid Marker.");
    aws_protocol::page(items, max_items.or(Some(100)), PAGE_ITEMS_MAX, marker).map_err(bad)
}

/// IAM shows policy documents percent-encoded: all but what RFC 3986 calls unreserved.
fn encoded(document: &str) -> String {
    utf8_percent_encode(document, RESERVED).to_string()
}

#[cfg(test)]
mod tests;
