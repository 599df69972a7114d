//! Key pairs: the public half; the private one is its owner's.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Tags;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyPair {
    pub(crate) id: String,
    pub(crate) name: String,
    /// `rsa` or `ed25519`.
    pub(crate) kind: String,
    pub(crate) fingerprint: String,
    /// In the form of `authorized_keys`.
    pub(crate) public: String,
    pub(crate) created_at: Timestamp,
    pub(crate) tags: Tags,
}
