//! Certificates and TLS policies of listeners.

use aws_protocol::{ApiError, Context};
use aws_shape::elbv2::*;
use base_id::Scope;

use super::page;
use crate::Elbv2;
use crate::error::{unsupported, validation};
use crate::model;
use crate::model::tls::{self, DEFAULT_POLICY, Tls};
use crate::table::{self, LISTENERS, listener_key};

/// AWS's quota, the default one not counted.
const CERTIFICATES_MAX: usize = 25;

/// What a request says about TLS.
#[derive(Default)]
pub(super) struct Given {
    pub(super) protocol: Option<ProtocolEnum>,
    pub(super) certificates: Option<Vec<Certificate>>,
    pub(super) policy: Option<String>,
}

/// What of a request is not served for any protocol.
pub(super) fn refuse(
    alpn: Option<&Vec<String>>,
    mutual: Option<&MutualAuthenticationAttributes>,
) -> Result<(), ApiError> {
    if alpn.is_some_and(|it| !it.is_empty()) {
        return Err(unsupported("ALPN policies of listeners"));
    }
    if mutual.is_some_and(|it| it.mode.as_deref().is_some_and(|mode| mode != "off")) {
        return Err(unsupported("mutual authentication of listeners"));
    }
    Ok(())
}

/// TLS as it shall be; `None` is HTTP. What is not given stays as it was.
pub(super) fn tls(
    elb: &Elbv2,
    scope: &Scope,
    given: Given,
    before: Option<&Tls>,
) -> Result<Option<Tls>, ApiError> {
    let https = match &given.protocol {
        Some(ProtocolEnum::Https) => true,
        Some(ProtocolEnum::Http) => false,
        None => before.is_some(),
        Some(other) => {
            return Err(validation(format!(
                "Listener protocol '{other}' must be one of 'HTTPS, HTTP'"
            )));
        }
    };
    let certificates = given.certificates.filter(|it| !it.is_empty());
    if !https {
        if certificates.is_some() || given.policy.is_some() {
            return Err(validation(
                "Certificates and SSL policies can only be specified for HTTPS listeners",
            ));
        }
        return Ok(None);
    }
    let default = match certificates.as_deref() {
        Some([one]) => Some(arn_of(elb, scope, one)?),
        Some(_) => {
            return Err(ApiError::client(
                "TooManyCertificates",
                "Exactly one certificate must be specified for an HTTPS listener",
            ));
        }
        None => None,
    };
    let mut all = before.map(|it| it.certificates.clone()).unwrap_or_default();
    match default {
        Some(arn) => {
            // The default one takes the place of the one before.
            all = std::iter::once(arn.clone())
                .chain(all.into_iter().skip(1).filter(|it| *it != arn))
                .collect();
        }
        None if all.is_empty() => {
            return Err(ApiError::client(
                "CertificateNotFound",
                "A certificate must be specified for HTTPS listeners",
            ));
        }
        None => {}
    }
    let policy = given.policy.or_else(|| before.map(|it| it.policy.clone()));
    let policy = policy.unwrap_or_else(|| DEFAULT_POLICY.to_owned());
    if tls::versions(&policy).is_none() {
        return Err(unknown_policy(&policy));
    }
    Ok(Some(Tls {
        certificates: all,
        policy,
    }))
}

fn unknown_policy(name: &str) -> ApiError {
    ApiError::client("SSLPolicyNotFound", format!("SSL policy '{name}' not found"))
}

/// A certificate that there is, and that can be used now.
fn arn_of(elb: &Elbv2, scope: &Scope, given: &Certificate) -> Result<String, ApiError> {
    let arn = given.certificate_arn.clone().unwrap_or_default();
    let own = arn.starts_with(&scope.arn("acm", "certificate/"));
    if own && (elb.certificates)(&arn).is_some() {
        return Ok(arn);
    }
    if !own {
        return Err(ApiError::client(
            "CertificateNotFound",
            format!("Certificate '{arn}' not found"),
        ));
    }
    Err(ApiError::client(
        "UnsupportedCertificate",
        format!(
            "The certificate '{arn}' must have a fully-qualified domain name, a supported signature, and a supported key size."
        ),
    ))
}

fn shapes(certificates: &[String], with_default: bool) -> Vec<Certificate> {
    let all = certificates.iter().enumerate();
    all.map(|(at, arn)| Certificate {
        certificate_arn: Some(arn.clone()),
        is_default: with_default.then_some(at == 0),
    })
    .collect()
}

/// How a listener shows them: the default one alone.
pub(super) fn shape(listener: &model::Listener) -> (Option<Vec<Certificate>>, Option<String>) {
    match &listener.tls {
        Some(tls) => {
            let default = tls.certificates.get(..1).unwrap_or_default();
            (Some(shapes(default, false)), Some(tls.policy.clone()))
        }
        None => (None, None),
    }
}

