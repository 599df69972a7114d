//! What the packet filters of a network say: decisions only, from desired state to tables.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use contract::agent;
use contract::network::{DesiredNetwork, Interface, Peer, Rule as GroupRule, SecurityGroup};
use ipnet::Ipv4Net;

use crate::nft::{
    Addresses, Chain, Family, Hook, Kind, Rule, Table, ct_established, destination, from_link, ipv4_only,
    masquerade, not_from_link, not_to_link, port_range, protocol, source, to_link,
};

/// Table in the namespaces of tasks and networks.
pub(crate) const TABLE: &str = "wharf";
const ALIAS_TABLE: &str = "wharf_alias";
/// The uplink's name inside a network.
pub(crate) const UPLINK: &str = "uplink";
/// A task's link in its namespace.
pub const TASK_LINK: &str = "eth0";
pub(crate) const DNS_PORT: u16 = 53;
/// Set of public addresses.
const PUBLIC: &str = "public";
const FILTER_PRIORITY: i32 = 0;
/// After connections are known (-200) and before destinations change (-100): packets as they come by the wire.
const ARRIVING_PRIORITY: i32 = -150;
/// After sources have changed (100): packets as they leave by the wire.
const LEAVING_PRIORITY: i32 = 150;
pub(crate) const DESTINATION_PRIORITY: i32 = -100;
pub(crate) const SOURCE_PRIORITY: i32 = 100;
const LINK_LOCAL: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16);

pub(crate) const LOOPBACK: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);

/// The address that answers names in a network: the third one of its first range, as in AWS.
pub(crate) fn resolver(network: &DesiredNetwork) -> Option<Ipv4Addr> {
    let range = network.ranges.first()?;
    Some(Ipv4Addr::from(u32::from(range.network()) + 2))
}

/// The router's address in a subnet: the first one after the network's own.
pub(crate) fn router(range: Ipv4Net) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(range.network()) + 1)
}

pub(crate) fn one(address: Ipv4Addr) -> Addresses {
    Addresses::In(Ipv4Net::from(address))
}

pub(crate) fn filter(name: &'static str, hook: Hook, rules: Vec<Rule>) -> Chain {
    filter_at(name, hook, FILTER_PRIORITY, rules)
}

fn filter_at(name: &'static str, hook: Hook, priority: i32, rules: Vec<Rule>) -> Chain {
    Chain {
        name,
        kind: Kind::Filter,
        hook,
        priority,
        rules,
    }
}

pub(crate) fn nat(name: &'static str, hook: Hook, priority: i32, rules: Vec<Rule>) -> Chain {
    Chain {
        name,
        kind: Kind::Nat,
        hook,
        priority,
        rules,
    }
}

fn tcp() -> Vec<crate::nft::Expression> {
    port_range(libc::IPPROTO_TCP, 0, u16::MAX)
}

pub(crate) fn dns_protocols() -> [i32; 2] {
    [libc::IPPROTO_UDP, libc::IPPROTO_TCP]
}

/// The security groups of one interface, for its task's namespace. What no rule allows is dropped, also when a
/// group is not known (yet). They judge what passes the interface, as it is on the wire: the namespace may have a
/// bridge of its own behind it, whose packets are readdressed inside and are nobody's business as long as they stay.
pub(crate) fn task_table(network: &DesiredNetwork, interface: &Interface) -> Table {
    let now = network.interfaces.iter().find(|now| now.id == interface.id);
    let groups: Vec<&SecurityGroup> = now
        .map_or(&interface.groups, |now| &now.groups)
        .iter()
        .filter_map(|id| network.groups.iter().find(|group| group.id == *id))
        .collect();
    let mut sets = Sets::new(network);
    let mut input = vec![
        Rule::when([not_from_link(TASK_LINK)]).accept(),
        Rule::when([ipv4_only(false)]).drop(),
    ];
    let mut output = vec![
        Rule::when([not_to_link(TASK_LINK)]).accept(),
        Rule::when([ipv4_only(false)]).drop(),
    ];
    if !now.is_some_and(|now| now.forwards) {
        // Nobody speaks for somebody else, or hears what is for somebody else.
        let own = Addresses::NotIn(Ipv4Net::from(interface.address));
        output.push(Rule::when([ipv4_only(true), source(&own)]).drop());
        input.push(Rule::when([ipv4_only(true), destination(&own)]).drop());
    }
    input.push(Rule::when([ct_established()]).accept());
    output.push(Rule::when([ct_established()]).accept());
    // What tasks and hosts ask about themselves is not subject to security groups, as in AWS.
    for address in [agent::ADDRESS, agent::HOST_ADDRESS] {
        output.push(Rule::when([ipv4_only(true), destination(&one(address)), tcp()]).accept());
    }
    // The network's own resolver is not subject to security groups, as in AWS.
    if let Some(resolver) = resolver(network) {
        for protocol in dns_protocols() {
            let question = [
                ipv4_only(true),
                destination(&one(resolver)),
                port_range(protocol, DNS_PORT, DNS_PORT),
            ];
            output.push(Rule::when(question).accept());
        }
    }
    for group in groups {
        input.extend(group.ingress.iter().filter_map(|rule| sets.rule(rule, source)));
        output.extend(
            group
                .egress
                .iter()
                .filter_map(|rule| sets.rule(rule, destination)),
        );
    }
    input.push(Rule::default().drop());
    output.push(Rule::default().drop());
    Table {
        family: Family::Inet,
        name: TABLE.to_owned(),
        sets: sets.members,
        maps: BTreeMap::new(),
        counters: vec![],
        branches: Vec::new(),
        chains: vec![
            filter_at("arriving", Hook::Prerouting, ARRIVING_PRIORITY, input),
            filter_at("leaving", Hook::Postrouting, LEAVING_PRIORITY, output),
        ],
    }
}

