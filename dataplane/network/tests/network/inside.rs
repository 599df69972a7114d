//! What tasks of a network can say to each other.

use contract::network::{Foot, Peer, Protocol, Rule};

use crate::bench::{
    address, call, everybody, group, in_namespace, interface, on_a_host, serve, shell, tcp, vpc,
};

#[test]
fn security_groups_decide_and_changes_are_live() {
    on_a_host(|bench| async move {
        let network = &bench.network;
        let with = |web_ingress, web_members: &[&str]| {
            vpc(
                "vpc-1",
                vec![
                    group("web", vec![], web_members),
                    group("app", web_ingress, &["10.0.2.20"]),
                ],
            )
        };
        let from_web = |port| tcp(port, Peer::Group("web".to_owned()));
        network
            .apply(&with(vec![from_web(80)], &["10.0.1.10"]))
            .await
            .unwrap();
        let web = network
            .attach(&interface("eni-web", "vpc-1", "10.0.1.10", &["web"]))
            .await
            .unwrap();
        let app = network
            .attach(&interface("eni-app", "vpc-1", "10.0.2.20", &["app"]))
            .await
            .unwrap();
        let other = network
            .attach(&interface("eni-other", "vpc-1", "10.0.1.11", &["web"]))
            .await
            .unwrap();
        serve(&app, 80);
        serve(&app, 81);
        let to = address("10.0.2.20");

        // Across subnets, through the router, with the task's own address.
        assert_eq!(call(&web, to, 80).unwrap(), "10.0.1.10");
        assert!(call(&web, to, 81).is_err(), "no rule allows port 81");
        assert!(
            call(&other, to, 80).is_err(),
            "not a member of the group that the rule names"
        );

        // A rule, then a member; tasks that run see both at once.
        network
            .apply(&with(vec![from_web(81)], &["10.0.1.10"]))
            .await
            .unwrap();
        assert_eq!(call(&web, to, 81).unwrap(), "10.0.1.10");
        assert!(call(&web, to, 80).is_err());
        network
            .apply(&with(vec![from_web(81)], &["10.0.1.10", "10.0.1.11"]))
            .await
            .unwrap();
        assert_eq!(call(&other, to, 81).unwrap(), "10.0.1.11");
        // What the kernel holds, as nft reads it.
        let ruleset = in_namespace(&app, || shell("nft list ruleset"));
        assert!(
            ruleset.contains("elements = { 10.0.1.10, 10.0.1.11 }"),
            "{ruleset}"
        );
        assert!(
            ruleset.contains("ip saddr @group0 tcp dport 81 accept"),
            "{ruleset}"
        );
        for chain in [
            "hook prerouting priority mangle; policy accept;",
            "hook postrouting priority 150; policy accept;",
        ] {
            assert!(ruleset.contains(chain), "{ruleset}");
        }
        assert_eq!(ruleset.matches("\t\tdrop\n").count(), 2, "{ruleset}");
    });
}

#[test]
fn ranges_of_ports_and_addresses_and_icmp() {
    on_a_host(|bench| async move {
        let network = &bench.network;
        let rules = vec![
            Rule {
                protocol: Protocol::Tcp { from: 8000, to: 8002 },
                peer: Peer::Range("10.0.1.0/25".parse().unwrap()),
            },
            Rule {
                protocol: Protocol::Icmp,
                peer: everybody(),
            },
        ];
        let mut desired = vpc(
            "vpc-1",
            vec![group("app", rules, &[]), group("quiet", vec![], &[])],
        );
        desired.groups[1].egress = vec![tcp(8002, everybody())];
        network.apply(&desired).await.unwrap();
        let app = network
            .attach(&interface("eni-app", "vpc-1", "10.0.1.20", &["app"]))
            .await
            .unwrap();
        let near = network
            .attach(&interface("eni-near", "vpc-1", "10.0.1.100", &["app"]))
            .await
            .unwrap();
        let far = network
            .attach(&interface("eni-far", "vpc-1", "10.0.1.200", &["app"]))
            .await
            .unwrap();
        let quiet = network
            .attach(&interface("eni-quiet", "vpc-1", "10.0.1.101", &["quiet"]))
            .await
            .unwrap();
        let to = address("10.0.1.20");
        for port in 7999..=8003 {
            serve(&app, port);
        }
        for (port, allowed) in [
            (7999, false),
            (8000, true),
            (8001, true),
            (8002, true),
            (8003, false),
        ] {
            assert_eq!(call(&near, to, port).is_ok(), allowed, "port {port}");
        }
        assert!(call(&far, to, 8000).is_err(), "outside of the range of addresses");
        assert!(
            call(&quiet, to, 8000).is_err(),
            "its own group lets nothing but port 8002 out"
        );
        assert!(call(&quiet, to, 8002).is_ok());
        in_namespace(&near, || shell("busybox ping -c 1 -W 2 10.0.1.20"));
    });
}

