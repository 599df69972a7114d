//! What rules are made of: load something into a register, compare it, and decide.

use std::net::Ipv4Addr;

use contract::network::Protocol;
use ipnet::Ipv4Net;

use super::COUNTER;
use crate::netlink::Message;

const REGISTER: u32 = 1;
const PORT_REGISTER: u32 = 2;
const VERDICT_REGISTER: u32 = 0;
const META_NFPROTO: u32 = 15;
const META_L4PROTO: u32 = 16;
const META_IIFNAME: u32 = 6;
const META_OIFNAME: u32 = 7;
const NETWORK_HEADER: u32 = 1;
const SOURCE_OFFSET: u32 = 12;
const DESTINATION_OFFSET: u32 = 16;
const TRANSPORT_HEADER: u32 = 2;
const TCP_FLAGS_OFFSET: u32 = 13;
pub(crate) const TCP_SYN: u8 = 2;
pub(crate) const TCP_ACK: u8 = 16;
const CT_STATE: u32 = 0;
const CT_STATUS: u32 = 2;
const CT_MARK: u32 = 3;
/// The connection's destination was changed, as the kernel numbers the bits.
const CT_STATUS_DESTINATION_CHANGED: u32 = 1 << 5;
/// As `NFT_JUMP`, `NFT_GOTO` and `NFT_RETURN` in the kernel.
const JUMP: i32 = -3;
const GOTO: i32 = -4;
const RETURN: i32 = -5;
/// Established (2) and related (4), as the kernel numbers the bits.
const CT_ESTABLISHED_OR_RELATED: u32 = 2 | 4;
const LINK_NAME_BYTES: usize = 16;
const NFPROTO_IPV4: u8 = 2;
const SNAT: u32 = 0;
const DNAT: u32 = 1;
const EQUAL: u32 = 0;
const DIFFERENT: u32 = 1;
const AT_MOST: u32 = 3;
const AT_LEAST: u32 = 5;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expression {
    Meta(u32),
    Payload {
        base: u32,
        offset: u32,
        length: u32,
    },
    /// Adds the packet to a counter of the table.
    Count(String),
    /// A fact about the packet's connection, by its key.
    Connection(u32),
    /// Marks the connection with what was loaded.
    MarkConnection,
    /// Register and mask.
    And(Vec<u8>),
    Compare {
        how: u32,
        value: Vec<u8>,
    },
    InSet(String),
    /// Replaces the register by what a map knows of it; no match if it knows nothing.
    InMap(String),
    Load {
        register: u32,
        value: Vec<u8>,
    },
    Accept,
    Drop,
    /// On to another chain, and back when it does not decide.
    Jump(String),
    /// On to another chain for good.
    Goto(String),
    Return,
    Masquerade,
    /// To the address loaded before, and the port if one was.
    Translate {
        kind: u32,
        with_port: bool,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rule(pub Vec<Expression>);

impl Rule {
    /// All conditions of the parts hold.
    pub fn when(parts: impl IntoIterator<Item = Vec<Expression>>) -> Self {
        Self(parts.into_iter().flatten().collect())
    }

    pub fn accept(mut self) -> Self {
        self.0.push(Expression::Accept);
        self
    }

    pub fn drop(mut self) -> Self {
        self.0.push(Expression::Drop);
        self
    }

    /// On to another chain, and back when it does not decide.
    pub fn jump(mut self, chain: &str) -> Self {
        self.0.push(Expression::Jump(chain.to_owned()));
        self
    }

    /// On to another chain for good.
    pub fn goto(mut self, chain: &str) -> Self {
        self.0.push(Expression::Goto(chain.to_owned()));
        self
    }

    /// Back to where the chain was jumped to from.
    pub fn back(mut self) -> Self {
        self.0.push(Expression::Return);
        self
    }

    /// Adds the packet to a counter of the table.
    pub fn count(mut self, counter: &str) -> Self {
        self.0.push(Expression::Count(counter.to_owned()));
        self
    }

    /// Marks the packet's connection before what follows.
    pub fn mark(mut self, mark: u32) -> Self {
        self.0.push(Expression::Load {
            register: REGISTER,
            value: mark.to_ne_bytes().to_vec(),
        });
        self.0.push(Expression::MarkConnection);
        self
    }

    /// To what a map knows of the address that the packet has.
    pub fn destination_by(self, map: &str) -> Self {
        self.by_map(DESTINATION_OFFSET, map, DNAT)
    }

    pub fn source_by(self, map: &str) -> Self {
        self.by_map(SOURCE_OFFSET, map, SNAT)
    }

    fn by_map(mut self, offset: u32, map: &str, kind: u32) -> Self {
        self.0.push(load_address(offset));
        self.0.push(Expression::InMap(map.to_owned()));
        self.0.push(Expression::Translate {
            kind,
            with_port: false,
        });
        self
    }

    pub fn destination_to_port(mut self, address: Ipv4Addr, port: u16) -> Self {
        self.0.push(Expression::Load {
            register: PORT_REGISTER,
            value: port.to_be_bytes().to_vec(),
        });
        self.load_and_translate(DNAT, address, true)
    }

    pub fn source_to(self, address: Ipv4Addr) -> Self {
        self.translate(SNAT, address)
    }

    fn translate(self, kind: u32, address: Ipv4Addr) -> Self {
        self.load_and_translate(kind, address, false)
    }

    fn load_and_translate(mut self, kind: u32, address: Ipv4Addr, with_port: bool) -> Self {
        self.0.push(Expression::Load {
            register: REGISTER,
            value: address.octets().to_vec(),
        });
        self.0.push(Expression::Translate { kind, with_port });
        self
    }
}

fn equal(value: impl Into<Vec<u8>>) -> Expression {
    Expression::Compare {
        how: EQUAL,
        value: value.into(),
    }
}

fn link_name(name: &str) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    bytes.resize(LINK_NAME_BYTES, 0);
    bytes
}

pub(crate) fn from_link(name: &str) -> Vec<Expression> {
    vec![Expression::Meta(META_IIFNAME), equal(link_name(name))]
}

pub(crate) fn to_link(name: &str) -> Vec<Expression> {
    vec![Expression::Meta(META_OIFNAME), equal(link_name(name))]
}

fn different(value: impl Into<Vec<u8>>) -> Expression {
    Expression::Compare {
        how: DIFFERENT,
        value: value.into(),
    }
}

pub(crate) fn not_from_link(name: &str) -> Vec<Expression> {
    vec![Expression::Meta(META_IIFNAME), different(link_name(name))]
}

pub(crate) fn not_to_link(name: &str) -> Vec<Expression> {
    vec![Expression::Meta(META_OIFNAME), different(link_name(name))]
}

/// In tables for both versions: the packet is (or is not) IPv4.
pub(crate) fn ipv4_only(wanted: bool) -> Vec<Expression> {
    let how = if wanted { EQUAL } else { DIFFERENT };
    vec![
        Expression::Meta(META_NFPROTO),
        Expression::Compare {
            how,
            value: vec![NFPROTO_IPV4],
        },
    ]
}

pub(crate) fn ct_established() -> Vec<Expression> {
    any_bit(CT_STATE, CT_ESTABLISHED_OR_RELATED)
}

/// The connection came for another address, and was readdressed.
pub(crate) fn ct_readdressed() -> Vec<Expression> {
    any_bit(CT_STATUS, CT_STATUS_DESTINATION_CHANGED)
}

fn any_bit(key: u32, bits: u32) -> Vec<Expression> {
    vec![
        Expression::Connection(key),
        Expression::And(bits.to_ne_bytes().to_vec()),
        different(0u32.to_ne_bytes()),
    ]
}

pub(crate) fn ct_marked(mark: u32) -> Vec<Expression> {
    vec![Expression::Connection(CT_MARK), equal(mark.to_ne_bytes())]
}

pub(crate) fn masquerade() -> Vec<Expression> {
    vec![Expression::Masquerade]
}

/// Which addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Addresses {
    In(Ipv4Net),
    NotIn(Ipv4Net),
    Set(String),
}

