//! Everything that answers are made from. Cheap to clone, and a change costs what it changes: whoever answers holds a
//! table that stays as it is.

use std::net::Ipv4Addr;
use std::sync::Arc;

use contract::dns::{
    AliasTarget, Change, Data, Endpoint, HealthCheck, NetworkNames, RecordKey, RecordSet, Update, Visibility,
    Zone,
};
use hickory_proto::rr::{RData, RecordType};
use imbl::{HashMap, OrdSet};

use crate::{data, name};

/// A name in the form of [`name::parse`].
pub(crate) type Key = Arc<[u8]>;

#[derive(Clone, Default)]
pub struct Table {
    /// Everything up to this update is in it.
    pub(crate) sequence: u64,
    zones: HashMap<String, Arc<ZoneTable>>,
    /// Ids of the zones of a name. Of several public ones the first by id answers.
    public: HashMap<Key, OrdSet<String>>,
    /// By network.
    private: HashMap<String, HashMap<Key, OrdSet<String>>>,
    pub(crate) checks: HashMap<String, Arc<HealthCheck>>,
    pub(crate) endpoints: HashMap<Key, Arc<Endpoint>>,
    pub(crate) networks: HashMap<String, Arc<NetworkNames>>,
}

#[derive(Clone)]
pub(crate) struct ZoneTable {
    pub(crate) zone: Zone,
    pub(crate) apex: Key,
    nodes: HashMap<Key, Arc<Node>>,
}

/// A name of a zone that has records, or names below it that do.
#[derive(Clone, Default)]
pub(crate) struct Node {
    /// How many names below have records.
    below: usize,
    kinds: Vec<(RecordType, Vec<Arc<Set>>)>,
}

/// A record set, with its values as they go on the wire.
pub(crate) struct Set {
    pub(crate) record: RecordSet,
    pub(crate) values: Vec<RData>,
    pub(crate) target: Option<Target>,
}

pub(crate) enum Target {
    Name(Key),
    Endpoint(Key),
}

impl Table {
    pub(crate) fn apply(&mut self, change: Change) {
        match change {
            Change::Zone(zone) => self.put_zone(zone),
            Change::NoZone(id) => {
                if let Some(zone) = self.zones.remove(&id) {
                    self.unlist(&zone);
                }
            }
            Change::Records(record) => self.put_records(record),
            Change::NoRecords(key) => self.remove_records(&key),
            Change::Check(check) => {
                self.checks.insert(check.id.clone(), Arc::new(check));
            }
            Change::NoCheck(id) => {
                self.checks.remove(&id);
            }
        }
    }

    pub(crate) fn update(&mut self, update: Update) {
        update.changes.into_iter().for_each(|change| self.apply(change));
        self.sequence = update.sequence;
    }

    /// Replaces all that there were.
    pub(crate) fn put_endpoints(&mut self, endpoints: Vec<Endpoint>) {
        self.endpoints.clear();
        for endpoint in endpoints {
            match name::parse(&endpoint.name) {
                Ok(key) => {
                    self.endpoints.insert(key.into(), Arc::new(endpoint));
                }
                Err(error) => tracing::warn!(%error, "an endpoint is left aside"),
            }
        }
    }

    /// Replaces all that there were.
    pub(crate) fn put_networks(&mut self, networks: Vec<(String, NetworkNames)>) {
        self.networks = networks
            .into_iter()
            .map(|(id, names)| (id, Arc::new(names)))
            .collect();
    }

    /// Zones that a public question may see.
    pub(crate) fn public_zone(&self, name: &[u8]) -> Option<&ZoneTable> {
        self.longest(&self.public, name)
    }

    pub(crate) fn private_zone(&self, network: &str, name: &[u8]) -> Option<&ZoneTable> {
        self.longest(self.private.get(network)?, name)
    }

    fn longest(&self, listed: &HashMap<Key, OrdSet<String>>, name: &[u8]) -> Option<&ZoneTable> {
        if listed.is_empty() {
            return None;
        }
        let ids = name::tails(name).find_map(|tail| listed.get(tail))?;
        self.zones.get(ids.get_min()?).map(|zone| &**zone)
    }

