//! The way out, the resolver, and what crashes and removals leave.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::{fs, thread};

use dataplane_network::Network;

use crate::bench::{
    PATIENCE, WORLD, address, call, everybody, group, in_namespace, interface, on_a_host, serve, shell, tcp,
    vpc,
};

fn open() -> Vec<contract::network::SecurityGroup> {
    vec![group("open", vec![tcp(80, everybody())], &[])]
}

#[test]
fn the_world_sees_the_hosts_address() {
    on_a_host(|bench| async move {
        let network = &bench.network;
        network.apply(&vpc("vpc-1", open())).await.unwrap();
        let public = network
            .attach(&interface("eni-1", "vpc-1", "10.0.1.10", &["open"]))
            .await
            .unwrap();
        let private = network
            .attach(&interface("eni-2", "vpc-1", "10.0.2.10", &["open"]))
            .await
            .unwrap();
        serve(&bench.world(), 8080);
        assert_eq!(call(&public, WORLD, 8080).unwrap(), "192.0.2.1");
        assert!(call(&private, WORLD, 8080).is_err(), "this subnet has no way out");
        serve(Path::new("/proc/thread-self/ns/net"), 8081);
        assert!(
            call(&public, address("192.0.2.1"), 8081).is_ok(),
            "the host itself is a part of the world"
        );
        // Cloud metadata and other networks' uplinks are not.
        let forwards = shell(&format!("nft list table ip wharf_{}", bench.config.instance));
        assert!(forwards.contains("ip daddr 169.254.0.0/16 drop"), "{forwards}");
    });
}

/// Answers names with the address of whoever asked, as the first bytes.
fn answer(socket: UdpSocket) {
    thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((_, peer)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(peer.ip().to_string().as_bytes(), peer);
        }
    });
}

fn ask(namespace: &Path, resolver: Ipv4Addr) -> std::io::Result<String> {
    in_namespace(namespace, || {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.connect((resolver, 53))?;
        socket.send(b"who am I")?;
        let mut buffer = [0; 512];
        let count = socket.recv(&mut buffer)?;
        Ok(String::from_utf8_lossy(&buffer[..count]).into_owned())
    })
}

#[test]
fn whoever_answers_names_inside_is_reached_by_everybody() {
    on_a_host(|bench| async move {
        let network = &bench.network;
        let mut desired = vpc("vpc-1", open());
        // Not even a group that lets nothing out stands in the way, nor a subnet without a way out.
        desired.groups[0].egress.clear();
        network.apply(&desired).await.unwrap();
        let resolver = network.resolver("vpc-1").unwrap();
        assert_eq!(resolver, address("10.0.0.2"));
        let pin = dataplane_network::network_pin(&bench.config.run_dir, "vpc-1");
        answer(in_namespace(&pin, || UdpSocket::bind((resolver, 53)).unwrap()));
        for (id, own) in [("eni-1", "10.0.1.10"), ("eni-2", "10.0.2.10")] {
            let task = interface(id, "vpc-1", own, &["open"]);
            let task = network.attach(&task).await.unwrap();
            assert_eq!(ask(&task, resolver).unwrap(), own);
        }
        let listener = in_namespace(&pin, || std::net::TcpListener::bind((resolver, 53)).unwrap());
        thread::spawn(move || {
            use std::io::Write as _;
            let (mut stream, peer) = listener.accept().unwrap();
            let _ = write!(stream, "{}", peer.ip());
        });
        let task = interface("eni-3", "vpc-1", "10.0.2.11", &["open"]);
        let task = network.attach(&task).await.unwrap();
        assert_eq!(call(&task, resolver, 53).unwrap(), "10.0.2.11");
    });
}

