//! Logins to the registry.

use std::time::Duration;

use aws_protocol::{ApiError, Context};
use aws_shape::ecr::*;
use base_id::Scope;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use crate::Ecr;
use crate::model::Token;
use crate::table::TOKENS;

const TOKEN_LIFE: Duration = Duration::from_secs(12 * 60 * 60);

pub(super) async fn get_authorization_token(
    ecr: &Ecr,
    context: &Context,
    input: GetAuthorizationTokenRequest,
) -> Result<GetAuthorizationTokenResponse, ApiError> {
    let scope = context.scope.clone();
    if let Some(other) = input
        .registry_ids
        .iter()
        .flatten()
        .find(|id| **id != scope.account)
    {
        let message = format!(
            "User: {} is not authorized to use the registry with id '{other}'",
            context.principal_arn
        );
        return Err(ApiError::client("AccessDeniedException", message));
    }
    let (password, expires_at) = give_out(ecr, &scope, TOKEN_LIFE, false).await?;
    let data = AuthorizationData {
        authorization_token: Some(STANDARD.encode(format!("AWS:{password}"))),
        expires_at: Some(expires_at),
        proxy_endpoint: Some(format!("http://{}", ecr.registry)),
    };
    Ok(GetAuthorizationTokenResponse {
        authorization_data: Some(vec![data]),
    })
}

/// A new password for the registry; those that have expired are forgotten.
pub(super) async fn give_out(
    ecr: &Ecr,
    scope: &Scope,
    life: Duration,
    is_for_urls: bool,
) -> Result<(String, Timestamp), ApiError> {
    let now = ecr.clock.now();
    let expires_at = now + life;
    let password = format!("{}{}", ecr.ids.hex(32), ecr.ids.hex(32));
    let token = Token {
        account: scope.account.clone(),
        region: scope.region.clone(),
        expires_at,
        is_for_urls,
    };
    let key = password.clone();
    ecr.store
        .write(move |tx| {
            for (old, row) in tx.list(TOKENS) {
                if row.expires_at <= now {
                    tx.delete(TOKENS, &old);
                }
            }
            tx.put(TOKENS, &key, token);
            Ok::<_, ApiError>(())
        })
        .await?;
    Ok((password, expires_at))
}
