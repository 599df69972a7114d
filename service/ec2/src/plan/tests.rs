use super::*;
use crate::model::{Association, ElasticAssociation, NetworkAcl, Tags};

fn whole() -> Whole {
    Whole {
        region: "us-east-1".to_owned(),
        vpc: model::Vpc {
            id: "vpc-1".into(),
            range: "10.0.0.0/16".parse().unwrap(),
            dns_support: true,
            dns_hostnames: false,
            address_metrics: false,
            association: "a".into(),
            is_default: false,
            tags: Tags::new(),
        },
        subnets: vec![model::Subnet {
            id: "subnet-1".into(),
            vpc: "vpc-1".into(),
            range: "10.0.1.0/24".parse().unwrap(),
            zone: "us-east-1a".into(),
            map_public_ip: false,
            last_host: 0,
            is_default: false,
            tags: Tags::new(),
        }],
        route_tables: vec![table("rtb-main", true, &[])],
        gateways: vec![],
        groups: vec![],
        interfaces: vec![],
        acls: vec![],
        nat_gateways: vec![],
    }
}

fn table(id: &str, main: bool, routes: &[(&str, &str)]) -> model::RouteTable {
    let routes = routes.iter().map(|(destination, gateway)| model::Route {
        destination: destination.parse().unwrap(),
        gateway: (*gateway).into(),
    });
    model::RouteTable {
        id: id.into(),
        vpc: "vpc-1".into(),
        main_association: main.then(|| "rtbassoc-main".into()),
        routes: routes.collect(),
        associations: vec![],
        tags: Tags::new(),
    }
}

fn door(vpc: Option<&str>) -> model::InternetGateway {
    model::InternetGateway {
        id: "igw-1".into(),
        vpc: vpc.map(Into::into),
        tags: Tags::new(),
    }
}

fn nat(deleting: bool) -> model::NatGateway {
    let now = jiff::Timestamp::UNIX_EPOCH;
    model::NatGateway {
        id: "nat-1".into(),
        vpc: "vpc-1".into(),
        subnet: "subnet-1".into(),
        zone: "us-east-1a".into(),
        interface: "eni-nat".into(),
        made: now,
        available: true,
        failure: None,
        deleting: deleting.then_some(now),
        deleted: None,
        private: Some([10, 0, 1, 4].into()),
        public: [198, 18, 0, 9].into(),
        allocation: "eipalloc-1".into(),
        association: "eipassoc-1".into(),
        token: None,
        tags: Tags::new(),
    }
}

fn targets(whole: &Whole) -> Vec<(String, Target)> {
    let routes = network(whole).subnets.remove(0).routes;
    routes
        .into_iter()
        .map(|route| (route.destination.to_string(), route.target))
        .collect()
}

#[test]
fn routes_lead_where_their_gateways_are() {
    let everywhere = "0.0.0.0/0";
    let local = ("10.0.0.0/16".to_owned(), Target::Local);
    for (gateways, nats, target, expected) in [
        (vec![door(Some("vpc-1"))], vec![], "igw-1", Target::Internet),
        (vec![door(None)], vec![], "igw-1", Target::Nowhere),
        (vec![door(Some("vpc-2"))], vec![], "igw-1", Target::Nowhere),
        (vec![], vec![], "igw-1", Target::Nowhere),
        (vec![], vec![nat(false)], "nat-1", Target::Gateway("nat-1".into())),
        (vec![], vec![nat(true)], "nat-1", Target::Nowhere),
        (vec![], vec![], "nat-1", Target::Nowhere),
    ] {
        let mut whole = whole();
        (whole.gateways, whole.nat_gateways) = (gateways, nats);
        whole.route_tables[0] = table("rtb-main", true, &[(everywhere, target)]);
        let seen = targets(&whole);
        assert_eq!(
            seen,
            [local.clone(), (everywhere.to_owned(), expected)],
            "{target}"
        );
    }
}

