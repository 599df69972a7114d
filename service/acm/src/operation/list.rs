//! Certificates, in a list.

use std::sync::Arc;

use aws_protocol::{ApiError, BadToken, Context, page};
use aws_shape::acm::*;
use jiff::Timestamp;

use super::describe::{eligibility, kind};
use crate::Acm;
use crate::error::validation;
use crate::model;
use crate::table::{self, CERTIFICATES};

const PAGE_MAX: usize = 1000;
/// What a summary tells of a certificate's names.
const NAMES_TOLD_MAX: usize = 100;
/// What is listed if no key types are asked for.
const KEY_TYPES_DEFAULT: [&str; 2] = ["RSA_1024", "RSA_2048"];

pub(super) async fn list_certificates(
    acm: &Acm,
    context: &Context,
    input: ListCertificatesRequest,
) -> Result<ListCertificatesResponse, ApiError> {
    if input.sort_by.is_some() != input.sort_order.is_some() {
        return Err(validation("SortBy and SortOrder must be specified together."));
    }
    let snapshot = acm.store.snapshot();
    let now = acm.clock.now();
    let rows = snapshot.prefix(CERTIFICATES, &format!("{}/", context.scope.key()));
    let mut found: Vec<Arc<model::Certificate>> = rows.into_iter().map(|(_, row)| row).collect();
    if let Some(wanted) = &input.certificate_statuses {
        found.retain(|it| wanted.iter().any(|status| status.as_str() == it.status(now)));
    }
    let filters = input.includes.unwrap_or_default();
    found.retain(|it| passes(it, &filters));
    found.sort_by(|a, b| (a.created_at, &a.arn).cmp(&(b.created_at, &b.arn)));
    if input.sort_order == Some(SortOrder::Descending) {
        found.reverse();
    }
    let (found, next_token) = page(found, input.max_items, PAGE_MAX, input.next_token.as_deref())
        .map_err(|BadToken| validation("The NextToken is invalid."))?;
    let shapes = found.iter().map(|row| {
        let in_use = !table::users(&snapshot, &row.arn).is_empty();
        shape(row, in_use, now)
    });
    Ok(ListCertificatesResponse {
        certificate_summary_list: Some(shapes.collect()),
        next_token,
    })
}

fn passes(row: &model::Certificate, filters: &Filters) -> bool {
    let algorithm = row.key_algorithm();
    let by_key = match &filters.key_types {
        None => KEY_TYPES_DEFAULT.contains(&algorithm),
        Some(wanted) => wanted.iter().any(|it| it.as_str() == algorithm),
    };
    let facts = row.body.as_ref().map(|it| &it.facts);
    let has = |usage: &str| facts.is_some_and(|it| it.key_usages.iter().any(|name| name == usage));
    let extends =
        |usage: &str| facts.is_some_and(|it| it.extended_key_usages.iter().any(|(name, _)| name == usage));
    let by_usage = filters
        .key_usage
        .iter()
        .flatten()
        .all(|it| *it == KeyUsageName::Any || has(it.as_str()));
    let by_extended_usage = filters
        .extended_key_usage
        .iter()
        .flatten()
        .all(|it| *it == ExtendedKeyUsageName::Any || extends(it.as_str()));
    // Nothing here can be exported or is managed by somebody else.
    let by_export = filters.export_option != Some(CertificateExport::Enabled);
    by_key && by_usage && by_extended_usage && by_export && filters.managed_by.is_none()
}

fn shape(row: &model::Certificate, in_use: bool, now: Timestamp) -> CertificateSummary {
    let facts = row.body.as_ref().map(|it| &it.facts);
    let requested = row.request().is_some();
    CertificateSummary {
        certificate_arn: Some(row.arn.clone()),
        domain_name: Some(row.domain.clone()),
        subject_alternative_name_summaries: Some(row.names.iter().take(NAMES_TOLD_MAX).cloned().collect()),
        has_additional_subject_alternative_names: Some(row.names.len() > NAMES_TOLD_MAX),
        status: Some(row.status(now).into()),
        type_: Some(kind(row)),
        key_algorithm: Some(row.key_algorithm().into()),
        key_usages: facts.map(|it| it.key_usages.iter().map(|it| it.as_str().into()).collect()),
        extended_key_usages: facts.map(|it| {
            let names = it.extended_key_usages.iter();
            names.map(|(name, _)| name.as_str().into()).collect()
        }),
        export_option: requested.then_some(CertificateExport::Disabled),
        in_use: Some(in_use),
        exported: requested.then_some(false),
        renewal_eligibility: Some(eligibility(row, in_use)),
        not_before: facts.map(|it| it.not_before),
        not_after: facts.map(|it| it.not_after),
        created_at: Some(row.created_at),
        issued_at: row.issued_at.filter(|_| requested),
        imported_at: row.issued_at.filter(|_| !requested),
        revoked_at: None,
        managed_by: None,
    }
}
