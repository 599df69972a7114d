//! Where a task goes: the container instances that can take it, and among those the one that the strategies prefer.

use std::collections::{BTreeMap, BTreeSet};

use super::query::{Facts, Query};

/// A container instance as placement sees it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Instance {
    pub(crate) id: String,
    pub(crate) facts: Facts,
    /// It takes new tasks: ACTIVE, not DRAINING.
    pub(crate) active: bool,
    pub(crate) capacity_provider: Option<String>,
    /// What is left.
    pub(crate) cpu: i64,
    pub(crate) memory: i64,
    pub(crate) tcp: BTreeSet<u16>,
    pub(crate) udp: BTreeSet<u16>,
    /// Groups of the tasks that shall run on it.
    pub(crate) wanted: Vec<String>,
}

/// What a task needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) cpu: i64,
    pub(crate) memory: i64,
    /// Ports of the instance itself.
    pub(crate) tcp: BTreeSet<u16>,
    pub(crate) udp: BTreeSet<u16>,
    pub(crate) group: String,
    /// What the agent must be able to do.
    pub(crate) attributes: BTreeSet<String>,
    /// Only instances of this one.
    pub(crate) capacity_provider: Option<String>,
    /// Only instances in these zones, if any are named.
    pub(crate) zones: BTreeSet<String>,
    pub(crate) constraints: Vec<Constraint>,
    pub(crate) strategies: Vec<Strategy>,
}

#[derive(Clone, Debug)]
pub(crate) enum Constraint {
    DistinctInstance,
    MemberOf(Query),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    SpreadInstances,
    SpreadAttribute(String),
    BinpackCpu,
    BinpackMemory,
    /// Chance comes from outside.
    Random(u64),
}

/// Why an instance cannot take a task, the less the closer: an instance that lacks only a port fits better than one that
/// is not to be asked at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lack {
    Ports,
    Cpu,
    Memory,
    Distinct,
    MemberOf,
    Zone,
    Attribute,
    Agent,
}

impl Lack {
    /// The reason in a failure of RunTask and StartTask.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Ports => "RESOURCE:PORTS",
            Self::Cpu => "RESOURCE:CPU",
            Self::Memory => "RESOURCE:MEMORY",
            Self::Distinct => "DistinctInstance placement constraint unsatisfied.",
            Self::MemberOf | Self::Zone => "MemberOf placement constraint unsatisfied.",
            Self::Attribute => "ATTRIBUTE",
            Self::Agent => "AGENT",
        }
    }

    /// What the service's event says of the closest instance.
    pub(crate) fn sentence(self) -> String {
        match self {
            Self::Ports => "is already using a port required by your task".to_owned(),
            Self::Cpu => "has insufficient CPU units available".to_owned(),
            Self::Memory => "has insufficient memory available".to_owned(),
            Self::Attribute => "is missing an attribute required by your task".to_owned(),
            Self::Agent => "doesn't have the agent connected".to_owned(),
            Self::Distinct | Self::MemberOf | Self::Zone => {
                format!("encountered error \"{}\"", self.reason())
            }
        }
    }
}

/// Chooses an instance; answers its place in the list.
///
/// # Errors
/// Every instance that might have been asked and what it lacks, the closest first; none when there is none.
pub(crate) fn choose(instances: &[Instance], request: &Request) -> Result<usize, Vec<(String, Lack)>> {
    let mut refused = Vec::new();
    let mut candidates = Vec::new();
    for (at, instance) in instances.iter().enumerate() {
        if !may_ask(instance, request) {
            continue;
        }
        match lack(instance, request) {
            None => candidates.push(at),
            Some(lack) => refused.push((instance.id.clone(), lack)),
        }
    }
    if candidates.is_empty() {
        refused.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        return Err(refused);
    }
    for strategy in &request.strategies {
        keep_best(&mut candidates, |at| {
            strategy.rank(instances, &instances[at], request)
        });
    }
    // Those that stood first, so that the same picture has the same answer.
    let age = |at: &usize| (instances[*at].facts.registered_at, instances[*at].id.as_str());
    candidates.sort_by(|a, b| age(a).cmp(&age(b)));
    Ok(candidates[0])
}

/// Whether it is one of those that come into question: they take tasks, and are of the right capacity provider.
fn may_ask(instance: &Instance, request: &Request) -> bool {
    let provider = &request.capacity_provider;
    instance.active && (provider.is_none() || instance.capacity_provider == *provider)
}

/// The first thing that an instance lacks.
pub(crate) fn lack(instance: &Instance, request: &Request) -> Option<Lack> {
    let facts = &instance.facts;
    if !facts.agent_connected {
        return Some(Lack::Agent);
    }
    if !request
        .attributes
        .iter()
        .all(|name| facts.attributes.contains_key(name))
    {
        return Some(Lack::Attribute);
    }
    let zone = facts.attributes.get(ZONE).and_then(Option::as_ref);
    if !request.zones.is_empty() && zone.is_none_or(|zone| !request.zones.contains(zone)) {
        return Some(Lack::Zone);
    }
    for constraint in &request.constraints {
        match constraint {
            Constraint::DistinctInstance if instance.wanted.contains(&request.group) => {
                return Some(Lack::Distinct);
            }
            Constraint::MemberOf(query) if !query.holds(facts) => return Some(Lack::MemberOf),
            Constraint::DistinctInstance | Constraint::MemberOf(_) => {}
        }
    }
    if request.memory > instance.memory {
        Some(Lack::Memory)
    } else if request.cpu > instance.cpu {
        Some(Lack::Cpu)
    } else if !request.tcp.is_disjoint(&instance.tcp) || !request.udp.is_disjoint(&instance.udp) {
        Some(Lack::Ports)
    } else {
        None
    }
}

/// The attribute with an instance's availability zone.
pub(crate) const ZONE: &str = "ecs.availability-zone";

impl Strategy {
    /// Those with the lowest rank are kept.
    fn rank(&self, all: &[Instance], one: &Instance, request: &Request) -> i64 {
        let count = |it: &Instance| it.wanted.iter().filter(|group| **group == request.group).count() as i64;
        match self {
            Self::SpreadInstances => count(one),
            Self::SpreadAttribute(name) => {
                let value = one.facts.attributes.get(name);
                let same = all.iter().filter(|it| it.facts.attributes.get(name) == value);
                same.map(count).sum()
            }
            Self::BinpackCpu => one.cpu,
            Self::BinpackMemory => one.memory,
            Self::Random(seed) => scatter(*seed, &one.id),
        }
    }
}

/// A number that looks like chance, the same for the same seed and name.
fn scatter(seed: u64, name: &str) -> i64 {
    let mixed = name.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte))
            .wrapping_mul(0x0100_0000_01b3)
            .rotate_left(23)
    });
    (mixed >> 1) as i64
}

fn keep_best(candidates: &mut Vec<usize>, rank: impl Fn(usize) -> i64) {
    let ranks: BTreeMap<usize, i64> = candidates.iter().map(|at| (*at, rank(*at))).collect();
    let best = ranks.values().min().copied().unwrap_or_default();
    candidates.retain(|at| ranks[at] == best);
}

/// A port of an instance that nobody uses, looked for from `from` on.
pub(crate) fn free_port(used: &BTreeSet<u16>, range: (u16, u16), from: u32) -> Option<u16> {
    let (first, last) = range;
    let count = u32::from(last) - u32::from(first) + 1;
    let port = |step: u32| first + u16::try_from((from % count + step) % count).unwrap_or_default();
    (0..count).map(port).find(|port| !used.contains(port))
}

#[cfg(test)]
mod tests;
