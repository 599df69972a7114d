//! Who reaches whom: a table of pairs over groups, routes, borders and networks, each really tried.
//!
//! Two networks with the same range. In `a` there is a subnet of each kind: public, behind a gateway that gives its
//! address, without a way out, and one with a border; `b` has a public one.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use contract::network::{
    AddressGateway, Border, BorderEntry, DesiredNetwork, Interface, InterfaceRules, Peer, Protocol,
    PublicAddress, Rule, SecurityGroup, Subnet, Target,
};

use crate::bench::{
    Bench, PATIENCE, address, call, everybody, group, in_namespace, on_a_host, route, serve, shell, tcp,
};

/// How a pair is tried.
#[derive(Clone, Copy, Debug)]
enum By {
    Tcp(u16),
    Udp(u16),
    Ping,
}

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Comes {
    /// An answer, from who saw this address.
    As(&'static str),
    /// An answer.
    Back,
    Nothing,
}

use By::{Ping, Tcp, Udp};
use Comes::{As, Back, Nothing};

/// Why, from whom, to which address, how, and what comes of it.
type Case = (&'static str, &'static str, &'static str, By, Comes);

/// Name, network, address, groups.
const HOSTS: &[(&str, &str, &str, &str)] = &[
    ("a-web", "vpc-a", "10.0.1.10", "web"),
    ("a-app", "vpc-a", "10.0.1.20", "app"),
    ("a-quiet", "vpc-a", "10.0.1.60", "quiet"),
    ("a-db", "vpc-a", "10.0.2.30", "db"),
    ("a-lone", "vpc-a", "10.0.3.40", "open"),
    ("a-fence", "vpc-a", "10.0.4.50", "open"),
    ("a-fence2", "vpc-a", "10.0.4.51", "open"),
    ("b-web", "vpc-b", "10.0.1.10", "open"),
    ("b-plain", "vpc-b", "10.0.1.20", "open"),
];

/// Network, public address, private address.
const PUBLIC: &[(&str, &str, &str)] = &[
    ("vpc-a", "198.18.0.10", "10.0.1.10"),
    ("vpc-a", "198.18.0.50", "10.0.4.50"),
    ("vpc-a", "198.18.0.60", "10.0.1.60"),
    ("vpc-b", "198.18.0.110", "10.0.1.10"),
];
const GATEWAY: &str = "198.18.0.99";
/// The world has two addresses; the second one is a more specific route's destination.
const WORLD: &str = "192.0.2.2";
const WORLD_TOO: &str = "192.0.2.3";
/// How the world sees whoever comes from this machine.
const MACHINE: &str = "192.0.2.1";

const AT_FIRST: &[Case] = &[
    // Groups
    (
        "a rule that names the caller's group",
        "a-web",
        "10.0.1.20",
        Tcp(80),
        As("10.0.1.10"),
    ),
    (
        "who is not in the group that the rule names",
        "a-lone",
        "10.0.1.20",
        Tcp(80),
        Nothing,
    ),
    (
        "the first port of a range",
        "a-web",
        "10.0.1.20",
        Tcp(8000),
        As("10.0.1.10"),
    ),
    (
        "the last port of a range",
        "a-web",
        "10.0.1.20",
        Tcp(8002),
        As("10.0.1.10"),
    ),
    ("a port below the range", "a-web", "10.0.1.20", Tcp(7999), Nothing),
    ("a port above the range", "a-web", "10.0.1.20", Tcp(8003), Nothing),
    (
        "an address outside of the rule's range",
        "a-fence",
        "10.0.1.20",
        Tcp(8001),
        Nothing,
    ),
    ("UDP by a rule", "a-web", "10.0.1.20", Udp(5000), As("10.0.1.10")),
    (
        "UDP on a port that only TCP may use",
        "a-web",
        "10.0.1.20",
        Udp(8000),
        Nothing,
    ),
    (
        "UDP from who is not in the group",
        "a-lone",
        "10.0.1.20",
        Udp(5000),
        Nothing,
    ),
    ("ping by a rule", "a-lone", "10.0.1.10", Ping, Back),
    ("ping without a rule", "a-lone", "10.0.1.20", Ping, Nothing),
    (
        "what the caller's own group lets out",
        "a-quiet",
        "10.0.1.20",
        Tcp(8000),
        As("10.0.1.60"),
    ),
    (
        "another port than its group lets out",
        "a-quiet",
        "10.0.1.20",
        Tcp(8001),
        Nothing,
    ),
    (
        "another address than its group lets out",
        "a-quiet",
        "10.0.1.10",
        Tcp(80),
        Nothing,
    ),
    (
        "ping, which its group does not let out",
        "a-quiet",
        "10.0.1.10",
        Ping,
        Nothing,
    ),
    (
        "a group's member in another subnet",
        "a-app",
        "10.0.2.30",
        Tcp(80),
        As("10.0.1.20"),
    ),
    (
        "another group than the rule names",
        "a-web",
        "10.0.2.30",
        Tcp(80),
        Nothing,
    ),
    (
        "everybody may, also from another subnet",
        "a-db",
        "10.0.1.10",
        Tcp(80),
        As("10.0.2.30"),
    ),
    // Routes
    (
        "a public address leaves by the internet",
        "a-web",
        WORLD,
        Tcp(8080),
        As(MACHINE),
    ),
    (
        "no public address, no way out",
        "a-app",
        WORLD,
        Tcp(8080),
        Nothing,
    ),
    (
        "a private subnet leaves by its gateway",
        "a-db",
        WORLD,
        Tcp(8080),
        As(MACHINE),
    ),
    (
        "a more specific route leads nowhere",
        "a-db",
        WORLD_TOO,
        Tcp(8080),
        Nothing,
    ),
    (
        "the same address by another subnet's route",
        "a-web",
        WORLD_TOO,
        Tcp(8080),
        As(MACHINE),
    ),
    ("no route, no way out", "a-lone", WORLD, Tcp(8080), Nothing),
    (
        "an address of the network that nobody has",
        "a-web",
        "10.0.99.1",
        Tcp(80),
        Nothing,
    ),
    (
        "a group that lets nothing out",
        "a-quiet",
        WORLD,
        Tcp(8080),
        Nothing,
    ),
    // Networks
    (
        "public address to public address",
        "a-web",
        "198.18.0.110",
        Tcp(80),
        As("198.18.0.10"),
    ),
    (
        "and the other way round",
        "b-web",
        "198.18.0.10",
        Tcp(80),
        As("198.18.0.110"),
    ),
    (
        "from behind a gateway",
        "a-db",
        "198.18.0.110",
        Tcp(80),
        As(GATEWAY),
    ),
    ("a gateway lets nobody in", "b-web", GATEWAY, Tcp(80), Nothing),
    (
        "a public address does not open a group",
        "b-web",
        "198.18.0.10",
        Tcp(81),
        Nothing,
    ),
    (
        "nor one without any rule",
        "b-web",
        "198.18.0.60",
        Tcp(80),
        Nothing,
    ),
    (
        "without a public address nothing outside is reached",
        "b-plain",
        "198.18.0.10",
        Tcp(80),
        Nothing,
    ),
    (
        "private addresses of another network",
        "b-web",
        "10.0.2.30",
        Tcp(80),
        Nothing,
    ),
    (
        "the same address is one's own network's",
        "b-web",
        "10.0.1.20",
        Tcp(80),
        As("10.0.1.10"),
    ),
    (
        "a neighbour by its public address",
        "a-web",
        "198.18.0.50",
        Tcp(80),
        As("198.18.0.10"),
    ),
    ("the machine itself", "machine", "198.18.0.10", Tcp(80), Back),
    (
        "the machine is subject to groups",
        "machine",
        "198.18.0.10",
        Tcp(81),
        Nothing,
    ),
    (
        "the world behind the machine",
        "world",
        "198.18.0.10",
        Tcp(80),
        Nothing,
    ),
    (
        "the world, to a group that is open",
        "world",
        "198.18.0.110",
        Tcp(80),
        Nothing,
    ),
    // Borders
    (
        "what an entry allows, and its answer",
        "a-web",
        "10.0.4.50",
        Tcp(80),
        As("10.0.1.10"),
    ),
    (
        "what is denied before all is allowed",
        "a-web",
        "10.0.4.50",
        Tcp(81),
        Nothing,
    ),
    (
        "denied to a public address as well",
        "b-web",
        "198.18.0.50",
        Tcp(81),
        Nothing,
    ),
    (
        "allowed to a public address",
        "b-web",
        "198.18.0.50",
        Tcp(80),
        As("198.18.0.110"),
    ),
    (
        "an answer that may not leave",
        "a-web",
        "10.0.4.50",
        Udp(5000),
        Nothing,
    ),
    (
        "a question that may not leave",
        "a-fence",
        "10.0.1.10",
        Tcp(80),
        Nothing,
    ),
    ("a question that may", "a-fence", WORLD, Tcp(8080), As(MACHINE)),
    ("ping both ways", "a-web", "10.0.4.50", Ping, Back),
    (
        "between hosts of one subnet there is no border",
        "a-fence2",
        "10.0.4.50",
        Tcp(81),
        As("10.0.4.51"),
    ),
];

const AFTER_CHANGES: &[Case] = &[
    (
        "a rule that was taken away",
        "a-web",
        "10.0.1.20",
        Tcp(80),
        Nothing,
    ),
    (
        "a rule that was added",
        "a-web",
        "10.0.2.30",
        Tcp(80),
        As("10.0.1.10"),
    ),
    (
        "who was put into another group",
        "a-lone",
        "10.0.1.20",
        Tcp(8003),
        As("10.0.3.40"),
    ),
    ("and out of its own", "a-web", "10.0.3.40", Tcp(81), Nothing),
    (
        "a border that was opened",
        "a-web",
        "10.0.4.50",
        Tcp(81),
        As("10.0.1.10"),
    ),
    (
        "and for answers",
        "a-web",
        "10.0.4.50",
        Udp(5000),
        As("10.0.1.10"),
    ),
    ("a gateway that was removed", "a-db", WORLD, Tcp(8080), Nothing),
    (
        "a public address that was given",
        "a-app",
        WORLD,
        Tcp(8080),
        As(MACHINE),
    ),
    ("and is reached", "machine", "198.18.0.20", Tcp(7999), Back),
    (
        "a public address that was taken away",
        "a-web",
        WORLD,
        Tcp(8080),
        Nothing,
    ),
    ("and is not reached", "b-web", "198.18.0.10", Tcp(80), Nothing),
    (
        "not by the machine either",
        "machine",
        "198.18.0.10",
        Tcp(80),
        Nothing,
    ),
    (
        "the other network without its internet gateway",
        "b-web",
        WORLD,
        Tcp(8080),
        Nothing,
    ),
];

fn any(peer: Peer) -> Rule {
    Rule {
        protocol: Protocol::Any,
        peer,
    }
}

fn range(text: &str) -> Peer {
    Peer::Range(text.parse().unwrap())
}

fn of(group: &str) -> Peer {
    Peer::Group(group.to_owned())
}

fn groups() -> Vec<SecurityGroup> {
    let udp = |port, peer| Rule {
        protocol: Protocol::Udp { from: port, to: port },
        peer,
    };
    let ping = Rule {
        protocol: Protocol::IcmpType { kind: 8, code: None },
        peer: everybody(),
    };
    let ports = Rule {
        protocol: Protocol::Tcp { from: 8000, to: 8002 },
        peer: range("10.0.1.0/24"),
    };
    let mut quiet = group("quiet", vec![], &["10.0.1.60"]);
    quiet.egress = vec![tcp(8000, range("10.0.1.20/32"))];
    vec![
        group("web", vec![tcp(80, everybody()), ping], &["10.0.1.10"]),
        group(
            "app",
            vec![tcp(80, of("web")), udp(5000, of("web")), ports],
            &["10.0.1.20"],
        ),
        group("db", vec![tcp(80, of("app"))], &["10.0.2.30"]),
        group(
            "open",
            vec![any(everybody())],
            &["10.0.3.40", "10.0.4.50", "10.0.4.51"],
        ),
        quiet,
    ]
}

fn entry(allow: bool, protocol: Protocol) -> BorderEntry {
    BorderEntry {
        allow,
        protocol,
        ..BorderEntry::EVERYTHING
    }
}

/// Port 81 may not come in; answers of TCP may leave, and ping.
fn fence() -> Border {
    let high = Protocol::Tcp {
        from: 1024,
        to: u16::MAX,
    };
    Border {
        ingress: vec![
            entry(false, Protocol::Tcp { from: 81, to: 81 }),
            BorderEntry::EVERYTHING,
        ],
        egress: vec![entry(true, high), entry(true, Protocol::Icmp)],
    }
}

fn public_of(network: &str) -> Vec<PublicAddress> {
    let own = PUBLIC.iter().filter(|(of, ..)| *of == network);
    own.map(|(_, public, private)| PublicAddress {
        public: address(public),
        private: address(private),
    })
    .collect()
}

fn subnet(number: u8, routes: Vec<contract::network::Route>, border: Border) -> Subnet {
    let local = route("10.0.0.0/16", Target::Local);
    Subnet {
        id: format!("subnet-{number}"),
        range: format!("10.0.{number}.0/24").parse().unwrap(),
        routes: std::iter::once(local).chain(routes).collect(),
        border,
    }
}

fn network(id: &str, subnets: Vec<Subnet>, gateways: Vec<AddressGateway>) -> DesiredNetwork {
    DesiredNetwork {
        id: id.to_owned(),
        generation: 1,
        ranges: vec!["10.0.0.0/16".parse().unwrap()],
        subnets,
        groups: groups(),
        feet: vec![],
        public: public_of(id),
        gateways,
        interfaces: vec![],
        names: contract::dns::NetworkNames::default(),
    }
}

fn networks() -> [DesiredNetwork; 2] {
    let out = || route("0.0.0.0/0", Target::Internet);
    let by_gateway = vec![
        route("0.0.0.0/0", Target::Gateway("nat-1".to_owned())),
        route("192.0.2.3/32", Target::Nowhere),
    ];
    let gateway = AddressGateway {
        id: "nat-1".to_owned(),
        subnet: "subnet-1".to_owned(),
        public: address(GATEWAY),
    };
    let a = vec![
        subnet(1, vec![out()], Border::default()),
        subnet(2, by_gateway, Border::default()),
        subnet(3, vec![], Border::default()),
        subnet(4, vec![out()], fence()),
    ];
    let b = vec![subnet(1, vec![out()], Border::default())];
    [network("vpc-a", a, vec![gateway]), network("vpc-b", b, vec![])]
}

fn interface((name, network, at, group): &(&str, &str, &str, &str)) -> Interface {
    let at = address(at);
    let [.., third, fourth] = at.octets();
    Interface {
        id: format!("eni-{name}"),
        network: (*network).to_owned(),
        subnet: format!("subnet-{third}"),
        address: at,
        mac: format!("02:00:00:00:{third:02x}:{fourth:02x}"),
        groups: vec![(*group).to_owned()],
    }
}

/// Answers what comes over UDP with the address of who sent it.
fn serve_udp(namespace: &Path, port: u16) {
    let socket = in_namespace(namespace, || {
        UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap()
    });
    thread::spawn(move || {
        let mut buffer = [0; 64];
        while let Ok((_, peer)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(peer.ip().to_string().as_bytes(), peer);
        }
    });
}

fn ask_udp(namespace: &Path, to: Ipv4Addr, port: u16) -> std::io::Result<String> {
    in_namespace(namespace, || {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.connect((to, port))?;
        socket.send(b"?")?;
        let mut buffer = [0; 64];
        let count = socket.recv(&mut buffer)?;
        Ok(String::from_utf8_lossy(&buffer[..count]).into_owned())
    })
}

fn ping(namespace: &Path, to: Ipv4Addr) -> Option<String> {
    in_namespace(namespace, || {
        let to = to.to_string();
        let mut ping = Command::new("busybox");
        let output = ping.args(["ping", "-c", "1", "-W", "1", &to]).output().unwrap();
        output.status.success().then(String::new)
    })
}

/// Tries all cases of a table, at once, and tells of each that came out otherwise.
fn try_all(places: &BTreeMap<String, PathBuf>, cases: &[Case]) {
    let wrong: Vec<String> = thread::scope(|scope| {
        let tries: Vec<_> = cases
            .iter()
            .map(|(why, from, to, by, expected)| {
                let place = &places[*from];
                scope.spawn(move || {
                    let to_address = address(to);
                    let answer = match *by {
                        Tcp(port) => call(place, to_address, port).ok(),
                        Udp(port) => ask_udp(place, to_address, port).ok(),
                        Ping => ping(place, to_address),
                    };
                    let right = match (expected, &answer) {
                        (As(seen), Some(text)) => text == seen,
                        (Back, Some(_)) | (Nothing, None) => true,
                        _ => false,
                    };
                    (!right).then(|| format!("{why}: {from} to {to} by {by:?}: {expected:?}, not {answer:?}"))
                })
            })
            .collect();
        tries.into_iter().filter_map(|one| one.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn places(bench: &Bench) -> BTreeMap<String, PathBuf> {
    let mut places = BTreeMap::from([
        ("world".to_owned(), bench.world()),
        ("machine".to_owned(), PathBuf::from(machine())),
    ]);
    in_namespace(&bench.world(), || {
        shell("ip addr add 192.0.2.3/24 dev eth0; ip route add 198.18.0.0/15 via 192.0.2.1");
    });
    for desired in networks() {
        bench.network.apply(&desired).await.unwrap();
    }
    for host in HOSTS {
        let place = bench.network.attach(&interface(host)).await.unwrap();
        for port in [80, 81, 7999, 8000, 8001, 8002, 8003] {
            serve(&place, port);
        }
        for port in [5000, 8000] {
            serve_udp(&place, port);
        }
        places.insert(host.0.to_owned(), place);
    }
    serve(&bench.world(), 8080);
    places
}

/// The host's own namespace; threads that are made for a try are born in it, but not where the path is read.
fn machine() -> String {
    format!("/proc/{}/ns/net", nix::unistd::gettid())
}

/// What passes it is counted, also while the network's rules are replaced.
async fn gateway_is_counted(bench: &Bench, place: &Path) {
    const CALLS: u64 = 20;
    let counted = async || bench.network.gateways("vpc-a").await.unwrap()["nat-1"].clone();
    let before = counted().await;
    for round in 0..CALLS {
        call(place, address(WORLD), 8080).unwrap();
        // Nobody is there: an attempt, and the refusal of it.
        call(place, address(WORLD), 8081).unwrap_err();
        if round == CALLS / 2 {
            let [mut a, _] = networks();
            a.groups[0].members.push(address("10.0.3.41"));
            bench.network.apply(&a).await.unwrap();
            let [a, _] = networks();
            bench.network.apply(&a).await.unwrap();
        }
    }
    let after = counted().await;
    assert_eq!(
        after.attempted_connections - before.attempted_connections,
        2 * CALLS
    );
    assert_eq!(
        after.established_connections - before.established_connections,
        CALLS
    );
    let sent = after.sent_packets - before.sent_packets;
    // First packet, acknowledgements, end; and the one in vain.
    assert!((4 * CALLS..=15 * CALLS).contains(&sent), "{sent} packets");
    let bytes = after.received_bytes - before.received_bytes;
    assert!(bytes > CALLS * 4 * 40, "{bytes} bytes, heads included");
}

#[test]
fn who_reaches_whom() {
    on_a_host(|bench| async move {
        let places = places(&bench).await;
        try_all(&places, AT_FIRST);
        assert!(AT_FIRST.iter().any(|case| case.4 == Nothing));

        gateway_is_counted(&bench, &places["a-db"]).await;

        let [mut a, mut b] = networks();
        for group in &mut a.groups {
            match group.id.as_str() {
                "web" => group.members.push(address("10.0.3.40")),
                "app" => {
                    group.ingress.remove(0);
                    group.ingress.push(tcp(8003, of("web")));
                    group.ingress.push(tcp(7999, everybody()));
                }
                "db" => group.ingress.push(tcp(80, of("web"))),
                _ => {}
            }
        }
        // The one that was in the open group is now in one that lets port 80 in and no other.
        a.interfaces = vec![InterfaceRules {
            id: "eni-a-lone".to_owned(),
            groups: vec!["db".to_owned()],
            forwards: false,
        }];
        a.subnets[3].border = Border::default();
        a.gateways.clear();
        a.public.remove(0);
        a.public.push(PublicAddress {
            public: address("198.18.0.20"),
            private: address("10.0.1.20"),
        });
        b.public.clear();
        b.subnets[0].routes[1].target = Target::Nowhere;
        for desired in [a, b] {
            bench.network.apply(&desired).await.unwrap();
        }
        try_all(&places, AFTER_CHANGES);
        assert!(bench.network.gateways("vpc-a").await.unwrap().is_empty());
    });
}