    pub(crate) fn endpoint_addresses<'a>(endpoint: &'a Endpoint, network: Option<&str>) -> &'a [Ipv4Addr] {
        let inside = network
            .and_then(|network| endpoint.inside.iter().find(|(id, _)| id == network))
            .map(|(_, addresses)| addresses);
        inside.unwrap_or(&endpoint.addresses)
    }

    /// Everything of which zones and checks are made, as changes to an empty table.
    pub(crate) fn changes(&self) -> impl Iterator<Item = Change> {
        let checks = self.checks.values().map(|check| Change::Check((**check).clone()));
        let zones = self.zones.values().flat_map(|zone| {
            let sets = zone
                .nodes
                .values()
                .flat_map(|node| node.kinds.iter())
                .flat_map(|(_, sets)| sets.iter());
            std::iter::once(Change::Zone(zone.zone.clone()))
                .chain(sets.map(|set| Change::Records(set.record.clone())))
        });
        checks.chain(zones)
    }

    fn put_zone(&mut self, zone: Zone) {
        let apex: Key = match name::parse(&zone.name) {
            Ok(key) => key.into(),
            Err(error) => {
                tracing::warn!(%error, "a zone is left aside");
                return;
            }
        };
        let known = self.zones.get(&zone.id).cloned();
        if let Some(known) = &known {
            self.unlist(known);
        }
        match &zone.visibility {
            Visibility::Public => {
                self.public
                    .entry(Arc::clone(&apex))
                    .or_default()
                    .insert(zone.id.clone());
            }
            Visibility::Networks(networks) => {
                for network in networks {
                    let listed = self.private.entry(network.clone()).or_default();
                    listed
                        .entry(Arc::clone(&apex))
                        .or_default()
                        .insert(zone.id.clone());
                }
            }
        }
        let nodes = known
            .filter(|known| known.apex == apex)
            .map(|known| known.nodes.clone())
            .unwrap_or_default();
        self.zones
            .insert(zone.id.clone(), Arc::new(ZoneTable { zone, apex, nodes }));
    }

    fn unlist(&mut self, zone: &ZoneTable) {
        match &zone.zone.visibility {
            Visibility::Public => unlist(&mut self.public, &zone.apex, &zone.zone.id),
            Visibility::Networks(networks) => {
                for network in networks {
                    if let Some(listed) = self.private.get_mut(network) {
                        unlist(listed, &zone.apex, &zone.zone.id);
                    }
                }
            }
        }
    }

    fn put_records(&mut self, record: RecordSet) {
        let (Ok(owner), Some(kind)) = (name::parse(&record.key.name), data::kind(&record.key.kind)) else {
            tracing::warn!(key = ?record.key, "a record set's name or type means nothing and it is left aside");
            return;
        };
        let Some(zone) = self.zones.get_mut(&record.key.zone) else {
            tracing::warn!(key = ?record.key, "a record set of no zone is left aside");
            return;
        };
        if name::within(&owner, &zone.apex) {
            Arc::make_mut(zone).put(&owner, kind, Set::new(kind, record));
        } else {
            tracing::warn!(key = ?record.key, "a record set outside of its zone is left aside");
        }
    }

    fn remove_records(&mut self, key: &RecordKey) {
        if let (Ok(owner), Some(kind), Some(zone)) = (
            name::parse(&key.name),
            data::kind(&key.kind),
            self.zones.get_mut(&key.zone),
        ) {
            Arc::make_mut(zone).remove(&owner, kind, key.set.as_deref());
        }
    }
}

fn unlist(listed: &mut HashMap<Key, OrdSet<String>>, apex: &Key, id: &str) {
    let Some(ids) = listed.get_mut(apex) else { return };
    ids.remove(id);
    if ids.is_empty() {
        listed.remove(apex);
    }
}

impl Set {
    fn new(kind: RecordType, record: RecordSet) -> Self {
        let (mut values, mut target) = (Vec::new(), None);
        match &record.data {
            Data::Values { values: texts, .. } => {
                for text in texts {
                    match data::parse(kind, text) {
                        Ok(value) => values.push(value),
                        Err(error) => tracing::warn!(key = ?record.key, %error, "a value is left aside"),
                    }
                }
            }
            Data::Alias(alias) => {
                target = match &alias.target {
                    AliasTarget::Name(text) => name::parse(text).ok().map(|key| Target::Name(key.into())),
                    AliasTarget::Endpoint(text) => {
                        name::parse(text).ok().map(|key| Target::Endpoint(key.into()))
                    }
                };
            }
        }
        Self {
            record,
            values,
            target,
        }
    }
}

impl ZoneTable {
    /// The name, if it exists: with records, or because of a name below it.
    pub(crate) fn node(&self, name: &[u8]) -> Option<&Node> {
        self.nodes.get(name).map(|node| &**node)
    }

    fn put(&mut self, owner: &[u8], kind: RecordType, set: Set) {
        let mut node = self
            .nodes
            .get(owner)
            .map(|node| Node::clone(node))
            .unwrap_or_default();
        if node.kinds.is_empty() {
            self.count(owner, 1);
        }
        let set = Arc::new(set);
        match node.kinds.iter_mut().find(|(one, _)| *one == kind) {
            Some((_, sets)) => {
                match sets
                    .iter_mut()
                    .find(|one| one.record.key.set == set.record.key.set)
                {
                    Some(old) => *old = set,
                    None => sets.push(set),
                }
            }
            None => node.kinds.push((kind, vec![set])),
        }
        self.nodes.insert(owner.into(), Arc::new(node));
    }

    fn remove(&mut self, owner: &[u8], kind: RecordType, set: Option<&str>) {
        let Some(mut node) = self.nodes.get(owner).map(|node| Node::clone(node)) else {
            return;
        };
        if node.kinds.is_empty() {
            return;
        }
        if let Some((_, sets)) = node.kinds.iter_mut().find(|(one, _)| *one == kind) {
            sets.retain(|one| one.record.key.set.as_deref() != set);
        }
        node.kinds.retain(|(_, sets)| !sets.is_empty());
        let empty = node.kinds.is_empty();
        if empty && node.below == 0 {
            self.nodes.remove(owner);
        } else {
            self.nodes.insert(owner.into(), Arc::new(node));
        }
        if empty {
            self.count(owner, -1);
        }
    }

    /// One name more or less below each of the owner's parents, up to the apex.
    fn count(&mut self, owner: &[u8], by: isize) {
        if *owner == *self.apex {
            return;
        }
        for parent in name::tails(owner).skip(1) {
            let mut node = self
                .nodes
                .get(parent)
                .map(|node| Node::clone(node))
                .unwrap_or_default();
            node.below = node.below.saturating_add_signed(by);
            if node.below == 0 && node.kinds.is_empty() {
                self.nodes.remove(parent);
            } else {
                self.nodes.insert(parent.into(), Arc::new(node));
            }
            if *parent == *self.apex {
                break;
            }
        }
    }
}

impl Node {
    pub(crate) fn sets(&self, kind: RecordType) -> Option<&[Arc<Set>]> {
        self.kinds
            .iter()
            .find(|(one, _)| *one == kind)
            .map(|(_, sets)| sets.as_slice())
    }

    pub(crate) fn first(&self) -> Option<RecordType> {
        self.kinds.first().map(|(kind, _)| *kind)
    }
}

#[cfg(test)]
mod tests;
