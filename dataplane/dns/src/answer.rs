//! From a question to an answer, by what is known at that moment; no input, no output, no chance of its own.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use contract::dns::Data;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::{A, HINFO, PTR};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use crate::name;
use crate::policy::{ALIASES_MAX, Chance, Circumstances, shuffle};
use crate::table::{Node, Set, Table, Target, ZoneTable};

/// Names that lead to other names, in one answer.
const CHAIN_NAMES_MAX: usize = 16;
/// Route 53 gives this to aliases of load balancers.
const ENDPOINT_TTL_SECONDS: u32 = 60;
/// Of names that nobody wrote down: `localhost`, and those of a network's addresses.
const OWN_TTL_SECONDS: u32 = 60;
/// RFC 8482, 4.2: what a question for everything is answered with.
const ANY_TTL_SECONDS: u32 = 3600;

/// Everything that an answer depends on besides the question and who asks.
#[derive(Clone, Default)]
pub(crate) struct Known {
    pub(crate) table: Table,
    /// By check; a check that is not in here counts as healthy.
    pub(crate) health: Arc<HashMap<String, bool>>,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asker {
    /// The private network that the question comes from; the machine itself if absent.
    pub(crate) network: Option<String>,
    pub(crate) region: String,
    /// What `*.localhost` means.
    pub(crate) local: Ipv4Addr,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    Answer(Answer),
    /// No zone of ours and nothing else we know.
    Elsewhere,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Answer {
    pub(crate) code: Option<ResponseCode>,
    pub(crate) authoritative: bool,
    pub(crate) answers: Vec<Record>,
    pub(crate) authority: Vec<Record>,
    pub(crate) additional: Vec<Record>,
    /// The answers end in a name that is somebody else's: who is offered recursion is given its records too.
    pub(crate) rest: Option<Name>,
}

/// What a name leads to.
enum Step {
    Done,
    Alias(Name),
    Elsewhere,
}

struct Walk<'a> {
    around: Circumstances<'a>,
    asker: &'a Asker,
    kind: RecordType,
    answer: Answer,
}

pub(crate) fn answer(
    known: &Known,
    asker: &Asker,
    name: &Name,
    kind: RecordType,
    chance: &mut Chance<'_>,
) -> Outcome {
    let around = Circumstances {
        table: &known.table,
        health: &known.health,
        region: &asker.region,
    };
    let mut walk = Walk {
        around,
        asker,
        kind,
        answer: Answer::default(),
    };
    let mut owner = name.clone();
    for number in 0..CHAIN_NAMES_MAX {
        match walk.step(&owner, chance) {
            Step::Done => break,
            Step::Alias(next) => owner = next,
            Step::Elsewhere if number == 0 => return Outcome::Elsewhere,
            Step::Elsewhere => {
                walk.answer.rest = Some(owner);
                break;
            }
        }
    }
    Outcome::Answer(walk.answer)
}

impl Walk<'_> {
    fn step(&mut self, owner: &Name, chance: &mut Chance<'_>) -> Step {
        let key = name::key(owner);
        let table = self.around.table;
        let network = self.asker.network.as_deref();
        if let Some(zone) = network.and_then(|network| table.private_zone(network, &key)) {
            return self.in_zone(zone, &key, owner, chance);
        }
        if let Some(endpoint) = table.endpoints.get(key.as_slice()) {
            let mut addresses = Table::endpoint_addresses(endpoint, network).to_vec();
            shuffle(&mut addresses, chance);
            return self.addresses(owner, &addresses, ENDPOINT_TTL_SECONDS);
        }
        if let Some(zone) = table.public_zone(&key) {
            return self.in_zone(zone, &key, owner, chance);
        }
        if name::labels(&key).last() == Some(b"localhost") {
            return self.addresses(owner, &[self.asker.local], OWN_TTL_SECONDS);
        }
        self.of_network(&key, owner)
    }

    /// Addresses and nothing but addresses are known of this name.
    fn addresses(&mut self, owner: &Name, addresses: &[Ipv4Addr], ttl: u32) -> Step {
        self.answer.authoritative = true;
        match self.kind {
            RecordType::A => {
                for &address in addresses {
                    self.push(owner, ttl, RData::A(A(address)));
                }
            }
            RecordType::ANY => self.minimal(owner),
            _ => {}
        }
        Step::Done
    }

    fn push(&mut self, owner: &Name, ttl: u32, data: RData) {
        self.answer
            .answers
            .push(Record::from_rdata(owner.clone(), ttl, data));
    }

