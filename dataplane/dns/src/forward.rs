//! Asking the machine's own name servers what is not ours to answer.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::Semaphore;

use crate::packet::{HEADER_BYTES, Request, Transport, UDP_BYTES_MAX};
use crate::serve::read_frame;
use crate::state::State;

/// Questions that wait for somebody else's answer; further ones are refused at once.
const PENDING_MAX: usize = 1024;
/// As many as the C library asks (resolv.conf(5) allows three).
const SERVERS_MAX: usize = 3;
const TRIES_MAX: usize = 2;
/// Two tries of two servers take less than the 5 s after which the C library asks again.
const ANSWER_WITHIN: Duration = Duration::from_millis(1100);
const DNS_PORT: u16 = 53;

pub(crate) struct Forwarder {
    state: Arc<State>,
    resolv_conf: PathBuf,
    read: Mutex<Servers>,
    pending: Semaphore,
}

#[derive(Clone, Default)]
struct Servers {
    /// Device, inode, size and time of the file when it was read.
    version: Option<(u64, u64, u64, i64, i64)>,
    addresses: Vec<SocketAddr>,
}

impl Forwarder {
    pub(crate) fn new(state: Arc<State>, resolv_conf: PathBuf) -> Self {
        Self {
            state,
            resolv_conf,
            read: Mutex::default(),
            pending: Semaphore::new(PENDING_MAX),
        }
    }

    /// The first answer that is one; an answer that says that the server could not help only if there is no other.
    pub(crate) async fn ask(
        &self,
        question: &Query,
        request: &Request,
        transport: Transport,
    ) -> io::Result<Message> {
        let Ok(_seat) = self.pending.try_acquire() else {
            return Err(io::Error::other("too many questions wait for an answer"));
        };
        let servers = self.servers();
        let mut last = Err(io::Error::other("the machine has no name servers"));
        for _ in 0..TRIES_MAX {
            for &server in servers.iter().take(SERVERS_MAX) {
                let asked = one(server, question, request, transport);
                let result = tokio::time::timeout(ANSWER_WITHIN, asked).await;
                match result.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                    Ok(message) if is_final(&message) => return Ok(message),
                    Ok(message) => last = Ok(message),
                    Err(error) => last = last.or(Err(error)),
                }
            }
            if last.is_ok() {
                break;
            }
        }
        last
    }

    /// As the file says now, without ourselves.
    fn servers(&self) -> Vec<SocketAddr> {
        let version = std::fs::metadata(&self.resolv_conf).ok().map(|file| {
            (
                file.dev(),
                file.ino(),
                file.size(),
                file.mtime(),
                file.mtime_nsec(),
            )
        });
        let mut read = self.read.lock().expect("no holder of this lock panics");
        if version.is_none() || read.version != version {
            let text = std::fs::read_to_string(&self.resolv_conf).unwrap_or_default();
            *read = Servers {
                version,
                addresses: parse(&text),
            };
        }
        let own = self.state.own_address();
        read.addresses
            .iter()
            .copied()
            .filter(|&address| Some(address) != own)
            .collect()
    }
}

fn is_final(message: &Message) -> bool {
    matches!(
        message.metadata.response_code,
        ResponseCode::NoError | ResponseCode::NXDomain
    )
}

/// A port other than 53 is written as `[ADDRESS]:PORT`, as BSD's resolver reads it.
fn parse(text: &str) -> Vec<SocketAddr> {
    let words = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    words
        .filter_map(|words| match words.as_slice() {
            ["nameserver", address, ..] => address_of(address),
            _ => None,
        })
        .collect()
}

fn address_of(text: &str) -> Option<SocketAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(SocketAddr::new(address, DNS_PORT));
    }
    let (address, port) = text.strip_prefix('[')?.split_once("]:")?;
    Some(SocketAddr::new(address.parse().ok()?, port.parse().ok()?))
}

/// With a number and a port of its own, so that nobody else can answer (RFC 5452).
async fn one(
    server: SocketAddr,
    question: &Query,
    request: &Request,
    transport: Transport,
) -> io::Result<Message> {
    let mut message = Message::new(rand::random(), MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.metadata.checking_disabled = request.checking_disabled;
    message.queries = vec![question.clone()];
    message.edns = request.edns.as_ref().map(|asked| {
        let mut edns = Edns::new();
        edns.set_max_payload(UDP_BYTES_MAX);
        edns.set_dnssec_ok(asked.flags().dnssec_ok);
        edns
    });
    let bytes = message.to_vec().map_err(io::Error::other)?;
    match transport {
        Transport::Udp => by_udp(server, &message, &bytes).await,
        Transport::Tcp => by_tcp(server, &message, &bytes).await,
    }
}

async fn by_udp(server: SocketAddr, asked: &Message, bytes: &[u8]) -> io::Result<Message> {
    let any = match server {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    // The kernel then takes packets from this server alone.
    socket.connect(server).await?;
    socket.send(bytes).await?;
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        let length = socket.recv(&mut buffer).await?;
        if let Some(message) = read(&buffer[..length], asked) {
            return Ok(message);
        }
    }
}

async fn by_tcp(server: SocketAddr, asked: &Message, bytes: &[u8]) -> io::Result<Message> {
    let mut stream = TcpStream::connect(server).await?;
    let mut framed = u16::try_from(bytes.len())
        .map_err(io::Error::other)?
        .to_be_bytes()
        .to_vec();
    framed.extend(bytes);
    stream.write_all(&framed).await?;
    let mut frame = Vec::new();
    read_frame(&mut stream, &mut frame).await?;
    read(&frame, asked).ok_or_else(|| io::Error::other("the answer is to another question"))
}

/// An answer to this question and no other.
fn read(bytes: &[u8], asked: &Message) -> Option<Message> {
    if bytes.len() < HEADER_BYTES || bytes[..2] != asked.metadata.id.to_be_bytes() {
        return None;
    }
    let message = Message::from_vec(bytes).ok()?;
    let (theirs, ours) = (message.queries.first()?, asked.queries.first()?);
    let same = theirs.name == ours.name
        && theirs.query_type == ours.query_type
        && theirs.query_class == ours.query_class
        && message.queries.len() == 1;
    (same && message.metadata.message_type == MessageType::Response).then_some(message)
}

#[cfg(test)]
mod tests;
