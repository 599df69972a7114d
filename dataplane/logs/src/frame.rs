//! Many lines of one stream as one compressed block: numbers in columns, then all the text.

use std::io;
use std::ops::Range;

use contract::log::StoredLine;
use memchr::memmem;

use crate::varint::{Malformed, Reader, put, put_signed};

/// A line on its way into a frame.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub at_ms: i64,
    pub sequence: u64,
    pub stored_at_ms: i64,
    pub message: &'a str,
}

/// What the index has to know of a frame's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub lines: u64,
    pub message_bytes: u64,
    pub first_ms: i64,
    pub last_ms: i64,
    pub first_sequence: u64,
    pub last_sequence: u64,
    pub last_stored_ms: i64,
}

impl Bounds {
    pub fn of<'a>(entries: impl Iterator<Item = Entry<'a>>) -> Option<Self> {
        entries
            .map(|entry| Self {
                lines: 1,
                message_bytes: entry.message.len() as u64,
                first_ms: entry.at_ms,
                last_ms: entry.at_ms,
                first_sequence: entry.sequence,
                last_sequence: entry.sequence,
                last_stored_ms: entry.stored_at_ms,
            })
            .reduce(|all, one| Self {
                lines: all.lines + one.lines,
                message_bytes: all.message_bytes + one.message_bytes,
                first_ms: all.first_ms.min(one.first_ms),
                last_ms: all.last_ms.max(one.last_ms),
                first_sequence: all.first_sequence.min(one.first_sequence),
                last_sequence: all.last_sequence.max(one.last_sequence),
                last_stored_ms: all.last_stored_ms.max(one.last_stored_ms),
            })
    }
}

/// The lines, not yet compressed.
pub(crate) fn encode(entries: &[Entry<'_>]) -> Vec<u8> {
    let text: usize = entries.iter().map(|entry| entry.message.len()).sum();
    let mut columns = Vec::with_capacity(entries.len() * 6);
    let mut before = (0, 0, 0);
    for entry in entries {
        put_signed(&mut columns, entry.at_ms.wrapping_sub(before.0));
        before.0 = entry.at_ms;
    }
    for entry in entries {
        put_signed(&mut columns, entry.sequence.wrapping_sub(before.1) as i64);
        before.1 = entry.sequence;
    }
    for entry in entries {
        put_signed(&mut columns, entry.stored_at_ms.wrapping_sub(before.2));
        before.2 = entry.stored_at_ms;
    }
    for entry in entries {
        put(&mut columns, entry.message.len() as u64);
    }
    let mut out = Vec::with_capacity(columns.len() + text + 16);
    put(&mut out, entries.len() as u64);
    put(&mut out, columns.len() as u64);
    out.extend_from_slice(&columns);
    entries
        .iter()
        .for_each(|entry| out.extend_from_slice(entry.message.as_bytes()));
    out
}

/// A frame that was decompressed.
pub(crate) struct Frame<'a> {
    count: usize,
    columns: &'a [u8],
    text: &'a [u8],
}

/// A line of a frame, without its text.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub at_ms: i64,
    pub sequence: u64,
    pub stored_at_ms: i64,
    text: Range<usize>,
}

impl<'a> Frame<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader(bytes);
        let count = usize::try_from(reader.number()?).map_err(|_| Malformed)?;
        let length = usize::try_from(reader.number()?).map_err(|_| Malformed)?;
        let columns = reader.take(length)?;
        (count <= length).then_some(()).ok_or(Malformed)?;
        Ok(Self {
            count,
            columns,
            text: reader.0,
        })
    }

    /// Looks through the whole text at once: far faster than line by line, and enough where nothing is found.
    pub fn may_contain(&self, finder: &memmem::Finder<'_>) -> bool {
        finder.find(self.text).is_some()
    }

    pub fn heads(&self) -> Result<Vec<Head>, Malformed> {
        let mut reader = Reader(self.columns);
        let mut heads = Vec::with_capacity(self.count);
        let (mut at_ms, mut sequence, mut stored_at_ms, mut end) = (0_i64, 0_u64, 0_i64, 0_usize);
        for _ in 0..self.count {
            at_ms = at_ms.wrapping_add(reader.signed()?);
            heads.push(Head {
                at_ms,
                sequence: 0,
                stored_at_ms: 0,
                text: 0..0,
            });
        }
        for head in &mut heads {
            sequence = sequence.wrapping_add(reader.signed()? as u64);
            head.sequence = sequence;
        }
        for head in &mut heads {
            stored_at_ms = stored_at_ms.wrapping_add(reader.signed()?);
            head.stored_at_ms = stored_at_ms;
        }
        for head in &mut heads {
            let length = usize::try_from(reader.number()?).map_err(|_| Malformed)?;
            let begin = end;
            end = begin.checked_add(length).ok_or(Malformed)?;
            head.text = begin..end;
        }
        (end == self.text.len()).then_some(heads).ok_or(Malformed)
    }

    pub fn text(&self, head: &Head) -> &'a [u8] {
        &self.text[head.text.clone()]
    }

    pub fn line(&self, head: &Head, stream: &str) -> StoredLine {
        StoredLine {
            sequence: head.sequence,
            stream: stream.to_owned(),
            at_ms: head.at_ms,
            stored_at_ms: head.stored_at_ms,
            message: String::from_utf8_lossy(self.text(head)).into_owned(),
        }
    }
}

/// Compression with what it needs kept from one frame to the next.
pub(crate) struct Compressor(zstd::bulk::Compressor<'static>);

/// The fastest level; higher ones save little with log lines and cost a core.
const LEVEL: i32 = 1;

impl Compressor {
    pub fn new() -> io::Result<Self> {
        let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
        compressor.include_checksum(true)?;
        Ok(Self(compressor))
    }

    pub fn compress(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        self.0.compress(bytes)
    }
}

#[cfg(test)]
mod tests;
