//! A network's router: which way packets leave a subnet, what passes its border, and who is known outside by which
//! address. Decisions only, from desired state to a table.
//!
//! Routes and borders know nothing of connections, so every packet is judged; a change holds for connections that
//! stand as well. Only the questions for names, and what the network itself answers, are nobody's business.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use contract::network::{AddressGateway, BorderEntry, DesiredNetwork, Route, Subnet, Target};

use crate::name::{bridge_name, gateway_mark};
use crate::nft::{
    Addresses, Branch, Expression, Family, Hook, Rule, Table, ct_established, ct_marked, ct_readdressed,
    destination, from_link, masquerade, not_from_link, not_to_link, protocol, source, to_link,
};
use crate::rules::{DESTINATION_PRIORITY, SOURCE_PRIORITY, Sets, TABLE, UPLINK, filter, nat, one};

/// Map from private to public addresses, and back.
const OUTWARD: &str = "outward";
const INWARD: &str = "inward";
/// Private addresses that are known outside.
const KNOWN: &str = "known";
/// Chain for what comes by the uplink.
const ARRIVING: &str = "arriving";

/// Chains of one subnet or gateway; the number is its place in the list.
fn routes_of(subnet: usize) -> String {
    format!("routes{subnet}")
}

fn gateway_of(gateway: usize) -> String {
    format!("gateway{gateway}")
}

fn ingress_of(subnet: usize) -> String {
    format!("ingress{subnet}")
}

fn egress_of(subnet: usize) -> String {
    format!("egress{subnet}")
}

/// What passes through a network's own namespace. `host` is the host's end of the uplink.
pub(crate) fn network_table(network: &DesiredNetwork) -> Table {
    let router = Router { network };
    let mut branches = vec![Branch {
        name: ARRIVING.to_owned(),
        rules: router.arriving(),
    }];
    for (number, subnet) in network.subnets.iter().enumerate() {
        branches.push(Branch {
            name: routes_of(number),
            rules: router.routes(&subnet.routes, true),
        });
        for (name, entries, side) in [
            (
                ingress_of(number),
                &subnet.border.ingress,
                source as fn(&Addresses) -> _,
            ),
            (egress_of(number), &subnet.border.egress, destination),
        ] {
            let rules = border(entries, side);
            branches.push(Branch { name, rules });
        }
    }
    for (number, gateway) in network.gateways.iter().enumerate() {
        branches.push(Branch {
            name: gateway_of(number),
            rules: router.gateway(gateway),
        });
    }
    let pairs = || network.public.iter().map(|pair| (pair.private, pair.public));
    let mut known: Vec<Ipv4Addr> = pairs().map(|(private, _)| private).collect();
    known.sort_unstable();
    known.dedup();
    let inward = pairs().map(|(private, public)| (public, private)).collect();
    let mut sets = Sets::new(network);
    let input = router.input(&mut sets);
    sets.members.insert(KNOWN.to_owned(), known);
    Table {
        family: Family::Ipv4,
        name: TABLE.to_owned(),
        sets: sets.members,
        maps: BTreeMap::from([
            (OUTWARD.to_owned(), pairs().collect()),
            (INWARD.to_owned(), inward),
        ]),
        counters: vec![],
        branches,
        chains: vec![
            filter("input", Hook::Input, input),
            filter("output", Hook::Output, router.output()),
            nat("prerouting", Hook::Prerouting, DESTINATION_PRIORITY, readdress()),
            nat("postrouting", Hook::Postrouting, SOURCE_PRIORITY, router.hide()),
            filter("forward", Hook::Forward, router.forward()),
        ],
    }
}

fn readdress() -> Vec<Rule> {
    vec![Rule::when([from_link(UPLINK)]).destination_by(INWARD)]
}

