//! A host with a world behind it, and tasks that talk.

use std::future::Future;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{fs, io, thread};

use base_id::{IdSource as _, RandomIds};
use contract::network::{
    Border, DesiredNetwork, Interface, Peer, Protocol, PublicAddress, Route, Rule, SecurityGroup, Subnet,
    Target,
};
use dataplane_network::{Network, NetworkConfig};
use nix::sched::{CloneFlags, setns, unshare};

/// Long enough for whatever can answer, short enough to wait for what cannot.
pub const PATIENCE: Duration = Duration::from_millis(700);
pub const WORLD: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

pub struct Bench {
    pub network: Network,
    pub config: NetworkConfig,
    pub directory: PathBuf,
}

/// Runs a test in a new network namespace that plays the host, with a world behind a link.
pub fn on_a_host<F: Future<Output = ()>>(test: impl FnOnce(Bench) -> F + Send) {
    // Not by the process's number: one that was killed may have had it before, and left its things behind.
    let instance = RandomIds.hex(8);
    let directory = std::env::temp_dir().join(format!("wharf-network-{instance}"));
    fs::create_dir_all(&directory).unwrap();
    thread::scope(|scope| {
        scope
            .spawn(|| {
                unshare(CloneFlags::CLONE_NEWNET).unwrap();
                shell("ip link set lo up");
                let world = world(&directory);
                let config = NetworkConfig {
                    run_dir: directory.join("run"),
                    instance: instance.clone(),
                };
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(1)
                    .enable_all()
                    .build()
                    .unwrap();
                let network = {
                    let _inside = runtime.enter();
                    Network::new(config.clone()).unwrap()
                };
                let bench = Bench {
                    network: network.clone(),
                    config,
                    directory: directory.clone(),
                };
                let test = || runtime.block_on(test(bench));
                let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(test));
                runtime.block_on(network.teardown()).unwrap();
                if let Err(panic) = result {
                    std::panic::resume_unwind(panic);
                }
                // Nothing is left on the host, in the filter or among the pins.
                let links = shell("ip -o link");
                assert_eq!(links.lines().count(), 2, "links are left: {links}");
                assert_eq!(shell("nft list ruleset"), "");
                assert_eq!(shell("cat /proc/sys/net/ipv4/conf/world0/forwarding"), "0\n");
                assert_eq!(fs::read_dir(directory.join("run")).unwrap().count(), 0);
                drop(world);
            })
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(directory.to_str().unwrap()), "pins are left");
    fs::remove_dir_all(directory).unwrap();
}

/// A namespace that lives as long as its thread's channel: 192.0.2.2 behind the host's only way out.
struct World(
    Option<std::sync::mpsc::Sender<()>>,
    Option<thread::JoinHandle<()>>,
);

impl Drop for World {
    fn drop(&mut self) {
        drop(self.0.take());
        let _ = self.1.take().map(thread::JoinHandle::join);
    }
}

fn world(directory: &Path) -> World {
    let (ready, wait) = std::sync::mpsc::channel();
    let (stop, stopped) = std::sync::mpsc::channel();
    let pin = directory.join("world");
    let thread = thread::spawn({
        let pin = pin.clone();
        move || {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            // Held open by path: a thread's own entry in /proc cannot be bound without a mount.
            let tid = nix::unistd::gettid();
            fs::write(&pin, tid.to_string()).unwrap();
            ready.send(tid).unwrap();
            let _ = stopped.recv();
        }
    });
    let tid = wait.recv().unwrap();
    shell(&format!(
        "ip link add world0 type veth peer name eth0 netns /proc/{tid}/ns/net"
    ));
    shell("ip addr add 192.0.2.1/24 dev world0; ip link set world0 up; ip route add default via 192.0.2.2");
    in_namespace(Path::new(&format!("/proc/{tid}/ns/net")), || {
        shell("ip addr add 192.0.2.2/24 dev eth0; ip link set eth0 up; ip link set lo up");
    });
    fs::write(pin, format!("/proc/{tid}/ns/net")).unwrap();
    World(Some(stop), Some(thread))
}

impl Bench {
    pub fn world(&self) -> PathBuf {
        PathBuf::from(fs::read_to_string(self.directory.join("world")).unwrap())
    }
}

/// Runs a shell line on the calling thread's network and expects it to work.
pub fn shell(line: &str) -> String {
    let output = Command::new("sh").args(["-ec", line]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{line}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

pub fn in_namespace<R: Send>(namespace: &Path, act: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| {
        scope
            .spawn(|| {
                setns(
                    fs::File::open(namespace).unwrap().as_fd(),
                    CloneFlags::CLONE_NEWNET,
                )
                .unwrap();
                act()
            })
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Answers every connection with the address of whoever connected, from inside a namespace.
pub fn serve(namespace: &Path, port: u16) {
    let listener = in_namespace(namespace, || {
        TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap()
    });
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let peer = stream.peer_addr().unwrap().ip();
            let _ = write!(stream, "{peer}");
        }
    });
}

/// What a server says, from inside a namespace.
pub fn call(namespace: &Path, address: Ipv4Addr, port: u16) -> io::Result<String> {
    in_namespace(namespace, || {
        let address = SocketAddr::V4(SocketAddrV4::new(address, port));
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    })
}

pub fn address(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

pub fn tcp(port: u16, peer: Peer) -> Rule {
    Rule {
        protocol: Protocol::Tcp { from: port, to: port },
        peer,
    }
}

pub fn everybody() -> Peer {
    Peer::Range("0.0.0.0/0".parse().unwrap())
}

pub fn group(id: &str, ingress: Vec<Rule>, members: &[&str]) -> SecurityGroup {
    SecurityGroup {
        id: id.to_owned(),
        ingress,
        egress: vec![Rule {
            protocol: Protocol::Any,
            peer: everybody(),
        }],
        members: members.iter().map(|text| address(text)).collect(),
    }
}

pub fn route(destination: &str, target: Target) -> Route {
    Route {
        destination: destination.parse().unwrap(),
        target,
    }
}

/// 10.0.0.0/16 with a subnet whose public addresses may talk to the world (10.0.1.0/24) and one without a way out
/// (10.0.2.0/24). 10.0.1.10 is known outside as 198.18.0.10.
pub fn vpc(id: &str, groups: Vec<SecurityGroup>) -> DesiredNetwork {
    let local = || route("10.0.0.0/16", Target::Local);
    let subnet = |id: &str, range: &str, routes| Subnet {
        id: id.to_owned(),
        range: range.parse().unwrap(),
        routes,
        border: Border::default(),
    };
    DesiredNetwork {
        id: id.to_owned(),
        generation: 1,
        ranges: vec!["10.0.0.0/16".parse().unwrap()],
        subnets: vec![
            subnet(
                "public",
                "10.0.1.0/24",
                vec![local(), route("0.0.0.0/0", Target::Internet)],
            ),
            subnet("private", "10.0.2.0/24", vec![local()]),
        ],
        groups,
        feet: vec![],
        public: vec![PublicAddress {
            public: address("198.18.0.10"),
            private: address("10.0.1.10"),
        }],
        gateways: vec![],
        interfaces: vec![],
        names: contract::dns::NetworkNames::default(),
    }
}

pub fn interface(id: &str, network: &str, at: &str, groups: &[&str]) -> Interface {
    let at = address(at);
    Interface {
        id: id.to_owned(),
        network: network.to_owned(),
        subnet: if at.octets()[2] == 1 { "public" } else { "private" }.to_owned(),
        address: at,
        mac: format!("02:00:00:00:{:02x}:{:02x}", at.octets()[2], at.octets()[3]),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
    }
}