/// In a task's own namespace: connections to aliases go to the proxy's door there, whatever the task listens on itself.
pub(crate) fn alias_table() -> Table {
    let door = agent::ALIAS_DOOR;
    let aliases = [destination(&Addresses::In(agent::ALIASES)), tcp()];
    let lead = Rule::when(aliases).destination_to_port(*door.ip(), door.port());
    Table {
        family: Family::Ipv4,
        name: ALIAS_TABLE.to_owned(),
        sets: BTreeMap::new(),
        maps: BTreeMap::new(),
        counters: vec![],
        branches: Vec::new(),
        chains: vec![nat("output", Hook::Output, DESTINATION_PRIORITY, vec![lead])],
    }
}

/// Address sets of the groups that rules speak of.
pub(crate) struct Sets<'a> {
    network: &'a DesiredNetwork,
    named: BTreeMap<String, String>,
    pub members: BTreeMap<String, Vec<Ipv4Addr>>,
}

impl<'a> Sets<'a> {
    pub fn new(network: &'a DesiredNetwork) -> Self {
        Self {
            network,
            named: BTreeMap::new(),
            members: BTreeMap::new(),
        }
    }

    /// What these groups let in.
    pub fn ingress(&mut self, groups: &[String]) -> Vec<Rule> {
        let network = self.network;
        let named = network.groups.iter().filter(|group| groups.contains(&group.id));
        let rules = named.flat_map(|group| &group.ingress);
        rules.filter_map(|rule| self.rule(rule, source)).collect()
    }

    fn rule(
        &mut self,
        rule: &GroupRule,
        side: fn(&Addresses) -> Vec<crate::nft::Expression>,
    ) -> Option<Rule> {
        let addresses = match &rule.peer {
            Peer::Range(range) => Addresses::In(range.trunc()),
            Peer::Group(id) => Addresses::Set(self.set_of(id)?),
        };
        // That it is IPv4 has been decided; saying it again lets `nft list` show addresses as such.
        Some(Rule::when([ipv4_only(true), side(&addresses), protocol(rule.protocol)]).accept())
    }

    fn set_of(&mut self, id: &str) -> Option<String> {
        if let Some(name) = self.named.get(id) {
            return Some(name.clone());
        }
        let group = self.network.groups.iter().find(|group| group.id == id)?;
        let name = format!("group{}", self.named.len());
        let members: BTreeSet<Ipv4Addr> = group.members.iter().copied().collect();
        self.members.insert(name.clone(), members.into_iter().collect());
        self.named.insert(id.to_owned(), name.clone());
        Some(name)
    }
}

/// One uplink as the host sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Uplink {
    pub link: String,
    pub network: Ipv4Addr,
    /// Addresses that the host reaches by this uplink.
    pub public: Vec<Ipv4Addr>,
}

/// The host's part: hides the networks behind the host's own addresses.
/// Public addresses are public on this machine only: networks see each other by them, and so does the host, but
/// nobody whose packets come by another link.
pub(crate) fn host_table(name: &str, uplinks: &[Uplink]) -> Table {
    let (mut postrouting, mut forward) = (vec![], vec![]);
    for uplink in uplinks {
        let from = || from_link(&uplink.link);
        // Neither other networks' uplinks nor the metadata of a cloud that this machine is in.
        forward.push(Rule::when([from(), destination(&Addresses::In(LINK_LOCAL))]).drop());
        // Between networks everybody is known by its public address.
        postrouting.push(Rule::when([to_link(&uplink.link), from_public()]).accept());
    }
    for uplink in uplinks {
        forward.push(Rule::when([from_link(&uplink.link)]).accept());
        postrouting.push(Rule::when([source(&one(uplink.network)), masquerade()]));
    }
    for uplink in uplinks {
        forward.push(Rule::when([to_link(&uplink.link), ct_established()]).accept());
        forward.push(Rule::when([to_link(&uplink.link)]).drop());
    }
    postrouting.push(Rule::when([from_public(), masquerade()]));
    let public = uplinks.iter().flat_map(|uplink| uplink.public.iter().copied());
    let public: BTreeSet<Ipv4Addr> = public.collect();
    Table {
        family: Family::Ipv4,
        name: name.to_owned(),
        sets: BTreeMap::from([(PUBLIC.to_owned(), public.into_iter().collect())]),
        maps: BTreeMap::new(),
        counters: vec![],
        branches: Vec::new(),
        chains: vec![
            nat("postrouting", Hook::Postrouting, SOURCE_PRIORITY, postrouting),
            filter("forward", Hook::Forward, forward),
        ],
    }
}

fn from_public() -> Vec<crate::nft::Expression> {
    source(&Addresses::Set(PUBLIC.to_owned()))
}
