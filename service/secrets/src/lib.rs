//! Secrets Manager and SSM's Parameter Store: names that lead to values which only a key can read.
//!
//! Values are encrypted before they reach the store (`cipher`), each bound to its own name and version. What is known
//! about them is in one row per name, the values in rows of their own, so that a look at the names reads no value.

mod cipher;
mod model;
mod parameter;
mod reconcile;
mod secret;

pub use cipher::{KEY_BYTES, Key};
pub use reconcile::Deletions;

use std::sync::Arc;

use aws_shape::ec2;
use base_clock::Clock;
use base_id::IdSource;
use base_store::{Store, Table};

use crate::model::{Parameter, Sealed, Secret};

/// Under `<account>/<region>/<name>`.
const SECRETS: Table<Secret> = Table::new("secretsmanager/secret", 1);
/// Under `<account>/<region>/<name>:<version id>`; no secret's name contains a colon.
const SECRET_VALUES: Table<Sealed> = Table::new("secretsmanager/value", 1);
/// Under `<account>/<region>/<name without its first slash>`: `a` and `/a` have one ARN, so they are one.
const PARAMETERS: Table<Parameter> = Table::new("ssm/parameter", 1);
/// Under `<key of the parameter>:<version>`; no parameter's name contains a colon.
const PARAMETER_VALUES: Table<Sealed> = Table::new("ssm/value", 1);

/// Both services; cheap to clone.
#[derive(Clone)]
pub struct Secrets {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    key: Arc<Key>,
    ec2: Option<Arc<dyn ec2::Api>>,
}

impl Secrets {
    /// Values are sealed and opened with `key`; with another one than they were sealed with they cannot be read.
    pub fn new(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>, key: Key) -> Self {
        Self {
            store,
            clock,
            ids,
            key: Arc::new(key),
            ec2: None,
        }
    }

    /// Whose images the public parameters name.
    #[must_use]
    pub fn with_ec2(mut self, ec2: Arc<dyn ec2::Api>) -> Self {
        self.ec2 = Some(ec2);
        self
    }

    fn seal(&self, place: &str, plain: &[u8]) -> Sealed {
        Sealed(self.key.seal(place, self.ids.next(), plain))
    }
}

#[cfg(test)]
mod tests;
