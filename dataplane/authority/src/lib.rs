//! A certificate authority of this machine's own, made at first use: two files in a directory, the key for its owner
//! alone. Who trusts its certificate trusts every certificate that it issues.

mod seal;

use std::fs;
use std::io::Write as _;
use std::path::Path;

use async_trait::async_trait;
use contract::certificate::{Authority, Issue, KeyKind, Material};
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, SerialNumber,
};
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use time::OffsetDateTime;

use crate::seal::Sealer;

const RSA_BITS: usize = 2048;
const LIFE_DAYS: i64 = 3650;
/// Clocks of those who look at its certificate may differ by so much.
const SKEW_HOURS: i64 = 1;
/// More than this a common name cannot have (RFC 5280, upper bounds).
const COMMON_NAME_CHARACTERS_MAX: usize = 64;
const KEY_FILE: &str = "ca.key.pem";
const CERTIFICATE_FILE: &str = "ca.pem";
const ORGANIZATION: &str = "Wharf";

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the certificate authority's files: {0}")]
    File(#[from] std::io::Error),
    #[error("the certificate authority's key or certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error(
        "{0} is there, and the key that belongs to it is not: put the key back or remove the certificate"
    )]
    NoKey(String),
}

pub struct LocalAuthority {
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
    sealer: Sealer,
}

impl LocalAuthority {
    /// Opens the authority in this directory; makes it, under this name and good for ten years, if there is none.
    ///
    /// # Errors
    /// When its files cannot be read, written or understood.
    pub fn open(directory: &Path, name: &str, now: Timestamp) -> Result<Self, OpenError> {
        fs::create_dir_all(directory)?;
        let certificate_path = directory.join(CERTIFICATE_FILE);
        let key_path = directory.join(KEY_FILE);
        if !key_path.exists() {
            if certificate_path.exists() {
                return Err(OpenError::NoKey(certificate_path.display().to_string()));
            }
            let new = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
            first(directory, &key_path, &new.serialize_pem())?;
        }
        let key = KeyPair::from_pem(&fs::read_to_string(&key_path)?)?;
        let sealer = Sealer::new(&key.serialize_der());
        if !certificate_path.exists() {
            let certificate = own_parameters(name, now)?.self_signed(&key)?;
            first(directory, &certificate_path, &certificate.pem())?;
        }
        let certificate_pem = fs::read_to_string(&certificate_path)?;
        let issuer = Issuer::from_ca_cert_pem(&certificate_pem, key)?;
        Ok(Self {
            certificate_pem,
            issuer,
            sealer,
        })
    }

    /// What others are to trust.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    fn certificate(&self, request: &Issue, key: &KeyPair) -> Result<String, rcgen::Error> {
        let mut parameters = CertificateParams::new(request.names.clone())?;
        parameters.distinguished_name = DistinguishedName::new();
        if let Some(name) = request.names.first()
            && name.len() <= COMMON_NAME_CHARACTERS_MAX
        {
            parameters
                .distinguished_name
                .push(DnType::CommonName, name.as_str());
        }
        parameters.not_before = date(request.not_before);
        parameters.not_after = date(request.not_after);
        let mut serial = request.serial;
        // A serial number is positive (RFC 5280, 4.1.2.2).
        serial[0] = serial[0] & 0x7f | 0x40;
        parameters.serial_number = Some(SerialNumber::from_slice(&serial));
        parameters.is_ca = IsCa::ExplicitNoCa;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        if request.key == KeyKind::Rsa2048 {
            parameters.key_usages.push(KeyUsagePurpose::KeyEncipherment);
        }
        parameters.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        parameters.use_authority_key_identifier_extension = true;
        let certificate = parameters.signed_by(key, &self.issuer)?;
        Ok(format!("{}{}", certificate.pem(), self.certificate_pem))
    }
}

fn own_parameters(name: &str, now: Timestamp) -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = CertificateParams::new(Vec::<String>::new())?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::OrganizationName, ORGANIZATION);
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
    ];
    parameters.not_before = date(now - SignedDuration::from_hours(SKEW_HOURS));
    parameters.not_after = date(now + SignedDuration::from_hours(24 * LIFE_DAYS));
    Ok(parameters)
}

fn date(at: Timestamp) -> OffsetDateTime {
    // Every timestamp of jiff is in this range.
    OffsetDateTime::from_unix_timestamp(at.as_second()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Writes a file for its owner alone, whole or not at all. Of several at the same time the first counts.
fn first(directory: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_data()?;
    match file.persist_noclobber(path) {
        Err(refused) if !path.exists() => Err(refused.error),
        _ => Ok(()),
    }
}

/// The pair, and its private half in PEM.
fn new_key(kind: KeyKind) -> Result<(KeyPair, String), String> {
    let text = |error: &dyn std::fmt::Display| format!("no key could be made: {error}");
    let algorithm = match kind {
        KeyKind::Rsa2048 => {
            let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, RSA_BITS)
                .map_err(|error| text(&error))?;
            let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|error| text(&error))?;
            let pair = KeyPair::from_pkcs8_pem_and_sign_algo(&pem, &PKCS_RSA_SHA256)
                .map_err(|error| text(&error))?;
            return Ok((pair, pem.to_string()));
        }
        KeyKind::EcP256 => &PKCS_ECDSA_P256_SHA256,
        KeyKind::EcP384 => &PKCS_ECDSA_P384_SHA384,
    };
    let pair = KeyPair::generate_for(algorithm).map_err(|error| text(&error))?;
    let pem = pair.serialize_pem();
    Ok((pair, pem))
}

#[async_trait]
impl Authority for LocalAuthority {
    async fn issue(&self, request: Issue) -> Result<Material, String> {
        let kind = request.key;
        // An RSA key takes its time.
        let made = tokio::task::spawn_blocking(move || new_key(kind)).await;
        let (key, key_pem) = made.map_err(|error| error.to_string())??;
        let chain_pem = self
            .certificate(&request, &key)
            .map_err(|error| format!("no certificate could be made: {error}"))?;
        Ok(Material { chain_pem, key_pem })
    }

    fn seal(&self, place: &str, plain: &str) -> String {
        self.sealer.seal(place, plain)
    }

    fn open(&self, place: &str, sealed: &str) -> Option<String> {
        self.sealer.open(place, sealed)
    }
}

#[cfg(test)]
mod tests;
