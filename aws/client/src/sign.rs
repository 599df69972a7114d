//! Signatures, and the credentials for them.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_protocol::ApiError;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use tokio::sync::Mutex;

use crate::config::causes;

/// Credentials that end within this many seconds are renewed.
const RENEW_BEFORE_SECONDS: u64 = 300;

/// Credentials, renewed when they are about to end.
#[derive(Debug)]
pub struct CachedCredentials {
    provider: SharedCredentialsProvider,
    present: Mutex<Credentials>,
}

impl CachedCredentials {
    pub fn new(provider: SharedCredentialsProvider, first: Credentials) -> Self {
        Self {
            provider,
            present: Mutex::new(first),
        }
    }

    /// # Errors
    /// When they have ended and there are no new ones.
    pub async fn get(&self, now: SystemTime) -> Result<Credentials, ApiError> {
        let mut present = self.present.lock().await;
        let left = present
            .expiry()
            .map(|it| it.duration_since(now).unwrap_or_default());
        if left.is_some_and(|it| it < Duration::from_secs(RENEW_BEFORE_SECONDS)) {
            match self.provider.provide_credentials().await {
                Ok(renewed) => *present = renewed,
                // What is still good for a while is used; the next request tries again.
                Err(cause) if left.is_some_and(|it| !it.is_zero()) => {
                    tracing::warn!(cause = causes(&cause), "AWS credentials cannot be renewed yet");
                }
                Err(cause) => {
                    let message = format!(
                        "The AWS credentials have ended and cannot be renewed: {}",
                        causes(&cause)
                    );
                    return Err(ApiError::with_status(403, "ExpiredToken", message));
                }
            }
        }
        Ok(present.clone())
    }
}

/// Adds the signature's headers to a request.
pub fn add_signature(
    request: &mut http::Request<Vec<u8>>,
    credentials: Credentials,
    region: &str,
    service: &str,
    now: SystemTime,
) -> Result<(), ApiError> {
    let identity = credentials.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .map_err(|it| ApiError::internal(causes(&it)))?
        .into();
    let headers = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let signable = SignableRequest::new(
        request.method().as_str(),
        request.uri().to_string(),
        headers,
        SignableBody::Bytes(request.body()),
    )
    .map_err(|it| ApiError::internal(causes(&it)))?;
    let signed = sign(signable, &parameters).map_err(|it| ApiError::internal(causes(&it)))?;
    signed.into_parts().0.apply_to_request_http1x(request);
    Ok(())
}
