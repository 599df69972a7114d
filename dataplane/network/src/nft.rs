//! The packet filter: whole tables, replaced in one transaction.
//!
//! Numbers are those of the kernel's `linux/netfilter/nf_tables.h`.

mod expression;

pub(crate) use expression::{
    Addresses, Expression, Rule, ct_established, ct_marked, ct_readdressed, from_link, ipv4_only, masquerade,
    not_from_link, not_to_link, to_link,
};
pub(crate) use expression::{TCP_ACK, TCP_SYN, destination, handshake, port_range, protocol, source};

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;

use crate::netlink::{APPEND, CREATE, Message, Reply, Socket, attributes};

const NFNL_SUBSYS_NFTABLES: u16 = 10;
const BATCH_BEGIN: u16 = 16;
const BATCH_END: u16 = 17;
const NEW_TABLE: u16 = 0;
const GET_TABLE: u16 = 1;
const DELETE_TABLE: u16 = 2;
const NEW_CHAIN: u16 = 3;
const NEW_RULE: u16 = 6;
const NEW_SET: u16 = 9;
const NEW_SET_ELEMENT: u16 = 12;
const NEW_OBJECT: u16 = 18;
const GET_OBJECT: u16 = 19;
/// A kind of object.
const COUNTER: u32 = 1;
/// `ipv4_addr` in nft's own numbering of types, so that `nft list` shows addresses.
const TYPE_IPV4: u32 = 7;
const SET_IS_MAP: u32 = 8;
/// What no rule decides passes; the last rule of a chain drops where it is to be otherwise.
const POLICY_ACCEPT: u32 = 1;
/// Elements in one message; the list is one attribute, whose length has 16 bits.
const ELEMENTS_PER_MESSAGE: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Inet,
    Ipv4,
}

impl Family {
    fn number(self) -> u8 {
        match self {
            Self::Inet => 1,
            Self::Ipv4 => 2,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hook {
    Prerouting = 0,
    Input = 1,
    Forward = 2,
    Output = 3,
    Postrouting = 4,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Filter,
    Nat,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    pub name: &'static str,
    pub kind: Kind,
    pub hook: Hook,
    pub priority: i32,
    pub rules: Vec<Rule>,
}

/// A chain that packets come to only from other chains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Branch {
    pub name: String,
    pub rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub family: Family,
    pub name: String,
    /// Sets of addresses by name.
    pub sets: BTreeMap<String, Vec<Ipv4Addr>>,
    /// Maps from address to address by name.
    pub maps: BTreeMap<String, Vec<(Ipv4Addr, Ipv4Addr)>>,
    pub counters: Vec<&'static str>,
    pub branches: Vec<Branch>,
    pub chains: Vec<Chain>,
}

/// What a counter has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub bytes: u64,
    pub packets: u64,
}

impl Table {
    /// Puts the table in the place of the one of this name, if there is one: at once, or not at all.
    pub fn replace(&self, socket: &mut Socket) -> io::Result<()> {
        let mut messages = vec![self.make(), self.delete(), self.make()];
        for (number, (name, addresses)) in (1..).zip(&self.sets) {
            messages.extend(self.set(number, name, addresses));
        }
        for (number, (name, pairs)) in (1 + self.sets.len() as u32..).zip(&self.maps) {
            messages.extend(self.map(number, name, pairs));
        }
        messages.extend(self.counters.iter().map(|name| self.counter(name)));
        // All of them before the first rule, which may lead to any.
        messages.extend(self.branches.iter().map(|branch| self.branch(&branch.name)));
        messages.extend(self.chains.iter().map(|chain| self.chain(chain)));
        for branch in &self.branches {
            messages.extend(branch.rules.iter().map(|rule| self.rule(&branch.name, rule)));
        }
        for chain in &self.chains {
            messages.extend(chain.rules.iter().map(|rule| self.rule(chain.name, rule)));
        }
        transact(socket, messages)
    }

    /// Removes the table of this name; it need not be there.
    pub fn remove(family: Family, name: &str, socket: &mut Socket) -> io::Result<()> {
        let table = Self {
            family,
            name: name.to_owned(),
            sets: BTreeMap::new(),
            maps: BTreeMap::new(),
            counters: Vec::new(),
            branches: Vec::new(),
            chains: Vec::new(),
        };
        // Deleting what is not there is an error that would be hard to tell from others; so it is made first.
        transact(socket, vec![table.make(), table.delete()])
    }

    /// Names of the tables that stand.
    pub fn names(family: Family, socket: &mut Socket) -> io::Result<Vec<String>> {
        let there = socket.dump(NFNL_SUBSYS_NFTABLES << 8 | GET_TABLE, &[family.number(), 0, 0, 0])?;
        let name = |reply: &Reply| find(&reply.attributes(4), 1).map(text);
        Ok(there.iter().filter_map(name).collect())
    }

    /// All counters that stand, by table and name.
    pub fn counts(family: Family, socket: &mut Socket) -> io::Result<BTreeMap<(String, String), Count>> {
        let there = socket.dump(
            NFNL_SUBSYS_NFTABLES << 8 | GET_OBJECT,
            &[family.number(), 0, 0, 0],
        )?;
        Ok(there.iter().filter_map(count).collect())
    }

