//! Elastic Load Balancing v2: Application Load Balancers, listeners, target groups.
//!
//! `reconcile/balancers.rs` gives each load balancer its feet in the subnets, `reconcile/routes.rs` writes down what the
//! proxy shall serve. What targets look like is what the proxy has seen.

mod error;
mod machine;
mod model;
mod operation;
mod plan;
mod reconcile;
mod table;

pub use reconcile::{Balancers, Metrics, Routes, Targets};

use std::sync::Arc;

use base_clock::Clock;
use base_id::IdSource;
use base_store::Store;
use contract::certificate::Material;
use contract::route::RouteTable;
use ipnet::Ipv4Net;

/// The service; cheap to clone.
#[derive(Clone)]
pub struct Elbv2 {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    ec2: Arc<dyn aws_shape::ec2::Api>,
    /// Loopback addresses of which each load balancer gets one of its own.
    addresses: Ipv4Net,
    certificates: Certificates,
}

/// What a listener needs of the certificate with this ARN; `None` when there is none that can be used.
pub type Certificates = Arc<dyn Fn(&str) -> Option<Material> + Send + Sync>;

impl Elbv2 {
    /// The table that carries the generation of the routes; it outlives a reset, so that the proxy never sees a
    /// generation go back.
    pub const ROUTE_TABLE: &'static str = RouteTable::TABLE;

    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        ec2: Arc<dyn aws_shape::ec2::Api>,
        addresses: Ipv4Net,
    ) -> Self {
        Self {
            store,
            clock,
            ids,
            ec2,
            addresses,
            certificates: Arc::new(|_| None),
        }
    }

    #[must_use]
    pub fn with_certificates(self, certificates: Certificates) -> Self {
        Self { certificates, ..self }
    }
}

#[cfg(test)]
mod tests;
