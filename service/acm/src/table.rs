//! What is stored: certificates under `<account>/<region>/<id>`.

use std::sync::Arc;

use aws_protocol::ApiError;
use base_id::Scope;
use base_store::{Snapshot, Table};
use contract::certificate::InUse;

use crate::error;
use crate::model::Certificate;

pub(crate) const CERTIFICATES: Table<Certificate> = Table::new("acm/certificate", 1);
/// Written by those who use certificates, under their ARNs.
pub(crate) const IN_USE: Table<InUse> = Table::new(InUse::TABLE, 1);

pub(crate) fn arn(scope: &Scope, id: &str) -> String {
    scope.arn("acm", &format!("certificate/{id}"))
}

/// Where the certificate of this ARN is; `None` if it is not one of a certificate.
pub(crate) fn place(arn: &str) -> Option<String> {
    let rest = arn.strip_prefix("arn:aws:acm:")?;
    let mut parts = rest.splitn(3, ':');
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let id = resource.strip_prefix("certificate/")?;
    if id.is_empty() || id.contains('/') {
        return None;
    }
    Some(format!("{account}/{region}/{id}"))
}

pub(crate) fn certificate(
    snapshot: &Snapshot,
    scope: &Scope,
    arn: &str,
) -> Result<(String, Arc<Certificate>), ApiError> {
    let place = place(arn).ok_or_else(|| error::invalid_arn(arn))?;
    let own = place.starts_with(&format!("{}/", scope.key()));
    let found = snapshot.get(CERTIFICATES, &place).filter(|_| own);
    let row = found.ok_or_else(|| error::not_found(arn))?;
    Ok((place, row))
}

/// Who uses it.
pub(crate) fn users(snapshot: &Snapshot, arn: &str) -> Vec<String> {
    snapshot
        .get(IN_USE, arn)
        .map_or_else(Vec::new, |row| row.by.clone())
}