#[test]
fn networks_with_the_same_addresses_do_not_meet() {
    on_a_host(|bench| async move {
        let network = &bench.network;
        let open = || vec![group("open", vec![tcp(80, everybody())], &[])];
        for id in ["vpc-1", "vpc-2"] {
            network.apply(&vpc(id, open())).await.unwrap();
        }
        let one = network
            .attach(&interface("eni-1", "vpc-1", "10.0.1.10", &["open"]))
            .await
            .unwrap();
        let two = network
            .attach(&interface("eni-2", "vpc-2", "10.0.1.20", &["open"]))
            .await
            .unwrap();
        let twin = network
            .attach(&interface("eni-3", "vpc-2", "10.0.1.10", &["open"]))
            .await
            .unwrap();
        serve(&two, 80);
        assert!(call(&one, address("10.0.1.20"), 80).is_err());
        assert_eq!(call(&twin, address("10.0.1.20"), 80).unwrap(), "10.0.1.10");
    });
}

#[test]
fn a_load_balancers_feet_are_the_networks_own() {
    on_a_host(|bench| async move {
        let network = &bench.network;
        let mut desired = vpc(
            "vpc-1",
            vec![
                group(
                    "lb",
                    vec![tcp(8000, Peer::Group("app".to_owned()))],
                    &["10.0.1.5"],
                ),
                group("app", vec![tcp(80, Peer::Group("lb".to_owned()))], &["10.0.2.20"]),
            ],
        );
        desired.feet = vec![Foot {
            groups: vec!["lb".to_owned()],
            subnet: "public".to_owned(),
            address: address("10.0.1.5"),
        }];
        network.apply(&desired).await.unwrap();
        let app = network
            .attach(&interface("eni-app", "vpc-1", "10.0.2.20", &["app"]))
            .await
            .unwrap();
        serve(&app, 80);
        let pin = dataplane_network::network_pin(&bench.config.run_dir, "vpc-1");
        let text = in_namespace(&pin, || from_address("10.0.1.5", "10.0.2.20", 80)).unwrap();
        assert_eq!(text, "10.0.1.5");
        assert!(
            call(&pin, address("10.0.2.20"), 80).is_err(),
            "the router itself is in no group"
        );
        // Its own groups say who reaches it.
        serve(&pin, 8000);
        serve(&pin, 8001);
        let stranger = network
            .attach(&interface("eni-other", "vpc-1", "10.0.2.21", &[]))
            .await
            .unwrap();
        let foot = address("10.0.1.5");
        assert_eq!(call(&app, foot, 8000).unwrap(), "10.0.2.20");
        assert!(call(&app, foot, 8001).is_err(), "this port is not open");
        assert!(call(&stranger, foot, 8000).is_err(), "nobody let this one in");

        desired.feet.clear();
        network.apply(&desired).await.unwrap();
        assert!(
            in_namespace(&pin, || from_address("10.0.1.5", "10.0.2.20", 80)).is_err(),
            "the foot is gone"
        );
    });
}

