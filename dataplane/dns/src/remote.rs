//! The control process's end of the line to the name server.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base_store::{Snapshot, Store, StoreError, Table, Watch};
use contract::dns::{
    Change, Endpoint, Head, HealthCheck, NetworkNames, ObservedDns, RecordSet, Update, Zone,
};
use contract::network::DesiredNetwork;
use futures::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::{mpsc, watch};
use tokio_util::codec::{FramedRead, LinesCodec};

use crate::line::{self, LINE_BYTES_MAX, News, OBSERVED_BYTES_MAX};

const HEAD: Table<Head> = Table::new(Head::TABLE, 1);
const UPDATES: Table<Update> = Table::new(Update::TABLE, 1);
const ZONES: Table<Zone> = Table::new(Zone::TABLE, 1);
const RECORDS: Table<RecordSet> = Table::new(RecordSet::TABLE, 1);
const CHECKS: Table<HealthCheck> = Table::new(HealthCheck::TABLE, 1);
const ENDPOINTS: Table<Endpoint> = Table::new(Endpoint::TABLE, 1);
const NETWORKS: Table<DesiredNetwork> = Table::new(DesiredNetwork::TABLE, 1);
const OBSERVED: Table<ObservedDns> = Table::new(ObservedDns::TABLE, 1);
const RECONNECT_AFTER: Duration = Duration::from_millis(100);
/// Lines that are written but not yet sent.
const LINES_WAITING_MAX: usize = 4;

/// Hands updates from the store to the name server and what it has seen to the store.
pub struct Remote {
    pub socket: PathBuf,
    pub store: Store,
}

impl Remote {
    /// Until `shutdown` says true. A name server that is away is waited for.
    pub async fn run(self, mut shutdown: watch::Receiver<bool>) {
        let talk_for_ever = async {
            loop {
                if let Err(error) = self.talk().await {
                    tracing::debug!(%error, "no line to the name server at the moment");
                }
                tokio::time::sleep(RECONNECT_AFTER).await;
            }
        };
        tokio::select! {
            () = talk_for_ever => {}
            _ = shutdown.wait_for(|stop| *stop) => {}
        }
    }

    async fn talk(&self) -> io::Result<()> {
        let stream = UnixStream::connect(&self.socket).await?;
        let (reading, writing) = stream.into_split();
        let mut lines = FramedRead::new(reading, LinesCodec::new_with_max_length(OBSERVED_BYTES_MAX));
        let Some(first) = lines.next().await else {
            return Ok(());
        };
        let first: ObservedDns = serde_json::from_str(&first.map_err(io::Error::other)?)?;
        let teller = Teller {
            sent: first.sequence,
            store: self.store.clone(),
            writing,
        };
        self.save(first).await?;
        // Neither waits for the other: an update is sent while an observation is being saved.
        let hearing = async {
            while let Some(line) = lines.next().await {
                self.save(serde_json::from_str(&line.map_err(io::Error::other)?)?)
                    .await?;
            }
            Ok(())
        };
        tokio::select! {
            result = teller.run() => result,
            result = hearing => result,
        }
    }

    async fn save(&self, observed: ObservedDns) -> io::Result<()> {
        let saved = self.store.write(move |tx| {
            tx.put(OBSERVED, Head::KEY, observed);
            Ok::<_, StoreError>(())
        });
        saved.await.map_err(io::Error::other)
    }
}

struct Teller {
    store: Store,
    writing: OwnedWriteHalf,
    /// The server has everything up to here.
    sent: u64,
}

impl Teller {
    async fn run(mut self) -> io::Result<()> {
        let mut heads: Watch = self.store.watch(&[Head::TABLE]);
        let mut endpoints: Watch = self.store.watch(&[Endpoint::TABLE]);
        let mut networks: Watch = self.store.watch(&[DesiredNetwork::TABLE]);
        // What answers of a network depend on comes before the zones: it is little.
        self.endpoints().await?;
        let mut known = self.networks(None).await?;
        self.updates().await?;
        loop {
            tokio::select! {
                () = heads.changed() => self.updates().await?,
                () = endpoints.changed() => self.endpoints().await?,
                () = networks.changed() => known = self.networks(Some(known)).await?,
            }
        }
    }

