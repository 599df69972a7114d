//! Accepting connections where the table says.
//!
//! Each load balancer has a loopback address of its own, so that any number of them can listen on port 80. Names under
//! `localhost` lead to 127.0.0.1 in browsers; there the same listeners answer, chosen by the Host header.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use contract::route::ListenerProtocol;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::OriginalDst;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection::{Account, Counted};
use crate::serve::{self, Client, Door};
use crate::state::State;
use crate::{pipe, tls};

/// For connections of which only the first request says which listener is meant; AWS's own default.
const IDLE_DEFAULT_SECONDS: u32 = 60;
/// How long requests in flight may take when their listener goes away.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);
/// How often a port that could not be opened is tried again.
const RETRY_EVERY: Duration = Duration::from_secs(2);
const BACKLOG_CONNECTIONS: u32 = 4096;

struct Open {
    door: Door,
    close: CancellationToken,
    task: JoinHandle<()>,
}

/// A network, the machine's own if empty, and an address in it.
type Place = (String, SocketAddr);

/// Follows the table until `shutdown`, then lets go of everything.
pub(crate) async fn run(state: Arc<State>, mut shutdown: watch::Receiver<bool>) {
    let mut open: HashMap<Place, Open> = HashMap::new();
    let mut changed = state.changed.subscribe();
    loop {
        changed.borrow_and_update();
        let all_open = converge(&state, &mut open).await;
        tokio::select! {
            // The sender is part of the state and lives as long as this.
            _ = changed.changed() => {}
            () = tokio::time::sleep(RETRY_EVERY), if !all_open => {}
            _ = shutdown.wait_for(|stop| *stop) => break,
        }
    }
    let closing: Vec<_> = open.into_values().map(close).collect();
    for task in closing {
        let _ = task.await;
    }
}

fn close(open: Open) -> JoinHandle<()> {
    open.close.cancel();
    open.task
}

/// Which addresses shall be open, and how requests that come in there find their listener.
fn wanted(state: &State) -> HashMap<Place, (Door, Option<String>)> {
    let routing = state.routing.load();
    let mut wanted = HashMap::new();
    for listener in &routing.table.listeners {
        let (at, door) = match listener.behind {
            Some(behind) => (behind, Door::Behind(listener.network.clone())),
            None => (listener.bind, Door::Listener(listener.id.clone())),
        };
        wanted.insert((listener.network.clone(), at), (door, Some(listener.id.clone())));
    }
    for listener in routing
        .table
        .listeners
        .iter()
        .filter(|listener| !listener.names.is_empty())
    {
        let port = listener.bind.port();
        wanted
            .entry((String::new(), SocketAddr::from((Ipv4Addr::LOCALHOST, port))))
            .or_insert((Door::ByName(port), None));
    }
    wanted
}

async fn converge(state: &Arc<State>, open: &mut HashMap<Place, Open>) -> bool {
    let mut wanted = wanted(state);
    let stale: Vec<Place> = open
        .iter()
        .filter(|(place, open)| wanted.get(place).is_none_or(|(door, _)| *door != open.door))
        .map(|(place, _)| place.clone())
        .collect();
    for place in stale {
        if let Some(open) = open.remove(&place) {
            drop(close(open));
        }
    }
    wanted.retain(|place, _| !open.contains_key(place));
    let mut all_open = true;
    for (place, (door, listener)) in wanted {
        let address = place.1;
        match state.dialer.listen(&place.0, address, BACKLOG_CONNECTIONS).await {
            Ok(socket) => {
                let close = CancellationToken::new();
                let task = tokio::spawn(accept(socket, Arc::clone(state), door.clone(), close.clone()));
                open.insert(place, Open { door, close, task });
                if let Some(id) = listener {
                    state.listener_failed(&id, None);
                }
            }
            // Somebody else may hold 127.0.0.1; the load balancer's own address is what counts.
            Err(error) if listener.is_none() => {
                all_open = false;
                tracing::debug!(%address, %error, "names under localhost are not served on this port");
            }
            Err(error) => {
                all_open = false;
                state.listener_failed(
                    &listener.unwrap_or_default(),
                    Some(format!("{address} cannot be opened: {error}")),
                );
            }
        }
    }
    all_open
}

async fn accept(socket: TcpListener, state: Arc<State>, door: Door, close: CancellationToken) {
    let connections = TaskTracker::new();
    loop {
        let (stream, peer) = tokio::select! {
            accepted = socket.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Too many open files: wait for some to be closed.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = close.cancelled() => break,
        };
        let _ = stream.set_nodelay(true);
        connections.spawn(take(
            stream,
            peer,
            Arc::clone(&state),
            door.clone(),
            close.clone(),
        ));
    }
    drop(socket);
    connections.close();
    let _ = tokio::time::timeout(DRAIN_LIMIT, connections.wait()).await;
}

/// What is done with a connection is the listener's to say, as it is now.
async fn take(
    stream: tokio::net::TcpStream,
    peer: SocketAddr,
    state: Arc<State>,
    door: Door,
    close: CancellationToken,
) {
    let (listener, door) = match &door {
        Door::Behind(network) => {
            let meant =
                original(&stream).and_then(|at| state.routing.load().at_address(network, at).cloned());
            let Some(listener) = meant else { return };
            let door = Door::Listener(listener.id.clone());
            (Some(listener), door)
        }
        _ => (state.routing.load().at(&door), door),
    };
    let idle = listener
        .as_ref()
        .map_or(IDLE_DEFAULT_SECONDS, |it| it.idle_timeout_seconds);
    let idle = Duration::from_secs(idle.max(1).into());
    match listener.as_deref().map(|it| &it.protocol) {
        Some(ListenerProtocol::Tcp) => {
            if let Some(listener) = listener {
                pipe::run(&state, &listener, stream, close).await;
            }
        }
        Some(ListenerProtocol::Https {
            certificates,
            only_newest,
        }) => match tls::accept(certificates, *only_newest, stream).await {
            Ok(stream) => {
                let client = Client { peer, secure: true };
                connection(stream, client, state, door, idle, close).await;
            }
            Err(error) => {
                tracing::debug!(%peer, %error, "a client's TLS handshake failed");
                if let Some(listener) = &listener {
                    state.meter.flow(&listener.id, "").no_tls();
                }
            }
        },
        Some(ListenerProtocol::Http) | None => {
            let client = Client { peer, secure: false };
            connection(stream, client, state, door, idle, close).await;
        }
    }
}

/// To which address a connection was made before it was led here.
fn original(stream: &tokio::net::TcpStream) -> Option<SocketAddr> {
    let found = getsockopt(stream, OriginalDst).ok()?;
    let address = Ipv4Addr::from(u32::from_be(found.sin_addr.s_addr));
    Some(SocketAddr::from((address, u16::from_be(found.sin_port))))
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    client: Client,
    state: Arc<State>,
    door: Door,
    idle: Duration,
    close: CancellationToken,
) {
    let peer = client.peer;
    let account = Arc::new(Account::default());
    if let Door::Listener(id) = &door {
        account.belongs_to(|| state.meter.flow(id, ""));
    }
    let stream = Counted::new(stream, Arc::clone(&account));
    let service = hyper::service::service_fn(move |request| {
        let (state, door, account) = (Arc::clone(&state), door.clone(), Arc::clone(&account));
        async move {
            let answer = serve::request(&state, &door, client, &account, request).await;
            Ok::<_, std::convert::Infallible>(answer)
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // So long a client may take for the next request, or for its head.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(idle)
        .half_close(false);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = close.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a client's connection ended early");
    }
}
