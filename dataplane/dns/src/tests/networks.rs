//! Sockets inside private networks, which come, go, and are made anew. Needs root.

use std::process::Command;

use contract::dns::NetworkNames;
use contract::network::DesiredNetwork;

use super::*;

const NETWORKS: Table<DesiredNetwork> = Table::new(DesiredNetwork::TABLE, 1);

/// A namespace pinned to a file, with a resolver's address of its own.
struct Namespace(PathBuf);

impl Namespace {
    fn make(path: &Path) -> Self {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
        let script = "touch \"$0\" && unshare --net sh -c 'ip link set lo up && ip addr add 10.7.0.2/16 dev lo && \
                      mount --bind /proc/self/ns/net \"$0\"' \"$0\"";
        let made = Command::new("sh")
            .args(["-c", script])
            .arg(path)
            .status()
            .unwrap();
        assert!(made.success(), "a network namespace can be made");
        Self(path.to_owned())
    }

    /// What busybox or dig would see: the data of the answer to a question from inside, or its code.
    fn ask(&self, from: &str, name: &str, kind: &str) -> String {
        let asked = Command::new("nsenter")
            .arg(format!("--net={}", self.0.display()))
            .args([
                "dig",
                "-b",
                from,
                "+noall",
                "+answer",
                "+comments",
                "+tries=1",
                "+time=2",
                "@10.7.0.2",
                name,
                kind,
            ])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&asked.stdout).into_owned();
        let data: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with(';'))
            .filter_map(|line| line.split_whitespace().nth(4))
            .collect();
        if data.is_empty() {
            let code = text
                .split("status: ")
                .nth(1)
                .and_then(|rest| rest.split(',').next());
            return code.unwrap_or("nothing").to_owned();
        }
        data.join(" ")
    }

    async fn answered(&self, name: &str, kind: &str, expected: &str) {
        let mut last = String::new();
        for _ in 0..200 {
            last = self.ask("10.7.0.2", name, kind);
            if last == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{name} {kind}: {last} instead of {expected}");
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
        let _ = std::fs::remove_file(&self.0);
    }
}

fn network(resolver: bool) -> DesiredNetwork {
    DesiredNetwork {
        id: "vpc-7".to_owned(),
        generation: 1,
        ranges: vec!["10.7.0.0/16".parse().unwrap()],
        subnets: Vec::new(),
        groups: Vec::new(),
        feet: Vec::new(),
        public: Vec::new(),
        gateways: Vec::new(),
        interfaces: Vec::new(),
        names: NetworkNames {
            resolver: resolver.then(|| "10.7.0.2".parse().unwrap()),
            region: "us-east-1".to_owned(),
            ranges: vec!["10.7.0.0/16".parse().unwrap()],
            domain: Some("ec2.internal".to_owned()),
        },
    }
}

async fn put(store: &Store, network: DesiredNetwork) {
    let written = store.write(move |tx| {
        tx.put(NETWORKS, "vpc-7", network);
        Ok::<_, StoreError>(())
    });
    written.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_has_a_resolver_of_its_own() {
    let both = start(
        "zone P1 example.com. vpc-7\nwww A 60 10.7.0.80\nzone Z1 example.com. public\nwww A 60 192.0.2.1",
    )
    .await;
    let store = &both.control.store;
    put(store, network(true)).await;
    let path = both.path("namespaces/vpc-7");
    let first = Namespace::make(&path);
    first.answered("www.example.com", "A", "10.7.0.80").await;
    for (name, kind, expected) in [
        ("ip-10-7-1-2.ec2.internal", "A", "10.7.1.2"),
        ("2.1.7.10.in-addr.arpa", "PTR", "ip-10-7-1-2.ec2.internal."),
        ("www.example.com", "AAAA", "NOERROR"),
        ("x.example.com", "A", "NXDOMAIN"),
        // Nobody else is there to be asked.
        ("www.example.net", "A", "SERVFAIL"),
    ] {
        assert_eq!(first.ask("10.7.0.2", name, kind), expected, "{name}");
    }
    assert_eq!(both.ask("www.example.com.", "A").await, "NOERROR 192.0.2.1");
    // Another network under the same name.
    drop(first);
    let second = Namespace::make(&path);
    second.answered("www.example.com", "A", "10.7.0.80").await;
    // Whoever is of no range of the network is not answered for the world.
    let added = Command::new("nsenter")
        .arg(format!("--net={}", path.display()))
        .args(["ip", "addr", "add", "172.30.0.1/32", "dev", "lo"])
        .status()
        .unwrap();
    assert!(added.success());
    assert_eq!(second.ask("172.30.0.1", "www.example.net", "A"), "REFUSED");
    put(store, network(false)).await;
    second.answered("www.example.com", "A", "nothing").await;
}
