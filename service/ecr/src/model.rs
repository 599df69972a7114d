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
    /// Tags that match one of these are the other way round.
    #[serde(default)]
    pub(crate) exclusions: Vec<String>,
    pub(crate) scan_on_push: bool,
    /// The key that was asked for, when it was asked for encryption by KMS.
    #[serde(default)]
    pub(crate) encryption: Option<Encryption>,
    pub(crate) tags: BTreeMap<String, String>,
    /// Who else may, as it was given.
    #[serde(default)]
    pub(crate) policy: Option<String>,
    #[serde(default)]
    pub(crate) lifecycle: Option<Lifecycle>,
    #[serde(default)]
    pub(crate) preview: Option<Preview>,
}

impl Repository {
    /// Whether a tag that leads somewhere must not be led elsewhere.
    pub(crate) fn protects(&self, tag: &str) -> bool {
        let excluded = self.exclusions.iter().any(|pattern| matches(pattern, tag));
        self.immutable != excluded
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Encryption {
    /// `KMS` or `KMS_DSSE`.
    pub(crate) kind: String,
    pub(crate) key: String,
}

/// A lifecycle policy that is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lifecycle {
    /// As it was given, and checked then.
    pub(crate) text: String,
    pub(crate) evaluated_at: Option<Timestamp>,
}

/// What a lifecycle policy would do, as of when it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Preview {
    pub(crate) text: String,
    pub(crate) expiring: Vec<Expiring>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Expiring {
    pub(crate) digest: String,
    pub(crate) tags: Vec<String>,
    pub(crate) pushed_at: Timestamp,
    /// Of the rule that says so.
    pub(crate) priority: i32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Image {
    pub(crate) digest: String,
    pub(crate) media_type: String,
    pub(crate) size_bytes: u64,
    pub(crate) pushed_at: Timestamp,
    #[serde(default)]
    pub(crate) pulled_at: Option<Timestamp>,
    pub(crate) tags: Vec<String>,
    pub(crate) config_media_type: Option<String>,
    pub(crate) subject: Option<String>,
    /// Manifests that it leads to, if it is an index.
    #[serde(default)]
    pub(crate) children: Vec<String>,
    /// Configuration and layers; empty in rows of versions that did not note them.
    #[serde(default)]
    pub(crate) blobs: Vec<String>,
}

/// That a repository has a blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link {
    pub(crate) since: Timestamp,
}

/// What is set for all repositories of an account in a region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Registry {
    #[serde(default)]
    pub(crate) policy: Option<String>,
    #[serde(default)]
    pub(crate) scanning: Vec<ScanningRule>,
    #[serde(default)]
    pub(crate) settings: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ScanningRule {
    pub(crate) frequency: String,
    /// Names of repositories, with `*`.
    pub(crate) filters: Vec<String>,
}

/// Whether `*` in the pattern stands for any characters of the text.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// A registry login that was given out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) expires_at: Timestamp,
    /// Given out inside a URL: good for reading only.
    #[serde(default)]
    pub(crate) is_for_urls: bool,
}
