//! Netlink in the small: messages made of attributes, sent and acknowledged one by one or as a batch.
//!
//! Own code, as the few messages that are needed (links, addresses, routes, packet filter) take fewer lines than
//! the crates' bindings would; the crates for the packet filter lack connection tracking or are too young.

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};

use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send, socket,
};

pub(crate) const REQUEST: u16 = libc::NLM_F_REQUEST as u16;
pub(crate) const ACK: u16 = libc::NLM_F_ACK as u16;
pub(crate) const CREATE: u16 = libc::NLM_F_CREATE as u16;
pub(crate) const EXCLUSIVE: u16 = libc::NLM_F_EXCL as u16;
pub(crate) const REPLACE: u16 = libc::NLM_F_REPLACE as u16;
pub(crate) const APPEND: u16 = libc::NLM_F_APPEND as u16;
const DUMP: u16 = libc::NLM_F_DUMP as u16;
const NESTED: u16 = libc::NLA_F_NESTED as u16;
const TYPE_MASK: u16 = libc::NLA_TYPE_MASK as u16;

const HEADER_BYTES: usize = 16;
const RECEIVE_BYTES: usize = 64 * 1024;
/// A batch of rules for many addresses is larger than the default buffer.
const SEND_BUFFER_BYTES: usize = 4 << 20;

/// A message, or what is inside a nested attribute.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    /// `family_header` is the fixed part that follows the netlink header, such as `ifinfomsg`.
    pub fn new(kind: u16, flags: u16, family_header: &[u8]) -> Self {
        let mut bytes = vec![0; HEADER_BYTES];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&(flags | REQUEST).to_ne_bytes());
        bytes.extend_from_slice(family_header);
        Self { bytes }
    }

    pub fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        self.push(kind, value);
        self
    }

    fn push(&mut self, kind: u16, value: &[u8]) {
        let length = u16::try_from(4 + value.len()).expect("attributes here are made of names and numbers");
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    pub fn number(self, kind: u16, value: u32) -> Self {
        self.attribute(kind, &value.to_ne_bytes())
    }

    /// A number in network byte order, as the packet filter wants them.
    pub fn big(self, kind: u16, value: u32) -> Self {
        self.attribute(kind, &value.to_be_bytes())
    }

    /// Text with its closing zero.
    pub fn text(self, kind: u16, value: &str) -> Self {
        let mut bytes = value.as_bytes().to_vec();
        bytes.push(0);
        self.attribute(kind, &bytes)
    }

    /// An attribute made of attributes, possibly after a fixed part.
    pub fn nested(mut self, kind: u16, header: &[u8], fill: impl FnOnce(Self) -> Self) -> Self {
        let inner = fill(Self {
            bytes: header.to_vec(),
        });
        // The length of what is inside a nested attribute is 16 bits; callers keep lists shorter than that.
        self.push(kind | NESTED, &inner.bytes);
        self
    }

    fn finish(&mut self, sequence: u32) -> &[u8] {
        let length =
            u32::try_from(self.bytes.len()).expect("a message is shorter than its attributes' limits");
        self.bytes[0..4].copy_from_slice(&length.to_ne_bytes());
        self.bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
        &self.bytes
    }

    pub fn acknowledge(&mut self) {
        let flags = self.flags() | ACK;
        self.bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
    }

    fn flags(&self) -> u16 {
        u16::from_ne_bytes([self.bytes[6], self.bytes[7]])
    }

    fn wants_ack(&self) -> bool {
        self.flags() & ACK != 0
    }
}

/// What the kernel answered: type and everything after the netlink header.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub kind: u16,
    pub payload: Vec<u8>,
}

impl Reply {
    /// The attributes after a fixed part of `skip` bytes.
    pub fn attributes(&self, skip: usize) -> Vec<(u16, &[u8])> {
        attributes(self.payload.get(skip..).unwrap_or_default())
    }
}

