//! The control process's end of the line to the name server.

use std::path::PathBuf;

use base_store::Store;
use tokio::sync::watch;

/// Hands updates from the store to the name server and what it has seen to the store.
pub struct Remote {
    pub socket: PathBuf,
    pub store: Store,
}

impl Remote {
    /// Until `shutdown` says true. A name server that is away is waited for.
    pub async fn run(self, mut shutdown: watch::Receiver<bool>) {
        let _ = shutdown.wait_for(|stop| *stop).await;
    }
}