    fn message(&self, kind: u16, flags: u16) -> Message {
        Message::new(
            NFNL_SUBSYS_NFTABLES << 8 | kind,
            flags,
            &[self.family.number(), 0, 0, 0],
        )
    }

    fn make(&self) -> Message {
        self.message(NEW_TABLE, CREATE).text(1, &self.name).big(2, 0)
    }

    fn delete(&self) -> Message {
        self.message(DELETE_TABLE, 0).text(1, &self.name)
    }

    fn set(&self, number: u32, name: &str, addresses: &[Ipv4Addr]) -> Vec<Message> {
        let set = self
            .message(NEW_SET, CREATE)
            .text(1, &self.name)
            .text(2, name)
            .big(3, 0)
            .big(4, TYPE_IPV4)
            .big(5, 4)
            .big(10, number);
        let elements = addresses.chunks(ELEMENTS_PER_MESSAGE).map(|chunk| {
            self.message(NEW_SET_ELEMENT, CREATE)
                .text(1, &self.name)
                .text(2, name)
                .big(4, number)
                .nested(3, &[], |list| {
                    chunk.iter().fold(list, |list, address| {
                        list.nested(1, &[], |element| {
                            element.nested(1, &[], |key| key.attribute(1, &address.octets()))
                        })
                    })
                })
        });
        std::iter::once(set).chain(elements).collect()
    }

    fn map(&self, number: u32, name: &str, pairs: &[(Ipv4Addr, Ipv4Addr)]) -> Vec<Message> {
        let map = self
            .message(NEW_SET, CREATE)
            .text(1, &self.name)
            .text(2, name)
            .big(3, SET_IS_MAP)
            .big(4, TYPE_IPV4)
            .big(5, 4)
            .big(6, TYPE_IPV4)
            .big(7, 4)
            .big(10, number);
        let elements = pairs.chunks(ELEMENTS_PER_MESSAGE).map(|chunk| {
            self.message(NEW_SET_ELEMENT, CREATE)
                .text(1, &self.name)
                .text(2, name)
                .big(4, number)
                .nested(3, &[], |list| {
                    chunk.iter().fold(list, |list, (from, to)| {
                        list.nested(1, &[], |element| {
                            element
                                .nested(1, &[], |key| key.attribute(1, &from.octets()))
                                .nested(2, &[], |data| data.attribute(1, &to.octets()))
                        })
                    })
                })
        });
        std::iter::once(map).chain(elements).collect()
    }

    fn counter(&self, name: &str) -> Message {
        self.message(NEW_OBJECT, CREATE)
            .text(1, &self.name)
            .text(2, name)
            .big(3, COUNTER)
            .nested(4, &[], |from_nothing| from_nothing)
    }

    fn branch(&self, name: &str) -> Message {
        self.message(NEW_CHAIN, CREATE).text(1, &self.name).text(3, name)
    }

    fn chain(&self, chain: &Chain) -> Message {
        let kind = match chain.kind {
            Kind::Filter => "filter",
            Kind::Nat => "nat",
        };
        self.message(NEW_CHAIN, CREATE)
            .text(1, &self.name)
            .text(3, chain.name)
            .nested(4, &[], |hook| {
                hook.big(1, chain.hook as u32).big(2, chain.priority as u32)
            })
            .big(5, POLICY_ACCEPT)
            .text(7, kind)
    }

    fn rule(&self, chain: &str, rule: &Rule) -> Message {
        self.message(NEW_RULE, CREATE | APPEND)
            .text(1, &self.name)
            .text(2, chain)
            .nested(4, &[], |list| {
                rule.0.iter().fold(list, |list, expression| {
                    list.nested(1, &[], |element| expression.write(element))
                })
            })
    }
}

fn find<'a>(attributes: &[(u16, &'a [u8])], wanted: u16) -> Option<&'a [u8]> {
    let mut found = attributes.iter().filter(|(kind, _)| *kind == wanted);
    found.next().map(|(_, bytes)| *bytes)
}

fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.trim_end_matches('\0').to_owned()
}

fn count(reply: &Reply) -> Option<((String, String), Count)> {
    let all = reply.attributes(4);
    if find(&all, 3)? != COUNTER.to_be_bytes() {
        return None;
    }
    let seen = attributes(find(&all, 4)?);
    let number = |kind| Some(u64::from_be_bytes(find(&seen, kind)?.try_into().ok()?));
    let count = Count {
        bytes: number(1)?,
        packets: number(2)?,
    };
    Some(((text(find(&all, 1)?), text(find(&all, 2)?)), count))
}

fn transact(socket: &mut Socket, messages: Vec<Message>) -> io::Result<()> {
    // A batch header names the subsystem in its last two bytes.
    let [high, low] = NFNL_SUBSYS_NFTABLES.to_be_bytes();
    let mut batch = vec![Message::new(BATCH_BEGIN, 0, &[0, 0, high, low])];
    // One acknowledgement is enough: refusals are told in any case, and before it.
    batch.extend(messages);
    if let Some(last) = batch.last_mut() {
        last.acknowledge();
    }
    batch.push(Message::new(BATCH_END, 0, &[0, 0, high, low]));
    socket.batch(batch)
}
