//! Certificates: requested, validated by the records that their owner puts into DNS, issued by the authority and
//! renewed; or imported.
//!
//! An operation writes down what is wanted; `reconcile` looks for the records, asks the authority and renews. Private
//! keys are in the store only as the authority has sealed them.

mod error;
mod model;
mod operation;
mod parse;
mod plan;
mod reconcile;
mod table;

pub use reconcile::Validations;

use std::sync::Arc;

use base_clock::Clock;
use base_id::IdSource;
use base_store::Store;
use contract::certificate::{Authority, Material};
use contract::dns::Ask;

use crate::model::Body;

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

    /// What a listener needs; `None` while the certificate is not issued. One that has expired is still given, as AWS
    /// goes on using it.
    pub fn material(&self, arn: &str) -> Option<Material> {
        let place = table::place(arn)?;
        let row = self.store.snapshot().get(table::CERTIFICATES, &place)?;
        let body = row.body.as_ref()?;
        Some(Material {
            chain_pem: format!("{}{}", body.certificate_pem, body.chain_pem),
            key_pem: self.neighbours.authority.open(&place, &body.sealed_key)?,
        })
    }

    /// What is stored of a certificate: its private key sealed for this place.
    fn body(
        &self,
        place: &str,
        facts: model::Facts,
        certificate_pem: String,
        chain_pem: String,
        key_pem: &str,
    ) -> Body {
        Body {
            certificate_pem,
            chain_pem,
            sealed_key: self.neighbours.authority.seal(place, key_pem),
            facts,
        }
    }
}

#[cfg(test)]
mod tests;
