//! Where questions are taken: at an address of the machine, and at one in each private network.
//!
//! A socket belongs for ever to the network namespace of the thread that made it. So a thread enters the network,
//! makes the two sockets there and ends; whatever comes in is answered outside.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use contract::dns::NetworkNames;
use nix::sched::{CloneFlags, setns};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::DnsConfig;
use crate::answer::Asker;
use crate::forward::Forwarder;
use crate::serve::{Place, Sockets, Who, serve};
use crate::state::State;

/// Namespaces come and go without a word, and addresses in them appear a little later.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const DNS_PORT: u16 = 53;
const MACHINE: &str = "the machine itself";

/// Answers the machine itself until it is cancelled.
pub(crate) async fn machine(
    config: DnsConfig,
    state: Arc<State>,
    forwarder: Arc<Forwarder>,
    cancelled: CancellationToken,
) {
    let who = Who {
        asker: Asker {
            network: None,
            region: config.region.clone(),
            local: config.local,
        },
        ranges: Vec::new(),
    };
    let place = Arc::new(Place {
        who: ArcSwap::from_pointee(who),
        state: Arc::clone(&state),
        forwarder,
    });
    loop {
        match first_of(&config.listen).and_then(|(udp, tcp)| Sockets::from_std(udp, tcp)) {
            Ok(sockets) => {
                if let Ok(address) = sockets.udp.local_addr() {
                    tracing::info!(%address, "the name server listens");
                    state.opened(address);
                }
                state.failure(MACHINE, None);
                return serve(place, sockets, cancelled).await;
            }
            Err(error) => {
                let sentence = format!("The name server cannot listen for the machine itself: {error}.");
                state.failure(MACHINE, Some(sentence));
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = cancelled.cancelled() => return,
        }
    }
}

fn first_of(addresses: &[SocketAddr]) -> io::Result<(UdpSocket, TcpListener)> {
    let mut reasons = Vec::new();
    for &address in addresses {
        match open(address) {
            Ok(sockets) => return Ok(sockets),
            Err(error) => reasons.push(format!("{address}: {error}")),
        }
    }
    Err(io::Error::other(reasons.join("; ")))
}

fn open(address: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let udp = UdpSocket::bind(address)?;
    let tcp = TcpListener::bind(udp.local_addr()?)?;
    Ok((udp, tcp))
}

/// Sockets in one network.
struct Opened {
    /// Device and inode of the namespace: another one under the same name is another network.
    identity: (u64, u64),
    resolver: Ipv4Addr,
    place: Arc<Place>,
    cancelled: CancellationToken,
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.cancelled.cancel();
    }
}

pub(crate) struct Networks {
    folder: PathBuf,
    state: Arc<State>,
    forwarder: Arc<Forwarder>,
    opened: HashMap<String, Opened>,
}

impl Networks {
    pub(crate) fn new(folder: PathBuf, state: Arc<State>, forwarder: Arc<Forwarder>) -> Self {
        Self {
            folder,
            state,
            forwarder,
            opened: HashMap::new(),
        }
    }

    /// Follows the networks for ever.
    pub(crate) async fn run(mut self) {
        loop {
            self.converge().await;
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = self.state.networks_changed.notified() => {}
            }
        }
    }

    async fn converge(&mut self) {
        let networks = self.state.known().table.networks.clone();
        let state = Arc::clone(&self.state);
        self.opened.retain(|id, _| {
            let stays = networks.get(id).is_some_and(|names| names.resolver.is_some());
            if !stays {
                state.failure(id, None);
            }
            stays
        });
        for (id, names) in &networks {
            let Some(resolver) = names.resolver else { continue };
            let Some(identity) = identity(&self.folder.join(id)) else {
                self.opened.remove(id);
                continue;
            };
            let who = who(id, names);
            if let Some(opened) = self.opened.get(id)
                && opened.identity == identity
                && opened.resolver == resolver
            {
                if **opened.place.who.load() != who {
                    opened.place.who.store(Arc::new(who));
                }
                continue;
            }
            // First let go of the old address: it may be the new one.
            self.opened.remove(id);
            let result = self.open(id, identity, resolver, who).await;
            let sentence = result.err().map(|error| {
                format!("The name server cannot listen on {resolver} in the network {id}: {error}.")
            });
            self.state.failure(id, sentence);
        }
    }

    async fn open(&mut self, id: &str, identity: (u64, u64), resolver: Ipv4Addr, who: Who) -> io::Result<()> {
        let (udp, tcp) = open_inside(&self.folder.join(id), resolver).await?;
        let sockets = Sockets::from_std(udp, tcp)?;
        let place = Arc::new(Place {
            who: ArcSwap::from_pointee(who),
            state: Arc::clone(&self.state),
            forwarder: Arc::clone(&self.forwarder),
        });
        let cancelled = CancellationToken::new();
        tokio::spawn(serve(Arc::clone(&place), sockets, cancelled.clone()));
        let opened = Opened {
            identity,
            resolver,
            place,
            cancelled,
        };
        self.opened.insert(id.to_owned(), opened);
        Ok(())
    }
}

fn who(id: &str, names: &NetworkNames) -> Who {
    Who {
        asker: Asker {
            network: Some(id.to_owned()),
            region: names.region.clone(),
            local: Ipv4Addr::LOCALHOST,
        },
        ranges: names.ranges.clone(),
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

async fn open_inside(path: &Path, resolver: Ipv4Addr) -> io::Result<(UdpSocket, TcpListener)> {
    let namespace = std::fs::File::open(path)?;
    let (reply, opened) = oneshot::channel();
    std::thread::Builder::new()
        .name("in a network".to_owned())
        .spawn(move || {
            let entered = setns(&namespace, CloneFlags::CLONE_NEWNET).map_err(io::Error::from);
            let sockets = entered.and_then(|()| open(SocketAddr::from((resolver, DNS_PORT))));
            // Whoever asked may have gone.
            let _ = reply.send(sockets);
        })?;
    opened
        .await
        .map_err(|_| io::Error::other("the thread inside the network has ended"))?
}
