//! ECR: repositories of images, and the names that the registry front serves.
//!
//! The bytes of images are not here: they are in the shared blob store, reached through [`Blobs`]. `catalog` is what the
//! registry front sees of this service; `lifecycle` reads the policies by which images expire, `plan` says which ones do,
//! and `reconcile` removes them.

mod catalog;
mod error;
mod lifecycle;
mod model;
mod operation;
mod plan;
mod reconcile;
mod table;

use std::sync::Arc;

use base_clock::Clock;
use base_id::IdSource;
use base_store::Store;
use contract::image::Blobs;

pub use reconcile::Upkeep;

/// The service; cheap to clone. It also is the catalog of the registry.
#[derive(Clone)]
pub struct Ecr {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    blobs: Arc<dyn Blobs>,
    /// Host and port of the registry, the head of every repository's URI.
    registry: String,
}

impl Ecr {
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        blobs: Arc<dyn Blobs>,
        registry: String,
    ) -> Self {
        Self {
            store,
            clock,
            ids,
            blobs,
            registry,
        }
    }

    /// Digests of all manifests in all repositories: what must not be collected as garbage.
    pub fn manifests(&self) -> Vec<String> {
        self.store
            .snapshot()
            .list(table::IMAGES)
            .into_iter()
            .map(|(_, image)| image.digest.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests;
