//! Links, addresses and routes of one network namespace.

use std::ffi::CStr;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::thread;
use std::time::Duration;

use crate::netlink::{ACK, CREATE, EXCLUSIVE, Message, REPLACE, Reply, Socket, attributes};

const IFINFO_BYTES: usize = 16;
const IFADDR_BYTES: usize = 8;
const RTMSG_BYTES: usize = 12;
const VETH_INFO_PEER: u16 = 1;
const OPERSTATE_UP: u8 = 6;
const PASSES_ROUNDS_MAX: u32 = 500;
const PASSES_PAUSE: Duration = Duration::from_millis(1);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub index: u32,
    pub name: String,
    pub alias: String,
    pub up: bool,
    /// The bridge that it is a port of.
    pub bridge: Option<u32>,
    /// Packets pass: both ends are up and the kernel has noticed.
    pub passes: bool,
}

/// One end of a new pair of links. It is down: the kernel cannot raise an end before the other one is there.
pub(crate) struct VethPeer<'a> {
    pub name: &'a str,
    pub namespace: BorrowedFd<'a>,
    pub mac: Option<[u8; 6]>,
}

/// A new pair of links: this end here, the peer in another namespace.
pub(crate) struct Veth<'a> {
    pub name: &'a str,
    pub alias: &'a str,
    /// Bridge that this end becomes a port of.
    pub bridge: Option<u32>,
    pub peer: VethPeer<'a>,
}

pub(crate) struct Links {
    socket: Socket,
}

impl Links {
    /// Of the calling thread's namespace, for ever.
    pub fn here() -> io::Result<Self> {
        Ok(Self {
            socket: Socket::route()?,
        })
    }

    pub fn all(&mut self) -> io::Result<Vec<Link>> {
        let replies = self.socket.dump(libc::RTM_GETLINK, &ifinfo(0))?;
        Ok(replies.iter().filter_map(parse_link).collect())
    }

    pub fn find(&mut self, name: &str) -> io::Result<Option<Link>> {
        Ok(self.all()?.into_iter().find(|link| link.name == name))
    }

    /// Brings a link up.
    pub fn raise(&mut self, name: &str) -> io::Result<()> {
        let link = self.find(name)?.ok_or_else(|| missing(name))?;
        if link.up {
            return Ok(());
        }
        let up = libc::IFF_UP as u32;
        self.socket.request(Message::new(
            libc::RTM_NEWLINK,
            ACK,
            &ifinfo_change(link.index, up, up),
        ))
    }

    /// Waits until packets pass through a link that was just raised. The kernel notices a little later, and a bridge
    /// drops until then what comes: a task's first question for its router would cost it a second.
    pub fn await_passing(&mut self, name: &str) -> io::Result<()> {
        for _ in 0..PASSES_ROUNDS_MAX {
            if self.find(name)?.is_none_or(|link| link.passes) {
                return Ok(());
            }
            thread::sleep(PASSES_PAUSE);
        }
        tracing::warn!(link = name, "a link was raised, but nothing passes through it");
        Ok(())
    }

    /// Makes a bridge that is up, if it is not there; returns its index.
    pub fn ensure_bridge(&mut self, name: &str, alias: &str, mac: [u8; 6]) -> io::Result<u32> {
        if let Some(link) = self.find(name)? {
            self.raise(name)?;
            return Ok(link.index);
        }
        let up = libc::IFF_UP as u32;
        let message = Message::new(
            libc::RTM_NEWLINK,
            ACK | CREATE | EXCLUSIVE,
            &ifinfo_change(0, up, up),
        )
        .text(libc::IFLA_IFNAME, name)
        .attribute(libc::IFLA_ADDRESS, &mac)
        .nested(libc::IFLA_LINKINFO, &[], |info| {
            info.attribute(libc::IFLA_INFO_KIND, b"bridge")
        });
        self.socket.request(message)?;
        let link = self.find(name)?.ok_or_else(|| missing(name))?;
        self.set_alias(link.index, alias)?;
        Ok(link.index)
    }

    pub fn add_veth(&mut self, veth: &Veth<'_>) -> io::Result<()> {
        let up = libc::IFF_UP as u32;
        let mut message = Message::new(
            libc::RTM_NEWLINK,
            ACK | CREATE | EXCLUSIVE,
            &ifinfo_change(0, up, up),
        )
        .text(libc::IFLA_IFNAME, veth.name);
        if let Some(bridge) = veth.bridge {
            message = message.number(libc::IFLA_MASTER, bridge);
        }
        let peer = &veth.peer;
        let message = message.nested(libc::IFLA_LINKINFO, &[], |info| {
            info.attribute(libc::IFLA_INFO_KIND, b"veth")
                .nested(libc::IFLA_INFO_DATA, &[], |data| {
                    data.nested(VETH_INFO_PEER, &ifinfo(0), |mut inner| {
                        if let Some(mac) = &peer.mac {
                            inner = inner.attribute(libc::IFLA_ADDRESS, mac);
                        }
                        inner
                            .text(libc::IFLA_IFNAME, peer.name)
                            .number(libc::IFLA_NET_NS_FD, peer.namespace.as_raw_fd() as u32)
                    })
                })
        });
        self.socket.request(message)?;
        let link = self.find(veth.name)?.ok_or_else(|| missing(veth.name))?;
        self.set_alias(link.index, veth.alias)
    }

