//! The load balancers' process, which is also what tasks reach others by.

use dataplane_proxy::ProxyConfig;

use super::Order;

pub(super) async fn run(order: &Order) -> anyhow::Result<()> {
    let layout = &order.layout;
    let balancers = ProxyConfig {
        table_file: layout.routes(),
        socket: layout.proxy_socket(),
        namespaces: layout.namespaces(),
    };
    let connections = ProxyConfig {
        table_file: layout.connections(),
        socket: layout.connect_socket(),
        namespaces: layout.task_namespaces(),
    };
    let told = super::stop_signal();
    tokio::try_join!(
        dataplane_proxy::run(balancers, told.clone()),
        dataplane_proxy::run(connections, told),
    )?;
    Ok(())
}
