//! The proxy's end of the line to the control process: tables come in, observations go out, a JSON line each.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use contract::route::{News, ObservedRoutes, RouteTable, Traffic};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};

use crate::disk;
use crate::state::State;

/// Observations closer together than this are one.
const GATHER: Duration = Duration::from_millis(5);
/// Observations are sent at least this often: the number of requests in flight changes without news.
const REPEAT_EVERY: Duration = Duration::from_secs(1);
/// What went through is said at most this often.
const METER_EVERY: Duration = Duration::from_millis(900);

pub(crate) async fn run(socket: UnixListener, state: Arc<State>, table_file: PathBuf) {
    loop {
        match socket.accept().await {
            // One at a time: a control process that came back is newer than the one that was there before.
            Ok((stream, _)) => {
                if let Err(error) = serve(stream, &state, &table_file).await {
                    tracing::info!(%error, "the line to the control process was cut");
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the control process cannot be let in");
                tokio::time::sleep(REPEAT_EVERY).await;
            }
        }
    }
}

async fn serve(stream: UnixStream, state: &Arc<State>, table_file: &Path) -> std::io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut lines = BufReader::new(reading).lines();
    let mut sent: Option<ObservedRoutes> = None;
    let (mut metered, mut metered_at): (Traffic, Option<Instant>) = (Traffic::default(), None);
    loop {
        let observed = state.observed();
        if sent.as_ref() != Some(&observed) {
            say(&mut writing, &News::Observed(observed.clone())).await?;
            sent = Some(observed);
        }
        if metered_at.is_none_or(|at| at.elapsed() >= METER_EVERY) {
            metered_at = Some(Instant::now());
            let traffic = state.meter.read();
            if traffic != metered {
                say(&mut writing, &News::Traffic(traffic.clone())).await?;
                metered = traffic;
            }
        }
        tokio::select! {
            line = lines.next_line() => {
                let Some(line) = line? else { return Ok(()) };
                let table: RouteTable = serde_json::from_str(&line)?;
                if state.apply(table.clone()) {
                    disk::save(table_file, &table)?;
                }
            }
            () = state.news.notified() => tokio::time::sleep(GATHER).await,
            () = tokio::time::sleep(REPEAT_EVERY) => {}
        }
    }
}

async fn say(writing: &mut OwnedWriteHalf, news: &News) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(news)?;
    line.push(b'\n');
    writing.write_all(&line).await
}
