//! Credentials and roles, as they are stored.

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
    pub(crate) tags: BTreeMap<String, String>,
}
