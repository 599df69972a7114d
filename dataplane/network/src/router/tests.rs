use contract::network::{Border, Protocol};

use super::*;
use crate::nft::port_range;

fn route(destination: &str, target: Target) -> Route {
    Route {
        destination: destination.parse().unwrap(),
        target,
    }
}

fn network() -> DesiredNetwork {
    let subnet = |id: &str, range: &str, routes| Subnet {
        id: id.to_owned(),
        range: range.parse().unwrap(),
        routes,
        border: Border::default(),
    };
    DesiredNetwork {
        id: "vpc".to_owned(),
        generation: 1,
        ranges: vec!["10.0.0.0/16".parse().unwrap()],
        subnets: vec![
            subnet("one", "10.0.1.0/24", vec![route("0.0.0.0/0", Target::Internet)]),
            subnet(
                "two",
                "10.0.2.0/24",
                vec![
                    route("0.0.0.0/0", Target::Gateway("nat".to_owned())),
                    route("192.0.2.0/24", Target::Nowhere),
                    route("192.0.2.9/32", Target::Gateway("gone".to_owned())),
                ],
            ),
        ],
        groups: vec![],
        feet: vec![],
        public: vec![],
        gateways: vec![AddressGateway {
            id: "nat".to_owned(),
            subnet: "one".to_owned(),
            public: Ipv4Addr::new(198, 18, 0, 1),
        }],
        interfaces: vec![],
        names: contract::dns::NetworkNames::default(),
    }
}

fn branch<'a>(table: &'a Table, name: &str) -> &'a [Rule] {
    let mut branches = table.branches.iter();
    &branches.find(|branch| branch.name == name).unwrap().rules
}

fn chain<'a>(table: &'a Table, name: &str) -> &'a [Rule] {
    &table
        .chains
        .iter()
        .find(|chain| chain.name == name)
        .unwrap()
        .rules
}

fn table(network: &DesiredNetwork) -> Table {
    network_table(network)
}

#[test]
fn the_longest_prefix_comes_first_and_nothing_is_the_last_word() {
    let table = table(&network());
    let rules = branch(&table, "routes1");
    let to = |range: &str| destination(&Addresses::In(range.parse().unwrap()));
    let expected = [
        Rule::when([to("192.0.2.9/32")]).drop(),
        Rule::when([to("192.0.2.0/24")]).drop(),
        Rule::default().goto("gateway0"),
        Rule::default().drop(),
    ];
    assert_eq!(rules, expected);
}

#[test]
fn only_public_addresses_leave_by_the_internet() {
    let table = table(&network());
    let known = source(&Addresses::Set("known".to_owned()));
    let expected = [
        Rule::when([known]).accept(),
        Rule::default().drop(),
        Rule::default().drop(),
    ];
    assert_eq!(branch(&table, "routes0"), expected);
}

#[test]
fn a_gateway_goes_on_by_the_routes_of_its_own_subnet() {
    let mut network = network();
    let mark = Rule::default().mark(gateway_mark("nat"));
    let expected = [mark.clone(), Rule::default().accept(), Rule::default().drop()];
    assert_eq!(branch(&table(&network), "gateway0"), expected);

    network.subnets[0].routes[0].target = Target::Gateway("nat".to_owned());
    let expected = [mark, Rule::default().drop(), Rule::default().drop()];
    assert_eq!(branch(&table(&network), "gateway0"), expected, "not to itself");
}

#[test]
fn an_open_border_costs_nothing_and_another_one_is_asked_both_ways() {
    let mut network = network();
    let jumps = |table: &Table| {
        let rules = chain(table, "forward").iter();
        rules
            .filter(|rule| matches!(rule.0.last(), Some(Expression::Jump(_))))
            .count()
    };
    assert_eq!(jumps(&table(&network)), 0);
    let closed = BorderEntry {
        allow: false,
        protocol: Protocol::Tcp { from: 22, to: 22 },
        ..BorderEntry::EVERYTHING
    };
    network.subnets[0].border = Border {
        ingress: vec![closed, BorderEntry::EVERYTHING],
        egress: vec![],
    };
    let table = table(&network);
    assert_eq!(jumps(&table), 2);
    let expected = [
        Rule::when([port_range(libc::IPPROTO_TCP, 22, 22)]).drop(),
        Rule::default().back(),
        Rule::default().drop(),
    ];
    assert_eq!(branch(&table, "ingress0"), expected);
    assert_eq!(branch(&table, "egress0"), [Rule::default().drop()]);
    let through = branch(&table, "gateway0");
    assert_eq!(through[0], Rule::default().jump("ingress0"));
    assert_eq!(through[1], Rule::default().jump("egress0"));
}
