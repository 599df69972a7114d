//! AES-256-GCM over private keys, each bound to the place it is stored at. The key comes from the authority's own, so
//! there is one secret to keep.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom as _, SystemRandom};

/// First byte of what is sealed, should there ever be another way.
const FORM: u8 = 1;

pub(crate) struct Sealer {
    key: LessSafeKey,
    random: SystemRandom,
}

impl Sealer {
    pub(crate) fn new(secret: &[u8]) -> Self {
        let derived = Salt::new(HKDF_SHA256, b"wharf certificate authority").extract(secret);
        let material = derived
            .expand(&[b"keys at rest"], &AES_256_GCM)
            .expect("this length is far below what HKDF can give");
        Self {
            key: LessSafeKey::new(UnboundKey::from(material)),
            random: SystemRandom::new(),
        }
    }

    pub(crate) fn seal(&self, place: &str, plain: &str) -> String {
        let mut nonce = [0; NONCE_LEN];
        self.random
            .fill(&mut nonce)
            .expect("the system always has random bytes once it runs");
        let mut bytes = plain.as_bytes().to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.as_bytes()),
                &mut bytes,
            )
            .expect("keys are far shorter than what AES-GCM can seal");
        let mut sealed = vec![FORM];
        sealed.extend(nonce);
        sealed.extend(bytes);
        STANDARD.encode(sealed)
    }

    pub(crate) fn open(&self, place: &str, sealed: &str) -> Option<String> {
        let bytes = STANDARD.decode(sealed).ok()?;
        let (form, rest) = bytes.split_first()?;
        if *form != FORM {
            return None;
        }
        let (nonce, rest) = rest.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut rest = rest.to_vec();
        let plain = self
            .key
            .open_in_place(nonce, Aad::from(place.as_bytes()), &mut rest);
        String::from_utf8(plain.ok()?.to_vec()).ok()
    }
}
