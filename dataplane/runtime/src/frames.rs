//! A container's output on disk, byte for byte and in the order in which it came, for who attaches to the container.
//!
//! Numbered segments `<container>.<number>.frames` of pieces: one byte for the stream, eight for the milliseconds since
//! 1970, four for the length, then the bytes. Like a spool's, a segment with a successor does not grow any more.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::spool::{SEGMENT_BYTES_MAX, SEGMENTS_MAX, Stream};

const HEAD_BYTES: usize = 13;
/// Longer pieces are split.
const PIECE_BYTES_MAX: usize = 64 * 1024;
/// Room for several pieces at once.
const READ_BYTES: usize = 256 * 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub at_ms: i64,
    pub stream: Stream,
    pub bytes: Vec<u8>,
}

pub(crate) struct FrameWriter {
    directory: PathBuf,
    container: String,
    number: u64,
    file: File,
    bytes: u64,
}

impl FrameWriter {
    pub fn create(directory: &Path, container: &str) -> io::Result<Self> {
        let number = segments(directory, container).last().map_or(1, |last| last + 1);
        Ok(Self {
            directory: directory.to_owned(),
            container: container.to_owned(),
            number,
            file: open(directory, container, number)?,
            bytes: 0,
        })
    }

    /// On disk when it returns.
    pub fn write(&mut self, at_ms: i64, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        if self.bytes >= SEGMENT_BYTES_MAX {
            self.number += 1;
            self.file = open(&self.directory, &self.container, self.number)?;
            self.bytes = 0;
            let numbers = segments(&self.directory, &self.container);
            for number in numbers.iter().take(numbers.len().saturating_sub(SEGMENTS_MAX)) {
                let _ = fs::remove_file(segment_path(&self.directory, &self.container, *number));
            }
        }
        for piece in bytes.chunks(PIECE_BYTES_MAX) {
            let length = u32::try_from(piece.len()).map_err(io::Error::other)?;
            let mut frame = Vec::with_capacity(HEAD_BYTES + piece.len());
            frame.push(match stream {
                Stream::Stdout => 1,
                Stream::Stderr => 2,
            });
            frame.extend_from_slice(&at_ms.to_be_bytes());
            frame.extend_from_slice(&length.to_be_bytes());
            frame.extend_from_slice(piece);
            self.file.write_all(&frame)?;
            self.bytes += frame.len() as u64;
        }
        Ok(())
    }
}

fn open(directory: &Path, container: &str, number: u64) -> io::Result<File> {
    File::options()
        .create(true)
        .append(true)
        .open(segment_path(directory, container, number))
}

fn segment_path(directory: &Path, container: &str, number: u64) -> PathBuf {
    directory.join(format!("{container}.{number}.frames"))
}

fn segments(directory: &Path, container: &str) -> BTreeSet<u64> {
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
                .strip_suffix(".frames")?;
            middle.parse().ok()
        })
        .collect()
}

/// Reads what a container has written, from its first piece that is still there.
#[derive(Clone, Debug)]
pub struct FrameReader {
    directory: PathBuf,
    container: String,
    /// Segment and place in it.
    number: u64,
    offset: u64,
}

impl FrameReader {
    pub fn new(directory: PathBuf, container: &str) -> Self {
        Self {
            directory,
            container: container.to_owned(),
            number: 0,
            offset: 0,
        }
    }

    /// The next pieces; none when nothing more has been written yet.
    ///
    /// # Errors
    /// When the files cannot be read, or are not what a writer has written.
    pub fn read(&mut self) -> io::Result<Vec<Frame>> {
        loop {
            // Looked at before the segment itself: what has a successor is complete then.
            let successor = segments(&self.directory, &self.container)
                .into_iter()
                .find(|number| *number > self.number);
            let frames = match self.number {
                0 => Vec::new(),
                _ => self.read_segment()?,
            };
            match successor {
                Some(number) if frames.is_empty() => {
                    self.number = number;
                    self.offset = 0;
                }
                _ => return Ok(frames),
            }
        }
    }

    fn read_segment(&mut self) -> io::Result<Vec<Frame>> {
        let path = segment_path(&self.directory, &self.container, self.number);
        let mut file = match File::open(path) {
            Ok(file) => file,
            // Given up for its age, or gone with its task.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        file.take(READ_BYTES as u64).read_to_end(&mut bytes)?;
        let mut rest = bytes.as_slice();
        let mut frames = Vec::new();
        while let Some((frame, after)) = first(rest)? {
            frames.push(frame);
            rest = after;
        }
        self.offset += (bytes.len() - rest.len()) as u64;
        Ok(frames)
    }
}

/// `None` when the piece is not whole yet.
fn first(bytes: &[u8]) -> io::Result<Option<(Frame, &[u8])>> {
    let Some((head, rest)) = bytes.split_first_chunk::<HEAD_BYTES>() else {
        return Ok(None);
    };
    let stream = match head[0] {
        1 => Stream::Stdout,
        2 => Stream::Stderr,
        _ => return Err(io::Error::other("this is no output of a container")),
    };
    let [at @ .., a, b, c, d] = &head[1..] else {
        return Ok(None);
    };
    let at_ms = i64::from_be_bytes(at.try_into().map_err(io::Error::other)?);
    let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
    if length > PIECE_BYTES_MAX {
        return Err(io::Error::other("this is no output of a container"));
    }
    let Some((bytes, rest)) = rest.split_at_checked(length) else {
        return Ok(None);
    };
    let bytes = bytes.to_vec();
    Ok(Some((Frame { at_ms, stream, bytes }, rest)))
}

#[cfg(test)]
mod tests;
