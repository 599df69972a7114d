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

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
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

macro_rules! operations {
    ($service:ident: $($name:ident($input:ident) -> $output:ty = $noun:ident;)*) => {
        #[async_trait]
        impl $service::Api for Iam {
            $(async fn $name(&self, context: &Context, input: $service::$input) -> Result<$output, ApiError> {
                $noun::$name(self, context, input).await
            })*
        }
    };
}

operations! { iam:
    create_role(CreateRoleRequest) -> iam::CreateRoleResponse = role;
    get_role(GetRoleRequest) -> iam::GetRoleResponse = role;
    delete_role(DeleteRoleRequest) -> () = role;
    list_roles(ListRolesRequest) -> iam::ListRolesResponse = role;
    attach_role_policy(AttachRolePolicyRequest) -> () = role;
    detach_role_policy(DetachRolePolicyRequest) -> () = role;
    list_attached_role_policies(ListAttachedRolePoliciesRequest) -> iam::ListAttachedRolePoliciesResponse = role;
    list_role_policies(ListRolePoliciesRequest) -> iam::ListRolePoliciesResponse = role;
    list_instance_profiles_for_role(ListInstanceProfilesForRoleRequest) -> iam::ListInstanceProfilesForRoleResponse = role;
}

operations! { sts:
    get_caller_identity(GetCallerIdentityRequest) -> sts::GetCallerIdentityResponse = session;
    get_session_token(GetSessionTokenRequest) -> sts::GetSessionTokenResponse = session;
}

#[cfg(test)]
mod tests;
