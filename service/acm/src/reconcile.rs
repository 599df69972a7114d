//! Looks for validation records, and has certificates issued.

use async_trait::async_trait;
use base_reconcile::{Outcome, Reconciler};

use crate::Acm;

/// The reconciler of certificates that wait for validation.
pub struct Validations(Acm);

impl Validations {
    /// What wakes it.
    pub const READS: &[&str] = &["acm/certificate"];

    pub fn new(acm: Acm) -> Self {
        Self(acm)
    }
}

#[async_trait]
impl Reconciler for Validations {
    fn name(&self) -> &'static str {
        "acm validations"
    }

    async fn activate(&self) -> Result<Outcome, String> {
        let _ = (&self.0.clock, &self.0.ids, &self.0.neighbours);
        Ok(Outcome::Settled)
    }
}
