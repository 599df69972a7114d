//! Repositories and images, as they are stored.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Repository {
    pub(crate) name: String,
    pub(crate) created_at: Timestamp,
    /// A tag once given stays where it is.
    pub(crate) immutable: bool,
    pub(crate) scan_on_push: bool,
    pub(crate) tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Image {
    pub(crate) digest: String,
    pub(crate) media_type: String,
    pub(crate) size_bytes: u64,
    pub(crate) pushed_at: Timestamp,
    pub(crate) tags: Vec<String>,
    pub(crate) config_media_type: Option<String>,
    pub(crate) subject: Option<String>,
}

/// A registry login that was given out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) expires_at: Timestamp,
}
