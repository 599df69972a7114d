//! A container's output on disk: written by its shim whether or not anybody reads, taken in by the node later.
//!
//! Numbered segments `<container>.<number>.spool` of lines `<milliseconds since 1970> <o|e|O|E> <text>`: from standard
//! output or standard error, in capitals when the line belongs to the event of the line before. A segment that has a
//! successor does not grow any more, and can be removed when it was taken in; an event is never in two segments.

mod writer;

pub(crate) use writer::{SpoolWriter, pieces};

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Longer lines are split, and longer events ended: what CloudWatch Logs takes as one event.
pub const LINE_BYTES_MAX: usize = 256 * 1024 - 26;
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

/// Some events of a segment, and where the next ones begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolChunk {
    /// Events of several lines have line ends in them, and the time of their first line.
    pub lines: Vec<SpoolLine>,
    pub next_offset: u64,
    /// Where the last event begins.
    pub last_offset: u64,
    /// There was more than was asked for.
    pub more: bool,
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

/// Reads whole lines of a segment from `offset` on, at most about `limit_bytes` of them (but at least one line), and
/// joins those of one event.
///
/// # Errors
/// When the segment cannot be read.
pub fn read_segment(path: &Path, offset: u64, limit_bytes: usize) -> io::Result<SpoolChunk> {
    let bytes = read_at(&File::open(path)?, offset, limit_bytes.max(READ_BYTES_MIN))?;
    let more = bytes.len() >= limit_bytes.max(READ_BYTES_MIN);
    // What follows the last line end is a line in the making, or one that a killed shim could not finish.
    let mut chunk = SpoolChunk {
        lines: Vec::new(),
        next_offset: offset,
        last_offset: offset,
        more,
    };
    let mut begin = 0;
    for end in memchr::memchr_iter(b'\n', &bytes) {
        if let Some((line, continues)) = parse(&bytes[begin..end]) {
            match chunk.lines.last_mut().filter(|_| continues) {
                Some(event) => {
                    event.message.push('\n');
                    event.message.push_str(&line.message);
                }
                None => {
                    chunk.last_offset = offset + begin as u64;
                    chunk.lines.push(line);
                }
            }
        }
        begin = end + 1;
    }
    chunk.next_offset = offset + begin as u64;
    Ok(chunk)
}

fn read_at(file: &File, offset: u64, limit: usize) -> io::Result<Vec<u8>> {
    let there = file.metadata()?.len().saturating_sub(offset);
    let mut bytes = vec![0; limit.min(usize::try_from(there).unwrap_or(limit))];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(bytes)
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
    let bytes = read_at(&File::open(path)?, begin, window as usize)?;
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
    let lines = lines.split(|&byte| byte == b'\n').filter_map(parse);
    Ok(lines.map(|(line, _)| line).collect())
}

fn end_of(text: &str, bytes: usize) -> &str {
    let from = text.len().saturating_sub(bytes);
    let from = (from..=text.len())
        .find(|&place| text.is_char_boundary(place))
        .unwrap_or(text.len());
    &text[from..]
}

/// A line, and whether it belongs to the event of the one before.
fn parse(line: &[u8]) -> Option<(SpoolLine, bool)> {
    let head = memchr::memchr(b' ', line)?;
    let at_ms = std::str::from_utf8(&line[..head]).ok()?.parse().ok()?;
    let [mark, b' ', message @ ..] = &line[head + 1..] else {
        return None;
    };
    let (stream, continues) = match mark {
        b'o' => (Stream::Stdout, false),
        b'e' => (Stream::Stderr, false),
        b'O' => (Stream::Stdout, true),
        b'E' => (Stream::Stderr, true),
        _ => return None,
    };
    let message = String::from_utf8_lossy(message).into_owned();
    let line = SpoolLine {
        at_ms,
        stream,
        message,
    };
    Some((line, continues))
}

#[cfg(test)]
mod tests;