    /// Makes a link a port of a bridge.
    pub fn set_bridge(&mut self, link: &Link, bridge: u32) -> io::Result<()> {
        if link.bridge == Some(bridge) {
            return Ok(());
        }
        let message =
            Message::new(libc::RTM_NEWLINK, ACK, &ifinfo(link.index)).number(libc::IFLA_MASTER, bridge);
        self.socket.request(message)
    }

    pub fn set_alias(&mut self, index: u32, alias: &str) -> io::Result<()> {
        let message = Message::new(libc::RTM_NEWLINK, ACK, &ifinfo(index))
            .attribute(libc::IFLA_IFALIAS, alias.as_bytes());
        self.socket.request(message)
    }

    /// Removes a link, and with it the other end of a pair; it need not be there.
    pub fn remove(&mut self, name: &str) -> io::Result<()> {
        let Some(link) = self.find(name)? else {
            return Ok(());
        };
        accept(
            self.socket
                .request(Message::new(libc::RTM_DELLINK, ACK, &ifinfo(link.index))),
            libc::ENODEV,
        )
    }

    /// IPv4 addresses with their prefix lengths, of one link or of all.
    pub fn addresses(&mut self, index: Option<u32>) -> io::Result<Vec<(Ipv4Addr, u8)>> {
        let replies = self.socket.dump(libc::RTM_GETADDR, &ifaddr(0, 0))?;
        Ok(replies
            .iter()
            .filter_map(|reply| {
                let head = reply.payload.get(..IFADDR_BYTES)?;
                let of = u32::from_ne_bytes(head[4..8].try_into().ok()?);
                if i32::from(head[0]) != libc::AF_INET || index.is_some_and(|wanted| wanted != of) {
                    return None;
                }
                let attributes = reply.attributes(IFADDR_BYTES);
                let local = attributes.iter().find(|(kind, _)| *kind == libc::IFA_LOCAL)?.1;
                Some((ipv4(local)?, head[1]))
            })
            .collect())
    }

    pub fn add_address(&mut self, index: u32, address: Ipv4Addr, prefix: u8) -> io::Result<()> {
        let message = Message::new(
            libc::RTM_NEWADDR,
            ACK | CREATE | EXCLUSIVE,
            &ifaddr(index, prefix),
        )
        .attribute(libc::IFA_LOCAL, &address.octets())
        .attribute(libc::IFA_ADDRESS, &address.octets());
        accept(self.socket.request(message), libc::EEXIST)
    }

    pub fn remove_address(&mut self, index: u32, address: Ipv4Addr, prefix: u8) -> io::Result<()> {
        let message = Message::new(libc::RTM_DELADDR, ACK, &ifaddr(index, prefix))
            .attribute(libc::IFA_LOCAL, &address.octets())
            .attribute(libc::IFA_ADDRESS, &address.octets());
        accept(self.socket.request(message), libc::EADDRNOTAVAIL)
    }

    /// Makes the link's addresses these and no others.
    pub fn set_addresses(&mut self, index: u32, wanted: &[(Ipv4Addr, u8)]) -> io::Result<()> {
        let there = self.addresses(Some(index))?;
        // New ones first: removing the last one of a range would take routes and connections along.
        for &(address, prefix) in wanted.iter().filter(|entry| !there.contains(entry)) {
            self.add_address(index, address, prefix)?;
        }
        for &(address, prefix) in there.iter().filter(|entry| !wanted.contains(entry)) {
            self.remove_address(index, address, prefix)?;
        }
        Ok(())
    }

    pub fn set_default_route(&mut self, index: u32, gateway: Ipv4Addr) -> io::Result<()> {
        let message = Message::new(libc::RTM_NEWROUTE, ACK | CREATE | REPLACE, &route(0))
            .attribute(libc::RTA_GATEWAY, &gateway.octets())
            .number(libc::RTA_OIF, index);
        self.socket.request(message)
    }

    /// The way to one address; it may have been another one.
    pub fn set_route(&mut self, to: Ipv4Addr, index: u32, gateway: Ipv4Addr) -> io::Result<()> {
        let message = Message::new(libc::RTM_NEWROUTE, ACK | CREATE | REPLACE, &route(32))
            .attribute(libc::RTA_DST, &to.octets())
            .attribute(libc::RTA_GATEWAY, &gateway.octets())
            .number(libc::RTA_OIF, index);
        self.socket.request(message)
    }

    /// Forgets the way to one address by a link; it need not be there.
    pub fn remove_route(&mut self, to: Ipv4Addr, index: u32) -> io::Result<()> {
        let message = Message::new(libc::RTM_DELROUTE, ACK, &route(32))
            .attribute(libc::RTA_DST, &to.octets())
            .number(libc::RTA_OIF, index);
        accept(self.socket.request(message), libc::ESRCH)
    }

