//! Private networks on this machine: a network namespace per network, one per task, and between them what a VPC
//! promises: subnets, routers, security groups, a resolver and a way out.
//!
//! Read on in `rules` for what may pass an interface, in `router` for the ways between subnets and out, in `vpc` for what
//! is inside a network, in `meter` for what is counted, in `host` for the little that is changed outside.

mod bridge;
mod door;
mod host;
mod link;
mod meter;
mod name;
mod namespace;
mod netlink;
mod nft;
mod probe;
mod router;
mod rules;
mod vpc;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use contract::network::{DesiredNetwork, Interface};
use contract::usage::GatewayUsage;

use host::Host;
use namespace::Namespace;
pub use namespace::network_pin;
pub use probe::{Probe, probe};
pub use rules::TASK_LINK;

#[derive(Clone, Debug)]
pub struct NetworkConfig {
    /// Namespaces are pinned below it.
    pub run_dir: PathBuf,
    /// Eight hexadecimal digits; part of the names of links and tables, so that instances live side by side.
    pub instance: String,
}

#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    #[error("network {network} cannot be made: {cause}")]
    Apply { network: String, cause: io::Error },
    #[error("network {0} has not been made")]
    Unknown(String),
    #[error("interface {interface} cannot be attached: {cause}")]
    Attach { interface: String, cause: io::Error },
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// All private networks of this instance; cheap to clone. The thread that makes it must be in the host's network
/// namespace.
#[derive(Clone)]
pub struct Network {
    inner: Arc<Inner>,
}

struct Inner {
    config: NetworkConfig,
    host: Host,
    networks: Mutex<HashMap<String, DesiredNetwork>>,
    tasks: Mutex<HashMap<String, Arc<Task>>>,
    hosts: Mutex<HashMap<String, bridge::Host>>,
}

/// A task's interface that is attached.
struct Task {
    interface: Interface,
    /// The table that stands in its namespace; also makes sure that the newest rules are written last.
    standing: Mutex<Option<nft::Table>>,
}

impl Network {
    /// # Errors
    /// When the host's network namespace cannot be opened.
    pub fn new(config: NetworkConfig) -> Result<Self, NetworkError> {
        let host = Host::new(&config.instance, &config.run_dir)?;
        let inner = Inner {
            config,
            host,
            networks: Mutex::default(),
            tasks: Mutex::default(),
            hosts: Mutex::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    async fn run<R: Send + 'static>(
        &self,
        act: impl FnOnce(&Inner) -> Result<R, NetworkError> + Send + 'static,
    ) -> Result<R, NetworkError> {
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || act(&inner))
            .await
            .unwrap_or_else(|_| {
                Err(NetworkError::Io(io::Error::other(
                    "a network change has panicked",
                )))
            })
    }

    /// Makes a network as desired, and tells live tasks about changed rules and members. Safe to repeat.
    ///
    /// # Errors
    /// When the kernel refuses something; what was done so far stays, and the next try goes on from there.
    pub async fn apply(&self, desired: &DesiredNetwork) -> Result<(), NetworkError> {
        let desired = desired.clone();
        self.run(move |inner| inner.apply(desired)).await
    }

    /// Removes a network. Tasks that are still in it lose their connections.
    ///
    /// # Errors
    /// When the kernel refuses something.
    pub async fn remove(&self, network: &str) -> Result<(), NetworkError> {
        let network = network.to_owned();
        self.run(move |inner| inner.remove(&network)).await
    }

    /// Makes a task's network namespace and joins it to its subnet; returns where it is pinned. Safe to repeat.
    ///
    /// # Errors
    /// When the network or subnet is not there, or the kernel refuses something.
    pub async fn attach(&self, interface: &Interface) -> Result<PathBuf, NetworkError> {
        let interface = interface.clone();
        self.run(move |inner| inner.attach(interface)).await
    }

