//! Why a request is not believed, and what AWS answers to it in each protocol.

use aws_protocol::{ApiError, Protocol};
use jiff::Timestamp;

use crate::claim::basic;
use crate::verify::SKEW_MINUTES;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("Request is missing Authentication Token")]
    Missing,
    #[error("{} {given}", missing.join(" "))]
    Incomplete { missing: Vec<String>, given: String },
    #[error("'{part}' not a valid key=value pair (missing equal-sign) in Authorization header: '{header}'.")]
    NoEqualSign { part: String, header: String },
    #[error("Unsupported AWS 'algorithm': '{0}'.")]
    Algorithm(String),
    #[error(
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{0}'"
    )]
    Credential(String),
    #[error("Date must be in ISO-8601 'basic format'. Got '{0}'. See http://en.wikipedia.org/wiki/ISO_8601")]
    Date(String),
    #[error("X-Amz-Expires must be a number of seconds between 0 and 604800")]
    Expires,
    #[error("Credential should be scoped with a valid terminator: 'aws4_request', not '{0}'.")]
    Terminator(String),
    #[error("Credential should be scoped to correct service: '{expected}'. ")]
    ScopeService { expected: String },
    #[error(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{scope}' != \
         '{}', from '{at}'.", at.get(..8).unwrap_or(at)
    )]
    ScopeDate { scope: String, at: String },
    #[error("{0} must be a 'SignedHeader' in the AWS Authorization.")]
    Unsigned(String),
    #[error("Signature not yet current: {} is still later than {} ({} + {SKEW_MINUTES} min.)",
        basic(*at), basic(*now + jiff::SignedDuration::from_mins(SKEW_MINUTES)), basic(*now))]
    Early { at: Timestamp, now: Timestamp },
    #[error("Signature expired: {} is now earlier than {} ({} - {valid})", basic(*at), basic(*earliest), basic(*now))]
    Late {
        at: Timestamp,
        earliest: Timestamp,
        now: Timestamp,
        valid: String,
    },
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    #[error("The security token included in the request is invalid.")]
    Token,
    #[error("The security token included in the request is expired")]
    TokenExpired,
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
         Access Key and signing method. Consult the service documentation for details."
    )]
    Mismatch,
}

/// What kind of refusal it is; every protocol has its own code for each.
enum Refusal {
    Missing,
    Incomplete,
    Mismatch,
    Untimely,
    UnknownKey,
    Expired,
}

impl SignatureError {
    /// What a service of this protocol answers.
    pub fn answer(&self, protocol: Protocol) -> ApiError {
        let refusal = self.refusal();
        let (status, code) = match (protocol, &refusal) {
            (Protocol::Json | Protocol::Cbor, Refusal::Missing) => {
                (400, "MissingAuthenticationTokenException")
            }
            (Protocol::Json | Protocol::Cbor, Refusal::Incomplete) => (400, "IncompleteSignatureException"),
            (Protocol::Json | Protocol::Cbor, Refusal::Mismatch | Refusal::Untimely) => {
                (400, "InvalidSignatureException")
            }
            (Protocol::Json | Protocol::Cbor, Refusal::UnknownKey) => (400, "UnrecognizedClientException"),
            (Protocol::Json | Protocol::Cbor, Refusal::Expired) => (400, "ExpiredTokenException"),
            (Protocol::Query | Protocol::RestXml, Refusal::Missing) => (403, "MissingAuthenticationToken"),
            (Protocol::Query | Protocol::RestXml, Refusal::Incomplete) => (403, "IncompleteSignature"),
            (Protocol::Query | Protocol::RestXml, Refusal::Mismatch | Refusal::Untimely) => {
                (403, "SignatureDoesNotMatch")
            }
            (Protocol::Query | Protocol::RestXml, Refusal::UnknownKey) => (403, "InvalidClientTokenId"),
            (Protocol::Query | Protocol::RestXml, Refusal::Expired) => (403, "ExpiredToken"),
            (Protocol::Ec2, Refusal::Missing) => (400, "MissingParameter"),
            (Protocol::Ec2, Refusal::Untimely | Refusal::Expired) => (400, "RequestExpired"),
            (Protocol::Ec2, Refusal::Incomplete | Refusal::Mismatch | Refusal::UnknownKey) => {
                (401, "AuthFailure")
            }
        };
        let message = match (protocol, &refusal) {
            (Protocol::Json | Protocol::Cbor, Refusal::Missing) => "Missing Authentication Token".to_owned(),
            (Protocol::Ec2, Refusal::Missing) => {
                "The request must contain the parameter AWSAccessKeyId".to_owned()
            }
            (Protocol::Ec2, Refusal::Mismatch | Refusal::UnknownKey) => {
                "AWS was not able to validate the provided access credentials".to_owned()
            }
            (Protocol::Ec2, Refusal::Untimely | Refusal::Expired) => "Request has expired.".to_owned(),
            _ => self.to_string(),
        };
        let mut answer = ApiError::with_status(status, code, message);
        // What EC2 does not tell the caller, the operator can still read.
        answer.cause = Some(self.to_string().into());
        answer
    }

    fn refusal(&self) -> Refusal {
        match self {
            Self::Missing => Refusal::Missing,
            Self::Incomplete { .. }
            | Self::NoEqualSign { .. }
            | Self::Algorithm(_)
            | Self::Credential(_)
            | Self::Date(_)
            | Self::Expires => Refusal::Incomplete,
            Self::Terminator(_)
            | Self::ScopeService { .. }
            | Self::ScopeDate { .. }
            | Self::Unsigned(_)
            | Self::Mismatch => Refusal::Mismatch,
            Self::Early { .. } | Self::Late { .. } => Refusal::Untimely,
            Self::UnknownKey | Self::Token => Refusal::UnknownKey,
            Self::TokenExpired => Refusal::Expired,
        }
    }
}
