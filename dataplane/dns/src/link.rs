//! The name server's end of the line to the control process: news come in, what is observed goes out.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::time::Instant;
use tokio_util::codec::{FramedRead, LinesCodec};

use crate::journal::Journal;
use crate::line::{Gathered, LINE_BYTES_MAX, News};
use crate::state::State;
use crate::table::Table;

/// Observations closer together than this are one.
const GATHER: Duration = Duration::from_millis(5);
/// Observations are looked at again after this, in case that nobody has told of a change.
const REPEAT_EVERY: Duration = Duration::from_secs(1);

pub(crate) struct Link {
    pub(crate) state: Arc<State>,
    pub(crate) journal: Arc<Mutex<Journal>>,
    compacting: Arc<AtomicBool>,
}

/// What is told in several lines and only counts once it is whole.
#[derive(Default)]
struct Half {
    everything: Option<Table>,
    gathered: Gathered,
}

impl Link {
    pub(crate) fn new(state: Arc<State>, journal: Journal) -> Self {
        Self {
            state,
            journal: Arc::new(Mutex::new(journal)),
            compacting: Arc::default(),
        }
    }

    pub(crate) async fn run(self, socket: UnixListener, path: PathBuf) {
        loop {
            match socket.accept().await {
                // One at a time: a control process that came back is newer than the one that was there before.
                Ok((stream, _)) => {
                    if let Err(error) = self.serve(stream).await {
                        tracing::info!(%error, path = %path.display(), "the line to the control process was cut");
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the control process cannot be let in");
                    tokio::time::sleep(REPEAT_EVERY).await;
                }
            }
        }
    }

    async fn serve(&self, stream: UnixStream) -> std::io::Result<()> {
        let (reading, mut writing) = stream.into_split();
        let mut lines = FramedRead::new(reading, LinesCodec::new_with_max_length(LINE_BYTES_MAX));
        let mut half = Half::default();
        let mut sent = Vec::new();
        let mut look_at = Instant::now();
        loop {
            tokio::select! {
                line = lines.next() => {
                    let Some(line) = line else { return Ok(()) };
                    self.take(line.map_err(std::io::Error::other)?, &mut half)?;
                }
                () = self.state.news.notified() => look_at = look_at.min(Instant::now() + GATHER),
                () = tokio::time::sleep_until(look_at) => {
                    self.tell(&mut writing, &mut sent).await?;
                    look_at = Instant::now() + REPEAT_EVERY;
                }
            }
        }
    }

    async fn tell(&self, writing: &mut OwnedWriteHalf, sent: &mut Vec<u8>) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(&self.state.observed())?;
        line.push(b'\n');
        if *sent != line {
            writing.write_all(&line).await?;
            *sent = line;
        }
        Ok(())
    }

    fn take(&self, text: String, half: &mut Half) -> std::io::Result<()> {
        let news = serde_json::from_str(&text)?;
        let mut line = text.into_bytes();
        line.push(b'\n');
        let mut journal = self.journal.lock().expect("no holder of this lock panics");
        match news {
            News::Begin => half.everything = Some(Table::default()),
            News::Part(changes) => {
                if let Some(table) = &mut half.everything {
                    changes.into_iter().for_each(|change| table.apply(change));
                }
            }
            News::End { sequence } => {
                let Some(mut table) = half.everything.take() else {
                    return Ok(());
                };
                table.sequence = sequence;
                self.state.change(|known| {
                    table.endpoints = known.endpoints.clone();
                    table.networks = known.networks.clone();
                    *known = table;
                });
                // Whether or not a snapshot is just written: this one is the first that has what is new.
                self.save(&mut journal)?;
            }
            News::Update(update) => {
                if update.sequence != self.state.known().table.sequence + 1 {
                    return Err(std::io::Error::other("an update is missing"));
                }
                journal.append(&line)?;
                self.state.change(|table| table.update(update));
            }
            News::Endpoints { rows, more } => {
                journal.append(&line)?;
                if let Some(rows) = half.gathered.endpoints(rows, more) {
                    self.state.change(|table| table.put_endpoints(rows));
                }
            }
            News::Networks { rows, more } => {
                journal.append(&line)?;
                if let Some(rows) = half.gathered.networks(rows, more) {
                    self.state.change(|table| table.put_networks(rows));
                }
            }
        }
        if journal.is_long() && !self.compacting.load(Ordering::Acquire) {
            self.save(&mut journal)?;
        }
        Ok(())
    }

    /// Writes a snapshot on a thread of its own.
    fn save(&self, journal: &mut Journal) -> std::io::Result<()> {
        let table = self.state.known().table.clone();
        let save = journal.compact(table)?;
        let (journal, compacting) = (Arc::clone(&self.journal), Arc::clone(&self.compacting));
        compacting.store(true, Ordering::Release);
        tokio::task::spawn_blocking(move || {
            let saved = save();
            let mut journal = journal.lock().expect("no holder of this lock panics");
            match saved {
                Ok(()) => journal.compacted(),
                Err(error) => tracing::warn!(%error, "names could not be saved; the journal goes on"),
            }
            compacting.store(false, Ordering::Release);
        });
        Ok(())
    }
}
