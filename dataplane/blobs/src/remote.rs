//! Other registries: how they are reached, and what is said when they are not.

mod pull;
mod push;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use contract::image::Credentials;
use http::StatusCode;
use oci_client::Reference;
use oci_client::RegistryOperation;
use oci_client::client::{Certificate, CertificateEncoding, Client, ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::secrets::RegistryAuth;

use crate::name::Name;
use crate::store::{BlobStore, lock_plain};
pub use pull::PullError;
pub use push::PushError;

/// A registry must accept a connection within this time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// A registry must not be silent for longer than this.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// How other registries are reached.
#[derive(Clone, Debug, Default)]
pub struct RemoteConfig {
    /// Tried in this order before the registry itself.
    pub mirrors: Vec<Mirror>,
    /// Registries (`host` or `host:port`) without TLS, besides those on this machine.
    pub plain_http: Vec<String>,
    /// Certificate authorities to trust besides the system's, PEM.
    pub extra_ca_pem: Vec<Vec<u8>>,
}

/// Other hosts that have the images of a registry.
#[derive(Clone, Debug)]
pub struct Mirror {
    /// Which names are meant: `docker.io`, or `docker.io/library`.
    pub prefix: String,
    /// Such as `mirror.example.com`, `127.0.0.1:5000`.
    pub hosts: Vec<String>,
}

/// Why a registry did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    #[error("{registry} refused the credentials: {reason}")]
    Unauthorized { registry: String, reason: String },
    #[error("{registry} wants credentials (docker login {registry})")]
    NoCredentials { registry: String },
    #[error("{registry} does not have it: {reason}")]
    NotFound { registry: String, reason: String },
    #[error("{registry} cannot be reached: {reason}")]
    Unreachable { registry: String, reason: String },
    #[error("{registry} answered {reason}")]
    Answer { registry: String, reason: String },
}

