//! The name server's process.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use base_clock::SystemClock;
use dataplane_dns::DnsConfig;

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
        resolv_conf: PathBuf::from("/etc/resolv.conf"),
        region: REGION.to_owned(),
        local: Ipv4Addr::LOCALHOST,
    };
    dataplane_dns::run(config, Arc::new(SystemClock), super::stop_signal()).await?;
    Ok(())
}

/// A loopback address of its own for each cloud on the machine.
pub(crate) fn address(instance: &str) -> Ipv4Addr {
    let number = u32::from_str_radix(instance, 16).unwrap_or_default();
    let [third, fourth] = (number as u16).to_be_bytes();
    // Neither the first nor the last address.
    Ipv4Addr::new(127, 53, third, fourth.clamp(1, 254))
}
