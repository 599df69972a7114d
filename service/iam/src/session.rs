//! STS: who am I, and credentials for a while.

use std::time::Duration;

use aws_protocol::{ApiError, Context};
use aws_shape::sts::*;

use crate::{Credential, Iam};

const SESSION_SECONDS_DEFAULT: i32 = 43_200;

pub(super) async fn get_caller_identity(
    iam: &Iam,
    context: &Context,
    _: GetCallerIdentityRequest,
) -> Result<GetCallerIdentityResponse, ApiError> {
    let account = context.scope.account.clone();
    let role = iam.credential(&context.access_key).and_then(|it| it.role);
    let user_id = match role {
        Some(role) => format!("{}:{}", role.id, role.session_name),
        None => account.clone(),
    };
    Ok(GetCallerIdentityResponse {
        user_id: Some(user_id),
        account: Some(account),
        arn: Some(context.principal_arn.clone()),
    })
}

pub(super) async fn get_session_token(
    iam: &Iam,
    context: &Context,
    input: GetSessionTokenRequest,
) -> Result<GetSessionTokenResponse, ApiError> {
    if input.serial_number.is_some() || input.token_code.is_some() {
        return Err(no_such_device());
    }
    let caller = iam.credential(&context.access_key);
    if caller.is_some_and(|it| it.session_token.is_some()) {
        return Err(ApiError::with_status(
            403,
            "AccessDenied",
            "Cannot call GetSessionToken with session credentials",
        ));
    }
    let seconds = input
        .duration_seconds
        .unwrap_or(SESSION_SECONDS_DEFAULT)
        .unsigned_abs();
    let life = Duration::from_secs(seconds.into());
    let new = iam
        .session_credential(&context.scope.account, &context.principal_arn, None, life)
        .await?;
    Ok(GetSessionTokenResponse {
        credentials: Some(shape(new)),
    })
}

/// There are no devices for a second factor here.
pub(super) fn no_such_device() -> ApiError {
    ApiError::with_status(
        403,
        "AccessDenied",
        "MultiFactorAuthentication failed with invalid MFA one time pass code.",
    )
}

pub(super) fn shape(credential: Credential) -> Credentials {
    Credentials {
        access_key_id: credential.access_key,
        secret_access_key: credential.secret_key,
        session_token: credential.session_token.unwrap_or_default(),
        expiration: credential.expires_at.unwrap_or_default(),
    }
}
