//! Certificates: what a listener needs of one, who issues them, and who uses which.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a listener needs to prove a name. It has the private key, so its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Material {
    /// The certificate, then those that lead from it to its authority's root (which need not be there); PEM.
    pub chain_pem: String,
    /// PKCS #8, PKCS #1 or SEC 1; PEM.
    pub key_pem: String,
}

impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Material")
            .field("chain_pem", &self.chain_pem)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyKind {
    Rsa2048,
    EcP256,
    EcP384,
}

/// A certificate that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// The first is the subject's; all are alternative names. Without a dot at the end; a leading `*` label stands for
    /// any one label.
    pub names: Vec<String>,
    pub key: KeyKind,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    pub serial: [u8; 16],
}

/// Who issues certificates, and whose key keeps theirs from who reads what is stored.
#[async_trait]
pub trait Authority: Send + Sync {
    /// A new key and its certificate. May take as long as making a key does.
    ///
    /// # Errors
    /// A sentence.
    async fn issue(&self, request: Issue) -> Result<Material, String>;

    /// Seals a private key for the place that it is stored at: moved to another, it does not open.
    fn seal(&self, place: &str, plain: &str) -> String;

    /// What was sealed for this place, or `None` if it was not, or by another authority.
    fn open(&self, place: &str, sealed: &str) -> Option<String>;
}

/// Who uses a certificate: one row for each certificate that is in use, under its ARN. Written by those who use it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InUse {
    /// ARNs of load balancers.
    pub by: Vec<String>,
}

impl InUse {
    /// Name of the table.
    pub const TABLE: &'static str = "contract/certificate_in_use";
}
