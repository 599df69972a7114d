//! AES-256-GCM over values, each bound to the place it is stored at: a value moved to another name does not open.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// Length of a key, in bytes.
pub const KEY_BYTES: usize = 32;
/// First byte of what is sealed, should there ever be another way.
const FORM: u8 = 1;

/// What seals and opens values. Its bytes cannot be read back.
pub struct Key(LessSafeKey);

impl Key {
    pub fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, bytes).expect("the key has this algorithm's length");
        Self(LessSafeKey::new(key))
    }

    /// Seals a value for a place. `number` must never come twice under one key; base64.
    pub(crate) fn seal(&self, place: &str, number: u128, plain: &[u8]) -> String {
        let mut nonce = [0; NONCE_LEN];
        nonce.copy_from_slice(&number.to_le_bytes()[..NONCE_LEN]);
        let mut bytes = plain.to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.as_bytes()),
                &mut bytes,
            )
            .expect("values are far shorter than what AES-GCM can seal");
        let mut sealed = vec![FORM];
        sealed.extend(nonce);
        sealed.extend(bytes);
        STANDARD.encode(sealed)
    }

    /// What was sealed for this place, or `None` if it was not, or not with this key.
    pub(crate) fn open(&self, place: &str, sealed: &str) -> Option<Vec<u8>> {
        let bytes = STANDARD.decode(sealed).ok()?;
        let (form, rest) = bytes.split_first()?;
        if *form != FORM {
            return None;
        }
        let (nonce, rest) = rest.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut rest = rest.to_vec();
        let plain = self
            .0
            .open_in_place(nonce, Aad::from(place.as_bytes()), &mut rest);
        Some(plain.ok()?.to_vec())
    }
}

#[cfg(test)]
mod tests;
