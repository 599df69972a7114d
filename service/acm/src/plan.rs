//! When something is to be done about a certificate, and what record a name is shown to belong to its owner by.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::model::{Certificate, RenewalState, Validation};

/// How long ACM waits for validation.
const VALIDATION_HOURS_MAX: i64 = 72;
/// How often the records of a certificate that waits are looked for.
const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(2);
/// So long before it expires a certificate is renewed.
const RENEW_DAYS_BEFORE: i64 = 45;
/// How often a renewal is tried whose records are not there.
const RENEW_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// How long a certificate of ACM is valid.
pub(crate) const LIFE_DAYS: i64 = 198;

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    /// Nothing before this time.
    At(Timestamp),
    /// Its records are looked for; if they are there, it is issued (again).
    Look,
    /// It has waited for too long.
    GiveUp,
}

pub(crate) fn due(certificate: &Certificate, in_use: bool, now: Timestamp) -> Due {
    let Some(request) = certificate.request() else {
        return Due::Nothing;
    };
    match &certificate.body {
        None if request.timed_out => Due::Nothing,
        None if now >= certificate.created_at + SignedDuration::from_hours(VALIDATION_HOURS_MAX) => {
            Due::GiveUp
        }
        None => Due::Look,
        // What nobody uses is not renewed, and what has expired is not either.
        Some(body) if !in_use || body.facts.not_after <= now => Due::Nothing,
        Some(body) => {
            let from = body.facts.not_after - SignedDuration::from_hours(24 * RENEW_DAYS_BEFORE);
            let tried = request
                .renewal
                .as_ref()
                .filter(|it| it.state == RenewalState::PendingValidation);
            let next = tried.map_or(from, |it| (it.updated_at + RENEW_EVERY).max(from));
            if next <= now { Due::Look } else { Due::At(next) }
        }
    }
}

/// When records that were not there are looked for again.
pub(crate) fn look_again(certificate: &Certificate, now: Timestamp) -> Timestamp {
    match &certificate.body {
        None => now + LOOK_EVERY,
        Some(_) => now + RENEW_EVERY,
    }
}

/// The same record for the same name of the same account, however often a certificate is asked for; a wildcard's is that
/// of the name under it.
pub(crate) fn validation(account: &str, domain: &str) -> Validation {
    let base = domain.strip_prefix("*.").unwrap_or(domain);
    let hash = |what: &str| {
        let digest = Sha256::digest(format!("{what} {account} {base}"));
        hex::encode(&digest[..16])
    };
    Validation {
        domain: domain.to_owned(),
        record_name: format!("_{}.{base}.", hash("name")),
        record_value: format!("_{}.acm-validations.aws.", hash("value")),
        done: false,
    }
}

/// ACM's pattern of domain names, which looks around and so is checked by hand.
pub(crate) fn is_domain(name: &str) -> bool {
    let label = |text: &str, min: usize| {
        (min..=63).contains(&text.len())
            && !text.starts_with('-')
            && !text.ends_with('-')
            && text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-')
    };
    let name = name.strip_prefix("*.").unwrap_or(name);
    match name.rsplit_once('.') {
        Some((head, last)) => label(last, 2) && head.split('.').all(|it| label(it, 1)),
        None => false,
    }
}

#[cfg(test)]
mod tests;