/// Connects from one of several own addresses.
fn from_address(own: &str, to: &str, port: u16) -> std::io::Result<String> {
    use nix::sys::socket::{
        AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, setsockopt, socket, sockopt,
    };
    use nix::sys::time::{TimeVal, TimeValLike as _};
    use std::io::Read as _;
    use std::os::fd::AsRawFd as _;
    let socket = socket(
        AddressFamily::Inet,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    let place = |text: &str, port| SockaddrIn::from(std::net::SocketAddrV4::new(address(text), port));
    let patience = i64::try_from(crate::bench::PATIENCE.as_millis()).unwrap();
    setsockopt(&socket, sockopt::SendTimeout, &TimeVal::milliseconds(patience))?;
    bind(socket.as_raw_fd(), &place(own, 0))?;
    connect(socket.as_raw_fd(), &place(to, port))?;
    let mut text = String::new();
    std::net::TcpStream::from(socket).read_to_string(&mut text)?;
    Ok(text)
}

#[test]
fn a_large_group_fits() {
    on_a_host(|bench| async move {
        let network = &bench.network;
        let members: Vec<String> = (0..5_000)
            .map(|n| format!("10.0.{}.{}", 100 + n / 250, n % 250))
            .collect();
        let members: Vec<&str> = members.iter().map(String::as_str).collect();
        let groups = vec![
            group("many", vec![], &members),
            group("app", vec![tcp(80, Peer::Group("many".to_owned()))], &[]),
        ];
        network.apply(&vpc("vpc-1", groups)).await.unwrap();
        let app = network
            .attach(&interface("eni-app", "vpc-1", "10.0.1.20", &["app"]))
            .await
            .unwrap();
        let set = in_namespace(&app, || shell("nft -j list set inet wharf group0"));
        assert_eq!(set.matches("10.0.1").count(), 5_000);
    });
}

#[test]
fn what_tasks_ask_about_themselves_is_asked_inside_alone() {
    use contract::agent::{ADDRESS, Doors as _};
    on_a_host(|bench| async move {
        let network = &bench.network;
        // A group that lets nothing out: a task can ask all the same.
        let mut quiet = group("quiet", vec![], &["10.0.1.10"]);
        quiet.egress.clear();
        for id in ["vpc-1", "vpc-2"] {
            network.apply(&vpc(id, vec![quiet.clone()])).await.unwrap();
        }
        let one = network
            .attach(&interface("eni-1", "vpc-1", "10.0.1.10", &["quiet"]))
            .await
            .unwrap();
        let two = network
            .attach(&interface("eni-2", "vpc-1", "10.0.2.20", &["quiet"]))
            .await
            .unwrap();
        let other = network
            .attach(&interface("eni-3", "vpc-2", "10.0.1.10", &["quiet"]))
            .await
            .unwrap();
        let first = network.identity("vpc-1").unwrap();
        assert_ne!(Some(first), network.identity("vpc-2"));
        assert_eq!(network.identity("vpc-3"), None);
        answer(
            network
                .listen("vpc-1", contract::agent::ADDRESS, 80)
                .await
                .unwrap(),
        );

        // Who asks is told by the address that the question comes from.
        assert_eq!(call(&one, ADDRESS, 80).unwrap(), "10.0.1.10");
        assert_eq!(call(&two, ADDRESS, 80).unwrap(), "10.0.2.20");
        assert!(call(&other, ADDRESS, 80).is_err(), "another network");
        let forged = in_namespace(&two, || {
            shell("ip addr add 10.0.1.10/32 dev eth0");
            from_address("10.0.1.10", "169.254.170.2", 80)
        });
        assert!(forged.is_err(), "nobody asks for somebody else");

        // Neither the host nor the world behind it gets in, even if they know the way.
        let way = shell("ip -o -4 addr show | grep -o '169\\.254\\.[0-9]*\\.[0-9]*' | sort");
        let uplinks: Vec<u32> = way.lines().map(|line| u32::from(address(line))).collect();
        assert_eq!(uplinks.len(), 2, "{way}");
        for uplink in uplinks {
            let gate = std::net::Ipv4Addr::from(uplink + 1);
            shell(&format!("ip route replace 169.254.170.2/32 via {gate}"));
            let host = std::net::SocketAddr::from((ADDRESS, 80));
            assert!(std::net::TcpStream::connect_timeout(&host, crate::bench::PATIENCE).is_err());
        }
        shell("ip route del 169.254.170.2/32");

        // A network that is made anew under the same name is another one.
        network.detach("eni-1").await.unwrap();
        network.detach("eni-2").await.unwrap();
        network.remove("vpc-1").await.unwrap();
        assert_eq!(network.identity("vpc-1"), None);
        assert!(
            network
                .listen("vpc-1", contract::agent::ADDRESS, 80)
                .await
                .is_err()
        );
        network.apply(&vpc("vpc-1", vec![])).await.unwrap();
        assert_ne!(network.identity("vpc-1"), Some(first));
        network
            .listen("vpc-1", contract::agent::ADDRESS, 80)
            .await
            .unwrap();
    });
}

/// Answers every connection with the address of whoever connected.
fn answer(listener: std::net::TcpListener) {
    use std::io::Write as _;
    listener.set_nonblocking(false).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let peer = stream.peer_addr().unwrap().ip();
            let _ = write!(stream, "{peer}");
        }
    });
}
