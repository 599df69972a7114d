//! Certificates as they are stored.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Certificate {
    pub(crate) arn: String,
    /// As it was asked for, or as the imported certificate says.
    pub(crate) domain: String,
    /// All names, the domain first.
    pub(crate) names: Vec<String>,
    pub(crate) created_at: Timestamp,
    /// When it was issued or imported the last time.
    pub(crate) issued_at: Option<Timestamp>,
    pub(crate) origin: Origin,
    pub(crate) body: Option<Body>,
    pub(crate) tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Origin {
    Imported,
    Requested(Request),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) token: Option<String>,
    /// As the API has it, such as `EC_prime256v1`.
    pub(crate) key_algorithm: String,
    pub(crate) transparency_logging: bool,
    /// One for each name, in their order.
    pub(crate) validations: Vec<Validation>,
    /// The records did not come in time.
    pub(crate) timed_out: bool,
    pub(crate) renewal: Option<Renewal>,
}

/// The record that shows that a name belongs to who asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Validation {
    pub(crate) domain: String,
    pub(crate) record_name: String,
    pub(crate) record_value: String,
    pub(crate) done: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Renewal {
    pub(crate) state: RenewalState,
    pub(crate) updated_at: Timestamp,
    /// Which of the names' records were there at the last look, in their order.
    pub(crate) found: Vec<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RenewalState {
    /// A record is not there any more.
    PendingValidation,
    Success,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Body {
    pub(crate) certificate_pem: String,
    /// Empty if it is its own authority.
    pub(crate) chain_pem: String,
    /// By the authority, for the place of its row.
    pub(crate) sealed_key: String,
    pub(crate) facts: Facts,
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body")
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}

/// What a certificate says of itself, as the API has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(crate) serial: String,
    pub(crate) subject: String,
    pub(crate) issuer: String,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) key_algorithm: String,
    pub(crate) signature_algorithm: String,
    pub(crate) key_usages: Vec<String>,
    /// Name and object identifier.
    pub(crate) extended_key_usages: Vec<(String, String)>,
    pub(crate) common_name: Option<String>,
    pub(crate) alternative_names: Vec<String>,
}

impl Certificate {
    pub(crate) fn request(&self) -> Option<&Request> {
        match &self.origin {
            Origin::Imported => None,
            Origin::Requested(request) => Some(request),
        }
    }

    /// As the API has it.
    pub(crate) fn status(&self, now: Timestamp) -> &'static str {
        match (&self.body, self.request()) {
            (Some(body), _) if body.facts.not_after <= now => "EXPIRED",
            (Some(_), _) => "ISSUED",
            (None, Some(request)) if request.timed_out => "VALIDATION_TIMED_OUT",
            (None, _) => "PENDING_VALIDATION",
        }
    }

    pub(crate) fn key_algorithm(&self) -> &str {
        match (&self.body, self.request()) {
            (Some(body), _) => &body.facts.key_algorithm,
            (None, Some(request)) => &request.key_algorithm,
            (None, None) => "",
        }
    }
}
