//! Connections into private networks.
//!
//! A socket belongs for ever to the network namespace of the thread that made it. So one thread is parked inside each
//! network and makes sockets there; connecting and everything after happens on the runtime's threads outside.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Mutex, mpsc};

use nix::sched::{CloneFlags, setns};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;

pub(crate) struct Dialer {
    folder: PathBuf,
    networks: Mutex<HashMap<String, Parked>>,
}

/// The thread inside one network.
struct Parked {
    /// Device and inode of the pinned namespace: another one under the same name is another network.
    identity: (u64, u64),
    requests: mpsc::Sender<Request>,
}

struct Request {
    from: Option<Ipv4Addr>,
    reply: oneshot::Sender<io::Result<TcpSocket>>,
}

impl Dialer {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            networks: Mutex::default(),
        }
    }

    /// Connects to an address inside `network`; an empty name is the machine's own network.
    pub(crate) async fn connect(
        &self,
        network: &str,
        from: Option<Ipv4Addr>,
        to: SocketAddrV4,
    ) -> io::Result<TcpStream> {
        let socket = if network.is_empty() {
            make_socket(from)?
        } else {
            self.socket_in(network, from).await?
        };
        let stream = socket.connect(SocketAddr::V4(to)).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// A socket that listens at an address inside `network`.
    pub(crate) async fn listen(
        &self,
        network: &str,
        at: SocketAddr,
        backlog: u32,
    ) -> io::Result<TcpListener> {
        let socket = if network.is_empty() {
            make_socket(None)?
        } else {
            self.socket_in(network, None).await?
        };
        socket.set_reuseaddr(true)?;
        socket.bind(at)?;
        socket.listen(backlog)
    }

    /// Leaves all other networks: the threads inside them end, and with them what they hold.
    pub(crate) fn keep(&self, networks: &HashSet<&str>) {
        let mut parked = self.networks.lock().expect("no holder of this lock panics");
        parked.retain(|network, _| networks.contains(network.as_str()));
    }

    async fn socket_in(&self, network: &str, from: Option<Ipv4Addr>) -> io::Result<TcpSocket> {
        let (reply, socket) = oneshot::channel();
        self.parked(network)?
            .send(Request { from, reply })
            .map_err(|_| io::Error::other("the thread inside the network has ended"))?;
        socket
            .await
            .map_err(|_| io::Error::other("the thread inside the network has ended"))?
    }

    fn parked(&self, network: &str) -> io::Result<mpsc::Sender<Request>> {
        let path = self.folder.join(network);
        let metadata = std::fs::metadata(&path)
            .map_err(|error| io::Error::new(error.kind(), format!("network {network} is not there yet")))?;
        let identity = (metadata.dev(), metadata.ino());
        let mut networks = self.networks.lock().expect("no holder of this lock panics");
        if let Some(parked) = networks.get(network).filter(|parked| parked.identity == identity) {
            return Ok(parked.requests.clone());
        }
        let namespace = std::fs::File::open(path)?;
        let (requests, received) = mpsc::channel::<Request>();
        std::thread::Builder::new()
            .name(format!("in {network}"))
            .spawn(move || {
                let entered = setns(&namespace, CloneFlags::CLONE_NEWNET);
                for Request { from, reply } in received {
                    let socket = entered.map_err(io::Error::from).and_then(|()| make_socket(from));
                    // Whoever asked may have gone.
                    let _ = reply.send(socket);
                }
            })?;
        networks.insert(
            network.to_owned(),
            Parked {
                identity,
                requests: requests.clone(),
            },
        );
        Ok(requests)
    }
}

fn make_socket(from: Option<Ipv4Addr>) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    if let Some(address) = from {
        socket.bind(SocketAddr::from((address, 0)))?;
    }
    Ok(socket)
}
