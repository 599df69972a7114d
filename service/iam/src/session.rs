//! STS: who am I, and credentials for a while.

use std::time::Duration;

use aws_protocol::{ApiError, Context};
use aws_shape::sts::*;

use crate::Iam;

const SESSION_SECONDS_DEFAULT: i32 = 43_200;

pub(super) async fn get_caller_identity(
    _: &Iam,
    context: &Context,
    _: GetCallerIdentityRequest,
) -> Result<GetCallerIdentityResponse, ApiError> {
    let account = context.scope.account.clone();
    Ok(GetCallerIdentityResponse {
        user_id: Some(account.clone()),
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
        return Err(ApiError::client(
            "AccessDenied",
            "MultiFactorAuthentication failed with invalid MFA one time pass code.",
        ));
    }
    let seconds = input
        .duration_seconds
        .unwrap_or(SESSION_SECONDS_DEFAULT)
        .unsigned_abs();
    let life = Duration::from_secs(seconds.into());
    let new = iam
        .session_credential(&context.scope.account, &context.principal_arn, life)
        .await?;
    Ok(GetSessionTokenResponse {
        credentials: Some(Credentials {
            access_key_id: new.access_key,
            secret_access_key: new.secret_key,
            session_token: new.session_token.unwrap_or_default(),
            expiration: new.expires_at.unwrap_or_default(),
        }),
    })
}
