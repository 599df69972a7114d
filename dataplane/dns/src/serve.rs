//! One place where questions come in, by UDP and by TCP.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use ipnet::Ipv4Net;
use rand::RngExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::answer::Asker;
use crate::forward::Forwarder;
use crate::packet::{self, Asking, HEADER_BYTES, Reply, Transport};
use crate::state::State;

/// Questions by UDP are short; what is longer is cut and then makes no sense.
const QUESTION_BYTES_MAX: usize = 4096;
/// Of datagrams, at one place: they share a socket and the machine's processors.
const DATAGRAM_READERS: usize = 2;
const TCP_CONNECTIONS_MAX: usize = 256;
/// A connection on which nothing comes, or nothing can be sent, is closed after this.
const TCP_IDLE: Duration = Duration::from_secs(10);
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(10);

/// Who asks at this place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) asker: Asker,
    /// For whom others are asked, besides the machine itself.
    pub(crate) ranges: Vec<Ipv4Net>,
}

pub(crate) struct Place {
    pub(crate) who: ArcSwap<Who>,
    pub(crate) state: Arc<State>,
    pub(crate) forwarder: Arc<Forwarder>,
}

/// Sockets at the same address.
pub(crate) struct Sockets {
    pub(crate) udp: UdpSocket,
    pub(crate) tcp: TcpListener,
}

impl Sockets {
    pub(crate) fn from_std(udp: std::net::UdpSocket, tcp: std::net::TcpListener) -> io::Result<Self> {
        udp.set_nonblocking(true)?;
        tcp.set_nonblocking(true)?;
        Ok(Self {
            udp: UdpSocket::from_std(udp)?,
            tcp: TcpListener::from_std(tcp)?,
        })
    }
}

/// Answers until it is cancelled.
pub(crate) async fn serve(place: Arc<Place>, sockets: Sockets, cancelled: CancellationToken) {
    let socket = Arc::new(sockets.udp);
    // They end with this set.
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..DATAGRAM_READERS {
        readers.spawn(datagrams(
            Arc::clone(&place),
            Arc::clone(&socket),
            cancelled.clone(),
        ));
    }
    tokio::select! {
        () = connections(&place, sockets.tcp, &cancelled) => {}
        () = cancelled.cancelled() => {}
    }
}

async fn datagrams(place: Arc<Place>, socket: Arc<UdpSocket>, cancelled: CancellationToken) {
    let mut buffer = vec![0; QUESTION_BYTES_MAX];
    loop {
        let (length, from) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            Err(error) => {
                tracing::debug!(%error, "a question could not be received");
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                continue;
            }
        };
        match place.reply(&buffer[..length], from.ip(), Transport::Udp) {
            Reply::Nothing => {}
            Reply::Send(bytes) => send(&socket, &bytes, from).await,
            Reply::Ask(asking) => {
                let (place, socket, cancelled) = (Arc::clone(&place), Arc::clone(&socket), cancelled.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        bytes = place.ask(*asking, Transport::Udp) => send(&socket, &bytes, from).await,
                        () = cancelled.cancelled() => {}
                    }
                });
            }
        }
    }
}

async fn send(socket: &UdpSocket, bytes: &[u8], to: SocketAddr) {
    if let Err(error) = socket.send_to(bytes, to).await {
        tracing::debug!(%error, %to, "an answer could not be sent");
    }
}

async fn connections(place: &Arc<Place>, listener: TcpListener, cancelled: &CancellationToken) {
    let room = Arc::new(Semaphore::new(TCP_CONNECTIONS_MAX));
    loop {
        let Ok(seat) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, from)) => {
                let (place, cancelled) = (Arc::clone(place), cancelled.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        result = connection(&place, stream, from.ip()) => {
                            if let Err(error) = result {
                                tracing::debug!(%error, %from, "a connection was cut");
                            }
                        }
                        () = cancelled.cancelled() => {}
                    }
                    drop(seat);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "a connection could not be taken");
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
            }
        }
    }
}

/// Questions after each other, each after its length (RFC 7766), answered in their order.
async fn connection(place: &Place, mut stream: TcpStream, from: IpAddr) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut frame = Vec::new();
    loop {
        let read = tokio::time::timeout(TCP_IDLE, read_frame(&mut stream, &mut frame)).await;
        let Ok(Some(())) = read.unwrap_or(Ok(None)) else {
            return Ok(());
        };
        if frame.len() < HEADER_BYTES {
            return Ok(());
        }
        let answer = match place.reply(&frame, from, Transport::Tcp) {
            // Whoever sends answers here wants nothing that we have.
            Reply::Nothing => return Ok(()),
            Reply::Send(bytes) => bytes,
            Reply::Ask(asking) => place.ask(*asking, Transport::Tcp).await,
        };
        let mut framed = u16::try_from(answer.len()).unwrap_or(0).to_be_bytes().to_vec();
        framed.extend(answer);
        tokio::time::timeout(TCP_IDLE, stream.write_all(&framed)).await??;
    }
}

/// `None` at the end of the connection.
pub(crate) async fn read_frame(stream: &mut TcpStream, frame: &mut Vec<u8>) -> io::Result<Option<()>> {
    let mut length = [0; 2];
    if stream.read(&mut length[..1]).await? == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut length[1..]).await?;
    frame.resize(usize::from(u16::from_be_bytes(length)), 0);
    stream.read_exact(frame).await?;
    Ok(Some(()))
}

impl Place {
    fn reply(&self, bytes: &[u8], from: IpAddr, transport: Transport) -> Reply {
        let who = self.who.load();
        let recursion = match from {
            from if from.is_loopback() => true,
            IpAddr::V4(from) => who.ranges.iter().any(|range| range.contains(&from)),
            IpAddr::V6(_) => false,
        };
        let mut random = rand::rng();
        let mut chance = |below: usize| random.random_range(0..below.max(1));
        let known = self.state.known();
        // Who reads packets is not ours: a mistake there shall cost one answer, not all that come after.
        let replied = std::panic::catch_unwind(AssertUnwindSafe(|| {
            packet::reply(bytes, &known, &who.asker, recursion, transport, &mut chance)
        }));
        replied.unwrap_or(Reply::Nothing)
    }

    async fn ask(&self, asking: Asking, transport: Transport) -> Vec<u8> {
        let Asking {
            request,
            question,
            begun,
        } = asking;
        match self.forwarder.ask(&question, &request, transport).await {
            Ok(message) => request.relay(message, begun),
            Err(error) => {
                tracing::debug!(%error, name = %question.name, "nobody else has an answer");
                request.error(hickory_proto::op::ResponseCode::ServFail)
            }
        }
    }
}