pub(crate) fn attributes(mut bytes: &[u8]) -> Vec<(u16, &[u8])> {
    let mut found = Vec::new();
    while bytes.len() >= 4 {
        let length = usize::from(u16::from_ne_bytes([bytes[0], bytes[1]]));
        let kind = u16::from_ne_bytes([bytes[2], bytes[3]]) & TYPE_MASK;
        let Some(value) = bytes.get(4..length) else { break };
        found.push((kind, value));
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    found
}

/// A socket stays in the network namespace in which it was opened, whoever uses it.
pub(crate) struct Socket {
    descriptor: OwnedFd,
    sequence: u32,
}

impl Socket {
    /// For links, addresses and routes of the calling thread's network namespace.
    pub fn route() -> io::Result<Self> {
        Self::open(SockProtocol::NetlinkRoute)
    }

    /// For the packet filter of the calling thread's network namespace.
    pub fn filter() -> io::Result<Self> {
        Self::open(SockProtocol::NetlinkNetFilter)
    }

    fn open(protocol: SockProtocol) -> io::Result<Self> {
        let descriptor = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            protocol,
        )?;
        bind(descriptor.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        let _ = nix::sys::socket::setsockopt(
            &descriptor,
            nix::sys::socket::sockopt::SndBufForce,
            &SEND_BUFFER_BYTES,
        );
        Ok(Self {
            descriptor,
            sequence: 0,
        })
    }

    /// Sends one message and waits for its acknowledgement.
    pub fn request(&mut self, message: Message) -> io::Result<()> {
        self.batch(vec![message])
    }

    /// Sends messages in one piece and waits for the acknowledgements of those that ask for one. For the packet
    /// filter the piece is a transaction: everything or nothing.
    pub fn batch(&mut self, mut messages: Vec<Message>) -> io::Result<()> {
        let mut bytes = Vec::new();
        let mut waiting = Vec::new();
        let first = self.sequence + 1;
        for message in &mut messages {
            self.sequence += 1;
            if message.wants_ack() {
                waiting.push(self.sequence);
            }
            bytes.extend_from_slice(message.finish(self.sequence));
        }
        send(self.descriptor.as_raw_fd(), &bytes, MsgFlags::empty())?;
        let mut buffer = vec![0; RECEIVE_BYTES];
        while !waiting.is_empty() {
            let count = recv(self.descriptor.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
            for (sequence, reply) in replies(&buffer[..count]) {
                if reply.kind != libc::NLMSG_ERROR as u16 || sequence < first {
                    continue;
                }
                outcome(&reply)?;
                waiting.retain(|&wanted| wanted != sequence);
            }
        }
        Ok(())
    }

    /// Asks for a list.
    pub fn dump(&mut self, kind: u16, family_header: &[u8]) -> io::Result<Vec<Reply>> {
        self.sequence += 1;
        let sequence = self.sequence;
        let mut message = Message::new(kind, DUMP, family_header);
        send(
            self.descriptor.as_raw_fd(),
            message.finish(sequence),
            MsgFlags::empty(),
        )?;
        let mut found = Vec::new();
        let mut buffer = vec![0; RECEIVE_BYTES];
        loop {
            let count = recv(self.descriptor.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
            for (answered, reply) in replies(&buffer[..count]) {
                if answered != sequence {
                    continue;
                }
                if reply.kind == libc::NLMSG_DONE as u16 {
                    return Ok(found);
                }
                if reply.kind == libc::NLMSG_ERROR as u16 {
                    outcome(&reply)?;
                    return Ok(found);
                }
                found.push(reply);
            }
        }
    }
}

fn outcome(reply: &Reply) -> io::Result<()> {
    let code = reply
        .payload
        .get(..4)
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, i32::from_ne_bytes);
    if code == 0 {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(-code))
    }
}

fn replies(mut bytes: &[u8]) -> Vec<(u32, Reply)> {
    let mut found = Vec::new();
    while bytes.len() >= HEADER_BYTES {
        let word = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        let length = u32::from_ne_bytes(word(0)) as usize;
        let kind = u16::from_ne_bytes([bytes[4], bytes[5]]);
        let sequence = u32::from_ne_bytes(word(8));
        let Some(payload) = bytes.get(HEADER_BYTES..length) else {
            break;
        };
        found.push((
            sequence,
            Reply {
                kind,
                payload: payload.to_vec(),
            },
        ));
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    found
}
