//! HTTP and HTTPS: one pool of connections, one TLS library, the system's certificates or a bundle's.

use std::path::Path;
use std::time::Duration;

use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Connector, proxy::ProxyConfig};
use aws_smithy_runtime_api::client::http::{
    HttpConnector as _, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt as _, Limited};

use crate::ConfigError;
use crate::config::causes;
use crate::tls::read_bundle;

/// Time to make a connection, in seconds.
const CONNECT_MAX_SECONDS: u64 = 5;
/// Time from a request to its answer, in seconds.
const ANSWER_MAX_SECONDS: u64 = 60;
/// The largest answer, in bytes: DescribeTasks and GetLogEvents stay below 10 MiB.
const ANSWER_MAX_BYTES: usize = 32 * 1024 * 1024;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub request_id: Option<String>,
    pub error_type: Option<String>,
    pub body: Vec<u8>,
}

#[derive(Clone, Debug)]
pub struct Transport {
    direct: SharedHttpConnector,
    /// Through the proxy that `HTTPS_PROXY` and its like name.
    proxied: SharedHttpConnector,
}

impl Transport {
    pub fn new(ca_bundle: Option<&Path>) -> Result<Self, ConfigError> {
        let tls = TlsContext::builder().with_trust_store(trust(ca_bundle)?).build();
        let tls = tls.expect("a context of checked certificates is built");
        let connector = |proxy: ProxyConfig| {
            let settings = HttpConnectorSettings::builder()
                .connect_timeout(Duration::from_secs(CONNECT_MAX_SECONDS))
                .read_timeout(Duration::from_secs(ANSWER_MAX_SECONDS))
                .build();
            let connector = Connector::builder()
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .tls_context(tls.clone())
                .connector_settings(settings)
                .enable_tcp_nodelay(true)
                .proxy_config(proxy)
                .build();
            SharedHttpConnector::new(connector)
        };
        Ok(Self {
            direct: connector(ProxyConfig::disabled()),
            proxied: connector(ProxyConfig::from_env()),
        })
    }

    /// For the SDK's own look-ups, such as single sign-on and a machine's role.
    pub fn for_sdk(&self) -> SharedHttpClient {
        let connector = self.proxied.clone();
        http_client_fn(move |_, _| connector.clone())
    }

    /// # Errors
    /// A sentence: no connection, or no whole answer in time.
    pub async fn send(&self, request: http::Request<Vec<u8>>, is_local: bool) -> Result<Answer, String> {
        let request = request.map(SdkBody::from);
        let request = request.try_into().map_err(|it| causes(&it))?;
        let connector = if is_local { &self.direct } else { &self.proxied };
        let response = connector.call(request).await.map_err(|it| causes(&it))?;
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name).map(str::to_owned);
        let request_id = header("x-amzn-requestid").or_else(|| header("x-amz-request-id"));
        let error_type = header("x-amzn-errortype");
        let body = Limited::new(response.into_body(), ANSWER_MAX_BYTES);
        let whole = tokio::time::timeout(Duration::from_secs(ANSWER_MAX_SECONDS), body.collect());
        let body = match whole.await {
            Ok(Ok(body)) => body.to_bytes().to_vec(),
            Ok(Err(cause)) => return Err(format!("the answer broke off: {}", causes(&*cause))),
            Err(_) => {
                return Err(format!(
                    "the answer was not complete after {ANSWER_MAX_SECONDS} seconds"
                ));
            }
        };
        Ok(Answer {
            status,
            request_id,
            error_type,
            body,
        })
    }
}

fn trust(ca_bundle: Option<&Path>) -> Result<TrustStore, ConfigError> {
    let Some(path) = ca_bundle else {
        // The library takes a machine without certificates for a mistake; plain HTTP needs none.
        let has_any = !rustls_native_certs::load_native_certs().certs.is_empty();
        return Ok(TrustStore::empty().with_native_roots(has_any));
    };
    let (pem, _) = read_bundle(path)?;
    Ok(TrustStore::empty().with_pem_certificate(pem))
}
