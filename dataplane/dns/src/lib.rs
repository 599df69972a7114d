//! The name server: a process of its own that answers from what it last knew, with or without anybody who could tell it
//! more.
//!
//! ```text
//! place    ─ sockets, here and in private networks   serve  ─ datagrams and connections
//! packet   ─ a packet in, a packet out               answer ─ a question in, an answer out
//! table    ─ zones and records                       policy ─ which record sets answer
//! checks   ─ probes, at their times                  probe  ─ one look at an endpoint
//! verdict  ─ what counts as healthy                  region ─ which is the nearest
//! forward  ─ asking others                           journal ─ what is known, on disk
//! link     ─ news from and to the control process    remote ─ its other end
//! name, data ─ names and values, from the form in which people write them
//! ```

mod answer;
mod ask;
mod checks;
mod data;
mod forward;
mod journal;
mod line;
mod link;
mod name;
mod packet;
mod place;
mod policy;
mod probe;
mod region;
mod remote;
mod serve;
mod state;
mod table;
mod verdict;

#[cfg(test)]
mod testing;

pub use ask::Asker;
pub use packet::{Zones, answer_packet};
pub use remote::Remote;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

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
    let (journal, table) = journal::Journal::open(&config.directory).map_err(|cause| StartError {
        path: config.directory.clone(),
        cause,
    })?;
    let state = Arc::new(state::State::new(config.directory.join("health")));
    state.change(|known| *known = table);
    let _ = std::fs::remove_file(&config.socket);
    let socket = tokio::net::UnixListener::bind(&config.socket).map_err(|cause| StartError {
        path: config.socket.clone(),
        cause,
    })?;
    let forwarder = Arc::new(forward::Forwarder::new(
        Arc::clone(&state),
        config.resolv_conf.clone(),
    ));
    let cancelled = CancellationToken::new();
    let networks = place::Networks::new(
        config.namespaces.clone(),
        Arc::clone(&state),
        Arc::clone(&forwarder),
    );
    let checks = checks::Checks {
        state: Arc::clone(&state),
        clock,
        region: config.region.clone(),
        local: config.local,
    };
    let path = config.socket.clone();
    // All of them end with this set, which is dropped at the end.
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(place::machine(
        config,
        Arc::clone(&state),
        forwarder,
        cancelled.clone(),
    ));
    tasks.spawn(networks.run());
    tasks.spawn(checks.run());
    tasks.spawn(link::Link::new(state, journal).run(socket, path.clone()));
    // The sender lives as long as the process.
    let _ = shutdown.wait_for(|stop| *stop).await;
    cancelled.cancel();
    let _ = std::fs::remove_file(&path);
    Ok(())
}

#[cfg(test)]
mod tests;
