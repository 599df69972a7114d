//! How the tasks of a service are found by name, and whom they find by name themselves.

use std::net::Ipv4Addr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::task::Task;

/// Who has looked a name up just before its task left the answers may still come: such a task ends that much later
/// (less if its records live shorter).
const LEAVING_MAX: Duration = Duration::from_secs(3);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Discovery {
    pub(crate) registries: Vec<Registry>,
    pub(crate) connect: Option<Connect>,
}

/// A service of Cloud Map in which every task is an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Registry {
    pub(crate) arn: String,
    pub(crate) port: Option<u16>,
    pub(crate) container: Option<String>,
    pub(crate) container_port: Option<u16>,
    /// How long its records may be kept by who has asked.
    pub(crate) ttl_seconds: u32,
}

/// Service Connect: the tasks reach the services of a namespace by their aliases, through the proxy in their own
/// network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Connect {
    /// As it was given.
    pub(crate) namespace: String,
    /// Cloud Map's id and name of it.
    pub(crate) namespace_id: String,
    pub(crate) namespace_name: String,
    pub(crate) servers: Vec<Server>,
}

/// A port of the tasks that others reach by aliases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Server {
    pub(crate) port_name: String,
    /// Whether the discovery name was asked for, or is the port's.
    pub(crate) discovery_name: Option<String>,
    pub(crate) port: u16,
    /// Requests are looked at one by one; connections otherwise.
    pub(crate) http: bool,
    /// The service of Cloud Map that stands for it.
    pub(crate) registry: String,
    pub(crate) aliases: Vec<Alias>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Alias {
    pub(crate) name: Option<String>,
    pub(crate) port: u16,
}

/// What a task reaches through its proxy; written down when it is placed, as its hosts file is then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Upstream {
    pub(crate) name: String,
    /// A loopback address of the task's network.
    pub(crate) address: Ipv4Addr,
    pub(crate) port: u16,
    pub(crate) http: bool,
    /// The service of Cloud Map whose instances answer.
    pub(crate) registry: String,
}

/// Whether a task is among the answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Presence {
    #[default]
    NotYet,
    /// Somebody may find it already: told before it is done.
    Listing,
    Listed,
    Left {
        at: Timestamp,
    },
}

impl Discovery {
    pub(crate) fn is_empty(&self) -> bool {
        self.registries.is_empty() && self.servers().is_empty()
    }

    pub(crate) fn servers(&self) -> &[Server] {
        self.connect.as_ref().map_or(&[], |it| &it.servers)
    }

    /// How long a task that has left the answers is still waited for.
    fn leaving(&self) -> Duration {
        let ttl = self.registries.iter().map(|it| it.ttl_seconds).max();
        Duration::from_secs(ttl.unwrap_or(0).into()).min(LEAVING_MAX)
    }
}

impl Connect {
    /// Under which names and ports a server is reached.
    pub(crate) fn aliases<'a>(&'a self, server: &'a Server) -> Vec<(String, u16)> {
        let standard = format!("{}.{}", server.name(), self.namespace_name);
        let own = server.aliases.iter();
        let own = own.map(|it| (it.name.clone().unwrap_or_else(|| standard.clone()), it.port));
        let mut all: Vec<_> = own.collect();
        if all.is_empty() {
            all.push((standard, server.port));
        }
        all
    }
}

impl Server {
    pub(crate) fn name(&self) -> &str {
        self.discovery_name.as_ref().unwrap_or(&self.port_name)
    }
}

impl Task {
    /// Until when it must not end, as it may still be found; `None` when nobody finds it any more.
    pub(crate) fn may_be_found(&self) -> Option<Until> {
        match self.presence {
            Presence::Listing | Presence::Listed => Some(Until::Unlisted),
            Presence::Left { at } => Some(Until::At(at + self.discovery.leaving())),
            Presence::NotYet => None,
        }
    }
}

pub(crate) enum Until {
    /// It is still in the answers.
    Unlisted,
    At(Timestamp),
}
