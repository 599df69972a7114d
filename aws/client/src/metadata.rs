//! What an instance asks about itself, through the SDK's own client of the instance metadata service.

use aws_config::imds::client::Client;
use aws_config::imds::client::error::ImdsError;
use aws_config::provider_config::ProviderConfig;

use crate::ConfigError;
use crate::config::causes;
use crate::transport::Transport;

/// The instance metadata service of the instance that this process runs on.
#[derive(Clone, Debug)]
pub struct Metadata(Client);

impl Metadata {
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new() -> Result<Self, ConfigError> {
        let transport = Transport::new(None)?;
        let config = ProviderConfig::without_region().with_http_client(transport.for_sdk());
        Ok(Self(Client::builder().configure(&config).build()))
    }

    /// A document, such as `/latest/meta-data/instance-id`; `None` if there is none.
    ///
    /// # Errors
    /// When the service does not answer, or refuses.
    pub async fn get(&self, path: &str) -> Result<Option<String>, String> {
        match self.0.get(path).await {
            Ok(text) => Ok(Some(text.into())),
            Err(ImdsError::ErrorResponse(answer)) if answer.response().status().as_u16() == 404 => Ok(None),
            Err(error) => Err(causes(&error)),
        }
    }
}
