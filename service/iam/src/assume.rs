//! Sessions of roles: for callers of AssumeRole, and for services on behalf of what they run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_protocol::{ApiError, Context};
use aws_shape::sts::*;

use crate::model::Role;
use crate::session::{no_such_device, shape};
use crate::trust::{Caller, Question, REQUEST_TAG, allows};
use crate::{CREDENTIALS, Credential, Iam, ROLES, SessionRole, document, role};

const SESSION_SECONDS_DEFAULT: i32 = 3600;
/// Of a session that a session of a role began.
const CHAINED_SECONDS_MAX: i32 = 3600;
/// Characters of a session's own policies.
const POLICY_CHARACTERS_MAX: usize = 2048;

/// Why a service cannot act in a role.
#[derive(Debug, thiserror::Error)]
pub enum AssumeError {
    #[error("the role does not exist")]
    Missing,
    /// Its trust policy does not name the service, or asks for more than the service says.
    #[error("the role's trust policy does not allow {service} to assume it")]
    NotTrusted { service: String },
    #[error("{0}")]
    Failed(String),
}

/// A service's session with less time left is replaced when it is asked for: clients ask anew a quarter of an hour before
/// the end.
const RENEW_BEFORE: Duration = Duration::from_secs(20 * 60);

/// A session that a service begins for something of its own.
#[derive(Clone, Debug)]
pub struct ServiceSession<'a> {
    /// Such as `ecs-tasks.amazonaws.com`.
    pub service: &'a str,
    pub role_arn: &'a str,
    /// What the session is called; for a task its id.
    pub name: &'a str,
    /// For whom: conditions of trust policies may ask for its ARN and account.
    pub source_arn: &'a str,
    pub life: Duration,
}

impl Iam {
    /// A session for a service: the one that it has begun under this name, or a new one when that is about to end. The
    /// role's trust policy must name the service.
    ///
    /// # Errors
    /// When the role is not there, does not trust the service, or the session cannot be saved.
    pub async fn service_session(&self, session: ServiceSession<'_>) -> Result<Credential, AssumeError> {
        let (account, role) = self.role_of_arn(session.role_arn).ok_or(AssumeError::Missing)?;
        let source_account = session.source_arn.split(':').nth(4).unwrap_or_default();
        let facts = BTreeMap::from([
            ("aws:sourcearn".to_owned(), session.source_arn.to_owned()),
            ("aws:sourceaccount".to_owned(), source_account.to_owned()),
            ("sts:rolesessionname".to_owned(), session.name.to_owned()),
        ]);
        let question = Question {
            caller: &Caller::Service(session.service.to_owned()),
            action: "sts:AssumeRole",
            facts: &facts,
        };
        if !allows(&role.trust, &question) {
            let service = session.service.to_owned();
            return Err(AssumeError::NotTrusted { service });
        }
        let found = SessionRole {
            service: Some(session.service.to_owned()),
            ..session_of(&role, session.name)
        };
        let until = self.clock.now() + RENEW_BEFORE;
        let rows = self.store.snapshot().list(CREDENTIALS).into_iter();
        let standing = rows
            .map(|(_, row)| row)
            .find(|row| row.role.as_ref() == Some(&found) && row.expires_at.is_some_and(|at| at > until));
        if let Some(standing) = standing {
            return Ok(Credential::clone(&standing));
        }
        self.role_session(&account, &role, found, session.life)
            .await
            .map_err(|error| AssumeError::Failed(error.to_string()))
    }

    /// The role of an ARN, and its account.
    pub(crate) fn role_of_arn(&self, arn: &str) -> Option<(String, Arc<Role>)> {
        let (account, path) = arn.strip_prefix("arn:aws:iam::")?.split_once(":role/")?;
        let name = path.rsplit('/').next()?;
        let role = self.store.snapshot().get(ROLES, &role::key(account, name))?;
        (role.arn == arn).then(|| (account.to_owned(), role))
    }

    pub(crate) async fn role_session(
        &self,
        account: &str,
        role: &Role,
        session: SessionRole,
        life: Duration,
    ) -> Result<Credential, ApiError> {
        let (role, name) = (&role.name, &session.session_name);
        let principal = format!("arn:aws:sts::{account}:assumed-role/{role}/{name}");
        self.session_credential(account, &principal, Some(session), life)
            .await
    }
}

pub(crate) fn session_of(role: &Role, name: &str) -> SessionRole {
    SessionRole {
        arn: role.arn.clone(),
        id: role.id.clone(),
        session_name: name.to_owned(),
        service: None,
    }
}

fn denied(context: &Context, action: &str, role_arn: &str) -> ApiError {
    let message = format!(
        "User: {} is not authorized to perform: {action} on resource: {role_arn}",
        context.principal_arn
    );
    ApiError::with_status(403, "AccessDenied", message)
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::client("ValidationError", message)
}

