//! The control process's end of the line to the proxy.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base_store::{Store, StoreError, Table};
use contract::route::{News, ObservedRoutes, RouteTable, Traffic, TrafficMeter};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::sync::watch;

const DESIRED: Table<RouteTable> = Table::new(RouteTable::TABLE, 1);
const OBSERVED: Table<ObservedRoutes> = Table::new(ObservedRoutes::TABLE, 1);
const RECONNECT_AFTER: Duration = Duration::from_millis(100);

/// Starts of the proxy whose counts are kept, so that whoever reads now and then misses none.
const BOOTS_MAX: usize = 8;

/// The last that was heard of what went through; cheap to clone.
#[derive(Clone, Default)]
pub struct Board(Arc<Mutex<Vec<Traffic>>>);

impl Board {
    fn put(&self, traffic: Traffic) {
        let mut heard = self.0.lock().expect("no holder of this lock panics");
        heard.retain(|it| it.boot != traffic.boot);
        heard.push(traffic);
        let surplus = heard.len().saturating_sub(BOOTS_MAX);
        heard.drain(..surplus);
    }
}

impl TrafficMeter for Board {
    fn traffic(&self) -> Vec<Traffic> {
        self.0.lock().expect("no holder of this lock panics").clone()
    }
}

/// Hands route tables from the store to the proxy and observations from the proxy to the store.
pub struct Remote {
    pub socket: PathBuf,
    pub store: Store,
    /// Which of the route tables.
    pub key: &'static str,
    /// Where what went through is put down.
    pub board: Board,
}

impl Remote {
    /// Until `shutdown` says true. A proxy that is away is waited for.
    pub async fn run(self, mut shutdown: watch::Receiver<bool>) {
        let talk_for_ever = async {
            loop {
                if let Err(error) = self.talk().await {
                    tracing::debug!(%error, "no line to the proxy at the moment");
                }
                tokio::time::sleep(RECONNECT_AFTER).await;
            }
        };
        tokio::select! {
            () = talk_for_ever => {}
            _ = shutdown.wait_for(|stop| *stop) => {}
        }
    }

    async fn talk(&self) -> std::io::Result<()> {
        let stream = UnixStream::connect(&self.socket).await?;
        let (reading, mut writing) = stream.into_split();
        let mut lines = BufReader::new(reading).lines();
        let mut changes = self.store.watch(&[RouteTable::TABLE]);
        let mut sent: Option<Arc<RouteTable>> = None;
        loop {
            let table = self.store.snapshot().get(DESIRED, self.key);
            if let Some(table) = table.filter(|table| sent.as_ref() != Some(table)) {
                let mut line = serde_json::to_vec(&*table)?;
                line.push(b'\n');
                writing.write_all(&line).await?;
                sent = Some(table);
            }
            tokio::select! {
                () = changes.changed() => {}
                line = lines.next_line() => {
                    let Some(line) = line? else { return Ok(()) };
                    let observed = match serde_json::from_str(&line)? {
                        News::Observed(observed) => observed,
                        News::Traffic(traffic) => {
                            self.board.put(traffic);
                            continue;
                        }
                    };
                    let key = self.key;
                    let saved = self.store.write(move |tx| {
                        tx.put(OBSERVED, key, observed);
                        Ok::<_, StoreError>(())
                    });
                    saved.await.map_err(std::io::Error::other)?;
                }
            }
        }
    }
}