pub(crate) struct Remote {
    config: RemoteConfig,
    certificates: Vec<Certificate>,
    /// One pull of a name at a time; the others then find everything here.
    pulls: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl Remote {
    pub fn new(config: RemoteConfig) -> Result<Self, String> {
        // Whoever comes second finds one installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let certificates = config
            .extra_ca_pem
            .iter()
            .map(|pem| Certificate {
                encoding: CertificateEncoding::Pem,
                data: pem.clone(),
            })
            .collect();
        let remote = Self {
            config,
            certificates,
            pulls: Mutex::default(),
        };
        remote.client(true).map_err(|error| chain(&error))?;
        Ok(remote)
    }

    /// A client knows one set of credentials, so that every operation makes its own.
    fn client(&self, plain_http: bool) -> Result<Client, OciDistributionError> {
        Client::try_from(ClientConfig {
            protocol: if plain_http {
                ClientProtocol::Http
            } else {
                ClientProtocol::Https
            },
            // With plain HTTP no certificate is ever looked at, and reading the system's takes a while.
            extra_root_certificates: if plain_http {
                Vec::new()
            } else {
                self.certificates.clone()
            },
            use_monolithic_push: true,
            connect_timeout: Some(CONNECT_TIMEOUT),
            read_timeout: Some(READ_TIMEOUT),
            user_agent: concat!("wharf/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        })
    }

    fn is_plain_http(&self, registry: &str) -> bool {
        self.config.plain_http.iter().any(|plain| plain == registry) || is_on_this_machine(registry)
    }

    /// Where to ask for a name, in order: mirrors, then the registry itself.
    fn sources(&self, name: &Name) -> Vec<Reference> {
        let full = format!("{}/{}", name.registry, name.repository);
        let covers = |mirror: &&Mirror| {
            full.strip_prefix(mirror.prefix.trim_end_matches('/'))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let hosts = self
            .config
            .mirrors
            .iter()
            .filter(covers)
            .flat_map(|mirror| &mirror.hosts);
        let mut sources: Vec<Reference> = hosts
            .map(|host| {
                let mut reference = name.reference();
                reference.set_mirror_registry(host.clone());
                reference
            })
            .collect();
        sources.push(name.reference());
        sources
    }

    fn pull_lock(&self, name: &Name) -> Arc<tokio::sync::Mutex<()>> {
        let mut pulls = lock_plain(&self.pulls);
        pulls.retain(|_, lock| Arc::strong_count(lock) > 1);
        pulls.entry(name.to_string()).or_default().clone()
    }
}

impl RemoteError {
    /// A refusal means something else to one who had shown credentials.
    fn with(self, credentials: Option<&Credentials>) -> Self {
        match self {
            Self::NoCredentials { registry } if credentials.is_some() => Self::Unauthorized {
                registry,
                reason: "user name or password is wrong, or lacks the right".to_owned(),
            },
            other => other,
        }
    }
}

impl BlobStore {
    /// Asks a registry (`host`, `host:port`, or Docker Hub's `https://index.docker.io/v1/`) whether it accepts
    /// these credentials.
    pub async fn login(&self, registry: &str, credentials: &Credentials) -> Result<(), RemoteError> {
        let registry = registry_host(registry);
        let plain_http = self.inner.remote.is_plain_http(&registry);
        let scheme = if plain_http { "http" } else { "https" };
        let failed = |error: reqwest::Error| RemoteError::Unreachable {
            registry: registry.clone(),
            reason: chain(&error),
        };
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .user_agent(concat!("wharf/", env!("CARGO_PKG_VERSION")));
        let client = self
            .inner
            .remote
            .config
            .extra_ca_pem
            .iter()
            .try_fold(client, |client, pem| {
                Ok(client.add_root_certificate(reqwest::Certificate::from_pem(pem)?))
            });
        let client = client.and_then(reqwest::ClientBuilder::build).map_err(failed)?;
        let url = format!("{scheme}://{registry}/v2/");
        let answer = client
            .get(&url)
            .basic_auth(&credentials.user, Some(&credentials.password))
            .send()
            .await
            .map_err(failed)?;
        let challenge = answer.headers().get(http::header::WWW_AUTHENTICATE);
        let bearer = challenge
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.to_ascii_lowercase().starts_with("bearer"));
        match answer.status() {
            status if status.is_success() => Ok(()),
            StatusCode::UNAUTHORIZED if bearer => {
                self.login_by_token(&registry, plain_http, credentials).await
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(RemoteError::Unauthorized {
                registry,
                reason: "user name or password is wrong".to_owned(),
            }),
            status => Err(RemoteError::Answer {
                registry,
                reason: format!("{status} to GET {url}"),
            }),
        }
    }

    /// The registry sends its clients to a token server, which checks the credentials.
    async fn login_by_token(
        &self,
        registry: &str,
        plain_http: bool,
        credentials: &Credentials,
    ) -> Result<(), RemoteError> {
        let client = self
            .inner
            .remote
            .client(plain_http)
            .map_err(|error| explain(registry, &error))?;
        let any = Reference::with_tag(
            registry.to_owned(),
            "library/login".to_owned(),
            "latest".to_owned(),
        );
        client
            .auth(&any, &auth(Some(credentials)), RegistryOperation::Pull)
            .await
            .map(|_| ())
            .map_err(|error| explain(registry, &error))
    }
}

fn auth(credentials: Option<&Credentials>) -> RegistryAuth {
    match credentials {
        Some(credentials) => RegistryAuth::Basic(credentials.user.clone(), credentials.password.clone()),
        None => RegistryAuth::Anonymous,
    }
}

/// What clients write for a registry: `https://index.docker.io/v1/`, `http://127.0.0.1:4566`, `ghcr.io`.
pub(crate) fn registry_host(registry: &str) -> String {
    let rest = registry
        .strip_prefix("https://")
        .or_else(|| registry.strip_prefix("http://"))
        .unwrap_or(registry);
    let host = rest.split('/').next().unwrap_or(rest);
    match host {
        "" | "docker.io" | "registry-1.docker.io" => "index.docker.io".to_owned(),
        host => host.to_owned(),
    }
}

/// Registries on this machine speak plain HTTP, as Docker assumes too.
fn is_on_this_machine(registry: &str) -> bool {
    let host = match registry.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => registry.rsplit_once(':').map_or(registry, |(host, _)| host),
    };
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The registry's answer in a sentence.
fn explain(registry: &str, error: &OciDistributionError) -> RemoteError {
    let registry = registry.to_owned();
    match error {
        OciDistributionError::AuthenticationFailure(reason) => RemoteError::Unauthorized {
            registry,
            reason: shorten(reason),
        },
        OciDistributionError::UnauthorizedError { .. } => RemoteError::NoCredentials { registry },
        OciDistributionError::ImageManifestNotFoundError(reason) => RemoteError::NotFound {
            registry,
            reason: reason.clone(),
        },
        OciDistributionError::RegistryError { envelope, .. } => {
            use oci_client::errors::OciErrorCode as Code;
            let first = envelope.errors.first();
            let reason = first.map_or_else(
                || "an error".to_owned(),
                |error| {
                    if error.message.is_empty() {
                        format!("{:?}", error.code)
                    } else {
                        shorten(&error.message)
                    }
                },
            );
            match first.map(|error| &error.code) {
                Some(Code::ManifestUnknown | Code::NameUnknown | Code::BlobUnknown | Code::NotFound) => {
                    RemoteError::NotFound { registry, reason }
                }
                Some(Code::Unauthorized | Code::Denied) => RemoteError::Unauthorized { registry, reason },
                _ => RemoteError::Answer { registry, reason },
            }
        }
        OciDistributionError::ServerError {
            code: 404, message, ..
        } => RemoteError::NotFound {
            registry,
            reason: told(message),
        },
        OciDistributionError::ServerError { code, message, .. } => RemoteError::Answer {
            registry,
            reason: format!("{code} {}", told(message)),
        },
        OciDistributionError::RequestError(error) => match error.status() {
            Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => RemoteError::NoCredentials { registry },
            Some(status) => RemoteError::Answer {
                registry,
                reason: status.to_string(),
            },
            None => RemoteError::Unreachable {
                registry,
                reason: chain(error),
            },
        },
        other => RemoteError::Answer {
            registry,
            reason: shorten(&chain(other)),
        },
    }
}

/// An error with its causes: `error sending request: connection refused`.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

/// The sentence inside the answer, if it is one of a registry.
fn told(body: &str) -> String {
    let envelope: Option<oci_client::errors::OciEnvelope> = serde_json::from_str(body).ok();
    let first = envelope.and_then(|envelope| envelope.errors.into_iter().next());
    match first {
        Some(error) if !error.message.is_empty() => shorten(&error.message),
        _ => shorten(body),
    }
}

/// What a stranger says is repeated in one line of bounded length.
fn shorten(text: &str) -> String {
    const CHARS_MAX: usize = 300;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > CHARS_MAX {
        line.chars().take(CHARS_MAX).chain("…".chars()).collect()
    } else {
        line
    }
}

#[cfg(test)]
mod tests;