pub(super) async fn assume_role(
    iam: &Iam,
    context: &Context,
    input: AssumeRoleRequest,
) -> Result<AssumeRoleResponse, ApiError> {
    if input.serial_number.is_some() || input.token_code.is_some() {
        return Err(no_such_device());
    }
    if input.provided_contexts.is_some_and(|it| !it.is_empty()) {
        return Err(invalid("Wharf does not serve ProvidedContexts yet."));
    }
    let tags = input.tags.unwrap_or_default();
    check_tags(&tags, &input.transitive_tag_keys.unwrap_or_default())?;
    let policies = input.policy_arns.unwrap_or_default();
    let packed = packed_percent(input.policy.as_deref(), &policies, &tags)?;
    let arn = &input.role_arn;
    // Whether a role is there is told to nobody whom it does not trust.
    let (account, role) = iam
        .role_of_arn(arn)
        .ok_or_else(|| denied(context, "sts:AssumeRole", arn))?;
    let own = iam.credential(&context.access_key).and_then(|it| it.role);
    let caller = Caller::Principal {
        account: context.scope.account.clone(),
        arn: context.principal_arn.clone(),
        role_arn: own.as_ref().map(|it| it.arn.clone()),
    };
    let mut facts = BTreeMap::from([
        ("aws:principalaccount".to_owned(), context.scope.account.clone()),
        (
            "aws:principalarn".to_owned(),
            own.as_ref()
                .map_or_else(|| context.principal_arn.clone(), |it| it.arn.clone()),
        ),
        ("sts:rolesessionname".to_owned(), input.role_session_name.clone()),
    ]);
    facts.extend(input.external_id.map(|id| ("sts:externalid".to_owned(), id)));
    let named = |tag: &Tag| {
        (
            format!("{REQUEST_TAG}{}", tag.key.to_lowercase()),
            tag.value.clone(),
        )
    };
    facts.extend(tags.iter().map(named));
    let mut actions = vec!["sts:AssumeRole"];
    actions.extend((!tags.is_empty()).then_some("sts:TagSession"));
    actions.extend(input.source_identity.is_some().then_some("sts:SetSourceIdentity"));
    for action in actions {
        let question = Question {
            caller: &caller,
            action,
            facts: &facts,
        };
        if !allows(&role.trust, &question) {
            return Err(denied(context, action, arn));
        }
    }
    let seconds = session_seconds(input.duration_seconds, &role, own.is_some())?;
    let life = Duration::from_secs(u64::from(seconds.unsigned_abs()));
    let new = iam
        .role_session(&account, &role, session_of(&role, &input.role_session_name), life)
        .await?;
    Ok(AssumeRoleResponse {
        assumed_role_user: Some(AssumedRoleUser {
            assumed_role_id: format!("{}:{}", role.id, input.role_session_name),
            arn: new.principal_arn.clone(),
        }),
        credentials: Some(shape(new)),
        packed_policy_size: packed,
        source_identity: input.source_identity,
    })
}

pub(crate) fn session_seconds(wish: Option<i32>, role: &Role, chained: bool) -> Result<i32, ApiError> {
    let seconds = wish.unwrap_or(SESSION_SECONDS_DEFAULT);
    if chained && seconds > CHAINED_SECONDS_MAX {
        return Err(invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        ));
    }
    if seconds > role.session_seconds_max {
        return Err(invalid(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    Ok(seconds)
}

fn check_tags(tags: &[Tag], transitive: &[String]) -> Result<(), ApiError> {
    for (place, tag) in tags.iter().enumerate() {
        let twin = |other: &Tag| other.key.eq_ignore_ascii_case(&tag.key);
        if tags[..place].iter().any(twin) {
            return Err(ApiError::client(
                "InvalidParameterValue",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
    }
    let known = |key: &&String| tags.iter().any(|tag| tag.key.eq_ignore_ascii_case(key));
    match transitive.iter().find(|key| !known(key)) {
        None => Ok(()),
        Some(key) => Err(ApiError::client(
            "InvalidParameterValue",
            format!("The specified transitive tag key must be included in the requested tags: {key}"),
        )),
    }
}

/// How much of what a session may carry is used, in percent; nothing when it carries nothing.
pub(crate) fn packed_percent(
    policy: Option<&str>,
    arns: &[PolicyDescriptorType],
    tags: &[Tag],
) -> Result<Option<i32>, ApiError> {
    if let Some(policy) = policy {
        document::check_permissions(policy)?;
    }
    let arns = arns.iter().filter_map(|it| it.arn.as_deref());
    let used: usize = policy.into_iter().chain(arns).map(str::len).sum();
    if used > POLICY_CHARACTERS_MAX {
        return Err(ApiError::client(
            "PackedPolicyTooLarge",
            format!("The session policies have {used} characters, more than {POLICY_CHARACTERS_MAX}."),
        ));
    }
    let used = used
        + tags
            .iter()
            .map(|tag| tag.key.len() + tag.value.len())
            .sum::<usize>();
    let percent = (used * 100).div_ceil(POLICY_CHARACTERS_MAX).min(100);
    Ok((used > 0).then(|| i32::try_from(percent).unwrap_or(100)))
}
