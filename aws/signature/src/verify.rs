//! Whether a signature is right, and whose it is.

use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::canonical::string_to_sign;
use crate::{Claim, Request, SignatureError};

/// How far a client's clock may be off, in minutes.
pub(crate) const SKEW_MINUTES: i64 = 5;

/// Headers that change what a request means: who sends one must sign it. A presigned request has the last two in
/// its query string, which is always signed.
const MUST_BE_SIGNED: [&str; 3] = ["x-amz-target", "x-amz-date", "x-amz-security-token"];

/// The account in [`Mode::Open`] of an access key id that is no account's number.
pub const OPEN_ACCOUNT: &str = "123456789012";

/// Where secrets are found.
pub trait Credentials: Send + Sync {
    fn find(&self, access_key: &str) -> Option<Secret>;
}

/// What belongs to an access key id.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    pub secret_key: String,
    /// Of temporary credentials: must come with every request.
    pub session_token: Option<String>,
    /// Twelve digits.
    pub account: String,
    pub principal_arn: String,
    pub expires: Option<Timestamp>,
}

/// Keeps the secrets out of logs.
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub access_key: String,
    pub account: String,
    pub principal_arn: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Key, signature, time and token must be right.
    Sigv4,
    /// Any well-formed signature is accepted: an access key id of twelve digits selects that account, any other
    /// [`OPEN_ACCOUNT`].
    Open,
}

#[derive(Clone)]
pub struct Verifier {
    credentials: Arc<dyn Credentials>,
    mode: Mode,
}

impl Verifier {
    pub fn new(credentials: Arc<dyn Credentials>, mode: Mode) -> Self {
        Self { credentials, mode }
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Believes a claim or not. `service` is the signing name of the service that was asked.
    ///
    /// # Errors
    /// When the claim does not hold.
    pub fn verify(
        &self,
        claim: &Claim,
        request: &Request,
        service: &str,
        now: Timestamp,
    ) -> Result<Identity, SignatureError> {
        if claim.service != service {
            return Err(SignatureError::ScopeService {
                expected: service.to_owned(),
            });
        }
        let secret = self.credentials.find(&claim.access_key);
        if self.mode == Mode::Open {
            return Ok(open(claim, secret));
        }
        is_timely(claim, now)?;
        let is_presigned = !request.headers.contains_key(http::header::AUTHORIZATION);
        for name in &MUST_BE_SIGNED[..if is_presigned { 1 } else { 3 }] {
            if request.headers.contains_key(*name) && !claim.signed_headers.iter().any(|it| it == name) {
                return Err(SignatureError::Unsigned(format!("'{name}'")));
            }
        }
        let secret = secret.ok_or(SignatureError::UnknownKey)?;
        let given = claim.session_token.as_deref().unwrap_or_default();
        let wanted = secret.session_token.as_deref().unwrap_or_default();
        if !is_same(given, wanted) {
            return Err(SignatureError::Token);
        }
        let signature = sign(&secret.secret_key, claim, &string_to_sign(claim, request));
        if !is_same(&signature, &claim.signature) {
            return Err(SignatureError::Mismatch);
        }
        if secret.expires.is_some_and(|expires| expires <= now) {
            return Err(SignatureError::TokenExpired);
        }
        Ok(Identity {
            access_key: claim.access_key.clone(),
            account: secret.account,
            principal_arn: secret.principal_arn,
        })
    }
}

/// Temporary credentials that were given out here keep their account.
fn open(claim: &Claim, secret: Option<Secret>) -> Identity {
    let access_key = claim.access_key.clone();
    if let Some(secret) = secret.filter(|it| it.session_token.is_some()) {
        return Identity {
            access_key,
            account: secret.account,
            principal_arn: secret.principal_arn,
        };
    }
    let is_account = access_key.len() == 12 && access_key.bytes().all(|it| it.is_ascii_digit());
    let account = if is_account {
        access_key.clone()
    } else {
        OPEN_ACCOUNT.to_owned()
    };
    Identity {
        principal_arn: format!("arn:aws:iam::{account}:root"),
        access_key,
        account,
    }
}

fn is_timely(claim: &Claim, now: Timestamp) -> Result<(), SignatureError> {
    let skew = SignedDuration::from_mins(SKEW_MINUTES);
    if claim.at > now + skew {
        return Err(SignatureError::Early { at: claim.at, now });
    }
    let (valid, unit) = match claim.expires_seconds {
        Some(seconds) => (SignedDuration::from_secs(seconds), format!("{seconds} sec.")),
        None => (skew, format!("{SKEW_MINUTES} min.")),
    };
    if claim.at < now - valid {
        return Err(SignatureError::Late {
            at: claim.at,
            earliest: now - valid,
            now,
            valid: unit,
        });
    }
    Ok(())
}

/// The signature in hexadecimal.
fn sign(secret_key: &str, claim: &Claim, text: &str) -> String {
    let mut key = format!("AWS4{secret_key}").into_bytes();
    for part in [&claim.date, &claim.region, &claim.service, "aws4_request"] {
        key = hmac(&key, part);
    }
    hex::encode(hmac(&key, text))
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Compares two secrets in a time that does not tell how much of them is the same.
pub fn is_same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}