    /// What is new since the last time, or everything if that cannot be told.
    async fn updates(&mut self) -> io::Result<()> {
        let snapshot = self.store.snapshot();
        let head = snapshot.get(HEAD, Head::KEY).map_or(0, |head| head.sequence);
        if head == self.sent {
            return Ok(());
        }
        let mut lines = Vec::new();
        for sequence in self.sent + 1..=head {
            let update = snapshot.get(UPDATES, &Update::key(sequence));
            let line = update
                .map(|update| line::write(&News::Update((*update).clone())))
                .transpose()?;
            match line.filter(|line| line.len() <= LINE_BYTES_MAX) {
                Some(line) => lines.push(line),
                None => return self.everything(snapshot, head).await,
            }
        }
        if head < self.sent {
            return self.everything(snapshot, head).await;
        }
        self.writing.write_all(&lines.concat()).await?;
        self.sent = head;
        Ok(())
    }

    async fn everything(&mut self, snapshot: Snapshot, head: u64) -> io::Result<()> {
        let (sender, mut lines) = mpsc::channel::<Vec<u8>>(LINES_WAITING_MAX);
        let writer = tokio::task::spawn_blocking(move || {
            let mut out = |line: Vec<u8>| sender.blocking_send(line).map_err(io::Error::other);
            out(line::write(&News::Begin)?)?;
            line::parts(everything(&snapshot), |changes, _| News::Part(changes), &mut out)?;
            out(line::write(&News::End { sequence: head })?)
        });
        while let Some(line) = lines.recv().await {
            self.writing.write_all(&line).await?;
        }
        writer.await.map_err(io::Error::other)??;
        self.sent = head;
        Ok(())
    }

    async fn endpoints(&mut self) -> io::Result<()> {
        let rows = self.store.snapshot().list(ENDPOINTS);
        let mut bytes = Vec::new();
        line::parts(
            rows.into_iter()
                .map(|(_, endpoint)| Arc::unwrap_or_clone(endpoint)),
            |rows, more| News::Endpoints { rows, more },
            |line| {
                bytes.extend(line);
                Ok(())
            },
        )?;
        self.writing.write_all(&bytes).await
    }

    /// Networks change for many reasons that do not matter here: nothing is sent when names are as they were.
    async fn networks(
        &mut self,
        known: Option<Vec<(String, NetworkNames)>>,
    ) -> io::Result<Vec<(String, NetworkNames)>> {
        let rows = self.store.snapshot().list(NETWORKS);
        let names: Vec<(String, NetworkNames)> = rows
            .into_iter()
            .map(|(_, network)| (network.id.clone(), network.names.clone()))
            .collect();
        if known.as_ref() == Some(&names) {
            return Ok(names);
        }
        let mut bytes = Vec::new();
        line::parts(
            names.iter().cloned(),
            |rows, more| News::Networks { rows, more },
            |line| {
                bytes.extend(line);
                Ok(())
            },
        )?;
        self.writing.write_all(&bytes).await?;
        Ok(names)
    }
}

/// Zones come before their records.
fn everything(snapshot: &Snapshot) -> impl Iterator<Item = Change> {
    let zones = snapshot
        .list(ZONES)
        .into_iter()
        .map(|(_, zone)| Change::Zone(Arc::unwrap_or_clone(zone)));
    let checks = snapshot
        .list(CHECKS)
        .into_iter()
        .map(|(_, check)| Change::Check(Arc::unwrap_or_clone(check)));
    let records = snapshot
        .list(RECORDS)
        .into_iter()
        .map(|(_, set)| Change::Records(Arc::unwrap_or_clone(set)));
    zones.chain(checks).chain(records)
}
