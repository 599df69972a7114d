//! Certificates that somebody else has issued.

use aws_protocol::{ApiError, Context};
use aws_shape::acm::*;

use super::tag;
use crate::error::{invalid_parameter, validation};
use crate::model::{Certificate, Facts, Origin};
use crate::table::{self, CERTIFICATES};
use crate::{Acm, parse};

pub(super) async fn import_certificate(
    acm: &Acm,
    context: &Context,
    input: ImportCertificateRequest,
) -> Result<ImportCertificateResponse, ApiError> {
    let scope = context.scope.clone();
    let now = acm.clock.now();
    let again = input.certificate_arn;
    let tags = tag::checked(input.tags.unwrap_or_default())?;
    if again.is_some() && !tags.is_empty() {
        return Err(invalid_parameter(
            "You cannot apply tags when reimporting a certificate.",
        ));
    }
    if let Some(arn) = &again {
        let (_, row) = table::certificate(&acm.store.snapshot(), &scope, arn)?;
        if row.origin != Origin::Imported {
            let message = format!("Certificate {arn} was not imported, so it cannot be imported again.");
            return Err(validation(message));
        }
    }
    let chain = input.certificate_chain.filter(|it| !it.is_empty());
    let facts =
        parse::imported(&input.certificate, &input.private_key, chain.as_deref(), now).map_err(validation)?;
    let names = names(&facts)?;
    let arn = again
        .clone()
        .unwrap_or_else(|| table::arn(&scope, &acm.ids.uuid()));
    let Some(place) = table::place(&arn) else {
        return Err(ApiError::internal("the ARN of a certificate leads nowhere"));
    };
    let pem = |bytes: &[u8]| format!("{}\n", String::from_utf8_lossy(bytes).trim());
    let body = acm.body(
        &place,
        facts,
        pem(&input.certificate),
        chain.map_or_else(String::new, |it| pem(&it)),
        &pem(&input.private_key),
    );
    let answered = arn.clone();
    let written = acm.store.write(move |tx| {
        let before = tx.get(CERTIFICATES, &place);
        if before.is_none()
            && let Some(arn) = again
        {
            return Err(crate::error::not_found(&arn));
        }
        let row = Certificate {
            arn,
            domain: names[0].clone(),
            names,
            created_at: before.as_ref().map_or(now, |it| it.created_at),
            issued_at: Some(now),
            origin: Origin::Imported,
            body: Some(body),
            tags: before.map_or(tags, |it| it.tags.clone()),
        };
        tx.put(CERTIFICATES, &place, row);
        Ok(())
    });
    written.await?;
    Ok(ImportCertificateResponse {
        certificate_arn: Some(answered),
    })
}

/// The common name first.
fn names(facts: &Facts) -> Result<Vec<String>, ApiError> {
    let mut names: Vec<String> = Vec::new();
    for name in facts.common_name.iter().chain(&facts.alternative_names) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    if names.is_empty() {
        return Err(validation(
            "The certificate has neither a common name nor a DNS name.",
        ));
    }
    Ok(names)
}