    /// Lets a task's interface and namespace go; it need not be there.
    ///
    /// # Errors
    /// When the kernel refuses something.
    pub async fn detach(&self, interface: &str) -> Result<(), NetworkError> {
        let interface = interface.to_owned();
        self.run(move |inner| inner.detach(&interface)).await
    }

    /// Removes everything of this instance that is not among these, such as what a crash has left.
    ///
    /// # Errors
    /// When the kernel refuses something.
    pub async fn sweep(
        &self,
        networks: BTreeSet<String>,
        interfaces: BTreeSet<String>,
    ) -> Result<(), NetworkError> {
        self.run(move |inner| inner.sweep(&networks, &interfaces)).await
    }

    /// Follows changes of the host: its links to the world. For a timer.
    ///
    /// # Errors
    /// When the kernel refuses something.
    pub async fn refresh(&self) -> Result<(), NetworkError> {
        self.run(|inner| Ok(inner.host.refresh()?)).await
    }

    /// Removes everything of this instance.
    ///
    /// # Errors
    /// When the kernel refuses something.
    pub async fn teardown(&self) -> Result<(), NetworkError> {
        self.run(|inner| {
            inner.sweep(&BTreeSet::new(), &BTreeSet::new())?;
            // Also when there was no network left: the table, and what is remembered.
            inner.host.remove_uplink("")?;
            for directory in ["netns", "netns-tasks"] {
                let _ = std::fs::remove_dir(inner.config.run_dir.join(directory));
            }
            Ok(())
        })
        .await
    }

    /// What has passed a network's gateways, by gateway.
    ///
    /// # Errors
    /// When the network has not been made, or the kernel refuses something.
    pub async fn gateways(&self, network: &str) -> Result<BTreeMap<String, GatewayUsage>, NetworkError> {
        let network = network.to_owned();
        self.run(move |inner| {
            let inside = Namespace::open(&inner.network_pin(&network))?;
            Ok(meter::read(&mut inside.filter()?)?)
        })
        .await
    }

    /// The address at which a network's tasks find their resolver.
    pub fn resolver(&self, network: &str) -> Option<Ipv4Addr> {
        rules::resolver(
            self.inner
                .networks
                .lock()
                .expect("nothing panics while it holds the lock")
                .get(network)?,
        )
    }
}

impl Inner {
    fn task_pin(&self, interface: &str) -> PathBuf {
        self.config.run_dir.join("netns-tasks").join(interface)
    }

    fn network_pin(&self, network: &str) -> PathBuf {
        network_pin(&self.config.run_dir, network)
    }

    fn desired(&self, network: &str) -> Option<DesiredNetwork> {
        self.networks
            .lock()
            .expect("nothing panics while it holds the lock")
            .get(network)
            .cloned()
    }

