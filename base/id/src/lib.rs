//! Identifiers: whose a thing is, what it is called, and where new names come from.

mod repository;
mod source;

pub use repository::is_repository_name;
pub use source::{IdSource, RandomIds, SequentialIds, uuid};

use serde::{Deserialize, Serialize};

/// Account and region: every resource belongs to one of each.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Scope {
    /// Twelve digits.
    pub account: String,
    /// Such as `us-east-1`.
    pub region: String,
}

impl Scope {
    pub fn new(account: impl Into<String>, region: impl Into<String>) -> Self {
        Self {
            account: account.into(),
            region: region.into(),
        }
    }

    /// `arn:aws:<service>:<region>:<account>:<resource>`
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{resource}", self.region, self.account)
    }

    /// `<account>/<region>`, the head of every key in the store.
    pub fn key(&self) -> String {
        format!("{}/{}", self.account, self.region)
    }

    /// The scope that a key of the store begins with: what [`Scope::key`] wrote.
    pub fn of_key(key: &str) -> Self {
        let mut parts = key.splitn(3, '/');
        Self::new(parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
    }
}
