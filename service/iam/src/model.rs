//! Credentials, roles and policies, as they are stored.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An access key, long-lived or of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    pub access_key: String,
    pub secret_key: String,
    /// With it the key is of a session, and requests must carry it.
    pub session_token: Option<String>,
    pub account: String,
    pub principal_arn: String,
    pub expires_at: Option<Timestamp>,
    /// Of the session of a role.
    #[serde(default)]
    pub role: Option<SessionRole>,
}

/// Which role a session has assumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRole {
    pub arn: String,
    pub id: String,
    /// What its holder called it.
    pub session_name: String,
    /// The service that began it, on behalf of something of its own.
    #[serde(default)]
    pub service: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Role {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) arn: String,
    pub(crate) created_at: Timestamp,
    /// Who may assume it: a policy document.
    pub(crate) trust: String,
    pub(crate) description: Option<String>,
    pub(crate) session_seconds_max: i32,
    /// ARNs of attached policies, in the order of attaching.
    pub(crate) policies: Vec<String>,
    /// Inline policies: documents by name.
    #[serde(default)]
    pub(crate) inline: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
}

/// What gives an instance its role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) arn: String,
    pub(crate) created_at: Timestamp,
    /// Name of the role; one can be taken out and another put in.
    pub(crate) role: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
}

/// A policy of the account's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) arn: String,
    pub(crate) description: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) tags: BTreeMap<String, String>,
    /// Oldest first, never empty.
    pub(crate) versions: Vec<PolicyVersion>,
    /// Number of the version that counts.
    pub(crate) default: u32,
    /// Number of the last version that was made; no number is given twice.
    pub(crate) last: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PolicyVersion {
    /// Shown as `v3`.
    pub(crate) number: u32,
    pub(crate) document: String,
    pub(crate) created_at: Timestamp,
}

/// A provider of identities outside of AWS.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Provider {
    pub(crate) arn: String,
    /// Without `https://`.
    pub(crate) url: String,
    pub(crate) client_ids: Vec<String>,
    pub(crate) thumbprints: Vec<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) tags: BTreeMap<String, String>,
}
