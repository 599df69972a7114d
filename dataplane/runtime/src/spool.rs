//! A container's output on disk: written by its shim whether or not anybody reads, taken in by the node later.
//!
//! Numbered segments `<container>.<number>.spool` of lines `<milliseconds since 1970> <o|e> <text>`. A segment that
//! has a successor does not grow any more, and can be removed when it was taken in.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Longer lines are split.
pub const LINE_BYTES_MAX: usize = 256 * 1024;
/// A segment that has grown to this is followed by another.
pub const SEGMENT_BYTES_MAX: u64 = 16 << 20;
/// When nobody takes segments in, the oldest are given up beyond this many.
pub const SEGMENTS_MAX: usize = 64;
/// Room for one line with its head.
const READ_BYTES_MIN: usize = LINE_BYTES_MAX + 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// Where a line of a spool comes from and goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolLine {
    pub at_ms: i64,
    pub stream: Stream,
    pub message: String,
}

/// Some lines of a segment, and where the next ones begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolChunk {
    pub lines: Vec<SpoolLine>,
    pub next_offset: u64,
}

pub(crate) struct SpoolWriter {
    directory: PathBuf,
    container: String,
    number: u64,
    file: File,
    bytes: u64,
    pending: Vec<u8>,
}

impl SpoolWriter {
    pub fn create(directory: &Path, container: &str) -> io::Result<Self> {
        let number = segments(directory, container).last().map_or(1, |last| last + 1);
        let file = open(directory, container, number)?;
        Ok(Self {
            directory: directory.to_owned(),
            container: container.to_owned(),
            number,
            file,
            bytes: 0,
            pending: Vec::new(),
        })
    }

    /// Takes a line without its end. Nothing is on disk before [`SpoolWriter::flush`].
    pub fn line(&mut self, at_ms: i64, stream: Stream, text: &[u8]) {
        let mark = match stream {
            Stream::Stdout => 'o',
            Stream::Stderr => 'e',
        };
        for piece in pieces(text) {
            // Writing to memory does not fail.
            let _ = write!(self.pending, "{at_ms} {mark} ");
            self.pending.extend_from_slice(piece);
            self.pending.push(b'\n');
        }
    }

    pub fn flush(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        if self.bytes >= SEGMENT_BYTES_MAX {
            self.number += 1;
            self.file = open(&self.directory, &self.container, self.number)?;
            self.bytes = 0;
            self.drop_oldest();
        }
        let pending = std::mem::take(&mut self.pending);
        self.file.write_all(&pending)?;
        self.bytes += pending.len() as u64;
        Ok(())
    }

    fn drop_oldest(&self) {
        let numbers = segments(&self.directory, &self.container);
        for number in numbers.iter().take(numbers.len().saturating_sub(SEGMENTS_MAX)) {
            let _ = fs::remove_file(segment_path(&self.directory, &self.container, *number));
        }
    }
}

fn pieces(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let empty = text.is_empty().then_some(text);
    empty.into_iter().chain(text.chunks(LINE_BYTES_MAX))
}

fn open(directory: &Path, container: &str, number: u64) -> io::Result<File> {
    File::options()
        .create(true)
        .append(true)
        .open(segment_path(directory, container, number))
}

/// The file of a segment in its task's directory.
pub fn segment_path(directory: &Path, container: &str, number: u64) -> PathBuf {
    directory.join(format!("{container}.{number}.spool"))
}

/// Numbers of the segments that a container has, ascending.
pub fn segments(directory: &Path, container: &str) -> BTreeSet<u64> {
    let Ok(entries) = fs::read_dir(directory) else {
        return BTreeSet::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let middle = name
                .to_str()?
                .strip_prefix(container)?
                .strip_prefix('.')?
                .strip_suffix(".spool")?;
            middle.parse().ok()
        })
        .collect()
}

/// Reads whole lines of a segment from `offset` on, at most about `limit_bytes` of them (but at least one line).
///
/// # Errors
/// When the segment cannot be read.
pub fn read_segment(path: &Path, offset: u64, limit_bytes: usize) -> io::Result<SpoolChunk> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(limit_bytes.max(READ_BYTES_MIN) as u64)
        .read_to_end(&mut bytes)?;
    // What follows the last line end is a line in the making, or one that a killed shim could not finish.
    let whole = bytes
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |end| end + 1);
    let lines = bytes[..whole]
        .split(|&byte| byte == b'\n')
        .filter_map(parse)
        .collect();
    Ok(SpoolChunk {
        lines,
        next_offset: offset + whole as u64,
    })
}

/// The last lines that a container has written, oldest first: at most so many, and their text so long. A longer one
/// loses its beginning.
pub fn tail(directory: &Path, container: &str, lines_max: usize, bytes_max: usize) -> Vec<SpoolLine> {
    let mut found: Vec<SpoolLine> = Vec::new();
    let mut bytes_left = bytes_max;
    for number in segments(directory, container).into_iter().rev() {
        let path = segment_path(directory, container, number);
        for mut line in last_lines(&path, bytes_max).unwrap_or_default().into_iter().rev() {
            if found.len() >= lines_max || bytes_left == 0 {
                found.reverse();
                return found;
            }
            if line.message.len() > bytes_left {
                if !found.is_empty() {
                    found.reverse();
                    return found;
                }
                line.message = end_of(&line.message, bytes_left).to_owned();
            }
            bytes_left -= line.message.len();
            found.push(line);
        }
    }
    found.reverse();
    found
}

/// The lines near the end of a segment; the first may have lost its beginning.
fn last_lines(path: &Path, bytes_max: usize) -> io::Result<Vec<SpoolLine>> {
    let window = (READ_BYTES_MIN + bytes_max) as u64;
    let length = fs::metadata(path)?.len();
    let begin = length.saturating_sub(window);
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(begin))?;
    let mut bytes = Vec::new();
    file.take(window).read_to_end(&mut bytes)?;
    // Before the first line end is half a line, unless the whole segment was read.
    let first = if begin == 0 {
        0
    } else {
        bytes
            .iter()
            .position(|&byte| byte == b'\n')
            .map_or(bytes.len(), |end| end + 1)
    };
    let whole = bytes
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |end| end + 1);
    let lines = bytes.get(first..whole).unwrap_or_default();
    Ok(lines.split(|&byte| byte == b'\n').filter_map(parse).collect())
}

fn end_of(text: &str, bytes: usize) -> &str {
    let from = text.len().saturating_sub(bytes);
    let from = (from..=text.len())
        .find(|&place| text.is_char_boundary(place))
        .unwrap_or(text.len());
    &text[from..]
}

fn parse(line: &[u8]) -> Option<SpoolLine> {
    let mut fields = line.splitn(3, |&byte| byte == b' ');
    let at_ms = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let stream = match fields.next()? {
        b"o" => Stream::Stdout,
        b"e" => Stream::Stderr,
        _ => return None,
    };
    Some(SpoolLine {
        at_ms,
        stream,
        message: String::from_utf8_lossy(fields.next()?).into_owned(),
    })
}

#[cfg(test)]
mod tests;
