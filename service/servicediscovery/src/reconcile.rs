//! Finishes operations.

use async_trait::async_trait;
use base_reconcile::{Outcome, Reconciler};

use crate::ServiceDiscovery;

/// The reconciler of operations.
pub struct Operations(ServiceDiscovery);

impl Operations {
    /// What wakes it.
    pub const READS: &[&str] = &["servicediscovery/pending"];

    pub fn new(servicediscovery: ServiceDiscovery) -> Self {
        Self(servicediscovery)
    }
}

#[async_trait]
impl Reconciler for Operations {
    fn name(&self) -> &'static str {
        "servicediscovery operations"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let _ = (&self.0.store, &self.0.clock, &self.0.ids, &self.0.neighbours);
        Ok(Outcome::Settled)
    }
}
