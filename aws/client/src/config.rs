//! From the standard AWS configuration to a client.

use std::path::PathBuf;
use std::sync::Arc;

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_types::SdkConfig;
use aws_types::region::Region;
use base_clock::{Clock, SystemClock};
use base_id::{IdSource, RandomIds};

use crate::Client;
use crate::endpoint::Endpoints;
use crate::sign::CachedCredentials;
use crate::transport::Transport;

/// What is said directly and comes before the environment and the configuration files.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// For every service, such as `http://127.0.0.1:4566`.
    pub endpoint: Option<String>,
    pub region: Option<String>,
    pub credentials: Option<Keys>,
    pub profile: Option<String>,
    /// Certificates (PEM) to trust instead of the system's, as `AWS_CA_BUNDLE` names them.
    pub ca_bundle: Option<PathBuf>,
}

/// An access key.
#[derive(Clone)]
pub struct Keys {
    pub access_key: String,
    pub secret_key: String,
    pub session_token: Option<String>,
}

/// Keeps the secret out of logs.
impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys")
            .field("access_key", &self.access_key)
            .finish_non_exhaustive()
    }
}

/// The AWS configuration does not suffice to speak to a service.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("no AWS region is configured: set AWS_REGION or `region` in the AWS configuration file")]
    NoRegion,
    #[error("no AWS credentials were found: {0}")]
    NoCredentials(String),
    #[error("the endpoint {0} is no http or https address")]
    Endpoint(String),
    #[error("the certificates in {path} cannot be used: {cause}")]
    CaBundle { path: PathBuf, cause: String },
}

impl Client {
    /// Reads the standard AWS configuration: the environment, the configuration files, and where these say so a
    /// credential process, single sign-on, or the machine's own role. Finds credentials once, so that it fails
    /// here and not in the middle of something.
    ///
    /// # Errors
    /// When something is missing or wrong.
    pub async fn from_environment(overrides: Overrides) -> Result<Self, ConfigError> {
        let ids: Arc<dyn IdSource> = Arc::new(RandomIds);
        Self::from_parts(overrides, Arc::new(SystemClock), ids).await
    }

    /// The same with time and names passed in.
    ///
    /// # Errors
    /// As [`Client::from_environment`].
    pub async fn from_parts(
        overrides: Overrides,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Result<Self, ConfigError> {
        let transport = Transport::new(overrides.ca_bundle.as_deref())?;
        let config = load(&overrides, &transport).await;
        let region = config
            .region()
            .map(ToString::to_string)
            .ok_or(ConfigError::NoRegion)?;
        let endpoints = Endpoints::new(overrides.endpoint.clone(), &config, &region)?;
        let provider = match &overrides.credentials {
            Some(keys) => SharedCredentialsProvider::new(Credentials::new(
                &keys.access_key,
                &keys.secret_key,
                keys.session_token.clone(),
                None,
                "overrides",
            )),
            None => config
                .credentials_provider()
                .ok_or_else(|| ConfigError::NoCredentials("there is no provider of them".to_owned()))?,
        };
        let first = provider
            .provide_credentials()
            .await
            .map_err(|it| ConfigError::NoCredentials(causes(&it)))?;
        let attempts = config.retry_config().map_or(3, |it| it.max_attempts()).max(1);
        let credentials = CachedCredentials::new(provider, first);
        Ok(Self::new(
            transport,
            endpoints,
            credentials,
            region,
            attempts,
            clock,
            ids,
        ))
    }
}

async fn load(overrides: &Overrides, transport: &Transport) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(transport.for_sdk());
    if let Some(region) = &overrides.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &overrides.profile {
        loader = loader.profile_name(profile);
    }
    loader.load().await
}

/// An error with all its causes in one line.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
