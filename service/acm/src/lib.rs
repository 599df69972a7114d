//! Certificates of ACM: requested, validated over DNS, issued, or imported.

mod reconcile;

pub use reconcile::Validations;

use std::sync::Arc;

use aws_shape::acm;
use base_clock::Clock;
use base_id::IdSource;
use base_store::Store;
use contract::certificate::{Authority, Material};
use contract::dns::Ask;

/// Who issues, and where validation records are looked up.
#[derive(Clone)]
pub struct Neighbours {
    pub authority: Arc<dyn Authority>,
    pub dns: Arc<dyn Ask>,
}

/// The service; cheap to clone.
#[derive(Clone)]
pub struct Acm {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    neighbours: Neighbours,
}

impl Acm {
    pub fn new(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>, neighbours: Neighbours) -> Self {
        Self {
            store,
            clock,
            ids,
            neighbours,
        }
    }

    /// What a listener needs; `None` while the certificate is not issued.
    pub fn material(&self, arn: &str) -> Option<Material> {
        let _ = (arn, &self.store);
        None
    }
}

impl acm::Api for Acm {}
