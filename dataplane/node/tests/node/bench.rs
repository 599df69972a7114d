//! A node with everything it needs, on a host of its own, and nothing left afterwards.

use std::future::Future;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, thread};

use async_trait::async_trait;
use base_clock::SystemClock;
use base_id::{IdSource as _, RandomIds};
use base_store::{Store, StoreError, Table};
use contract::image::ImageRef;
use contract::log::{LogQuery, LogStore as _, StreamId};
use contract::network::{
    DesiredNetwork, Interface, ObservedNetwork, Peer, Protocol, Rule, SecurityGroup, Subnet,
};
use contract::task::{
    Container, DesiredTask, Linux, LogTarget, Names, ObservedTask, Root, Sharing, Stop, TaskPhase,
};
use dataplane_logs::LogDirectory;
use dataplane_network::{Network, NetworkConfig};
use dataplane_node::{ImageSource, Node, NodeParts, PreparedImage};
use dataplane_runtime::process::ImageDefaults;
use dataplane_runtime::{Runtime, RuntimeConfig};
use tokio::sync::watch;

pub type Test = fn(Bench) -> Pin<Box<dyn Future<Output = ()>>>;

/// Makes a list of tests.
#[macro_export]
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        &[$((stringify!($name), |bench| Box::pin($name(bench)))),*]
    };
}

/// Far more than anything here takes; only a test that would hang gets there.
const PATIENCE: Duration = Duration::from_secs(60);
pub const TASKS: Table<DesiredTask> = Table::new(DesiredTask::TABLE, 1);
pub const SEEN: Table<ObservedTask> = Table::new(ObservedTask::TABLE, 1);
pub const NETWORKS: Table<DesiredNetwork> = Table::new(DesiredNetwork::TABLE, 1);
pub const SEEN_NETWORKS: Table<ObservedNetwork> = Table::new(ObservedNetwork::TABLE, 1);

pub struct Bench {
    pub directory: PathBuf,
    pub store: Store,
    pub logs: LogDirectory,
    pub runtime: Runtime,
    network: NetworkConfig,
}

/// A node that runs until it is dropped, as if its process were killed: tasks stay.
pub struct Running {
    pub node: Node,
    work: tokio::task::JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.work.abort();
    }
}

pub fn run(test: Test) {
    // Not by the process's number: one that was killed may have had it before, and left its things behind.
    let instance = RandomIds.hex(8);
    let directory = std::env::temp_dir().join(format!("wharf-node-{instance}"));
    thread::scope(|scope| {
        let run = || on_a_host(test, directory.clone(), &instance);
        scope
            .spawn(run)
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(directory.to_str().unwrap()), "mounts are left");
    for hierarchy in fs::read_dir("/sys/fs/cgroup").unwrap().flatten() {
        let group = hierarchy.path().join(format!("wharf-{instance}"));
        assert!(!group.exists(), "{} is left", group.display());
    }
    fs::remove_dir_all(directory).unwrap();
}

fn on_a_host(test: Test, directory: PathBuf, instance: &str) {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
    let executor = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        executor.block_on(async {
            let bench = Bench::new(directory, instance);
            let end = bench.parts();
            let test = tokio::time::timeout(PATIENCE, test(bench)).await;
            Node::new(end).stop_all().await;
            test.expect("the test hangs");
        });
    }));
    executor.shutdown_timeout(Duration::from_secs(5));
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
    let links = shell("ip -o link");
    assert_eq!(links.lines().count(), 1, "links are left: {links}");
    assert_eq!(shell("nft list ruleset"), "");
}

