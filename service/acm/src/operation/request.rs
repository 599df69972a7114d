//! Certificates, asked for.

use aws_protocol::{ApiError, Context};
use aws_shape::acm::*;
use base_id::Scope;
use base_store::Snapshot;
use jiff::{SignedDuration, Timestamp};

use super::tag;
use crate::error::{limit, unsupported, validation};
use crate::model::{Certificate, Origin, Request};
use crate::table::{self, CERTIFICATES};
use crate::{Acm, plan};

/// Of one certificate, ACM's quota.
const NAMES_MAX: usize = 10;
const CERTIFICATES_MAX: usize = 2500;
/// The first name is the subject's common name, which cannot be longer.
const FIRST_NAME_CHARACTERS_MAX: usize = 64;
/// How long a token stands for the certificate that was asked for with it.
const TOKEN_HOURS: i64 = 1;
const KEY_ALGORITHM_DEFAULT: &str = "RSA_2048";
const DOMAIN_PATTERN: &str =
    "(\\*\\.)?(((?!-)[A-Za-z0-9-]{0,62}[A-Za-z0-9])\\.)+((?!-)[A-Za-z0-9-]{1,62}[A-Za-z0-9])";

pub(super) async fn request_certificate(
    acm: &Acm,
    context: &Context,
    input: RequestCertificateRequest,
) -> Result<RequestCertificateResponse, ApiError> {
    check_served(&input)?;
    let names = names(&input)?;
    let tags = tag::checked(input.tags.unwrap_or_default())?;
    let scope = context.scope.clone();
    let now = acm.clock.now();
    let logging = input
        .options
        .and_then(|it| it.certificate_transparency_logging_preference);
    let validations = names
        .iter()
        .map(|name| plan::validation(&scope.account, name))
        .collect();
    let row = Certificate {
        arn: table::arn(&scope, &acm.ids.uuid()),
        domain: names[0].clone(),
        names,
        created_at: now,
        issued_at: None,
        origin: Origin::Requested(Request {
            token: input.idempotency_token,
            key_algorithm: input
                .key_algorithm
                .map_or_else(|| KEY_ALGORITHM_DEFAULT.to_owned(), |it| it.to_string()),
            transparency_logging: logging != Some(CertificateTransparencyLoggingPreference::Disabled),
            validations,
            timed_out: false,
            renewal: None,
        }),
        body: None,
        tags,
    };
    let written = acm.store.write(move |tx| {
        if let Some(arn) = asked_before(&tx.snapshot(), &scope, &row, now) {
            return Ok(arn);
        }
        if tx.prefix(CERTIFICATES, &format!("{}/", scope.key())).len() >= CERTIFICATES_MAX {
            let message = format!("Error: you have reached your limit of {CERTIFICATES_MAX} certificates.");
            return Err(limit(message));
        }
        let arn = row.arn.clone();
        if let Some(place) = table::place(&arn) {
            tx.put(CERTIFICATES, &place, row);
        }
        Ok(arn)
    });
    Ok(RequestCertificateResponse {
        certificate_arn: Some(written.await?),
    })
}

fn check_served(input: &RequestCertificateRequest) -> Result<(), ApiError> {
    // ACM sends mail if nothing else is asked for.
    let method = input
        .validation_method
        .as_ref()
        .unwrap_or(&ValidationMethod::Email);
    if *method != ValidationMethod::Dns {
        return Err(unsupported(&format!("the validation method {method}, only DNS,")));
    }
    if input.certificate_authority_arn.is_some() {
        return Err(unsupported("private certificate authorities"));
    }
    if input.managed_by.is_some() {
        return Err(unsupported("certificates that CloudFront manages"));
    }
    let options = input.options.as_ref();
    if options.and_then(|it| it.export.as_ref()) == Some(&CertificateExport::Enabled) {
        return Err(unsupported("exportable certificates"));
    }
    let known = ["RSA_2048", "EC_prime256v1", "EC_secp384r1"];
    if let Some(algorithm) = &input.key_algorithm
        && !known.contains(&algorithm.as_str())
    {
        let message = format!(
            "The key algorithm {algorithm} is not supported for public certificates: use one of {}.",
            known.join(", ")
        );
        return Err(validation(message));
    }
    Ok(())
}

/// All names once, the domain first; all that is wrong with them at once.
fn names(input: &RequestCertificateRequest) -> Result<Vec<String>, ApiError> {
    let mut names = vec![input.domain_name.to_ascii_lowercase()];
    let mut problems = Vec::new();
    let mut check = |path: String, name: &str| {
        if !plan::is_domain(name) {
            problems.push(format!(
                "Value '{name}' at '{path}' failed to satisfy constraint: Member must satisfy regular expression \
                 pattern: {DOMAIN_PATTERN}"
            ));
        }
    };
    check("domainName".to_owned(), &input.domain_name);
    for (index, name) in input.subject_alternative_names.iter().flatten().enumerate() {
        check(format!("subjectAlternativeNames.{}.member", index + 1), name);
        let name = name.to_ascii_lowercase();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names[0].len() > FIRST_NAME_CHARACTERS_MAX {
        problems.push(format!(
            "Value '{}' at 'domainName' failed to satisfy constraint: Member must have length less than or equal to \
             {FIRST_NAME_CHARACTERS_MAX}",
            input.domain_name
        ));
    }
    if !problems.is_empty() {
        let count = problems.len();
        let plural = if count == 1 { "" } else { "s" };
        let message = format!(
            "{count} validation error{plural} detected: {}",
            problems.join("; ")
        );
        return Err(validation(message));
    }
    if names.len() > NAMES_MAX {
        let message =
            format!("Error: you have reached your limit of {NAMES_MAX} domain names per certificate.");
        return Err(limit(message));
    }
    Ok(names)
}

/// The certificate that the same request with the same token has made within the hour.
fn asked_before(snapshot: &Snapshot, scope: &Scope, row: &Certificate, now: Timestamp) -> Option<String> {
    let request = row.request()?;
    request.token.as_ref()?;
    let rows = snapshot.prefix(CERTIFICATES, &format!("{}/", scope.key()));
    let same = |it: &Certificate| {
        it.names == row.names
            && now < it.created_at + SignedDuration::from_hours(TOKEN_HOURS)
            && it.request().is_some_and(|old| old.token == request.token)
    };
    let mut rows = rows.into_iter().map(|(_, row)| row);
    rows.find(|it| same(it)).map(|it| it.arn.clone())
}
