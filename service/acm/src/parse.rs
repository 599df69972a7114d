//! Certificates and keys as others write them, and what certificates say of themselves.

use jiff::Timestamp;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;
use x509_parser::prelude::{ExtendedKeyUsage, KeyUsage, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::model::Facts;

const END: &str = "-----END CERTIFICATE-----";

/// The first certificate of a chain, and the others.
pub(crate) fn split(chain_pem: &str) -> (String, String) {
    match chain_pem.split_once(END) {
        Some((first, rest)) => (
            format!("{}{END}\n", first.trim_start()),
            rest.trim_start().to_owned(),
        ),
        None => (chain_pem.to_owned(), String::new()),
    }
}

/// All certificates of a PEM text.
fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let sentence = || {
        format!(
            "The {what} provided is not in a valid PEM format. Please ensure the certificate is in PEM format."
        )
    };
    let found: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| sentence())?;
    if found.is_empty() {
        return Err(sentence());
    }
    Ok(found)
}

fn parsed<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, String> {
    match parse_x509_certificate(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err("Unable to parse certificate. Please ensure the certificate is in PEM format.".to_owned()),
    }
}

/// What the first certificate of a PEM text says of itself.
pub(crate) fn facts(pem: &str) -> Result<Facts, String> {
    let all = certificates(pem.as_bytes(), "certificate")?;
    let certificate = parsed(&all[0])?;
    facts_of(&certificate)
}

/// What is imported: one certificate, the key that belongs to it, and those that lead to its root.
///
/// # Errors
/// A sentence for who imports.
pub(crate) fn imported(
    certificate: &[u8],
    key: &[u8],
    chain: Option<&[u8]>,
    now: Timestamp,
) -> Result<Facts, String> {
    let own = certificates(certificate, "certificate")?;
    if own.len() > 1 {
        let sentence = "The certificate field contains more than one certificate. You can specify only one \
                        certificate in this field.";
        return Err(sentence.to_owned());
    }
    let leaf = parsed(&own[0])?;
    let facts = facts_of(&leaf)?;
    if facts.not_before > now {
        return Err("The certificate is not yet valid.".to_owned());
    }
    if facts.not_after <= now {
        return Err("The certificate has expired.".to_owned());
    }
    check_key(&own, key)?;
    match chain {
        None => leaf.verify_signature(None).map_err(|_| {
            "Provided certificate is not a valid self signed. Please provide either a valid self-signed certificate \
             or certificate chain."
                .to_owned()
        })?,
        Some(chain) => check_chain(&leaf, &certificates(chain, "certificate chain")?)?,
    }
    Ok(facts)
}

fn check_key(own: &[CertificateDer<'static>], key: &[u8]) -> Result<(), String> {
    if key.windows(9).any(|it| it == b"ENCRYPTED") {
        return Err("The private key must not be encrypted by a password or passphrase.".to_owned());
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| {
        "The private key provided is not in a valid PEM format. Please ensure the private key is in PEM format."
            .to_owned()
    })?;
    let key = any_supported_type(&key).map_err(|_| "The private key is not supported.".to_owned())?;
    CertifiedKey::new(own.to_vec(), key)
        .keys_match()
        .map_err(|_| "The private key does not match the certificate.".to_owned())
}

/// Each certificate is signed by the next.
fn check_chain(leaf: &X509Certificate<'_>, chain: &[CertificateDer<'_>]) -> Result<(), String> {
    let broken = || "Could not validate the certificate with the certificate chain.".to_owned();
    let chain: Vec<X509Certificate<'_>> = chain.iter().map(parsed).collect::<Result<_, _>>()?;
    let mut signed = leaf;
    for issuer in &chain {
        let named = signed.issuer().as_raw() == issuer.subject().as_raw();
        if !named || signed.verify_signature(Some(issuer.public_key())).is_err() {
            return Err(broken());
        }
        signed = issuer;
    }
    Ok(())
}

