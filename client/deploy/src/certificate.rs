//! Certificates of ACM for a domain.

use aws_shape::acm::{
    self, CertificateDetail, CertificateStatus, CertificateSummary, DescribeCertificateRequest,
    ListCertificatesRequest, ListTagsForCertificateRequest,
};
use aws_shape::route53::{RRType, ResourceRecord, ResourceRecordSet};

use crate::aws::Tags;
use crate::deployer::Deployer;
use crate::domain::{DomainName, is_same};
use crate::failure::{Doing as _, Failure};

/// How long resolvers may remember a validation record: ACM's own recommendation.
const VALIDATION_TTL_SECONDS: i64 = 300;

impl Deployer {
    /// Certificates for a domain, or for what is proven by the same record, that may still be used.
    pub(crate) async fn certificates_proven_by(
        &self,
        domain: &DomainName,
    ) -> Result<Vec<CertificateSummary>, Failure> {
        let mut input = ListCertificatesRequest {
            certificate_statuses: Some(vec![
                CertificateStatus::Issued,
                CertificateStatus::PendingValidation,
            ]),
            ..Default::default()
        };
        let mut found = Vec::new();
        loop {
            let page = self
                .aws
                .certificates
                .list_certificates(&self.aws.context, input.clone())
                .await;
            let page = page.doing("listing the certificates")?;
            let all = page.certificate_summary_list.into_iter().flatten();
            found.extend(all.filter(|it| names(it).any(|name| is_proven_alike(name, domain.as_str()))));
            input.next_token = page.next_token;
            if input.next_token.is_none() {
                return Ok(found);
            }
        }
    }

    pub(crate) async fn certificate_tags(&self, arn: &str) -> Result<Tags, Failure> {
        let input = ListTagsForCertificateRequest {
            certificate_arn: arn.to_owned(),
        };
        let found = self
            .aws
            .certificates
            .list_tags_for_certificate(&self.aws.context, input)
            .await;
        let found = found.found(&["ResourceNotFoundException"], "asking whose certificate it is")?;
        Ok(Tags::from(found.and_then(|it| it.tags)))
    }

    /// None for a certificate that is gone.
    pub(crate) async fn certificate(&self, arn: &str) -> Result<Option<CertificateDetail>, Failure> {
        let input = DescribeCertificateRequest {
            certificate_arn: arn.to_owned(),
        };
        let found = self
            .aws
            .certificates
            .describe_certificate(&self.aws.context, input)
            .await;
        let found = found.found(&["ResourceNotFoundException"], "looking at the certificate")?;
        Ok(found.and_then(|it| it.certificate))
    }
}

/// Whether a certificate is for this domain and no other.
pub(crate) fn is_exactly_for(certificate: &CertificateSummary, domain: &DomainName) -> bool {
    let mut names = names(certificate).peekable();
    names.peek().is_some()
        && names.all(|name| is_same(name, domain.as_str()))
        && certificate.has_additional_subject_alternative_names != Some(true)
}

fn names(certificate: &CertificateSummary) -> impl Iterator<Item = &str> {
    let others = certificate.subject_alternative_name_summaries.iter().flatten();
    certificate.domain_name.iter().chain(others).map(String::as_str)
}

/// The record of `*.a.b` is that of `a.b`.
fn is_proven_alike(name: &str, domain: &str) -> bool {
    is_same(name.strip_prefix("*.").unwrap_or(name), domain)
}

/// The record that proves that the domain is ours; ACM names it a moment after the request.
pub(crate) fn proof(certificate: &CertificateDetail) -> Option<ResourceRecordSet> {
    let options = certificate.domain_validation_options.iter().flatten();
    let acm::ResourceRecord { name, value, .. } =
        options.filter_map(|it| it.resource_record.clone()).next()?;
    Some(ResourceRecordSet {
        name,
        type_: RRType::Cname,
        ttl: Some(VALIDATION_TTL_SECONDS),
        resource_records: Some(vec![ResourceRecord { value }]),
        ..Default::default()
    })
}

/// Whether a record says what the proof says, however long it may be remembered.
pub(crate) fn is_proof(record: &ResourceRecordSet, proof: &ResourceRecordSet) -> bool {
    let value = |it: &ResourceRecordSet| match it.resource_records.as_deref() {
        Some([one]) => one.value.clone(),
        _ => String::new(),
    };
    record.type_ == RRType::Cname
        && record.set_identifier.is_none()
        && is_same(&record.name, &proof.name)
        && is_same(&value(record), &value(proof))
}