pub(crate) fn source(addresses: &Addresses) -> Vec<Expression> {
    address(SOURCE_OFFSET, addresses)
}

pub(crate) fn destination(addresses: &Addresses) -> Vec<Expression> {
    address(DESTINATION_OFFSET, addresses)
}

fn load_address(offset: u32) -> Expression {
    Expression::Payload {
        base: NETWORK_HEADER,
        offset,
        length: 4,
    }
}

fn address(offset: u32, addresses: &Addresses) -> Vec<Expression> {
    let load = load_address(offset);
    let (range, how) = match addresses {
        Addresses::Set(name) => return vec![load, Expression::InSet(name.clone())],
        Addresses::In(range) if range.prefix_len() == 0 => return Vec::new(),
        Addresses::In(range) => (range, EQUAL),
        Addresses::NotIn(range) => (range, DIFFERENT),
    };
    let mut expressions = vec![load];
    if range.prefix_len() < 32 {
        expressions.push(Expression::And(range.netmask().octets().to_vec()));
    }
    expressions.push(Expression::Compare {
        how,
        value: range.network().octets().to_vec(),
    });
    expressions
}

/// TCP or UDP (the protocol's number) to a port of this range, both ends included.
pub(crate) fn port_range(protocol: i32, from: u16, to: u16) -> Vec<Expression> {
    ports(protocol, 2, from, to)
}

