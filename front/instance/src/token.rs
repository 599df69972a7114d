//! Session tokens: nothing is kept of them, as they say themselves whose they are and until when, and are signed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use contract::agent::Caller;
use ring::hmac;

/// Length of a key, in bytes.
pub const KEY_BYTES: usize = 32;
/// Six hours, as in AWS.
pub(crate) const LIFE_SECONDS_MAX: u32 = 21_600;
const SECONDS_BYTES: usize = 8;

pub(crate) struct Tokens(hmac::Key);

impl Tokens {
    pub fn new(key: &[u8; KEY_BYTES]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// A token for a caller that ends `life_seconds` after `now`, in seconds since 1970.
    pub fn begin(&self, caller: &Caller, life_seconds: u32, now: i64) -> String {
        let end = now + i64::from(life_seconds);
        let mut bytes = end.to_be_bytes().to_vec();
        bytes.extend(hmac::sign(&self.0, &of(caller, end)).as_ref());
        URL_SAFE.encode(bytes)
    }

    /// Whether this is a token of this caller that has not ended.
    pub fn holds(&self, caller: &Caller, token: &str, now: i64) -> bool {
        let bytes = URL_SAFE.decode(token).unwrap_or_default();
        let Some((end, signature)) = bytes.split_first_chunk::<SECONDS_BYTES>() else {
            return false;
        };
        let end = i64::from_be_bytes(*end);
        end > now && hmac::verify(&self.0, &of(caller, end), signature).is_ok()
    }
}

fn of(caller: &Caller, end: i64) -> Vec<u8> {
    let mut bytes = end.to_be_bytes().to_vec();
    bytes.extend(caller.address.octets());
    bytes.extend(caller.network.as_bytes());
    bytes
}
