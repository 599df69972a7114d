//! What a task can ask about itself, whatever its network lets it reach.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};

use async_trait::async_trait;
use ipnet::Ipv4Net;

/// The address, in every private network, at which tasks ask.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 2);
/// The port there for questions about oneself.
pub const PORT: u16 = 80;
/// The address, in every private network, at which hosts ask about themselves, on [`PORT`].
pub const HOST_ADDRESS: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// Addresses in a task's own network by which it reaches others through the proxy. Connections there are led to
/// [`ALIAS_DOOR`], so that the task can listen on the same ports itself.
pub const ALIASES: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(127, 255, 0, 0), 16);
/// Where the proxy listens for them.
pub const ALIAS_DOOR: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(127, 255, 255, 254), 15001);

/// Who asks: the owner of an address in a network.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Caller {
    /// A private network's id, or a host's disk for what lives in that host and shares its network.
    pub network: String,
    /// Of a host's own address, any of the tasks that share its network may be the caller.
    pub address: Ipv4Addr,
}

/// A task that asks, and the names of its containers by their ids at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asking {
    /// 32 hexadecimal digits.
    pub task: String,
    /// In the order of the task's definition: id at run time, name.
    pub containers: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    Container,
    Task,
    /// With the task's tags.
    TaskWithTags,
}

#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Nothing under this id is the caller's.
    #[error("{0}")]
    NotFound(String),
    /// What was asked for cannot be given, for a reason that the caller may know.
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Failed(String),
}

/// Who knows about tasks. An id of another task than the caller's is not found.
#[async_trait]
pub trait TaskAgent: Send + Sync {
    /// The caller's task; `None` for an address that no task has.
    async fn asking(&self, caller: &Caller) -> Option<Asking>;
    /// A JSON document. `container` is an id at run time.
    async fn metadata(&self, caller: &Caller, container: &str, about: About) -> Result<String, AgentError>;
    /// The role's credentials, as a JSON document.
    async fn credentials(&self, caller: &Caller, id: &str) -> Result<String, AgentError>;
    /// Whether the task is kept from being stopped; `change` is the JSON document of a request to change that.
    async fn protection(
        &self,
        caller: &Caller,
        container: &str,
        change: Option<&str>,
    ) -> Result<String, AgentError>;
}

/// What a host may know about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostFacts {
    /// Whether it may ask at all.
    pub enabled: bool,
    /// Only with a session token.
    pub tokens_required: bool,
    /// By path below the version, such as `meta-data/instance-id`.
    pub documents: BTreeMap<String, String>,
    /// As it was given, if any was.
    pub user_data: Option<Vec<u8>>,
    /// Name of the role whose credentials it may have.
    pub role: Option<String>,
}

/// Who knows about hosts.
#[async_trait]
pub trait HostAgent: Send + Sync {
    /// `None` for an address that no host has.
    async fn facts(&self, caller: &Caller) -> Option<HostFacts>;
    /// The role's credentials, as a JSON document.
    async fn credentials(&self, caller: &Caller) -> Result<String, AgentError>;
}

/// A way into private networks and hosts for whoever answers there.
#[async_trait]
pub trait Doors: Send + Sync {
    /// Private networks that stand now.
    fn networks(&self) -> Vec<String>;
    /// Hosts that stand now, by their disks; no network is called so.
    fn hosts(&self) -> Vec<String>;
    /// Which namespace the network is now; another number is another network under the same name. `None` while there
    /// is none.
    fn identity(&self, network: &str) -> Option<u64>;
    /// Listens at [`ADDRESS`] or [`HOST_ADDRESS`] inside a network, reachable from its tasks and from nowhere else. The
    /// listener does not block.
    async fn listen(&self, network: &str, address: Ipv4Addr, port: u16) -> io::Result<TcpListener>;
}