    fn minimal(&mut self, owner: &Name) {
        let data = HINFO::new("RFC8482".to_owned(), String::new());
        self.push(owner, ANY_TTL_SECONDS, RData::HINFO(data));
    }

    /// `ip-10-0-1-17.DOMAIN`, and the way back.
    fn of_network(&mut self, key: &[u8], owner: &Name) -> Step {
        let names = self
            .asker
            .network
            .as_ref()
            .and_then(|network| self.around.table.networks.get(network));
        let Some((names, domain)) = names.and_then(|names| Some((names, names.domain.as_ref()?))) else {
            return Step::Elsewhere;
        };
        if let Some(address) =
            reverse(key).filter(|address| names.ranges.iter().any(|range| range.contains(address)))
        {
            self.answer.authoritative = true;
            let [a, b, c, d] = address.octets();
            let Ok(target) = name::parse(&format!("ip-{a}-{b}-{c}-{d}.{domain}")) else {
                return Step::Elsewhere;
            };
            if self.kind == RecordType::PTR {
                self.push(owner, OWN_TTL_SECONDS, RData::PTR(PTR(name::to_name(&target))));
            }
            return Step::Done;
        }
        let Ok(domain) = name::parse(domain) else {
            return Step::Elsewhere;
        };
        if !name::within(key, &domain) {
            return Step::Elsewhere;
        }
        if key == domain {
            self.answer.authoritative = true;
            return Step::Done;
        }
        let address =
            numbered(key).filter(|address| names.ranges.iter().any(|range| range.contains(address)));
        match address.filter(|_| name::tails(key).nth(1) == Some(&domain)) {
            Some(address) => self.addresses(owner, &[address], OWN_TTL_SECONDS),
            None => {
                self.answer.authoritative = true;
                self.answer.code = Some(ResponseCode::NXDomain);
                Step::Done
            }
        }
    }

    fn in_zone(&mut self, zone: &ZoneTable, key: &[u8], owner: &Name, chance: &mut Chance<'_>) -> Step {
        match find(zone, key, self.kind) {
            Found::Node(node) => {
                self.answer.authoritative = true;
                self.in_node(zone, node, owner, chance)
            }
            Found::Nothing => {
                self.answer.authoritative = true;
                self.answer.code = Some(ResponseCode::NXDomain);
                self.negative(zone, chance);
                Step::Done
            }
            Found::Delegated(cut, node) => {
                self.refer(zone, cut, node, chance);
                Step::Done
            }
        }
    }

    fn in_node(&mut self, zone: &ZoneTable, node: &Node, owner: &Name, chance: &mut Chance<'_>) -> Step {
        if self.kind == RecordType::ANY && node.first().is_some() {
            self.minimal(owner);
            return Step::Done;
        }
        if let Some(sets) = node.sets(self.kind) {
            let values = self.values(zone, self.kind, sets, chance);
            let empty = values.is_empty();
            for (ttl, data) in values {
                self.push(owner, ttl, data);
            }
            if empty {
                self.negative(zone, chance);
            }
            return Step::Done;
        }
        let alias = node
            .sets(RecordType::CNAME)
            .map(|sets| self.values(zone, RecordType::CNAME, sets, chance));
        if let Some((ttl, RData::CNAME(target))) = alias.and_then(|values| values.into_iter().next()) {
            let next = target.0.clone();
            self.push(owner, ttl, RData::CNAME(target));
            return Step::Alias(next);
        }
        self.negative(zone, chance);
        Step::Done
    }

    /// Of the sets that the policy chooses, in random order, aliases resolved.
    fn values(
        &self,
        zone: &ZoneTable,
        kind: RecordType,
        sets: &[Arc<Set>],
        chance: &mut Chance<'_>,
    ) -> Vec<(u32, RData)> {
        let mut sets = sets;
        for _ in 0..ALIASES_MAX {
            let chosen = self.around.choose(zone, kind, sets, chance);
            let [one] = chosen.as_slice() else {
                return self.gather(&chosen, kind, chance);
            };
            let Some(Target::Name(target)) = &one.target else {
                return self.gather(&chosen, kind, chance);
            };
            match find(zone, target, kind) {
                Found::Node(node) => sets = node.sets(kind).unwrap_or_default(),
                _ => return Vec::new(),
            }
        }
        Vec::new()
    }

