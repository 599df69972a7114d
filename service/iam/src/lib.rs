//! IAM and STS: who may sign, and the roles that services name.
//!
//! Credentials are enforced: every request's signature is verified against them. Roles and attached policies are
//! stored and shown; what a policy allows is not evaluated yet.

mod credential;
mod model;
mod role;
mod session;

pub use model::Credential;

use std::sync::Arc;

use aws_protocol::operations;
use aws_shape::{iam, sts};
use base_clock::Clock;
use base_id::IdSource;
use base_store::{Store, Table};

use crate::model::Role;

const CREDENTIALS: Table<Credential> = Table::new(Iam::CREDENTIAL_TABLE, 1);
const ROLES: Table<Role> = Table::new("iam/role", 1);

/// Both services; cheap to clone.
#[derive(Clone)]
pub struct Iam {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

impl Iam {
    /// Credentials outlive a reset: whoever may drive this cloud still may.
    pub const CREDENTIAL_TABLE: &'static str = "iam/credential";

    pub fn new(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) -> Self {
        Self { store, clock, ids }
    }
}

operations! { Iam as iam::Api:
    create_role(iam::CreateRoleRequest) -> iam::CreateRoleResponse = role;
    get_role(iam::GetRoleRequest) -> iam::GetRoleResponse = role;
    delete_role(iam::DeleteRoleRequest) -> () = role;
    list_roles(iam::ListRolesRequest) -> iam::ListRolesResponse = role;
    attach_role_policy(iam::AttachRolePolicyRequest) -> () = role;
    detach_role_policy(iam::DetachRolePolicyRequest) -> () = role;
    list_attached_role_policies(iam::ListAttachedRolePoliciesRequest) -> iam::ListAttachedRolePoliciesResponse = role;
    list_role_policies(iam::ListRolePoliciesRequest) -> iam::ListRolePoliciesResponse = role;
    list_instance_profiles_for_role(iam::ListInstanceProfilesForRoleRequest) -> iam::ListInstanceProfilesForRoleResponse = role;
}

operations! { Iam as sts::Api:
    get_caller_identity(sts::GetCallerIdentityRequest) -> sts::GetCallerIdentityResponse = session;
    get_session_token(sts::GetSessionTokenRequest) -> sts::GetSessionTokenResponse = session;
}

#[cfg(test)]
mod tests;
