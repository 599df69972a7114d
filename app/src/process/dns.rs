//! The name server's process.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use base_clock::SystemClock;
use base_store::{Store, Table};
use contract::dns::{Head, ObservedDns};
use dataplane_dns::DnsConfig;
use tokio::sync::watch;

use super::Order;
use crate::cloud::REGION;

/// Where names are asked for.
const PORT: u16 = 53;
/// For who may not open that one.
const PORT_OF_OTHERS: u16 = 5300;

pub(super) async fn run(order: &Order) -> anyhow::Result<()> {
    let layout = &order.layout;
    let address = address(&order.settings.instance);
    let config = DnsConfig {
        directory: layout.names(),
        socket: layout.dns_socket(),
        namespaces: layout.namespaces(),
        listen: [PORT, PORT_OF_OTHERS]
            .map(|port| SocketAddr::from((address, port)))
            .to_vec(),
        resolv_conf: name_servers(),
        region: REGION.to_owned(),
        local: Ipv4Addr::LOCALHOST,
    };
    dataplane_dns::run(config, Arc::new(SystemClock), super::stop_signal()).await?;
    Ok(())
}

/// Keeps a file that says where the name server answers, for commands.
pub(super) async fn publish(store: Store, file: PathBuf, mut shutdown: watch::Receiver<bool>) {
    const SEEN: Table<ObservedDns> = Table::new(ObservedDns::TABLE, 1);
    let mut changes = store.watch(&[SEEN.name]);
    let mut written = None;
    loop {
        let address = store.snapshot().get(SEEN, Head::KEY).and_then(|it| it.address);
        if address != written {
            let done = match address {
                Some(address) => std::fs::write(&file, address.to_string()),
                None => std::fs::remove_file(&file),
            };
            match done {
                Ok(()) => written = address,
                Err(error) => tracing::warn!(%error, "where names are asked for cannot be told"),
            }
        }
        tokio::select! {
            () = changes.changed() => {}
            _ = shutdown.wait_for(|stop| *stop) => return,
        }
    }
}

/// Where the machine's own name servers are. systemd-resolved hides them behind itself, and asks here for what is led here:
/// whoever asked it in turn would go in circles.
fn name_servers() -> PathBuf {
    let behind = PathBuf::from("/run/systemd/resolve/resolv.conf");
    match behind.exists() {
        true => behind,
        false => PathBuf::from("/etc/resolv.conf"),
    }
}

/// Where names are asked for, if nothing is in the way.
pub(crate) fn server(instance: &str) -> SocketAddr {
    SocketAddr::from((address(instance), PORT))
}

/// A loopback address of its own for each cloud on the machine.
fn address(instance: &str) -> Ipv4Addr {
    let number = u32::from_str_radix(instance, 16).unwrap_or_default();
    let [third, fourth] = (number as u16).to_be_bytes();
    // Neither the first nor the last address.
    Ipv4Addr::new(127, 53, third, fourth.clamp(1, 254))
}
