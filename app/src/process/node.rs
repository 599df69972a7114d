//! The node of this machine: what runs tasks and networks.

use std::sync::Arc;

use dataplane_network::{Network, NetworkConfig};
use dataplane_node::{Node, NodeParts};
use dataplane_runtime::{Runtime, RuntimeConfig};

use super::Order;
use super::wire::Plane;

pub(super) fn network(order: &Order) -> anyhow::Result<Network> {
    Ok(Network::new(NetworkConfig {
        run_dir: order.layout.run.clone(),
        instance: order.settings.instance.clone(),
    })?)
}

pub(super) fn new(order: &Order, plane: &Plane, network: Network, runtime: RuntimeConfig) -> Node {
    Node::new(NodeParts {
        store: plane.store.clone(),
        clock: Arc::clone(&plane.clock),
        network,
        runtime: Runtime::new(runtime),
        logs: Arc::clone(&plane.lines),
        // Images of other registries are pulled without credentials.
        host_arguments: vec![super::instance::ROLE.to_owned(), super::agent::endpoint(order)],
        images: NodeParts::images_of(plane.blobs.clone(), Arc::new(|_| None)),
    })
}