#[test]
fn a_table_of_its_own_replaces_the_main_one() {
    let mut whole = whole();
    whole.gateways = vec![door(Some("vpc-1"))];
    whole.route_tables[0] = table("rtb-main", true, &[("0.0.0.0/0", "igw-1")]);
    assert_eq!(targets(&whole).len(), 2);
    let mut own = table("rtb-own", false, &[]);
    own.associations.push(Association {
        id: "rtbassoc-1".into(),
        subnet: "subnet-1".into(),
    });
    whole.route_tables.push(own);
    assert_eq!(targets(&whole).len(), 1);
}

#[test]
fn entries_are_asked_in_the_order_of_their_numbers() {
    let entry = |number, egress, allow, protocol, ports, icmp| Entry {
        number,
        egress,
        allow,
        protocol,
        range: "10.0.0.0/8".parse().unwrap(),
        ports,
        icmp,
    };
    let mut whole = whole();
    whole.acls = vec![NetworkAcl {
        entries: vec![
            entry(300, false, true, -1, None, None),
            entry(100, false, false, 6, Some((22, 23)), None),
            entry(200, true, true, 17, Some((53, 53)), None),
            entry(250, true, true, 1, None, Some((8, -1))),
            entry(260, true, true, 1, None, Some((-1, -1))),
            entry(270, true, false, 47, None, None),
        ],
        associations: vec![Association {
            id: "aclassoc-1".into(),
            subnet: "subnet-1".into(),
        }],
        ..NetworkAcl::open("acl-1".into(), "vpc-1")
    }];
    let border = network(&whole).subnets.remove(0).border;
    let said = |entries: &[BorderEntry]| -> Vec<(bool, Protocol)> {
        entries
            .iter()
            .map(|entry| (entry.allow, entry.protocol))
            .collect()
    };
    assert_eq!(
        said(&border.ingress),
        [(false, Protocol::Tcp { from: 22, to: 23 }), (true, Protocol::Any)]
    );
    let echo = Protocol::IcmpType { kind: 8, code: None };
    assert_eq!(
        said(&border.egress),
        [
            (true, Protocol::Udp { from: 53, to: 53 }),
            (true, echo),
            (true, Protocol::Icmp),
            (false, Protocol::Other(47)),
        ]
    );
    whole.acls[0].associations.clear();
    assert_eq!(network(&whole).subnets.remove(0).border, Border::default());
}

#[test]
fn public_addresses_need_the_internet_gateway() {
    let mut whole = whole();
    let interface = |id: &str, description: &str, last: u8| model::Interface {
        id: id.into(),
        vpc: "vpc-1".into(),
        subnet: "subnet-1".into(),
        zone: "us-east-1a".into(),
        address: [10, 0, 1, last].into(),
        mac: String::new(),
        groups: vec!["sg-1".into()],
        description: description.into(),
        instance: None,
        device_index: None,
        delete_on_termination: false,
        public: Some(model::PublicAddress {
            address: [198, 18, 0, last].into(),
            elastic: Some(ElasticAssociation {
                allocation: "eipalloc-1".into(),
                association: "eipassoc-1".into(),
            }),
        }),
        forwards: false,
        token: None,
        tags: Tags::new(),
    };
    whole.interfaces = vec![
        interface("eni-1", "", 10),
        interface("eni-nat", "Interface for NAT Gateway nat-1", 4),
    ];
    assert_eq!(network(&whole).public, []);
    whole.gateways = vec![door(Some("vpc-1"))];
    let made = network(&whole);
    let own = PublicAddress {
        public: [198, 18, 0, 10].into(),
        private: [10, 0, 1, 10].into(),
    };
    assert_eq!(made.public, [own], "a NAT gateway's is its own affair");
    let ids: Vec<&str> = made.interfaces.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["eni-1"]);
}

#[test]
fn a_default_vpc_is_built_when_it_is_used() {
    let mut whole = whole();
    assert!(whole.is_used(), "somebody made it");
    whole.vpc.is_default = true;
    assert!(!whole.is_used());
}