fn facts_of(certificate: &X509Certificate<'_>) -> Result<Facts, String> {
    let date = |seconds: i64| {
        Timestamp::from_second(seconds)
            .map_err(|_| "The certificate's validity cannot be understood.".to_owned())
    };
    let validity = certificate.validity();
    let first = |name: Option<&str>| name.map(str::to_owned);
    let issuer = certificate.issuer();
    let organization = issuer.iter_organization().find_map(|it| it.as_str().ok());
    let issuer_name = organization.or_else(|| issuer.iter_common_name().find_map(|it| it.as_str().ok()));
    let subject = certificate.subject();
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|it| &it.value.general_names);
    let usage = certificate.key_usage().ok().flatten();
    let extended = certificate.extended_key_usage().ok().flatten();
    Ok(Facts {
        serial: certificate.raw_serial_as_string(),
        subject: subject.to_string(),
        issuer: first(issuer_name).unwrap_or_else(|| issuer.to_string()),
        not_before: date(validity.not_before.timestamp())?,
        not_after: date(validity.not_after.timestamp())?,
        key_algorithm: key_algorithm(certificate)
            .ok_or("The certificate's key algorithm is not supported.")?,
        signature_algorithm: signature_algorithm(&certificate.signature_algorithm.algorithm.to_id_string()),
        key_usages: usage.map_or_else(Vec::new, |it| key_usages(it.value)),
        extended_key_usages: extended.map_or_else(Vec::new, |it| extended_key_usages(it.value)),
        common_name: first(subject.iter_common_name().find_map(|it| it.as_str().ok())),
        alternative_names: names
            .filter_map(|it| match it {
                GeneralName::DNSName(name) => Some((*name).to_owned()),
                _ => None,
            })
            .collect(),
    })
}

/// As the API has it.
fn key_algorithm(certificate: &X509Certificate<'_>) -> Option<String> {
    let info = certificate.public_key();
    match info.parsed().ok()? {
        PublicKey::RSA(key) => match key.key_size() {
            bits @ (1024 | 2048 | 3072 | 4096) => Some(format!("RSA_{bits}")),
            _ => None,
        },
        PublicKey::EC(_) => {
            let curve = info.algorithm.parameters.as_ref()?.as_oid().ok()?.to_id_string();
            let name = match curve.as_str() {
                "1.2.840.10045.3.1.7" => "EC_prime256v1",
                "1.3.132.0.34" => "EC_secp384r1",
                "1.3.132.0.35" => "EC_secp521r1",
                _ => return None,
            };
            Some(name.to_owned())
        }
        _ => None,
    }
}

fn signature_algorithm(oid: &str) -> String {
    let name = match oid {
        "1.2.840.113549.1.1.5" => "SHA1WITHRSA",
        "1.2.840.113549.1.1.11" => "SHA256WITHRSA",
        "1.2.840.113549.1.1.12" => "SHA384WITHRSA",
        "1.2.840.113549.1.1.13" => "SHA512WITHRSA",
        "1.2.840.10045.4.3.2" => "SHA256WITHECDSA",
        "1.2.840.10045.4.3.3" => "SHA384WITHECDSA",
        "1.2.840.10045.4.3.4" => "SHA512WITHECDSA",
        other => other,
    };
    name.to_owned()
}

fn key_usages(usage: &KeyUsage) -> Vec<String> {
    let all = [
        (usage.digital_signature(), "DIGITAL_SIGNATURE"),
        (usage.non_repudiation(), "NON_REPUDIATION"),
        (usage.key_encipherment(), "KEY_ENCIPHERMENT"),
        (usage.data_encipherment(), "DATA_ENCIPHERMENT"),
        (usage.key_agreement(), "KEY_AGREEMENT"),
        (usage.key_cert_sign(), "CERTIFICATE_SIGNING"),
        (usage.crl_sign(), "CRL_SIGNING"),
        (usage.encipher_only(), "ENCIPHER_ONLY"),
        (usage.decipher_only(), "DECIPHER_ONLY"),
    ];
    let set = all.into_iter().filter(|(set, _)| *set);
    set.map(|(_, name)| name.to_owned()).collect()
}

fn extended_key_usages(usage: &ExtendedKeyUsage<'_>) -> Vec<(String, String)> {
    let all = [
        (
            usage.server_auth,
            "TLS_WEB_SERVER_AUTHENTICATION",
            "1.3.6.1.5.5.7.3.1",
        ),
        (
            usage.client_auth,
            "TLS_WEB_CLIENT_AUTHENTICATION",
            "1.3.6.1.5.5.7.3.2",
        ),
        (usage.code_signing, "CODE_SIGNING", "1.3.6.1.5.5.7.3.3"),
        (usage.email_protection, "EMAIL_PROTECTION", "1.3.6.1.5.5.7.3.4"),
        (usage.time_stamping, "TIME_STAMPING", "1.3.6.1.5.5.7.3.8"),
        (usage.ocsp_signing, "OCSP_SIGNING", "1.3.6.1.5.5.7.3.9"),
        (usage.any, "ANY", "2.5.29.37.0"),
    ];
    let set = all.into_iter().filter(|(set, _, _)| *set);
    let known = set.map(|(_, name, oid)| (name.to_owned(), oid.to_owned()));
    let others = usage
        .other
        .iter()
        .map(|it| ("CUSTOM".to_owned(), it.to_id_string()));
    known.chain(others).collect()
}
