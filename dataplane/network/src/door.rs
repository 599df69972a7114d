//! Sockets that listen inside networks, for what tasks ask about themselves.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::MetadataExt as _;

use async_trait::async_trait;
use contract::agent::Doors;

use crate::Network;
use crate::namespace::{Namespace, is_pinned};

#[async_trait]
impl Doors for Network {
    fn standing(&self) -> Vec<String> {
        self.inner.standing()
    }

    fn identity(&self, network: &str) -> Option<u64> {
        let pin = self.inner.network_pin(network);
        // The inode tells namespaces apart; a file without its mount is none.
        let inode = std::fs::metadata(&pin).ok()?.ino();
        is_pinned(&pin).then_some(inode)
    }

    async fn listen(&self, network: &str, address: Ipv4Addr, port: u16) -> io::Result<TcpListener> {
        let inner = std::sync::Arc::clone(&self.inner);
        let network = network.to_owned();
        let listen = move || {
            let namespace = Namespace::open(&inner.network_pin(&network))?;
            // A socket belongs for ever to the namespace of the thread that made it.
            let listener = namespace.inside(|| TcpListener::bind((address, port)))?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        };
        tokio::task::spawn_blocking(listen)
            .await
            .unwrap_or_else(|_| Err(io::Error::other("opening a door has panicked")))
    }
}
