//! Sockets that listen inside networks, for what tasks ask about themselves.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use async_trait::async_trait;
use contract::agent::Doors;

use crate::namespace::{Namespace, is_pinned};
use crate::{Inner, Network};

#[async_trait]
impl Doors for Network {
    fn networks(&self) -> Vec<String> {
        let networks = self.inner.networks.lock();
        let networks = networks.expect("nothing panics while it holds the lock");
        networks.keys().cloned().collect()
    }

    fn hosts(&self) -> Vec<String> {
        self.inner.hosts().keys().cloned().collect()
    }

    fn identity(&self, network: &str) -> Option<u64> {
        let pin = self.inner.door_pin(network);
        // The inode tells namespaces apart; a file without its mount is none.
        let inode = std::fs::metadata(&pin).ok()?.ino();
        is_pinned(&pin).then_some(inode)
    }

    async fn listen(&self, network: &str, address: Ipv4Addr, port: u16) -> io::Result<TcpListener> {
        let inner = std::sync::Arc::clone(&self.inner);
        let network = network.to_owned();
        let listen = move || {
            let namespace = Namespace::open(&inner.door_pin(&network))?;
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

impl Inner {
    fn door_pin(&self, network: &str) -> PathBuf {
        let host = self.hosts().get(network).map(|host| host.pin.clone());
        host.unwrap_or_else(|| self.network_pin(network))
    }
}
