//! EC2: networks, subnets, gateways, routes, security groups and interfaces; instances, with what they are launched
//! from.
//!
//! `model` has the nouns, `operation` what one can ask of them, `plan` turns them into networks the data plane can
//! build, `reconcile` writes those down.

mod error;
mod filter;
mod guest;
mod model;
mod operation;
mod plan;
mod reconcile;
mod table;

pub use guest::{Guest, GuestKey, GuestMetadata, GuestProfile};
pub use reconcile::{Instances, Meters, Metrics, Networks};

use std::net::Ipv4Addr;
use std::sync::Arc;

use aws_shape::iam;
use base_clock::Clock;
use base_id::IdSource;
use base_store::Store;
use contract::console::Consoles;
use ipnet::Ipv4Net;

/// Of the range that is kept for tests of networks (RFC 2544), so that no address of the world is hidden by ours.
const POOL: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 0, 0), 24);

/// The service; cheap to clone.
#[derive(Clone)]
pub struct Ec2 {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    iam: Option<Arc<dyn iam::Api>>,
    consoles: Option<Arc<dyn Consoles>>,
    pool: Ipv4Net,
}

impl Ec2 {
    pub fn new(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) -> Self {
        Self {
            store,
            clock,
            ids,
            iam: None,
            consoles: None,
            pool: POOL,
        }
    }

    /// Where instance profiles are looked up.
    #[must_use]
    pub fn with_iam(mut self, iam: Arc<dyn iam::Api>) -> Self {
        self.iam = Some(iam);
        self
    }

    /// Where the output of instances is read.
    #[must_use]
    pub fn with_consoles(mut self, consoles: Arc<dyn Consoles>) -> Self {
        self.consoles = Some(consoles);
        self
    }

    /// Where public addresses are taken from; no other cloud on this machine should have the same.
    #[must_use]
    pub fn with_pool(mut self, pool: Ipv4Net) -> Self {
        self.pool = pool;
        self
    }

    /// `<prefix>-` and 17 hexadecimal digits.
    fn new_id(&self, prefix: &str) -> String {
        format!("{prefix}-{}", self.ids.hex(17))
    }
}

#[cfg(test)]
mod tests;
