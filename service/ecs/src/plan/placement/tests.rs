//! Placement: tables for what AWS documents, properties for what must always hold.

use proptest::prelude::*;
use proptest::strategy::Strategy as _;

use super::{Strategy, *};
use crate::plan::query;

fn instance(id: &str, zone: &str, cpu: i64, memory: i64) -> Instance {
    Instance {
        id: id.to_owned(),
        facts: Facts {
            attributes: BTreeMap::from([(ZONE.to_owned(), Some(zone.to_owned()))]),
            agent_connected: true,
            ec2_instance: format!("i-{id}"),
            ..Facts::default()
        },
        active: true,
        cpu,
        memory,
        ..Instance::default()
    }
}

fn request(cpu: i64, memory: i64) -> Request {
    Request {
        cpu,
        memory,
        group: "service:web".to_owned(),
        ..Request::default()
    }
}

/// Places as many as fit; the ids in order.
fn place(instances: &mut [Instance], request: &Request, count: usize) -> Vec<String> {
    let mut placed = Vec::new();
    for _ in 0..count {
        let Ok(at) = choose(instances, request) else { break };
        let one = &mut instances[at];
        one.cpu -= request.cpu;
        one.memory -= request.memory;
        one.tcp.extend(&request.tcp);
        one.wanted.push(request.group.clone());
        placed.push(one.id.clone());
    }
    placed
}

#[test]
fn strategies_prefer_in_their_order() {
    let three = || {
        vec![
            instance("a", "z1", 1000, 900),
            instance("b", "z1", 800, 1000),
            instance("c", "z2", 900, 700),
        ]
    };
    let zone = || Strategy::SpreadAttribute(ZONE.to_owned());
    for (strategies, expected) in [
        (vec![], ["a", "a", "a", "a"]),
        (vec![Strategy::BinpackCpu], ["b", "b", "b", "b"]),
        (vec![Strategy::BinpackMemory], ["c", "c", "c", "c"]),
        (vec![Strategy::SpreadInstances], ["a", "b", "c", "a"]),
        (vec![zone()], ["a", "c", "a", "c"]),
        (vec![zone(), Strategy::SpreadInstances], ["a", "c", "b", "c"]),
        (vec![zone(), Strategy::BinpackCpu], ["b", "c", "b", "c"]),
    ] {
        let request = Request {
            strategies: strategies.clone(),
            ..request(100, 100)
        };
        assert_eq!(place(&mut three(), &request, 4), expected, "{strategies:?}");
    }
}

#[test]
fn an_instance_lacks_the_first_thing_it_lacks() {
    let fit = || instance("a", "z1", 100, 100);
    let with = |change: fn(&mut Instance)| {
        let mut it = fit();
        change(&mut it);
        it
    };
    let base = Request {
        tcp: BTreeSet::from([80]),
        udp: BTreeSet::from([53]),
        attributes: BTreeSet::from([ZONE.to_owned()]),
        constraints: vec![
            Constraint::DistinctInstance,
            Constraint::MemberOf(query::parse("ec2InstanceId == i-a").unwrap()),
        ],
        ..request(100, 100)
    };
    for (instance, expected) in [
        (fit(), None),
        (with(|it| it.tcp = BTreeSet::from([80])), Some(Lack::Ports)),
        (with(|it| it.udp = BTreeSet::from([80])), None),
        (with(|it| it.udp = BTreeSet::from([53])), Some(Lack::Ports)),
        (with(|it| it.cpu = 99), Some(Lack::Cpu)),
        (with(|it| it.memory = 99), Some(Lack::Memory)),
        (
            with(|it| it.wanted = vec!["service:web".to_owned()]),
            Some(Lack::Distinct),
        ),
        (with(|it| it.wanted = vec!["service:api".to_owned()]), None),
        (
            with(|it| it.facts.ec2_instance = "i-b".to_owned()),
            Some(Lack::MemberOf),
        ),
        (with(|it| it.facts.attributes.clear()), Some(Lack::Attribute)),
        (with(|it| it.facts.agent_connected = false), Some(Lack::Agent)),
    ] {
        assert_eq!(lack(&instance, &base), expected);
    }
}

