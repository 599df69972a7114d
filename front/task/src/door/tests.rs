//! Doors on loopback: which open, which close, and whom they tell who asks.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener as Listener};
use std::sync::Mutex;

use async_trait::async_trait;
use axum::routing::get;
use base_store::{StoreError, Table};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

const NETWORKS: Table<ObservedNetwork> = Table::new(ObservedNetwork::TABLE, 1);

/// Networks that stand, by name: their identities, and the ports that were given out.
#[derive(Default)]
struct Fake {
    standing: Mutex<BTreeMap<String, u64>>,
    ports: Mutex<Vec<(String, u16)>>,
}

#[async_trait]
impl Doors for Fake {
    fn networks(&self) -> Vec<String> {
        self.standing.lock().unwrap().keys().cloned().collect()
    }

    fn hosts(&self) -> Vec<String> {
        Vec::new()
    }

    fn identity(&self, network: &str) -> Option<u64> {
        self.standing.lock().unwrap().get(network).copied()
    }

    async fn listen(&self, network: &str, _: Ipv4Addr, _: u16) -> std::io::Result<Listener> {
        let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        self.ports.lock().unwrap().push((network.to_owned(), port));
        Ok(listener)
    }
}

impl Fake {
    fn ports(&self) -> Vec<u16> {
        let ports = self.ports.lock().unwrap();
        ports.iter().map(|(_, port)| *port).collect()
    }
}

async fn observe(store: &Store, network: &str, there: bool) {
    let row = ObservedNetwork {
        id: network.to_owned(),
        generation: 1,
        failure: None,
    };
    store
        .write(move |tx| {
            match there {
                true => tx.put(NETWORKS, &row.id.clone(), row),
                false => tx.delete(NETWORKS, &row.id),
            }
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
}

async fn ask(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()?;
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await.ok()?;
    text.rsplit("\r\n").next().map(str::to_owned)
}

async fn until(what: &str, test: impl AsyncFn() -> bool) {
    for _ in 0..200 {
        if test().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}");
}

#[tokio::test]
async fn doors_follow_their_networks() {
    let (store, doors) = (Store::in_memory(), Arc::new(Fake::default()));
    let name = async |Extension(caller): Extension<Caller>| format!("{} {}", caller.network, caller.address);
    let wanted = vec![Door {
        in_hosts: true,
        address: contract::agent::ADDRESS,
        port: 80,
        router: Router::new().route("/", get(name)),
    }];
    let stop = watch::Sender::new(false);
    let keeping = tokio::spawn(keep(store.clone(), doors.clone(), wanted, stop.subscribe()));

    // Told of, but not there yet; then there.
    observe(&store, "vpc-1", true).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(doors.ports().is_empty());
    doors.standing.lock().unwrap().insert("vpc-1".to_owned(), 1);
    observe(&store, "vpc-1", false).await;
    observe(&store, "vpc-1", true).await;
    until("a door opens", async || doors.ports().len() == 1).await;
    let first = doors.ports()[0];
    until("and answers", async || {
        ask(first).await.as_deref() == Some("vpc-1 127.0.0.1")
    })
    .await;

    // Made anew under the same name: another door, and the old one is shut.
    doors.standing.lock().unwrap().insert("vpc-1".to_owned(), 2);
    observe(&store, "vpc-2", true).await;
    until("a new door opens", async || doors.ports().len() == 2).await;
    until("the old one is shut", async || ask(first).await.is_none()).await;
    let second = doors.ports()[1];
    assert_eq!(ask(second).await.as_deref(), Some("vpc-1 127.0.0.1"));

    doors.standing.lock().unwrap().remove("vpc-1");
    observe(&store, "vpc-1", false).await;
    until("it is shut with its network", async || {
        ask(second).await.is_none()
    })
    .await;
    stop.send_replace(true);
    keeping.await.unwrap();
}
