//! All that is known of a certificate.

use aws_protocol::{ApiError, Context};
use aws_shape::acm::*;
use jiff::Timestamp;

use crate::model::{self, Origin, RenewalState, Request, Validation};
use crate::{Acm, table};

pub(super) async fn describe_certificate(
    acm: &Acm,
    context: &Context,
    input: DescribeCertificateRequest,
) -> Result<DescribeCertificateResponse, ApiError> {
    let snapshot = acm.store.snapshot();
    let (_, row) = table::certificate(&snapshot, &context.scope, &input.certificate_arn)?;
    let users = table::users(&snapshot, &row.arn);
    Ok(DescribeCertificateResponse {
        certificate: Some(shape(&row, users, acm.clock.now())),
    })
}

pub(super) fn kind(row: &model::Certificate) -> CertificateType {
    match row.origin {
        Origin::Imported => CertificateType::Imported,
        Origin::Requested(_) => CertificateType::AmazonIssued,
    }
}

/// What ACM has issued and somebody uses is renewed.
pub(super) fn eligibility(row: &model::Certificate, in_use: bool) -> RenewalEligibility {
    if in_use && row.request().is_some() && row.body.is_some() {
        RenewalEligibility::Eligible
    } else {
        RenewalEligibility::Ineligible
    }
}

fn domain_status(validation: &Validation, request: &Request) -> DomainStatus {
    match (validation.done, request.timed_out) {
        (true, _) => DomainStatus::Success,
        (false, true) => DomainStatus::Failed,
        (false, false) => DomainStatus::PendingValidation,
    }
}

fn domain(validation: &Validation, status: DomainStatus) -> DomainValidation {
    DomainValidation {
        domain_name: validation.domain.clone(),
        validation_domain: Some(validation.domain.clone()),
        validation_status: Some(status),
        resource_record: Some(ResourceRecord {
            name: validation.record_name.clone(),
            type_: RecordType::Cname,
            value: validation.record_value.clone(),
        }),
        validation_method: Some(ValidationMethod::Dns),
        ..Default::default()
    }
}

fn renewal(request: &Request) -> Option<RenewalSummary> {
    let renewal = request.renewal.as_ref()?;
    let domains = request.validations.iter().zip(&renewal.found);
    let domains = domains.map(|(validation, found)| match found {
        true => domain(validation, DomainStatus::Success),
        false => domain(validation, DomainStatus::PendingValidation),
    });
    Some(RenewalSummary {
        renewal_status: match renewal.state {
            RenewalState::PendingValidation => RenewalStatus::PendingValidation,
            RenewalState::Success => RenewalStatus::Success,
        },
        domain_validation_options: domains.collect(),
        renewal_status_reason: None,
        updated_at: renewal.updated_at,
    })
}

fn shape(row: &model::Certificate, users: Vec<String>, now: Timestamp) -> CertificateDetail {
    let request = row.request();
    let logs = request.is_some_and(|it| it.transparency_logging);
    let mut detail = CertificateDetail {
        certificate_arn: Some(row.arn.clone()),
        domain_name: Some(row.domain.clone()),
        subject_alternative_names: Some(row.names.clone()),
        created_at: Some(row.created_at),
        status: Some(row.status(now).into()),
        key_algorithm: Some(row.key_algorithm().into()),
        renewal_eligibility: Some(eligibility(row, !users.is_empty())),
        in_use_by: Some(users),
        type_: Some(kind(row)),
        options: Some(CertificateOptions {
            certificate_transparency_logging_preference: Some(match logs {
                true => CertificateTransparencyLoggingPreference::Enabled,
                false => CertificateTransparencyLoggingPreference::Disabled,
            }),
            export: request.map(|_| CertificateExport::Disabled),
        }),
        subject: Some(format!("CN={}", row.domain)),
        ..Default::default()
    };
    match request {
        None => detail.imported_at = row.issued_at,
        Some(request) => {
            detail.issued_at = row.issued_at;
            let domains = request.validations.iter();
            let domains = domains.map(|it| domain(it, domain_status(it, request)));
            detail.domain_validation_options = Some(domains.collect());
            detail.renewal_summary = renewal(request);
        }
    }
    if let Some(body) = &row.body {
        let facts = &body.facts;
        detail.serial = Some(facts.serial.clone());
        detail.subject = Some(facts.subject.clone());
        detail.issuer = Some(facts.issuer.clone());
        detail.not_before = Some(facts.not_before);
        detail.not_after = Some(facts.not_after);
        detail.signature_algorithm = Some(facts.signature_algorithm.clone());
        let usage = |name: &String| KeyUsage {
            name: Some(name.as_str().into()),
        };
        detail.key_usages = Some(facts.key_usages.iter().map(usage).collect());
        let extended = |(name, oid): &(String, String)| ExtendedKeyUsage {
            name: Some(name.as_str().into()),
            oid: Some(oid.clone()),
        };
        detail.extended_key_usages = Some(facts.extended_key_usages.iter().map(extended).collect());
    }
    detail
}