/// Entries of a border, where an allowed packet goes on to whatever else is to be asked.
fn border(entries: &[BorderEntry], side: fn(&Addresses) -> Vec<Expression>) -> Vec<Rule> {
    let mut rules: Vec<Rule> = entries
        .iter()
        .map(|entry| {
            let rule = Rule::when([
                side(&Addresses::In(entry.range.trunc())),
                protocol(entry.protocol),
            ]);
            if entry.allow { rule.back() } else { rule.drop() }
        })
        .collect();
    rules.push(Rule::default().drop());
    rules
}

fn is_open(entries: &[BorderEntry]) -> bool {
    entries.first() == Some(&BorderEntry::EVERYTHING)
}

struct Router<'a> {
    network: &'a DesiredNetwork,
}

impl Router<'_> {
    /// Subnets whose border stops something, by number.
    fn bordered(
        &self,
        side: impl Fn(&Subnet) -> &[BorderEntry] + Copy,
    ) -> impl Iterator<Item = (usize, &Subnet)> {
        let subnets = self.network.subnets.iter().enumerate();
        subnets.filter(move |(_, subnet)| !is_open(side(subnet)))
    }

    fn leaving(&self) -> impl Iterator<Item = (usize, &Subnet)> {
        self.bordered(|subnet| &subnet.border.egress)
    }

    fn entering(&self) -> impl Iterator<Item = (usize, &Subnet)> {
        self.bordered(|subnet| &subnet.border.ingress)
    }

    /// Routes as rules, the longest prefix first. `own` of the subnet itself, else of what stands for others in it.
    fn routes(&self, routes: &[Route], own: bool) -> Vec<Rule> {
        let mut routes: Vec<&Route> = routes.iter().collect();
        routes.sort_by_key(|route| {
            (
                std::cmp::Reverse(route.destination.prefix_len()),
                route.destination,
            )
        });
        let mut rules = Vec::new();
        for route in routes {
            let to = || destination(&Addresses::In(route.destination.trunc()));
            match &route.target {
                Target::Internet if own => {
                    rules.push(Rule::when([to(), source(&Addresses::Set(KNOWN.to_owned()))]).accept());
                    rules.push(Rule::when([to()]).drop());
                }
                Target::Internet => rules.push(Rule::when([to()]).accept()),
                Target::Gateway(id) if own => {
                    let mut gateways = self.network.gateways.iter();
                    let rule = Rule::when([to()]);
                    rules.push(match gateways.position(|gateway| gateway.id == *id) {
                        Some(number) => rule.goto(&gateway_of(number)),
                        None => rule.drop(),
                    });
                }
                // The range of the network as well: what is in none of its subnets is nowhere.
                Target::Local | Target::Nowhere | Target::Gateway(_) => rules.push(Rule::when([to()]).drop()),
            }
        }
        rules.push(Rule::default().drop());
        rules
    }

    /// What was routed to a gateway goes on as if it left the gateway's own subnet.
    fn gateway(&self, gateway: &AddressGateway) -> Vec<Rule> {
        let mut subnets = self.network.subnets.iter();
        let Some(place) = subnets.position(|subnet| subnet.id == gateway.subnet) else {
            return vec![Rule::default().drop()];
        };
        let mut rules = self.through(place);
        rules.push(Rule::default().mark(gateway_mark(&gateway.id)));
        rules.extend(self.routes(&self.network.subnets[place].routes, false));
        rules
    }

    /// In by a subnet's border, and out again.
    fn through(&self, subnet: usize) -> Vec<Rule> {
        let ingress = self.entering().filter(|(number, _)| *number == subnet);
        let egress = self.leaving().filter(|(number, _)| *number == subnet);
        let names = ingress.map(|_| ingress_of(subnet));
        names
            .chain(egress.map(|_| egress_of(subnet)))
            .map(|name| Rule::default().jump(&name))
            .collect()
    }

    fn forward(&self) -> Vec<Rule> {
        let mut rules = vec![Rule::when([from_link(UPLINK)]).goto(ARRIVING)];
        for (number, subnet) in self.leaving() {
            let bridge = bridge_name(&subnet.id);
            rules.push(Rule::when([from_link(&bridge), not_to_link(&bridge)]).jump(&egress_of(number)));
        }
        for (number, subnet) in self.network.subnets.iter().enumerate() {
            let leaving = [from_link(&bridge_name(&subnet.id)), to_link(UPLINK)];
            rules.push(Rule::when(leaving).goto(&routes_of(number)));
        }
        rules.push(Rule::when([to_link(UPLINK)]).drop());
        for (number, subnet) in self.entering() {
            let bridge = bridge_name(&subnet.id);
            rules.push(Rule::when([to_link(&bridge), not_from_link(&bridge)]).jump(&ingress_of(number)));
        }
        rules
    }

    /// What comes by the uplink: answers, and what was sent to a public address.
    fn arriving(&self) -> Vec<Rule> {
        let mut rules = Vec::new();
        for gateway in &self.network.gateways {
            let mut subnets = self.network.subnets.iter();
            let Some(place) = subnets.position(|subnet| subnet.id == gateway.subnet) else {
                continue;
            };
            for Rule(on) in self.through(place) {
                rules.push(Rule::when([ct_marked(gateway_mark(&gateway.id)), on]));
            }
        }
        for (number, subnet) in self.entering() {
            rules.push(Rule::when([to_link(&bridge_name(&subnet.id))]).jump(&ingress_of(number)));
        }
        rules.push(Rule::when([ct_established()]).accept());
        rules.push(Rule::when([ct_readdressed()]).accept());
        rules.push(Rule::default().drop());
        rules
    }

    /// What ends in the network itself: nothing begins from outside, and its feet are behind their subnets' borders.
    fn input(&self, sets: &mut Sets<'_>) -> Vec<Rule> {
        let mut rules = Vec::new();
        for foot in &self.network.feet {
            let to = || destination(&one(foot.address));
            for (number, subnet) in self.leaving().filter(|(_, subnet)| subnet.id != foot.subnet) {
                let coming = [to(), from_link(&bridge_name(&subnet.id))];
                rules.push(Rule::when(coming).jump(&egress_of(number)));
            }
            for (number, subnet) in self.entering().filter(|(_, subnet)| subnet.id == foot.subnet) {
                let coming = [to(), not_from_link("lo"), not_from_link(&bridge_name(&subnet.id))];
                rules.push(Rule::when(coming).jump(&ingress_of(number)));
            }
        }
        rules.push(Rule::when([ct_established()]).accept());
        rules.push(Rule::when([from_link(UPLINK)]).drop());
        for foot in self.network.feet.iter().filter(|foot| !foot.groups.is_empty()) {
            let to = destination(&one(foot.address));
            for Rule(lets_in) in sets.ingress(&foot.groups) {
                rules.push(Rule::when([to.clone(), lets_in]));
            }
            rules.push(Rule::when([to, not_from_link("lo")]).drop());
        }
        rules
    }

    fn output(&self) -> Vec<Rule> {
        let mut rules = Vec::new();
        for foot in &self.network.feet {
            let from = || source(&one(foot.address));
            for (number, subnet) in self.leaving().filter(|(_, subnet)| subnet.id == foot.subnet) {
                let going = [from(), not_to_link("lo"), not_to_link(&bridge_name(&subnet.id))];
                rules.push(Rule::when(going).jump(&egress_of(number)));
            }
            for (number, subnet) in self.entering().filter(|(_, subnet)| subnet.id != foot.subnet) {
                let going = [from(), to_link(&bridge_name(&subnet.id))];
                rules.push(Rule::when(going).jump(&ingress_of(number)));
            }
        }
        rules
    }

    fn hide(&self) -> Vec<Rule> {
        let mut rules = Vec::new();
        for gateway in &self.network.gateways {
            let marked = [to_link(UPLINK), ct_marked(gateway_mark(&gateway.id))];
            rules.push(Rule::when(marked).source_to(gateway.public));
        }
        rules.push(Rule::when([to_link(UPLINK)]).source_by(OUTWARD));
        rules.push(Rule::when([to_link(UPLINK), masquerade()]));
        rules
    }
}

#[cfg(test)]
mod tests;
