//! A certificate itself: given out, deleted.

use aws_protocol::{ApiError, Context};
use aws_shape::acm::*;

use crate::Acm;
use crate::error::{in_progress, in_use, not_found};
use crate::table::{self, CERTIFICATES};

pub(super) async fn get_certificate(
    acm: &Acm,
    context: &Context,
    input: GetCertificateRequest,
) -> Result<GetCertificateResponse, ApiError> {
    let snapshot = acm.store.snapshot();
    let (_, row) = table::certificate(&snapshot, &context.scope, &input.certificate_arn)?;
    let Some(body) = &row.body else {
        return Err(match row.status(acm.clock.now()) {
            "PENDING_VALIDATION" => in_progress(),
            _ => not_found(&input.certificate_arn),
        });
    };
    Ok(GetCertificateResponse {
        certificate: Some(body.certificate_pem.clone()),
        certificate_chain: Some(body.chain_pem.clone()).filter(|it| !it.is_empty()),
    })
}

pub(super) async fn delete_certificate(
    acm: &Acm,
    context: &Context,
    input: DeleteCertificateRequest,
) -> Result<(), ApiError> {
    let scope = context.scope.clone();
    let written = acm.store.write(move |tx| {
        let snapshot = tx.snapshot();
        let (place, row) = table::certificate(&snapshot, &scope, &input.certificate_arn)?;
        if !table::users(&snapshot, &row.arn).is_empty() {
            return Err(in_use(&row.arn, &scope.account));
        }
        tx.delete(CERTIFICATES, &place);
        Ok(())
    });
    written.await
}