pub(super) async fn add_listener_certificates(
    elb: &Elbv2,
    context: &Context,
    input: AddListenerCertificatesInput,
) -> Result<AddListenerCertificatesOutput, ApiError> {
    let new = input
        .certificates
        .iter()
        .map(|it| arn_of(elb, &context.scope, it))
        .collect::<Result<Vec<_>, _>>()?;
    let added = new.clone();
    change(elb, context, input.listener_arn, move |all| {
        for arn in new {
            if !all.contains(&arn) {
                all.push(arn);
            }
        }
        if all.len() > CERTIFICATES_MAX + 1 {
            return Err(ApiError::client(
                "TooManyCertificates",
                "You've reached the limit on the number of certificates per load balancer",
            ));
        }
        Ok(())
    })
    .await?;
    Ok(AddListenerCertificatesOutput {
        certificates: Some(shapes(&added, false)),
    })
}

pub(super) async fn remove_listener_certificates(
    elb: &Elbv2,
    context: &Context,
    input: RemoveListenerCertificatesInput,
) -> Result<RemoveListenerCertificatesOutput, ApiError> {
    let old: Vec<String> = input
        .certificates
        .into_iter()
        .filter_map(|it| it.certificate_arn)
        .collect();
    change(elb, context, input.listener_arn, move |all| {
        if all.first().is_some_and(|default| old.contains(default)) {
            return Err(ApiError::client(
                "OperationNotPermitted",
                "The default certificate of a listener cannot be removed",
            ));
        }
        all.retain(|arn| !old.contains(arn));
        Ok(())
    })
    .await?;
    Ok(RemoveListenerCertificatesOutput {})
}

async fn change(
    elb: &Elbv2,
    context: &Context,
    arn: String,
    change: impl FnOnce(&mut Vec<String>) -> Result<(), ApiError> + Send + 'static,
) -> Result<(), ApiError> {
    let scope = context.scope.clone();
    elb.store
        .write(move |tx| {
            let found = table::listener(&tx.snapshot(), &scope, &arn)?;
            let mut listener = model::Listener::clone(&found);
            let Some(tls) = &mut listener.tls else {
                return Err(validation(
                    "Certificates can only be specified for HTTPS listeners",
                ));
            };
            change(&mut tls.certificates)?;
            if let Some(place) = listener_key(&scope, &arn) {
                tx.put(LISTENERS, &place, listener);
            }
            Ok(())
        })
        .await
}

pub(super) async fn describe_listener_certificates(
    elb: &Elbv2,
    context: &Context,
    input: DescribeListenerCertificatesInput,
) -> Result<DescribeListenerCertificatesOutput, ApiError> {
    let listener = table::listener(&elb.store.snapshot(), &context.scope, &input.listener_arn)?;
    let all = listener.tls.as_ref().map(|it| shapes(&it.certificates, true));
    let (certificates, next_marker) =
        page(all.unwrap_or_default(), input.page_size, input.marker.as_deref())?;
    Ok(DescribeListenerCertificatesOutput {
        certificates: Some(certificates),
        next_marker,
    })
}

pub(super) async fn describe_ssl_policies(
    _: &Elbv2,
    _: &Context,
    input: DescribeSSLPoliciesInput,
) -> Result<DescribeSSLPoliciesOutput, ApiError> {
    let names = input.names.unwrap_or_default();
    if let Some(unknown) = names.iter().find(|it| tls::versions(it).is_none()) {
        return Err(unknown_policy(unknown));
    }
    let wanted = tls::policies().iter();
    let wanted = wanted.filter(|(name, _)| names.is_empty() || names.iter().any(|it| it == name));
    let shape = |(name, versions): &(&str, &[&str])| SslPolicy {
        ssl_protocols: Some(versions.iter().map(|&it| it.to_owned()).collect()),
        ciphers: Some(ciphers(versions)),
        name: Some((*name).to_owned()),
        supported_load_balancer_types: Some(vec!["application".to_owned()]),
    };
    let (ssl_policies, next_marker) = page(
        wanted.map(shape).collect(),
        input.page_size,
        input.marker.as_deref(),
    )?;
    Ok(DescribeSSLPoliciesOutput {
        ssl_policies: Some(ssl_policies),
        next_marker,
    })
}

/// What is spoken here, in OpenSSL's names as AWS gives them.
fn ciphers(versions: &[&str]) -> Vec<Cipher> {
    const NEW: [&str; 3] = [
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
    ];
    const OLD: [&str; 4] = [
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
    ];
    let mut all: Vec<&str> = Vec::new();
    if versions.contains(&"TLSv1.3") {
        all.extend(NEW);
    }
    if versions.contains(&"TLSv1.2") {
        all.extend(OLD);
    }
    let numbered = all.into_iter().zip(1..);
    numbered
        .map(|(name, priority)| Cipher {
            name: Some(name.to_owned()),
            priority: Some(priority),
        })
        .collect()
}
