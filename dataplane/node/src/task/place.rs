//! A task's place in the network: its own interface, its host's, or a seat behind its host's bridge for each container.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use contract::network::Interface;
use contract::task::{DesiredTask, HostNetwork, TaskPhase, runtime_id};
use dataplane_network::NetworkError;
use dataplane_runtime::{HostSpec, TaskHandle};

use super::{Actor, Halt, RETRY_AFTER};
use crate::host::{HostPlace, Hosts};
use crate::node::Inner;
use crate::plan::{Machine, Place};

/// A network or host that does not stand by then is given up.
const WAIT_MAX: Duration = Duration::from_secs(30);
const NETWORK_RETRY: Duration = Duration::from_millis(500);

impl Actor {
    /// Makes everything of the network that the task's processes need.
    pub(super) async fn make_place(&self) -> Result<Place, Halt> {
        let unavailable = |error: String| Halt::failed(format!("ResourceInitializationError: {error}"));
        let host = match &self.desired.host {
            Some(wanted) => Some(self.await_host(&wanted.disk).await.map_err(unavailable)?),
            None => None,
        };
        self.fill_place(host)
            .await
            .map_err(|error| unavailable(error.to_string()))
    }

    async fn fill_place(&self, host: Option<HostPlace>) -> Result<Place, NetworkError> {
        let network = &self.inner.parts.network;
        let mut place = Place::default();
        if let Some(interface) = &self.desired.interface {
            place.network = Some(self.attach(interface).await?);
            place.address = Some(interface.address);
            place.resolver = network.resolver(&interface.network);
            if let Some(disk) = self.desired.disk() {
                network.open_host(disk, &interface.id).await?;
            }
        }
        let (Some(host), Some(wanted)) = (host, &self.desired.host) else {
            let containers = &self.desired.containers;
            if place.network.is_none() && containers.iter().any(|it| it.linux.machine_network) {
                // The shim's own, which is that of whoever starts it: ours.
                place.network = Some(PathBuf::from("/proc/self/ns/net"));
                place.machine = Some(machine());
            }
            return Ok(place);
        };
        match &wanted.network {
            HostNetwork::Apart => {}
            HostNetwork::Shared => {
                place.network = network.host(&wanted.disk);
                place.address = Some(host.address);
                place.resolver = network.resolver(&host.network);
            }
            HostNetwork::Bridge(ends) => {
                for (index, end) in ends.iter().enumerate() {
                    let id = runtime_id(&self.id, index);
                    place.ends.push(network.plug(&wanted.disk, &id, end).await?);
                }
                place.resolver = network.resolver(&host.network);
            }
        }
        place.host = Some(HostSpec {
            task: host.task,
            container: host.container,
            disk: wanted.disk.clone(),
        });
        Ok(place)
    }

    /// After a new start of this process: a running task's rules follow changes again. It goes on as it is when that
    /// fails.
    pub(super) async fn renew_place(&self, handle: &TaskHandle) {
        // With its host the task ends too: nobody is to wait for either then.
        let mut status = handle.subscribe();
        let ended = status.wait_for(|status| status.phase == TaskPhase::Stopped);
        let host = match &self.desired.host {
            Some(wanted) => tokio::select! {
                host = self.await_host(&wanted.disk) => host.map(Some),
                _ = ended => return,
            },
            None => Ok(None),
        };
        let renewed = match host {
            Ok(host) => self.fill_place(host).await.map_err(|error| error.to_string()),
            Err(sentence) => Err(sentence),
        };
        if let Err(error) = renewed {
            tracing::warn!(task = self.id, %error, "a running task's network could not be renewed");
        }
    }

    /// Gives everything back; does not end before that is done.
    pub(super) async fn give_place_back(&self) {
        if let Some(disk) = self.desired.disk() {
            self.inner.parts.network.close_host(disk);
        }
        while let Err(error) = self.undo_place().await {
            tracing::warn!(task = self.id, %error, "a place in the network could not be given back");
            tokio::time::sleep(RETRY_AFTER).await;
        }
    }

    async fn undo_place(&self) -> Result<(), NetworkError> {
        let network = &self.inner.parts.network;
        if let Some(host) = &self.desired.host
            && let HostNetwork::Bridge(ends) = &host.network
        {
            for index in 0..ends.len() {
                network.unplug(&host.disk, &runtime_id(&self.id, index)).await?;
            }
        }
        if let Some(interface) = &self.desired.interface {
            network.detach(&interface.id).await?;
        }
        Ok(())
    }

    /// Waits until the host stands, or the task is not wanted any more.
    async fn await_host(&self, disk: &str) -> Result<HostPlace, String> {
        let mut hosts = self.inner.hosts.subscribe();
        let there = hosts.wait_for(|hosts| hosts.contains_key(disk));
        tokio::select! {
            found = tokio::time::timeout(WAIT_MAX, there) => match found {
                Ok(Ok(hosts)) => Ok(hosts[disk].clone()),
                _ => Err(format!("its host {disk} does not run")),
            },
            () = self.unwished() => Err(format!("it was not wanted any more while it waited for {disk}")),
        }
    }

    /// Makes the interface, as soon as its network stands.
    async fn attach(&self, interface: &Interface) -> Result<PathBuf, NetworkError> {
        let mut standing = self.inner.standing.subscribe();
        let deadline = tokio::time::Instant::now() + WAIT_MAX;
        loop {
            standing.borrow_and_update();
            let error = match self.inner.parts.network.attach(interface).await {
                Ok(pin) => return Ok(pin),
                Err(error) => error,
            };
            if tokio::time::Instant::now() >= deadline {
                return Err(error);
            }
            tokio::select! {
                () = self.unwished() => return Err(error),
                _ = standing.changed() => {}
                () = tokio::time::sleep(NETWORK_RETRY) => {}
            }
        }
    }
}

fn machine() -> Machine {
    let hostname = nix::unistd::gethostname().unwrap_or_default();
    Machine {
        hostname: hostname.to_string_lossy().into_owned(),
        hosts: std::fs::read_to_string("/etc/hosts").unwrap_or_default(),
        resolv_conf: std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default(),
    }
}

/// Ends when the host that a task lives in has ended, which it may have done before anybody looked.
pub(super) async fn host_gone(inner: Arc<Inner>, desired: Arc<DesiredTask>, boot: Option<String>) {
    let (Some(wanted), Some(boot)) = (&desired.host, boot) else {
        return std::future::pending().await;
    };
    let gone = |hosts: &Hosts| hosts.get(&wanted.disk).is_none_or(|now| now.task != boot);
    let _ = inner.hosts.subscribe().wait_for(gone).await;
}