#[test]
fn a_crash_at_any_point_is_repaired() {
    on_a_host(|bench| async move {
        let desired = vpc("vpc-1", open());
        let interface = interface("eni-1", "vpc-1", "10.0.1.10", &["open"]);
        bench.network.apply(&desired).await.unwrap();
        let task = bench.network.attach(&interface).await.unwrap();
        serve(&bench.world(), 8080);
        let pin = dataplane_network::network_pin(&bench.config.run_dir, "vpc-1");
        let breakages: [&dyn Fn(); 6] = [
            &|| {},
            &|| drop(in_namespace(&pin, || shell("ip link del uplink"))),
            &|| drop(in_namespace(&task, || shell("ip link del eth0"))),
            &|| {
                drop(in_namespace(&pin, || {
                    shell(
                        "nft flush ruleset; for b in $(ip -o link | grep -o 'br[0-9a-f]\\{12\\}' | sort -u); do ip link del $b; done",
                    )
                }))
            },
            &|| {
                drop(shell(&format!(
                    "nft delete table ip wharf_{}",
                    bench.config.instance
                )))
            },
            &|| nix::mount::umount2(&pin, nix::mount::MntFlags::MNT_DETACH).unwrap(),
        ];
        for (number, broken) in breakages.iter().enumerate() {
            broken();
            // What knows nothing of before, as after a start.
            let again = Network::new(bench.config.clone()).unwrap();
            again.apply(&desired).await.unwrap();
            assert_eq!(again.attach(&interface).await.unwrap(), task);
            let answer = call(&task, WORLD, 8080).map_err(|error| format!("breakage {number}: {error}"));
            assert_eq!(answer.as_deref(), Ok("192.0.2.1"));
        }
    });
}

#[test]
fn sweeping_takes_what_is_not_wanted_and_nothing_else() {
    on_a_host(|bench| async move {
        let network = &bench.network;
        for id in ["vpc-1", "vpc-2"] {
            network.apply(&vpc(id, open())).await.unwrap();
        }
        for (id, vpc) in [("eni-1", "vpc-1"), ("eni-2", "vpc-2"), ("eni-3", "vpc-1")] {
            network
                .attach(&interface(id, vpc, &format!("10.0.1.1{}", &id[4..]), &["open"]))
                .await
                .unwrap();
        }
        let again = Network::new(bench.config.clone()).unwrap();
        again
            .sweep(["vpc-1".to_owned()].into(), ["eni-1".to_owned()].into())
            .await
            .unwrap();
        let names = |directory: &str| {
            let mut names: Vec<_> = fs::read_dir(bench.config.run_dir.join(directory))
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        assert_eq!(names("netns"), ["vpc-1"]);
        assert_eq!(names("netns-tasks"), ["eni-1"]);
        assert_eq!(shell("ip -o link | grep -c ': wh'").trim(), "1");
        let pin = dataplane_network::network_pin(&bench.config.run_dir, "vpc-1");
        assert_eq!(
            in_namespace(&pin, || shell("ip -o link | grep -c ': t'")).trim(),
            "1"
        );
    });
}

#[test]
fn two_instances_share_a_host() {
    on_a_host(|bench| async move {
        let mut config = bench.config.clone();
        config.instance = "ffff0000".to_owned();
        config.run_dir = bench.directory.join("other");
        let other = Network::new(config).unwrap();
        bench.network.apply(&vpc("vpc-1", open())).await.unwrap();
        let mut theirs = vpc("vpc-1", open());
        // A range of public addresses for each instance.
        theirs.public[0].public = address("198.18.4.10");
        other.apply(&theirs).await.unwrap();
        let one = bench
            .network
            .attach(&interface("eni-1", "vpc-1", "10.0.1.10", &["open"]))
            .await
            .unwrap();
        let two = other
            .attach(&interface("eni-1", "vpc-1", "10.0.1.10", &["open"]))
            .await
            .unwrap();
        serve(&bench.world(), 8080);
        assert_eq!(call(&one, WORLD, 8080).unwrap(), "192.0.2.1");
        assert_eq!(call(&two, WORLD, 8080).unwrap(), "192.0.2.1");
        bench.network.teardown().await.unwrap();
        assert_eq!(
            call(&two, WORLD, 8080).unwrap(),
            "192.0.2.1",
            "what the other one needs stays"
        );
        other.teardown().await.unwrap();
        fs::remove_dir(bench.directory.join("other")).unwrap();
    });
}

#[test]
fn the_probe_finds_that_this_machine_can() {
    let probe = dataplane_network::probe();
    probe.namespaces.unwrap();
    probe.links.unwrap();
    probe.filter.unwrap();
}
