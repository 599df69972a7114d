//! EC2, as far as it is VPC: networks, subnets, gateways, routes, security groups, interfaces.
//!
//! `model` has the nouns, `operation` what one can ask of them, `plan` turns them into networks the data plane can
//! build, `reconcile` writes those down.

mod error;
mod filter;
mod model;
mod operation;
mod plan;
mod reconcile;
mod table;

pub use reconcile::Networks;

use std::sync::Arc;

use base_id::IdSource;
use base_store::Store;

/// The service; cheap to clone.
#[derive(Clone)]
pub struct Ec2 {
    store: Store,
    ids: Arc<dyn IdSource>,
}

impl Ec2 {
    pub fn new(store: Store, ids: Arc<dyn IdSource>) -> Self {
        Self { store, ids }
    }

    /// `<prefix>-` and 17 hexadecimal digits.
    fn new_id(&self, prefix: &str) -> String {
        format!("{prefix}-{}", self.ids.hex(17))
    }
}

#[cfg(test)]
mod tests;