fn ports(protocol: i32, offset: u32, from: u16, to: u16) -> Vec<Expression> {
    let mut expressions = number(protocol as u8);
    if (from, to) == (0, u16::MAX) {
        return expressions;
    }
    expressions.push(Expression::Payload {
        base: TRANSPORT_HEADER,
        offset,
        length: 2,
    });
    if from == to {
        expressions.push(equal(from.to_be_bytes()));
    } else {
        expressions.push(Expression::Compare {
            how: AT_LEAST,
            value: from.to_be_bytes().to_vec(),
        });
        expressions.push(Expression::Compare {
            how: AT_MOST,
            value: to.to_be_bytes().to_vec(),
        });
    }
    expressions
}

/// TCP with these of its flags SYN (2) and ACK (16) set, and the other not.
pub(crate) fn handshake(flags: u8) -> Vec<Expression> {
    let mut expressions = number(libc::IPPROTO_TCP as u8);
    expressions.push(Expression::Payload {
        base: TRANSPORT_HEADER,
        offset: TCP_FLAGS_OFFSET,
        length: 1,
    });
    expressions.push(Expression::And(vec![TCP_SYN | TCP_ACK]));
    expressions.push(equal(vec![flags]));
    expressions
}

/// A protocol by its number.
fn number(protocol: u8) -> Vec<Expression> {
    vec![Expression::Meta(META_L4PROTO), equal(vec![protocol])]
}

/// ICMP of a type, or of a type and code.
fn icmp(kind: u8, code: Option<u8>) -> Vec<Expression> {
    let mut expressions = number(libc::IPPROTO_ICMP as u8);
    expressions.push(Expression::Payload {
        base: TRANSPORT_HEADER,
        offset: 0,
        length: 1 + u32::from(code.is_some()),
    });
    expressions.push(equal(std::iter::once(kind).chain(code).collect::<Vec<u8>>()));
    expressions
}

