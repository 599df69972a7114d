//! Makes the lines of a full table into frames: in the background, one file of the journal after the other.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use contract::log::StreamId;

use crate::Limits;
use crate::expiry::Expired;
use crate::filter;
use crate::frame::{self, Bounds, Compressor, Entry};
use crate::index::{Extent, Placed, Sealed};
use crate::journal;
use crate::store::{Shared, State, frames_path};
use crate::table::{Batch, Table};

const FRAME_LINES_MAX: usize = 16 * 1024;
/// After an error, such as a full disk.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Seals whatever waits each time it is told to, until nobody can tell it any more.
pub(crate) fn run(shared: &Shared, limits: Limits, told: &Receiver<()>) {
    while told.recv().is_ok() {
        loop {
            match seal_next(shared, limits) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::error!(%error, "log lines stay in the journal, because they cannot be made into frames");
                    if told.recv_timeout(RETRY_AFTER) == Err(RecvTimeoutError::Disconnected) {
                        return;
                    }
                }
            }
        }
    }
}

/// False when no table waits.
fn seal_next(shared: &Shared, limits: Limits) -> io::Result<bool> {
    let _alone = shared.sealing();
    let state = shared.state();
    let Some(table) = state.waiting.front().map(Arc::clone) else {
        return Ok(false);
    };
    // Sequences rise from table to table, so this is not too low; that is what matters.
    let newest = state.newest;
    let expired = state.expired.clone();
    drop(state);
    let mut sealed = build(shared, limits, &table, |id| {
        expired
            .get(&(id.scope.clone(), id.group.clone()))
            .cloned()
            .unwrap_or_default()
    })?;
    sealed.newest = newest;
    let mut state = shared.state_mut();
    shared.index().commit(&sealed).map_err(io::Error::other)?;
    finish(&mut state, &sealed);
    shared.waiting.send_replace(state.waiting.len());
    drop(state);
    fs::remove_file(journal::path(&shared.directory, sealed.number))?;
    Ok(true)
}

fn finish(state: &mut State, sealed: &Sealed) {
    state.waiting.pop_front();
    state.sealed = sealed.number;
}

fn build(
    shared: &Shared,
    limits: Limits,
    table: &Table,
    expired: impl Fn(&StreamId) -> Expired,
) -> io::Result<Sealed> {
    let path = frames_path(&shared.directory, table.number);
    let mut file = FrameFile {
        number: table.number,
        frame_bytes: limits.frame_bytes,
        out: BufWriter::new(File::create(&path)?),
        offset: 0,
        compressor: Compressor::new()?,
        filter: filter::Builder::new(),
    };
    let mut sealed = Sealed {
        number: table.number,
        positions: table.positions.clone(),
        ..Sealed::default()
    };
    for (id, batches) in &table.streams {
        let frames = file.write_stream(batches, &expired(id))?;
        sealed.streams.push((id.clone(), frames));
    }
    let empty = file.offset == 0;
    file.out.into_inner()?.sync_all()?;
    if empty {
        fs::remove_file(path)?;
    }
    journal::sync_directory(&shared.directory)?;
    Ok(sealed)
}

struct FrameFile {
    number: u64,
    frame_bytes: usize,
    out: BufWriter<File>,
    offset: u64,
    compressor: Compressor,
    filter: filter::Builder,
}

impl FrameFile {
    fn write_stream(&mut self, batches: &[Arc<Batch>], expired: &Expired) -> io::Result<Vec<Placed>> {
        let mut entries: Vec<Entry<'_>> = batches
            .iter()
            .flat_map(|batch| batch.entries())
            .filter(|entry| !expired.hides(entry.at_ms, entry.sequence))
            .collect();
        entries.sort_by_key(|entry| (entry.at_ms, entry.sequence));
        let mut rest = entries.as_slice();
        let mut frames = Vec::new();
        while !rest.is_empty() {
            let (frame, after) = rest.split_at(length(rest, self.frame_bytes));
            frames.push(self.write_frame(frame)?);
            rest = after;
        }
        Ok(frames)
    }

    fn write_frame(&mut self, entries: &[Entry<'_>]) -> io::Result<Placed> {
        let bounds =
            Bounds::of(entries.iter().copied()).ok_or_else(|| io::Error::other("a frame without lines"))?;
        let bytes = frame::encode(entries);
        let packed = self.compressor.compress(&bytes)?;
        entries
            .iter()
            .for_each(|entry| self.filter.add(entry.message.as_bytes()));
        let filter = self.filter.finish();
        self.out.write_all(&crc32fast::hash(&filter).to_le_bytes())?;
        self.out.write_all(&filter)?;
        self.out.write_all(&packed)?;
        let filter_bytes = 4 + filter.len() as u64;
        let extent = Extent {
            file: self.number,
            offset: self.offset,
            bytes: filter_bytes + packed.len() as u64,
        };
        self.offset += extent.bytes;
        Ok(Placed {
            extent,
            filter_bytes,
            bytes: bytes.len() as u64,
            bounds,
        })
    }
}

/// How many of these lines make the next frame.
fn length(entries: &[Entry<'_>], bytes_max: usize) -> usize {
    let mut text = 0;
    entries
        .iter()
        .take(FRAME_LINES_MAX)
        .take_while(|entry| {
            text += entry.message.len();
            text <= bytes_max
        })
        .count()
        .max(1)
}
