//! The load balancer: a process of its own that serves from its last route table on disk, with or without anybody
//! who could give it a newer one.
//!
//! ```text
//! listen  ─ accepts where the table says        serve   ─ one request: choose a target, forward, answer
//! state   ─ the table in use, targets, health   pool    ─ connections to a target, kept for the next request
//! health  ─ one prober per target               tunnel  ─ upgraded connections (WebSocket)
//! dial    ─ sockets inside a private network    link    ─ news from and to the control process
//! stick   ─ cookies that lead a client back to its target     tls ─ certificates
//! meter   ─ how much goes through, and how fast it is answered
//! pipe    ─ connections whose bytes nobody looks at
//! ```

mod connection;
mod dial;
mod disk;
mod health;
mod link;
mod listen;
mod meter;
mod page;
mod pipe;
mod pool;
mod redirect;
mod remote;
mod serve;
mod state;
mod stick;
mod tls;
mod tunnel;

pub use remote::{Board, Remote};

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

/// Where the proxy finds its things.
#[derive(Clone, Debug)]
pub struct ProxyConfig {
    /// The last route table; written at every change.
    pub table_file: PathBuf,
    /// Unix socket on which the control process is awaited.
    pub socket: PathBuf,
    /// Folder in which each private network's namespace is pinned under the network's id.
    pub namespaces: PathBuf,
}

#[derive(Debug, thiserror::Error)]
#[error("the proxy's socket {path} cannot be opened: {cause}")]
pub struct StartError {
    path: PathBuf,
    cause: std::io::Error,
}

/// Serves until `shutdown` says true, then lets requests in flight finish for a while.
///
/// # Errors
/// When the socket for the control process cannot be opened. A listener that cannot be opened is no error here: it is
/// reported with the observed routes and tried again.
pub async fn run(config: ProxyConfig, mut shutdown: watch::Receiver<bool>) -> Result<(), StartError> {
    let state = Arc::new(state::State::new(dial::Dialer::new(config.namespaces)));
    if let Some(table) = disk::load(&config.table_file) {
        state.apply(table);
    }
    let _ = std::fs::remove_file(&config.socket);
    let socket = tokio::net::UnixListener::bind(&config.socket).map_err(|cause| StartError {
        path: config.socket.clone(),
        cause,
    })?;
    let listeners = tokio::spawn(listen::run(Arc::clone(&state), shutdown.clone()));
    let link = tokio::spawn(link::run(socket, Arc::clone(&state), config.table_file));
    // The sender lives as long as the process.
    let _ = shutdown.wait_for(|stop| *stop).await;
    link.abort();
    let _ = listeners.await;
    let _ = std::fs::remove_file(&config.socket);
    Ok(())
}

#[cfg(test)]
mod tests;
