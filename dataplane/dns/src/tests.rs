//! The running server, asked over its sockets.

mod follow;
mod forwarding;
mod health;
mod nasty;
mod networks;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base_clock::SystemClock;
use base_store::{Store, StoreError, Table};
use contract::dns::{
    Ask as _, Change, Endpoint, Head, HealthCheck, ObservedDns, Question, RecordSet, Update, Zone,
};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::testing::changes;
use crate::{Asker, DnsConfig, Remote, run};

const HEAD: Table<Head> = Table::new(Head::TABLE, 1);
const UPDATES: Table<Update> = Table::new(Update::TABLE, 1);
const ZONES: Table<Zone> = Table::new(Zone::TABLE, 1);
const RECORDS: Table<RecordSet> = Table::new(RecordSet::TABLE, 1);
const CHECKS: Table<HealthCheck> = Table::new(HealthCheck::TABLE, 1);
const ENDPOINTS: Table<Endpoint> = Table::new(Endpoint::TABLE, 1);
const OBSERVED: Table<ObservedDns> = Table::new(ObservedDns::TABLE, 1);
/// For something that happens at once on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server process in small: it has threads of its own and ends without a word when it is dropped, as if killed.
struct Server {
    runtime: Option<tokio::runtime::Runtime>,
    _stop: watch::Sender<bool>,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn serve(directory: &Path, listen: &str) -> Server {
    let (stop, stopped) = watch::channel(false);
    let config = DnsConfig {
        directory: directory.join("dns"),
        socket: directory.join("dns.sock"),
        namespaces: directory.join("namespaces"),
        listen: vec![listen.parse().unwrap()],
        resolv_conf: directory.join("resolv.conf"),
        region: "us-east-1".to_owned(),
        local: [127, 0, 0, 1].into(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.spawn(async move { run(config, Arc::new(SystemClock), stopped).await.unwrap() });
    Server {
        runtime: Some(runtime),
        _stop: stop,
    }
}

/// The control process: a store, and a line to the server.
struct Control {
    store: Store,
    remote: tokio::task::JoinHandle<()>,
    _stop: watch::Sender<bool>,
}

impl Drop for Control {
    fn drop(&mut self) {
        self.remote.abort();
    }
}

fn control(directory: &Path, store: Store) -> Control {
    let (stop, stopped) = watch::channel(false);
    let remote = Remote {
        socket: directory.join("dns.sock"),
        store: store.clone(),
    };
    Control {
        store,
        remote: tokio::spawn(remote.run(stopped)),
        _stop: stop,
    }
}

struct Both {
    directory: TempDir,
    _server: Server,
    control: Control,
    address: SocketAddr,
}

/// With these zones (see `testing`), once they are answered.
async fn start(zones: &str) -> Both {
    let directory = tempfile::tempdir().unwrap();
    start_in(directory, zones).await
}

async fn start_in(directory: TempDir, zones: &str) -> Both {
    let server = serve(directory.path(), "127.0.0.1:0");
    let control = control(directory.path(), Store::in_memory());
    let sequence = commit(&control.store, changes(zones)).await;
    let observed = seen(&control.store, |observed| {
        observed.sequence == sequence && observed.address.is_some()
    })
    .await;
    Both {
        directory,
        _server: server,
        control,
        address: observed.address.unwrap(),
    }
}

impl Both {
    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    async fn ask(&self, name: &str, kind: &str) -> String {
        ask(&self.control.store, name, kind).await
    }
}

/// The code, and the records in order of the alphabet.
async fn ask(store: &Store, name: &str, kind: &str) -> String {
    let asker = Asker { store: store.clone() };
    let question = Question {
        name: name.to_owned(),
        kind: kind.to_owned(),
        client: None,
    };
    match asker.ask(question).await {
        Ok(mut answered) => {
            answered.records.sort();
            [vec![answered.code], answered.records].concat().join(" ")
        }
        Err(sentence) => sentence,
    }
}

/// As a service does it: the rows, what has changed, and the new number in one transaction.
async fn commit(store: &Store, changes: Vec<Change>) -> u64 {
    let written = store.write(move |tx| {
        for change in changes.clone() {
            match change {
                Change::Zone(zone) => tx.put(ZONES, &zone.id.clone(), zone),
                Change::NoZone(id) => tx.delete(ZONES, &id),
                Change::Records(set) => tx.put(RECORDS, &set.key.row(), set),
                Change::NoRecords(key) => tx.delete(RECORDS, &key.row()),
                Change::Check(check) => tx.put(CHECKS, &check.id.clone(), check),
                Change::NoCheck(id) => tx.delete(CHECKS, &id),
            }
        }
        let sequence = tx.get(HEAD, Head::KEY).map_or(0, |head| head.sequence) + 1;
        tx.put(UPDATES, &Update::key(sequence), Update { sequence, changes });
        tx.put(HEAD, Head::KEY, Head { sequence });
        Ok::<_, StoreError>(sequence)
    });
    written.await.unwrap()
}

/// Waits until the server has told something like this.
async fn seen(store: &Store, like: impl Fn(&ObservedDns) -> bool) -> ObservedDns {
    let mut changes = store.watch(&[ObservedDns::TABLE]);
    let waiting = async {
        loop {
            if let Some(observed) = store
                .snapshot()
                .get(OBSERVED, Head::KEY)
                .filter(|observed| like(observed))
            {
                return ObservedDns::clone(&observed);
            }
            changes.changed().await;
        }
    };
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(observed) => observed,
        Err(_) => panic!("not seen: {:?}", store.snapshot().get(OBSERVED, Head::KEY)),
    }
}

/// Waits until a question has this answer.
async fn answered(store: &Store, name: &str, kind: &str, expected: &str) {
    let mut last = String::new();
    let waiting = async {
        loop {
            last = ask(store, name, kind).await;
            if last == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, waiting).await.is_ok();
    assert!(in_time, "{name} {kind}: {last} instead of {expected}");
}

/// Until the threads of a dropped server have let go of its address.
async fn free(address: SocketAddr) {
    let waiting = async {
        while std::net::UdpSocket::bind(address)
            .and_then(|_| std::net::TcpListener::bind(address))
            .is_err()
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap();
}
