//! The load balancer's process.

use dataplane_proxy::ProxyConfig;
use tokio::sync::watch;

use super::Order;

pub(super) async fn run(order: &Order) -> anyhow::Result<()> {
    let layout = &order.layout;
    let config = ProxyConfig {
        table_file: layout.routes(),
        socket: layout.proxy_socket(),
        namespaces: layout.namespaces(),
    };
    let stop = watch::Sender::new(false);
    let told = stop.subscribe();
    tokio::spawn(async move {
        super::told_to_stop().await;
        stop.send_replace(true);
        // Keeps the channel open until the process ends.
        std::future::pending::<()>().await;
    });
    dataplane_proxy::run(config, told).await?;
    Ok(())
}