    fn gather(&self, chosen: &[&Set], kind: RecordType, chance: &mut Chance<'_>) -> Vec<(u32, RData)> {
        let mut values = Vec::with_capacity(chosen.len());
        for set in chosen {
            if let Data::Values { ttl_seconds, .. } = &set.record.data {
                values.extend(set.values.iter().map(|data| (*ttl_seconds, data.clone())));
            }
            if let (Some(Target::Endpoint(key)), RecordType::A) = (&set.target, kind) {
                let endpoint = self.around.table.endpoints.get(key);
                let addresses = endpoint
                    .map(|endpoint| Table::endpoint_addresses(endpoint, self.asker.network.as_deref()));
                for &address in addresses.unwrap_or_default() {
                    values.push((ENDPOINT_TTL_SECONDS, RData::A(A(address))));
                }
            }
        }
        shuffle(&mut values, chance);
        values
    }

    /// The zone's SOA, with the time for which nothing may be remembered (RFC 2308, 3).
    fn negative(&mut self, zone: &ZoneTable, chance: &mut Chance<'_>) {
        let Some(sets) = zone.node(&zone.apex).and_then(|apex| apex.sets(RecordType::SOA)) else {
            return;
        };
        if let Some((ttl, RData::SOA(soa))) = self
            .values(zone, RecordType::SOA, sets, chance)
            .into_iter()
            .next()
        {
            let ttl = ttl.min(soa.minimum);
            self.answer.authority.push(Record::from_rdata(
                name::to_name(&zone.apex),
                ttl,
                RData::SOA(soa),
            ));
        }
    }

    /// To the servers of a zone below, with their addresses where they are in this zone.
    fn refer(&mut self, zone: &ZoneTable, cut: &[u8], node: &Node, chance: &mut Chance<'_>) {
        let owner = name::to_name(cut);
        let servers = self.values(
            zone,
            RecordType::NS,
            node.sets(RecordType::NS).unwrap_or_default(),
            chance,
        );
        for (ttl, data) in servers {
            if let RData::NS(server) = &data {
                self.glue(zone, &server.0, chance);
            }
            self.answer
                .authority
                .push(Record::from_rdata(owner.clone(), ttl, data));
        }
    }

    fn glue(&mut self, zone: &ZoneTable, server: &Name, chance: &mut Chance<'_>) {
        let Some(node) = zone.node(&name::key(server)) else {
            return;
        };
        for kind in [RecordType::A, RecordType::AAAA] {
            let values = self.values(zone, kind, node.sets(kind).unwrap_or_default(), chance);
            let records = values
                .into_iter()
                .map(|(ttl, data)| Record::from_rdata(server.clone(), ttl, data));
            self.answer.additional.extend(records);
        }
    }
}

enum Found<'z> {
    Node(&'z Node),
    Nothing,
    /// To another zone, at this name.
    Delegated(&'z [u8], &'z Node),
}

/// From the zone's apex down, as RFC 4592 (3.3.1) says: a delegation on the way ends it; a name that is not there is
/// answered by the wildcard directly below the last name that is.
fn find<'z>(zone: &'z ZoneTable, key: &'z [u8], kind: RecordType) -> Found<'z> {
    let below: Vec<&[u8]> = name::tails(key).take_while(|tail| **tail != *zone.apex).collect();
    let mut last = zone.node(&zone.apex);
    let mut encloser: &[u8] = &zone.apex;
    for tail in below.into_iter().rev() {
        let Some(node) = zone.node(tail) else {
            let mut wildcard = b"\x01*".to_vec();
            wildcard.extend(encloser);
            return match zone.node(&wildcard).filter(|node| node.first().is_some()) {
                Some(node) => Found::Node(node),
                None => Found::Nothing,
            };
        };
        // The records that say how the zone below is signed are above the cut (RFC 4035, 3.1.4.1).
        let above = kind == RecordType::DS && tail == key;
        if node.sets(RecordType::NS).is_some() && !above {
            return Found::Delegated(tail, node);
        }
        encloser = tail;
        last = Some(node);
    }
    last.map_or(Found::Nothing, Found::Node)
}

/// The address in `17.1.0.10.in-addr.arpa`.
fn reverse(key: &[u8]) -> Option<Ipv4Addr> {
    let labels: Vec<&[u8]> = name::labels(key).collect();
    let [d, c, b, a, b"in-addr", b"arpa"] = labels.as_slice() else {
        return None;
    };
    let text = [a, b, c, d]
        .map(|label| String::from_utf8_lossy(label).into_owned())
        .join(".");
    text.parse().ok()
}

/// The address in `ip-10-0-1-17.…`.
fn numbered(key: &[u8]) -> Option<Ipv4Addr> {
    let label = std::str::from_utf8(name::labels(key).next()?).ok()?;
    label.strip_prefix("ip-")?.replace('-', ".").parse().ok()
}

#[cfg(test)]
mod tests;