#[test]
fn the_closest_is_named_first_and_those_that_are_not_asked_not_at_all() {
    let mut all = vec![
        instance("a", "z1", 10, 10),
        instance("b", "z1", 1000, 1000),
        instance("c", "z1", 1000, 1000),
        instance("d", "z1", 1000, 1000),
    ];
    all[1].tcp = BTreeSet::from([80]);
    all[2].active = false;
    all[3].capacity_provider = Some("other".to_owned());
    let request = Request {
        tcp: BTreeSet::from([80]),
        capacity_provider: None,
        ..request(100, 100)
    };
    all[3].facts.agent_connected = false;
    let refused = choose(&all, &request).unwrap_err();
    assert_eq!(
        refused,
        [
            ("b".to_owned(), Lack::Ports),
            ("a".to_owned(), Lack::Memory),
            ("d".to_owned(), Lack::Agent)
        ]
    );
    let of_provider = Request {
        capacity_provider: Some("mine".to_owned()),
        ..request
    };
    assert_eq!(choose(&all, &of_provider).unwrap_err(), []);
}

#[test]
fn free_ports_go_round() {
    assert_eq!(free_port(&BTreeSet::new(), (10, 12), 2), Some(12));
    assert_eq!(free_port(&BTreeSet::from([12]), (10, 12), 2), Some(10));
    assert_eq!(free_port(&BTreeSet::from([10, 11, 12]), (10, 12), 7), None);
}

fn strategies() -> impl proptest::strategy::Strategy<Value = Vec<Strategy>> {
    let one = prop_oneof![
        Just(Strategy::SpreadInstances),
        Just(Strategy::SpreadAttribute(ZONE.to_owned())),
        Just(Strategy::BinpackCpu),
        Just(Strategy::BinpackMemory),
        any::<u64>().prop_map(Strategy::Random),
    ];
    prop::collection::vec(one, 0..3)
}

fn machines() -> impl proptest::strategy::Strategy<Value = Vec<Instance>> {
    let one = (0..3_u8, 0..2000_i64, 0..2000_i64, any::<bool>(), any::<bool>());
    prop::collection::vec(one, 0..6).prop_map(|all| {
        let make = |(at, (zone, cpu, memory, active, connected)): (usize, (u8, i64, i64, bool, bool))| {
            let mut it = instance(&at.to_string(), &format!("z{zone}"), cpu, memory);
            (it.active, it.facts.agent_connected) = (active, connected);
            it
        };
        all.into_iter().enumerate().map(make).collect()
    })
}

proptest! {
    #[test]
    fn nobody_is_given_more_than_there_is(
        mut all in machines(), strategies in strategies(), cpu in 1..500_i64, memory in 1..500_i64, port in any::<bool>(),
    ) {
        let request = Request {
            strategies,
            tcp: if port { BTreeSet::from([80]) } else { BTreeSet::new() },
            ..request(cpu, memory)
        };
        let before = all.clone();
        let placed = place(&mut all, &request, 50);
        for (one, was) in all.iter().zip(&before) {
            prop_assert!(one.cpu >= 0 && one.memory >= 0);
            let here = placed.iter().filter(|id| **id == one.id).count();
            prop_assert!(here == 0 || was.active && was.facts.agent_connected);
            prop_assert!(!port || here <= 1, "a port is given once");
        }
        // And whatever could take one is full.
        prop_assert!(placed.len() == 50 || choose(&all, &request).is_err());
    }

    #[test]
    fn the_same_picture_has_the_same_answer(all in machines(), strategies in strategies()) {
        let request = Request { strategies, ..request(10, 10) };
        let mut backwards = all.clone();
        backwards.reverse();
        let id = |all: &[Instance]| choose(all, &request).ok().map(|at| all[at].id.clone());
        prop_assert_eq!(id(&all), id(&backwards));
    }

    #[test]
    fn spreading_keeps_instances_even(count in 1..20_usize) {
        let mut all: Vec<_> = (0..4).map(|at| instance(&at.to_string(), "z", 10_000, 10_000)).collect();
        let request = Request { strategies: vec![Strategy::SpreadInstances], ..request(1, 1) };
        place(&mut all, &request, count);
        let counts: Vec<usize> = all.iter().map(|it| it.wanted.len()).collect();
        prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
    }
}