    /// Single addresses that packets leave for by a gateway behind a link.
    pub fn gateway_routes(&mut self, index: u32) -> io::Result<Vec<Ipv4Addr>> {
        let mut header = [0; RTMSG_BYTES];
        header[0] = libc::AF_INET as u8;
        let replies = self.socket.dump(libc::RTM_GETROUTE, &header)?;
        Ok(replies
            .iter()
            .filter(|reply| {
                let head = &reply.payload;
                head.len() >= RTMSG_BYTES && head[1] == 32 && head[4] == libc::RT_TABLE_MAIN
            })
            .filter_map(|reply| {
                let attributes = reply.attributes(RTMSG_BYTES);
                let value = |wanted| attributes.iter().find(|(kind, _)| *kind == wanted);
                let by = u32::from_ne_bytes(value(libc::RTA_OIF)?.1.try_into().ok()?);
                value(libc::RTA_GATEWAY)?;
                (by == index).then(|| ipv4(value(libc::RTA_DST)?.1)).flatten()
            })
            .collect())
    }

    /// Indices of the links by which packets leave for addresses that no other route knows.
    pub fn default_route_links(&mut self) -> io::Result<Vec<u32>> {
        let mut header = [0; RTMSG_BYTES];
        header[0] = libc::AF_INET as u8;
        let replies = self.socket.dump(libc::RTM_GETROUTE, &header)?;
        Ok(replies
            .iter()
            .filter(|reply| {
                let head = &reply.payload;
                head.len() >= RTMSG_BYTES
                    && head[1] == 0
                    && head[4] == libc::RT_TABLE_MAIN
                    && head[7] == libc::RTN_UNICAST
            })
            .filter_map(|reply| {
                let attributes = reply.attributes(RTMSG_BYTES);
                let value = attributes.iter().find(|(kind, _)| *kind == libc::RTA_OIF)?.1;
                Some(u32::from_ne_bytes(value.try_into().ok()?))
            })
            .collect())
    }
}

fn parse_link(reply: &Reply) -> Option<Link> {
    let head = reply.payload.get(..IFINFO_BYTES)?;
    let index = u32::from_ne_bytes(head[4..8].try_into().ok()?);
    let flags = u32::from_ne_bytes(head[8..12].try_into().ok()?);
    let mut link = Link {
        index,
        name: String::new(),
        alias: String::new(),
        up: flags & libc::IFF_UP as u32 != 0,
        bridge: None,
        passes: false,
    };
    for (kind, value) in attributes(&reply.payload[IFINFO_BYTES..]) {
        let text = || CStr::from_bytes_until_nul(value).map(|text| text.to_string_lossy().into_owned());
        match kind {
            libc::IFLA_IFNAME => link.name = text().unwrap_or_default(),
            libc::IFLA_OPERSTATE => link.passes = value == [OPERSTATE_UP],
            libc::IFLA_MASTER => link.bridge = value.try_into().ok().map(u32::from_ne_bytes),
            libc::IFLA_IFALIAS => link.alias = text().unwrap_or_default(),
            _ => {}
        }
    }
    Some(link)
}

fn ifinfo(index: u32) -> [u8; IFINFO_BYTES] {
    ifinfo_change(index, 0, 0)
}

fn ifinfo_change(index: u32, flags: u32, change: u32) -> [u8; IFINFO_BYTES] {
    let mut header = [0; IFINFO_BYTES];
    header[4..8].copy_from_slice(&index.to_ne_bytes());
    header[8..12].copy_from_slice(&flags.to_ne_bytes());
    header[12..16].copy_from_slice(&change.to_ne_bytes());
    header
}

/// A route to a prefix of this length, in the main table.
fn route(prefix: u8) -> [u8; RTMSG_BYTES] {
    let mut header = [0; RTMSG_BYTES];
    header[0] = libc::AF_INET as u8;
    header[1] = prefix;
    header[4] = libc::RT_TABLE_MAIN;
    header[5] = libc::RTPROT_BOOT;
    header[6] = libc::RT_SCOPE_UNIVERSE;
    header[7] = libc::RTN_UNICAST;
    header
}

fn ifaddr(index: u32, prefix: u8) -> [u8; IFADDR_BYTES] {
    let mut header = [0; IFADDR_BYTES];
    header[0] = libc::AF_INET as u8;
    header[1] = prefix;
    header[4..8].copy_from_slice(&index.to_ne_bytes());
    header
}

fn ipv4(bytes: &[u8]) -> Option<Ipv4Addr> {
    Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?))
}

fn missing(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("there is no link {name}"))
}

/// What was wanted already is.
fn accept(result: io::Result<()>, errno: i32) -> io::Result<()> {
    match result {
        Err(error) if error.raw_os_error() == Some(errno) => Ok(()),
        other => other,
    }
}