    fn hosts(&self) -> std::sync::MutexGuard<'_, HashMap<String, bridge::Host>> {
        self.hosts.lock().expect("nothing panics while it holds the lock")
    }

    fn tasks(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Task>>> {
        self.tasks.lock().expect("nothing panics while it holds the lock")
    }

    fn apply(&self, desired: DesiredNetwork) -> Result<(), NetworkError> {
        let id = desired.id.clone();
        let apply = || {
            let (namespace, made) = Namespace::ensure(&self.network_pin(&id), &[])?;
            vpc::apply(&desired, &namespace, &self.host)?;
            Ok(made)
        };
        let made = apply().map_err(|cause| NetworkError::Apply {
            network: id.clone(),
            cause,
        })?;
        self.networks
            .lock()
            .expect("nothing panics while it holds the lock")
            .insert(id.clone(), desired);
        let tasks: Vec<_> = self
            .tasks()
            .values()
            .filter(|task| task.interface.network == id)
            .cloned()
            .collect();
        for task in tasks {
            self.write_rules(&task)?;
            // A network that had to be made anew has lost its tasks.
            if made {
                self.join(&task.interface)?;
            }
        }
        Ok(())
    }

    fn write_rules(&self, task: &Task) -> Result<(), NetworkError> {
        let failed = |cause| NetworkError::Attach {
            interface: task.interface.id.clone(),
            cause,
        };
        let mut standing = task
            .standing
            .lock()
            .expect("nothing panics while it holds the lock");
        let network = &task.interface.network;
        let desired = self
            .desired(network)
            .ok_or_else(|| NetworkError::Unknown(network.clone()))?;
        let table = rules::task_table(&desired, &task.interface);
        if standing.as_ref() == Some(&table) {
            return Ok(());
        }
        let namespace = Namespace::open(&self.task_pin(&task.interface.id)).map_err(failed)?;
        let mut filter = namespace.filter().map_err(failed)?;
        if standing.is_none() {
            rules::alias_table().replace(&mut filter).map_err(failed)?;
        }
        table.replace(&mut filter).map_err(failed)?;
        *standing = Some(table);
        Ok(())
    }

    fn join(&self, interface: &Interface) -> Result<(), NetworkError> {
        let desired = self
            .desired(&interface.network)
            .ok_or_else(|| NetworkError::Unknown(interface.network.clone()))?;
        let join = || {
            let network = Namespace::open(&self.network_pin(&interface.network))?;
            let task = Namespace::open(&self.task_pin(&interface.id))?;
            vpc::attach(&desired, interface, &network, &task)
        };
        join().map_err(|cause| NetworkError::Attach {
            interface: interface.id.clone(),
            cause,
        })
    }

    /// A namespace of somebody's own.
    fn ensure_own(&self, pin: &Path) -> io::Result<(Namespace, bool)> {
        // As in Docker: the namespace is the task's own, so low ports and ping harm nobody.
        let settings = [
            ("ipv4/ip_unprivileged_port_start", "0"),
            ("ipv4/ping_group_range", "0 2147483647"),
        ];
        Namespace::ensure(pin, &settings)
    }

    fn attach(&self, interface: Interface) -> Result<PathBuf, NetworkError> {
        let pin = self.task_pin(&interface.id);
        let failed = |cause| NetworkError::Attach {
            interface: interface.id.clone(),
            cause,
        };
        self.ensure_own(&pin).map_err(failed)?;
        let task = Arc::new(Task {
            interface: interface.clone(),
            standing: Mutex::new(None),
        });
        // Known before its rules are written: a change that comes meanwhile writes them too.
        self.tasks().insert(interface.id.clone(), Arc::clone(&task));
        self.write_rules(&task)?;
        self.join(&interface)?;
        Ok(pin)
    }

    fn detach(&self, interface: &str) -> Result<(), NetworkError> {
        self.tasks().remove(interface);
        let name = name::task_link_name(interface);
        for network in namespace::pinned(&self.config.run_dir.join("netns")) {
            // The other end goes with it, at once and not only when the namespace's last process has gone.
            if let Ok(namespace) = Namespace::open(&self.network_pin(&network)) {
                namespace.links()?.remove(&name)?;
            }
        }
        namespace::unpin(&self.task_pin(interface));
        Ok(())
    }

    fn remove(&self, network: &str) -> Result<(), NetworkError> {
        self.networks
            .lock()
            .expect("nothing panics while it holds the lock")
            .remove(network);
        self.host.remove_uplink(network)?;
        namespace::unpin(&self.network_pin(network));
        Ok(())
    }

    fn sweep(&self, networks: &BTreeSet<String>, interfaces: &BTreeSet<String>) -> Result<(), NetworkError> {
        for interface in namespace::pinned(&self.config.run_dir.join("netns-tasks")) {
            if !interfaces.contains(&interface) {
                self.detach(&interface)?;
            }
        }
        let mut there: BTreeSet<String> = namespace::pinned(&self.config.run_dir.join("netns"))
            .into_iter()
            .collect();
        there.extend(self.host.networks()?);
        for network in there.difference(networks) {
            self.remove(network)?;
        }
        Ok(())
    }
}
