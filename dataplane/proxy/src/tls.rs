//! TLS of listeners, by rustls.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use contract::certificate::Material;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a client may take for its handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// Configurations that are kept ready.
const READY_MAX: usize = 256;

/// By the certificates' text: made when they are first used, as making one costs more than a handshake.
static READY: LazyLock<Mutex<HashMap<String, Arc<ServerConfig>>>> = LazyLock::new(Mutex::default);

pub(crate) async fn accept(
    certificates: &[Material],
    only_newest: bool,
    stream: TcpStream,
) -> io::Result<TlsStream<TcpStream>> {
    let acceptor = TlsAcceptor::from(config(certificates, only_newest)?);
    tokio::time::timeout(HANDSHAKE_LIMIT, acceptor.accept(stream))
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

fn config(certificates: &[Material], only_newest: bool) -> io::Result<Arc<ServerConfig>> {
    let name: String = certificates
        .iter()
        .flat_map(|it| [&*it.chain_pem, &*it.key_pem])
        .chain([if only_newest { "1.3" } else { "1.2" }])
        .collect();
    let mut ready = READY.lock().expect("no holder of this lock panics");
    if let Some(config) = ready.get(&name) {
        return Ok(Arc::clone(config));
    }
    let keys = certificates
        .iter()
        .map(certified)
        .collect::<io::Result<Vec<_>>>()?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions(only_newest))
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(ByName(keys)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let config = Arc::new(config);
    if ready.len() >= READY_MAX {
        ready.clear();
    }
    ready.insert(name, Arc::clone(&config));
    Ok(config)
}

fn versions(only_newest: bool) -> &'static [&'static SupportedProtocolVersion] {
    const NEWEST: &[&SupportedProtocolVersion] = &[&TLS13];
    const ALL: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
    if only_newest { NEWEST } else { ALL }
}

fn certified(certificate: &Material) -> io::Result<Arc<CertifiedKey>> {
    let chain = CertificateDer::pem_slice_iter(certificate.chain_pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_slice(certificate.key_pem.as_bytes()).map_err(io::Error::other)?;
    let key = ring::sign::any_supported_type(&key).map_err(io::Error::other)?;
    Ok(Arc::new(CertifiedKey::new(chain, key)))
}

/// The first certificate that fits the name the client asks for, else the first.
#[derive(Debug)]
struct ByName(Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let fits = |key: &&Arc<CertifiedKey>| {
            let name = hello.server_name().and_then(|it| it.to_owned().try_into().ok());
            let certificate = key.end_entity_cert().ok();
            let parsed = certificate.and_then(|it| rustls::server::ParsedCertificate::try_from(it).ok());
            matches!((name, parsed), (Some(name), Some(parsed))
                if rustls::client::verify_server_name(&parsed, &name).is_ok())
        };
        self.0.iter().find(fits).or_else(|| self.0.first()).cloned()
    }
}
