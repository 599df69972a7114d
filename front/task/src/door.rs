//! Listeners inside networks: they appear with their networks and go with them.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use base_store::Store;
use contract::agent::{Caller, Doors};
use contract::network::ObservedNetwork;
use contract::task::ObservedTask;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

/// How often it is looked at whether a network is still the same one.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A door that did not open is tried again after this.
const RETRY_AFTER: Duration = Duration::from_millis(200);
/// Connections at a time through one door; one more waits.
const CONNECTIONS_MAX: usize = 1024;
/// How long a client may take to send the head of a request.
const HEAD_LIMIT: Duration = Duration::from_secs(30);

/// One port in every network, and who answers there.
#[derive(Clone)]
pub struct Door {
    /// In hosts too, not only in private networks.
    pub in_hosts: bool,
    pub address: Ipv4Addr,
    pub port: u16,
    pub router: Router,
}

struct Open {
    /// The network that it is in, not the one that may have its name now.
    identity: u64,
    close: CancellationToken,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.close.cancel();
    }
}

/// Keeps every door open in every network that stands, until `shutdown`.
pub async fn keep(
    store: Store,
    doors: Arc<dyn Doors>,
    wanted: Vec<Door>,
    mut shutdown: watch::Receiver<bool>,
) {
    // Hosts are tasks.
    let mut changes = store.watch(&[ObservedNetwork::TABLE, ObservedTask::TABLE]);
    let mut open = HashMap::new();
    loop {
        let settled = converge(&*doors, &wanted, &mut open).await;
        let pause = if settled { LOOK_EVERY } else { RETRY_AFTER };
        tokio::select! {
            () = changes.changed() => {}
            () = tokio::time::sleep(pause) => {}
            _ = shutdown.wait_for(|stop| *stop) => return,
        }
    }
}

/// Whether every door is open.
async fn converge(
    doors: &dyn Doors,
    wanted: &[Door],
    open: &mut HashMap<(String, Ipv4Addr, u16), Open>,
) -> bool {
    let hosts: HashSet<String> = doors.hosts().into_iter().collect();
    let places: Vec<String> = hosts.iter().cloned().chain(doors.networks()).collect();
    open.retain(|(network, ..), open| {
        places.contains(network) && doors.identity(network) == Some(open.identity)
    });
    let mut settled = true;
    for network in places {
        let is_host = hosts.contains(&network);
        for door in wanted.iter().filter(|door| door.in_hosts || !is_host) {
            let place = (network.clone(), door.address, door.port);
            if open.contains_key(&place) {
                continue;
            }
            match listen(doors, &network, door).await {
                Ok(one) => drop(open.insert(place, one)),
                Err(error) => {
                    settled = false;
                    tracing::debug!(network, port = door.port, %error, "tasks cannot ask yet");
                }
            }
        }
    }
    settled
}

async fn listen(doors: &dyn Doors, network: &str, door: &Door) -> std::io::Result<Open> {
    let gone = || std::io::Error::other("the network is not there");
    let identity = doors.identity(network).ok_or_else(gone)?;
    let listener = TcpListener::from_std(doors.listen(network, door.address, door.port).await?)?;
    let close = CancellationToken::new();
    let accepting = accept(listener, network.to_owned(), door.router.clone(), close.clone());
    tokio::spawn(accepting);
    Ok(Open { identity, close })
}

/// Until it is told to close; what is being answered then is answered.
async fn accept(listener: TcpListener, network: String, router: Router, close: CancellationToken) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = close.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let router = of_caller(&router, &network, peer);
                let close = close.clone();
                tokio::spawn(async move {
                    serve(stream, router, close).await;
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!(network, %error, "a task's connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

fn of_caller(router: &Router, network: &str, peer: SocketAddr) -> Router {
    match peer.ip() {
        IpAddr::V4(address) => {
            let network = network.to_owned();
            router.clone().layer(Extension(Caller { network, address }))
        }
        // Doors are IPv4 only; nobody else can have come in.
        IpAddr::V6(_) => Router::new(),
    }
}

async fn serve(stream: TcpStream, router: Router, close: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT);
    let connection =
        builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = close.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a task's connection ended early");
    }
}

#[cfg(test)]
mod tests;
