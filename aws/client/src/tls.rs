//! Whom to trust, for connections that are not requests: a session's WebSocket.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::ConfigError;
use crate::config::causes;

/// What a TLS connection to a service trusts: the system's certificates, or only those of a bundle (PEM).
///
/// # Errors
/// When the bundle cannot be used.
pub fn tls(ca_bundle: Option<&Path>) -> Result<Arc<ClientConfig>, ConfigError> {
    let roots = match ca_bundle {
        Some(path) => read_bundle(path)?.1,
        None => {
            let mut roots = RootCertStore::empty();
            // A system may hold old certificates that nobody can read any more; the others count.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            roots
        }
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider knows the versions that are built in")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// The file's bytes, and the certificates in it, of which there is one at least.
pub(crate) fn read_bundle(path: &Path) -> Result<(Vec<u8>, RootCertStore), ConfigError> {
    let refuse = |cause: &dyn std::error::Error| ConfigError::CaBundle {
        path: path.into(),
        cause: causes(cause),
    };
    let pem = std::fs::read(path).map_err(|it| refuse(&it))?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        store
            .add(certificate.map_err(|it| refuse(&it))?)
            .map_err(|it| refuse(&it))?;
    }
    if store.is_empty() {
        return Err(ConfigError::CaBundle {
            path: path.into(),
            cause: "there is no certificate in it".to_owned(),
        });
    }
    Ok((pem, store))
}
