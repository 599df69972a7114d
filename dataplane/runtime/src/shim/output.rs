//! Reads what a container writes and keeps it: line by line, or byte for byte.

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;
use std::rc::Rc;

use jiff::Timestamp;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::frames::FrameWriter;
use crate::spool::{LINE_BYTES_MAX, SpoolWriter, Stream};

const READ_BYTES: usize = 64 * 1024;

pub(super) type SharedSpool = Rc<RefCell<SpoolWriter>>;

/// Where a container's output is kept.
#[derive(Clone)]
pub(super) enum Record {
    /// Line by line, for logs.
    Lines(SharedSpool),
    /// Byte for byte, for who attaches.
    Frames(Rc<RefCell<FrameWriter>>),
}

impl Record {
    pub fn create(directory: &Path, container: &str, frames: bool) -> io::Result<Self> {
        Ok(if frames {
            Self::Frames(Rc::new(RefCell::new(FrameWriter::create(directory, container)?)))
        } else {
            Self::Lines(Rc::new(RefCell::new(SpoolWriter::create(directory, container)?)))
        })
    }

    fn say(&self, sentence: &str) {
        match self {
            Self::Lines(spool) => {
                let mut spool = spool.borrow_mut();
                spool.line(now_ms(), Stream::Stderr, sentence.as_bytes());
                let _ = spool.flush();
            }
            Self::Frames(frames) => {
                let sentence = format!("{sentence}\n");
                let _ = frames
                    .borrow_mut()
                    .write(now_ms(), Stream::Stderr, sentence.as_bytes());
            }
        }
    }
}

/// Keeps until nobody can write any more. A terminal ends with EIO instead of an end of file.
pub(super) async fn record(source: OwnedFd, stream: Stream, terminal: bool, record: Record) {
    if let Err(error) = record_all(source, stream, terminal, &record).await
        && error.raw_os_error() != Some(libc::EIO)
    {
        record.say(&format!(
            "wharf: the output of this container is lost from here on: {error}"
        ));
    }
}

async fn record_all(source: OwnedFd, stream: Stream, terminal: bool, record: &Record) -> io::Result<()> {
    set_nonblocking(&source)?;
    // SAFETY: the descriptor is owned by the `AsyncFd` and stays open and the same as long as that lives.
    let source = unsafe { AsyncFd::register_with_interest(source, Interest::READABLE)? };
    let mut buffer = vec![0; READ_BYTES];
    let mut rest: Vec<u8> = Vec::new();
    let ended = loop {
        let count = {
            let mut ready = source.readable().await?;
            match ready.try_io(|inner| Ok(nix::unistd::read(inner.get_ref(), &mut buffer)?)) {
                Ok(Ok(0)) => break Ok(()),
                Ok(Ok(count)) => count,
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(Err(error)) => break Err(error),
                Err(_would_block) => continue,
            }
        };
        match record {
            Record::Lines(spool) => take(&buffer[..count], &mut rest, stream, terminal, spool)?,
            Record::Frames(frames) => frames.borrow_mut().write(now_ms(), stream, &buffer[..count])?,
        }
    };
    if let Record::Lines(spool) = record
        && !rest.is_empty()
    {
        let mut spool = spool.borrow_mut();
        spool.line(now_ms(), stream, &rest);
        spool.flush()?;
    }
    ended
}

fn take(
    bytes: &[u8],
    rest: &mut Vec<u8>,
    stream: Stream,
    terminal: bool,
    spool: &SharedSpool,
) -> io::Result<()> {
    let at_ms = now_ms();
    let mut spool = spool.borrow_mut();
    for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
        rest.extend_from_slice(piece);
        if rest.last() == Some(&b'\n') {
            rest.pop();
            // A terminal ends its lines with both.
            if terminal && rest.last() == Some(&b'\r') {
                rest.pop();
            }
        } else if rest.len() < LINE_BYTES_MAX {
            continue;
        }
        spool.line(at_ms, stream, rest);
        rest.clear();
    }
    spool.flush()
}

fn set_nonblocking(source: &OwnedFd) -> io::Result<()> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    let flags = OFlag::from_bits_truncate(fcntl(source, FcntlArg::F_GETFL)?);
    fcntl(source, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    debug_assert!(source.as_raw_fd() > 2, "standard streams are not ours to change");
    Ok(())
}

pub(super) fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}
