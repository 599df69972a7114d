//! Container instances: EC2 instances that have joined a cluster, and what of them a task may have.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use contract::task::{Publish, Transport};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Tags;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Instance {
    /// 32 hexadecimal digits.
    pub(crate) id: String,
    pub(crate) arn: String,
    /// The cluster's name.
    pub(crate) cluster: String,
    pub(crate) ec2_instance: String,
    /// The EC2 instance's own.
    pub(crate) address: Ipv4Addr,
    pub(crate) vpc: String,
    pub(crate) zone: String,
    /// It takes no new tasks, and loses those of services.
    pub(crate) draining: bool,
    /// It is drained because its capacity provider needs it no more, and is terminated then.
    #[serde(default)]
    pub(crate) leaving: bool,
    /// Its EC2 instance was seen running.
    pub(crate) connected: bool,
    pub(crate) total: Amount,
    pub(crate) agent: Agent,
    /// Some have no value.
    pub(crate) attributes: BTreeMap<String, Option<String>>,
    /// The one to whose Auto Scaling group it belongs.
    pub(crate) capacity_provider: Option<String>,
    pub(crate) registered_at: Timestamp,
    pub(crate) tags: Tags,
    /// Raised by every change that a caller can see.
    pub(crate) version: u64,
}

/// What its agent said of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Agent {
    pub(crate) version: Option<String>,
    pub(crate) hash: Option<String>,
    pub(crate) docker: Option<String>,
}

/// An amount of what instances have; ports are those that are taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Amount {
    pub(crate) cpu: i64,
    pub(crate) memory: i64,
    pub(crate) tcp: BTreeSet<u16>,
    pub(crate) udp: BTreeSet<u16>,
}

/// A task's place on a container instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lodging {
    /// The container instance's id.
    pub(crate) instance: String,
    pub(crate) ec2_instance: String,
    /// The EC2 instance's own address.
    pub(crate) address: Ipv4Addr,
    pub(crate) zone: String,
    /// What is set aside for it.
    pub(crate) cpu: i64,
    pub(crate) memory: i64,
    pub(crate) mode: Mode,
    /// Ports of the instance by container.
    pub(crate) publish: BTreeMap<String, Vec<Publish>>,
    /// Addresses on the instance's bridge by container.
    pub(crate) addresses: BTreeMap<String, Ipv4Addr>,
}

/// What a lodger has of its instance's network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mode {
    /// Its own interface, or none.
    Apart,
    Shared,
    Bridge,
}

impl Instance {
    /// Under which it is stored, behind the scope.
    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.cluster, self.id)
    }

    pub(crate) fn status(&self) -> &'static str {
        if self.draining { "DRAINING" } else { "ACTIVE" }
    }
}

impl Lodging {
    /// The port of the instance that leads to a container's.
    pub(crate) fn host_port(&self, container: &str, port: u16) -> Option<u16> {
        let ports = self.publish.get(container)?.iter();
        let mut leading = ports.filter(|it| it.container_port == port);
        leading
            .clone()
            .find(|it| it.protocol == Transport::Tcp)
            .or_else(|| leading.next())
            .map(|it| it.host_port)
    }

    /// The ports that it takes.
    pub(crate) fn ports(&self, protocol: Transport) -> impl Iterator<Item = u16> {
        let all = self.publish.values().flatten();
        all.filter(move |it| it.protocol == protocol)
            .map(|it| it.host_port)
    }
}
