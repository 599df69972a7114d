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
pub use reconcile::{Instances, Networks};

use std::net::Ipv4Addr;
use std::sync::Arc;

use aws_shape::iam;
use base_clock::Clock;
use base_id::IdSource;
use base_store::Store;
use contract::console::Consoles;

/// The service; cheap to clone.
#[derive(Clone)]
pub struct Ec2 {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    iam: Option<Arc<dyn iam::Api>>,
    consoles: Option<Arc<dyn Consoles>>,
}

impl Ec2 {
    pub fn new(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) -> Self {
        Self {
            store,
            clock,
            ids,
            iam: None,
            consoles: None,
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

    /// The public address of an interface.
    fn public_address(interface: &model::Interface) -> Option<Ipv4Addr> {
        let _ = interface;
        None
    }

    /// `<prefix>-` and 17 hexadecimal digits.
    fn new_id(&self, prefix: &str) -> String {
        format!("{prefix}-{}", self.ids.hex(17))
    }
}

#[cfg(test)]
mod tests;