/// What a rule or an entry says about the protocol.
pub(crate) fn protocol(protocol: Protocol) -> Vec<Expression> {
    match protocol {
        Protocol::Any => Vec::new(),
        Protocol::Tcp { from, to } => port_range(libc::IPPROTO_TCP, from, to),
        Protocol::Udp { from, to } => port_range(libc::IPPROTO_UDP, from, to),
        Protocol::Icmp => number(libc::IPPROTO_ICMP as u8),
        Protocol::IcmpType { kind, code } => icmp(kind, code),
        Protocol::Other(protocol) => number(protocol),
    }
}

impl Expression {
    /// Writes name and data into a list element.
    pub(super) fn write(&self, element: Message) -> Message {
        let (name, data): (&str, Box<dyn FnOnce(Message) -> Message>) = match self {
            Self::Meta(key) => ("meta", Box::new(|data| data.big(1, REGISTER).big(2, *key))),
            Self::Payload { base, offset, length } => (
                "payload",
                Box::new(|data| {
                    data.big(1, REGISTER)
                        .big(2, *base)
                        .big(3, *offset)
                        .big(4, *length)
                }),
            ),
            Self::Count(name) => ("objref", Box::new(|data| data.big(1, COUNTER).text(2, name))),
            Self::Connection(key) => ("ct", Box::new(|data| data.big(1, REGISTER).big(2, *key))),
            Self::MarkConnection => ("ct", Box::new(|data| data.big(2, CT_MARK).big(4, REGISTER))),
            Self::And(mask) => (
                "bitwise",
                Box::new(|data| {
                    data.big(1, REGISTER)
                        .big(2, REGISTER)
                        .big(3, mask.len() as u32)
                        .nested(4, &[], |value| value.attribute(1, mask))
                        .nested(5, &[], |value| value.attribute(1, &vec![0; mask.len()]))
                }),
            ),
            Self::Compare { how, value } => (
                "cmp",
                Box::new(|data| {
                    data.big(1, REGISTER)
                        .big(2, *how)
                        .nested(3, &[], |inner| inner.attribute(1, value))
                }),
            ),
            Self::InSet(name) => ("lookup", Box::new(|data| data.text(1, name).big(2, REGISTER))),
            Self::InMap(name) => (
                "lookup",
                Box::new(|data| data.text(1, name).big(2, REGISTER).big(3, REGISTER)),
            ),
            Self::Load { register, value } => (
                "immediate",
                Box::new(|data| {
                    data.big(1, *register)
                        .nested(2, &[], |inner| inner.attribute(1, value))
                }),
            ),
            Self::Accept => ("immediate", Box::new(|data| verdict(data, libc::NF_ACCEPT, None))),
            Self::Drop => ("immediate", Box::new(|data| verdict(data, libc::NF_DROP, None))),
            Self::Jump(chain) => (
                "immediate",
                Box::new(|data| verdict(data, JUMP, Some(chain.as_str()))),
            ),
            Self::Goto(chain) => ("immediate", Box::new(|data| verdict(data, GOTO, Some(chain)))),
            Self::Return => ("immediate", Box::new(|data| verdict(data, RETURN, None))),
            Self::Masquerade => ("masq", Box::new(|data| data)),
            Self::Translate { kind, with_port } => (
                "nat",
                Box::new(|data| {
                    let data = data
                        .big(1, *kind)
                        .big(2, libc::NFPROTO_IPV4 as u32)
                        .big(3, REGISTER)
                        .big(4, REGISTER);
                    if *with_port {
                        data.big(5, PORT_REGISTER).big(6, PORT_REGISTER)
                    } else {
                        data
                    }
                }),
            ),
        };
        element.text(1, name).nested(2, &[], data)
    }
}

fn verdict(data: Message, code: i32, chain: Option<&str>) -> Message {
    data.big(1, VERDICT_REGISTER).nested(2, &[], |value| {
        value.nested(2, &[], |verdict| {
            let verdict = verdict.big(1, code as u32);
            match chain {
                Some(chain) => verdict.text(2, chain),
                None => verdict,
            }
        })
    })
}
