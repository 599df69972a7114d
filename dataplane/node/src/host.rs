//! Hosts that run: tasks that others live in.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use contract::task::DesiredTask;

/// By their disks.
pub(crate) type Hosts = HashMap<String, HostPlace>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostPlace {
    /// Its id as a task.
    pub task: String,
    /// The container whose processes are its own.
    pub container: String,
    pub network: String,
    pub address: Ipv4Addr,
}

impl HostPlace {
    /// `None` for a task that is nobody's host.
    pub fn of(desired: &DesiredTask) -> Option<(String, Self)> {
        let (disk, interface) = (desired.disk()?, desired.interface.as_ref()?);
        let place = Self {
            task: desired.id.clone(),
            container: desired.containers.first()?.name.clone(),
            network: interface.network.clone(),
            address: interface.address,
        };
        Some((disk.to_owned(), place))
    }
}