/// Runs a shell line on the calling thread's network.
pub fn shell(line: &str) -> String {
    let output = Command::new("sh").args(["-ec", line]).output().unwrap();
    assert!(
        output.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Every image is busybox, but for those that nobody has.
struct Busybox(PathBuf);

#[async_trait]
impl ImageSource for Busybox {
    async fn prepare(&self, image: &ImageRef) -> Result<PreparedImage, String> {
        if image.name == "nowhere" {
            return Err("pull of image nowhere failed: nobody has it".to_owned());
        }
        Ok(PreparedImage {
            digest: Some("sha256:b0b0".to_owned()),
            layers: vec![self.0.clone()],
            defaults: ImageDefaults::default(),
            working_directory: None,
            user: None,
            stop_signal: None,
        })
    }
}

impl Bench {
    fn new(directory: PathBuf, instance: &str) -> Self {
        let busybox = directory.join("busybox/bin");
        fs::create_dir_all(&busybox).unwrap();
        fs::copy("/bin/busybox", busybox.join("busybox")).expect("busybox-static is installed");
        for name in [
            "sh", "sleep", "echo", "httpd", "nc", "cat", "mkdir", "seq", "nslookup", "true", "hostname",
            "dd", "touch", "grep", "wc",
        ] {
            symlink("busybox", busybox.join(name)).unwrap();
        }
        Self {
            store: Store::in_memory(),
            logs: LogDirectory::open(&directory.join("logs"), Arc::new(SystemClock)).unwrap(),
            runtime: Runtime::new(RuntimeConfig {
                shim_command: vec!["/proc/self/exe".into(), "shim".into()],
                state_dir: directory.join("state"),
                instance: instance.to_owned(),
                run_dir: directory.join("run"),
            }),
            network: NetworkConfig {
                run_dir: directory.join("run"),
                instance: instance.to_owned(),
            },
            directory,
        }
    }

    pub fn parts(&self) -> NodeParts {
        NodeParts {
            store: self.store.clone(),
            clock: Arc::new(SystemClock),
            network: Network::new(self.network.clone()).unwrap(),
            runtime: self.runtime.clone(),
            logs: Arc::new(self.logs.clone()),
            host_arguments: vec!["host".to_owned()],
            images: Arc::new(Busybox(self.directory.join("busybox"))),
        }
    }

    /// Starts a node that knows only what is stored and what the machine shows.
    pub fn node(&self) -> Running {
        let node = Node::new(self.parts());
        let work = tokio::spawn({
            let node = node.clone();
            async move {
                let (_never, shutdown) = watch::channel(false);
                node.run(shutdown).await.unwrap();
            }
        });
        Running { node, work }
    }

    pub async fn put(&self, task: DesiredTask) {
        self.change(move |transaction| transaction.put(TASKS, &task.id.clone(), task.clone()))
            .await;
    }

    pub async fn put_network(&self, network: DesiredNetwork) {
        self.change(move |transaction| transaction.put(NETWORKS, &network.id.clone(), network.clone()))
            .await;
    }

    pub async fn change(&self, change: impl Fn(&mut base_store::Transaction) + Send + 'static) {
        let written = self.store.write(move |transaction| {
            change(transaction);
            Ok::<_, StoreError>(())
        });
        written.await.unwrap();
    }

    pub async fn stop(&self, id: &str, reason: &str) {
        let mut task = DesiredTask::clone(&self.store.snapshot().get(TASKS, id).unwrap());
        task.generation += 1;
        task.stop = Some(Stop {
            reason: reason.to_owned(),
        });
        self.put(task).await;
    }

    /// Waits until what is observed of a task is as wanted.
    pub async fn until(&self, id: &str, wanted: impl Fn(&ObservedTask) -> bool) -> ObservedTask {
        let mut changes = self.store.watch(&[ObservedTask::TABLE]);
        loop {
            if let Some(seen) = self.store.snapshot().get(SEEN, id)
                && wanted(&seen)
            {
                return ObservedTask::clone(&seen);
            }
            changes.changed().await;
        }
    }

    pub async fn until_phase(&self, id: &str, phase: TaskPhase) -> ObservedTask {
        self.until(id, |seen| {
            assert!(
                seen.phase <= phase || phase == TaskPhase::Stopped,
                "{id} is {:?} instead of {phase:?}: {:?}",
                seen.phase,
                seen.stop_cause
            );
            seen.phase == phase
        })
        .await
    }

    pub async fn until_gone(&self, id: &str) {
        let mut changes = self.store.watch(&[ObservedTask::TABLE]);
        while self.store.snapshot().get(SEEN, id).is_some() {
            changes.changed().await;
        }
    }

    pub async fn until_network(&self, id: &str, generation: u64) {
        let mut changes = self.store.watch(&[ObservedNetwork::TABLE]);
        loop {
            if let Some(seen) = self.store.snapshot().get(SEEN_NETWORKS, id)
                && seen.generation == generation
            {
                assert_eq!(seen.failure, None);
                return;
            }
            changes.changed().await;
        }
    }

    /// What is in the log store of a task.
    pub async fn lines(&self, id: &str) -> Vec<String> {
        let query = LogQuery {
            scope: "here".to_owned(),
            group: "group".to_owned(),
            streams: vec![id.to_owned()],
            limit: 100_000,
            ..LogQuery::default()
        };
        self.logs
            .query(query)
            .await
            .unwrap()
            .into_iter()
            .map(|line| line.message)
            .collect()
    }

    pub async fn until_line(&self, id: &str, wanted: &str) {
        while !self.lines(id).await.iter().any(|line| line.contains(wanted)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A task with one container that runs a shell line.
pub fn task(id: &str, line: &str, interface: Option<Interface>) -> DesiredTask {
    DesiredTask {
        id: id.to_owned(),
        generation: 1,
        label: "test:1".to_owned(),
        cpu_units: Some(512),
        memory_mib: Some(256),
        interface,
        host: None,
        containers: vec![Container {
            name: "app".to_owned(),
            image: ImageRef {
                name: "busybox".to_owned(),
                digest: None,
            },
            root: Root::Image,
            entry_point: None,
            command: Some(["sh", "-c", line].map(str::to_owned).to_vec()),
            environment: vec![],
            working_directory: None,
            user: None,
            essential: true,
            depends_on: vec![],
            start_timeout_seconds: None,
            stop_timeout_seconds: 30,
            readonly_root: false,
            interactive: false,
            pseudo_terminal: false,
            disable_networking: false,
            cpu_units: None,
            memory_mib: None,
            health_check: None,
            ulimits: vec![],
            ports: vec![],
            log: LogTarget::Stream(StreamId {
                scope: "here".to_owned(),
                group: "group".to_owned(),
                stream: id.to_owned(),
            }),
            delivery: Default::default(),
            memory_reservation_mib: None,
            mounts: vec![],
            names: Names::default(),
            linux: Linux::default(),
            restart: None,
        }],
        volumes: vec![],
        processes: Sharing::Container,
        ipc: Sharing::Container,
        stop: None,
    }
}

/// 10.0.0.0/16 with one subnet, and a group whose members may reach each other's port if `open`.
pub fn network(generation: u64, open: Option<u16>) -> DesiredNetwork {
    let ingress = open
        .map(|port| Rule {
            protocol: Protocol::Tcp { from: port, to: port },
            peer: Peer::Group("group".to_owned()),
        })
        .into_iter()
        .collect();
    let everywhere = Rule {
        protocol: Protocol::Any,
        peer: Peer::Range("0.0.0.0/0".parse().unwrap()),
    };
    DesiredNetwork {
        id: "vpc-1".to_owned(),
        generation,
        ranges: vec!["10.0.0.0/16".parse().unwrap()],
        subnets: vec![Subnet {
            id: "subnet-1".to_owned(),
            range: "10.0.1.0/24".parse().unwrap(),
            routes: vec![],
            border: contract::network::Border::default(),
        }],
        groups: vec![SecurityGroup {
            id: "group".to_owned(),
            ingress,
            egress: vec![everywhere],
            members: (10..20).map(|last| [10, 0, 1, last].into()).collect(),
        }],
        feet: vec![],
        public: vec![],
        gateways: vec![],
        interfaces: vec![],
        names: contract::dns::NetworkNames::default(),
    }
}

pub fn interface(last: u8) -> Option<Interface> {
    Some(Interface {
        id: format!("eni-{last}"),
        network: "vpc-1".to_owned(),
        subnet: "subnet-1".to_owned(),
        address: [10, 0, 1, last].into(),
        mac: format!("02:00:00:00:00:{last:02x}"),
        groups: vec!["group".to_owned()],
    })
}
