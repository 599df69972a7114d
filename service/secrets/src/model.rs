//! Secrets and parameters, as they are stored.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A value as it lies in the store: sealed, base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sealed(pub(crate) String);

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Secret {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) description: Option<String>,
    /// Echoed; values are sealed with this cloud's own key.
    pub(crate) kms_key_id: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) created_at: Timestamp,
    pub(crate) changed_at: Timestamp,
    /// Midnight of the day of the last look at a value.
    pub(crate) accessed_on: Option<Timestamp>,
    /// When it goes for good; until then it can be restored.
    pub(crate) deletion_at: Option<Timestamp>,
    /// In the order of their making.
    pub(crate) versions: Vec<SecretVersion>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SecretVersion {
    pub(crate) id: String,
    pub(crate) created_at: Timestamp,
    pub(crate) accessed_on: Option<Timestamp>,
    /// `AWSCURRENT` and others; without any the version is deprecated.
    pub(crate) stages: Vec<String>,
    /// Bytes, not text.
    pub(crate) is_binary: bool,
}

impl Secret {
    pub(crate) fn version(&self, id: &str) -> Option<&SecretVersion> {
        self.versions.iter().find(|version| version.id == id)
    }

    pub(crate) fn staged(&self, stage: &str) -> Option<&SecretVersion> {
        self.versions
            .iter()
            .find(|version| version.stages.iter().any(|it| it == stage))
    }
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) tags: BTreeMap<String, String>,
    /// Oldest first, never empty; numbers rise.
    pub(crate) versions: Vec<ParameterVersion>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ParameterVersion {
    pub(crate) number: i64,
    pub(crate) kind: Kind,
    /// Of a secure string.
    pub(crate) key_id: Option<String>,
    pub(crate) modified_at: Timestamp,
    /// ARN of who wrote it.
    pub(crate) modified_by: String,
    pub(crate) description: Option<String>,
    pub(crate) allowed_pattern: Option<String>,
    pub(crate) tier: Tier,
    pub(crate) labels: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Text,
    List,
    Secure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Tier {
    Standard,
    Advanced,
}

impl Parameter {
    pub(crate) fn latest(&self) -> &ParameterVersion {
        self.versions.last().expect("a parameter has a version")
    }
}
