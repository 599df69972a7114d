//! A real registry: ECR over a store in memory, blobs in a folder, and both fronts.

use std::sync::Arc;

use aws_signature::Mode;
use base_clock::SystemClock;
use base_id::RandomIds;
use base_store::Store;
use dataplane_blobs::BlobStore;
use service_ecr::Ecr;

use crate::fake::Front;

pub struct Registry {
    pub front: Front,
    /// Where the blobs lie.
    pub folder: tempfile::TempDir,
}

impl Registry {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let blobs = Arc::new(BlobStore::open(folder.path()).expect("a store"));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let ecr = Arc::new(Ecr::new(
            Store::in_memory(),
            Arc::new(SystemClock),
            Arc::new(RandomIds),
            blobs.clone(),
            address.to_string(),
        ));
        let routes = front_registry::router(blobs, ecr.clone(), Arc::new(SystemClock));
        let front = Front::serve(listener, Mode::Sigv4, ecr, routes);
        Self { front, folder }
    }
}
