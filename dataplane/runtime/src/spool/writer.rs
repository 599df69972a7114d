//! Writes a container's spool, and knows what to do when nobody takes it in.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use regex::bytes::Regex;

use super::{LINE_BYTES_MAX, SEGMENT_BYTES_MAX, SEGMENTS_MAX, Stream, segment_path, segments};
use crate::spec::{Full, SpoolSpec};

/// What a container that is held up may have written before.
const HOLD_BYTES_MAX: u64 = 256 << 20;
/// A limited spool has about so many segments: those that were taken in make room one by one.
const SEGMENTS_OF_LIMITED: u64 = 8;
const SEGMENT_BYTES_MIN: u64 = 4 << 10;
/// After such a silence a line begins an event whatever it looks like.
const SILENCE_MS: i64 = 1000;

pub(crate) struct SpoolWriter {
    directory: PathBuf,
    container: String,
    number: u64,
    file: File,
    /// In the segment that grows.
    bytes: u64,
    /// In those before it, when they were last looked at; it does not get more unless by us.
    bytes_before: u64,
    pending: Vec<u8>,
    full: Full,
    events: Events,
    /// There was no room when the segments were last looked at, which is often enough once for each flush.
    was_full: bool,
    /// Lines that were dropped and not told of.
    dropped: u64,
}

/// Which lines belong together.
struct Events {
    start: Option<Regex>,
    last_ms: i64,
    /// Of the event that grows.
    bytes: usize,
}

impl Events {
    /// Whether a line begins an event.
    fn begins(&mut self, at_ms: i64, text: &[u8], first_piece: bool) -> bool {
        let Some(start) = &self.start else {
            return true;
        };
        let begins = self.bytes + text.len() + 1 > LINE_BYTES_MAX
            || at_ms.saturating_sub(self.last_ms) > SILENCE_MS
            || first_piece && start.is_match(text);
        self.last_ms = at_ms;
        self.bytes = if begins { 0 } else { self.bytes + 1 } + text.len();
        begins
    }
}

impl SpoolWriter {
    pub fn create(directory: &Path, container: &str, spec: &SpoolSpec) -> io::Result<Self> {
        let number = segments(directory, container).last().map_or(1, |last| last + 1);
        let file = open(directory, container, number)?;
        let start = spec.event_start.as_deref().map(Regex::new).transpose();
        let mut writer = Self {
            directory: directory.to_owned(),
            container: container.to_owned(),
            number,
            file,
            bytes: 0,
            bytes_before: 0,
            pending: Vec::new(),
            full: spec.full,
            events: Events {
                start: start.map_err(io::Error::other)?,
                last_ms: i64::MIN,
                bytes: 0,
            },
            was_full: false,
            dropped: 0,
        };
        writer.bytes_before = writer.look_before();
        Ok(writer)
    }

    /// Takes a line without its end. It may be on disk only after [`SpoolWriter::flush`].
    pub fn line(&mut self, at_ms: i64, stream: Stream, text: &[u8]) -> io::Result<()> {
        for (place, piece) in pieces(text).enumerate() {
            if matches!(self.full, Full::DropNewest { .. }) && self.is_full()? {
                self.dropped += 1;
                continue;
            }
            let begins = self.events.begins(at_ms, piece, place == 0);
            if begins && self.bytes + self.pending.len() as u64 >= self.segment_bytes_max() {
                self.flush()?;
                self.next_segment()?;
            }
            let mark = match (stream, begins) {
                (Stream::Stdout, true) => b'o',
                (Stream::Stderr, true) => b'e',
                (Stream::Stdout, false) => b'O',
                (Stream::Stderr, false) => b'E',
            };
            write!(self.pending, "{at_ms} ")?;
            self.pending.extend_from_slice(&[mark, b' ']);
            self.pending.extend_from_slice(piece);
            self.pending.push(b'\n');
        }
        Ok(())
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.was_full = false;
        if self.pending.is_empty() {
            return Ok(());
        }
        self.file.write_all(&self.pending)?;
        self.bytes += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    /// The container must not go on writing before somebody has taken something in.
    pub fn holds(&mut self) -> io::Result<bool> {
        Ok(self.full == Full::Hold && self.is_full_now()?)
    }

    /// How many lines were dropped since this was last asked, as soon as there is room again.
    pub fn dropped(&mut self) -> io::Result<u64> {
        if self.dropped == 0 || self.is_full_now()? {
            return Ok(0);
        }
        Ok(std::mem::take(&mut self.dropped))
    }

    fn bytes_max(&self) -> u64 {
        match self.full {
            Full::DropOldest => u64::MAX,
            Full::Hold => HOLD_BYTES_MAX,
            Full::DropNewest { bytes_max } => bytes_max,
        }
    }

    fn segment_bytes_max(&self) -> u64 {
        (self.bytes_max() / SEGMENTS_OF_LIMITED).clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX)
    }

    fn is_full(&mut self) -> io::Result<bool> {
        let growing = self.bytes + self.pending.len() as u64;
        if growing + self.bytes_before < self.bytes_max() {
            return Ok(false);
        }
        if self.was_full {
            return Ok(true);
        }
        self.bytes_before = self.look_before();
        if growing + self.bytes_before < self.bytes_max() {
            return Ok(false);
        }
        if self.bytes_before == 0 {
            // Only what has a successor makes room when it was taken in.
            self.flush()?;
            self.next_segment()?;
        }
        self.was_full = true;
        Ok(true)
    }

    /// Looks even if it has just looked.
    fn is_full_now(&mut self) -> io::Result<bool> {
        self.was_full = false;
        let full = self.is_full();
        self.was_full = false;
        full
    }

    /// Bytes of the segments before the one that grows.
    fn look_before(&self) -> u64 {
        segments(&self.directory, &self.container)
            .into_iter()
            .filter(|&number| number < self.number)
            .filter_map(|number| fs::metadata(segment_path(&self.directory, &self.container, number)).ok())
            .map(|file| file.len())
            .sum()
    }

    fn next_segment(&mut self) -> io::Result<()> {
        self.number += 1;
        self.file = open(&self.directory, &self.container, self.number)?;
        self.bytes_before += std::mem::take(&mut self.bytes);
        if self.full == Full::DropOldest {
            let numbers = segments(&self.directory, &self.container);
            for number in numbers.iter().take(numbers.len().saturating_sub(SEGMENTS_MAX)) {
                let _ = fs::remove_file(segment_path(&self.directory, &self.container, *number));
            }
        }
        Ok(())
    }
}

/// What is too long is split between characters.
pub(crate) fn pieces(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        if text.len() <= LINE_BYTES_MAX {
            return rest.take();
        }
        let within = |&place: &usize| text[place] & 0b1100_0000 != 0b1000_0000;
        let end = (LINE_BYTES_MAX - 3..=LINE_BYTES_MAX)
            .rev()
            .find(within)
            .unwrap_or(LINE_BYTES_MAX);
        let (piece, after) = text.split_at(end);
        rest = Some(after);
        Some(piece)
    })
}

fn open(directory: &Path, container: &str, number: u64) -> io::Result<File> {
    File::options()
        .create(true)
        .append(true)
        .open(segment_path(directory, container, number))
}
