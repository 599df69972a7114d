//! Reads what a container writes and keeps it: line by line, or byte for byte.

use std::cell::RefCell;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::frames::FrameWriter;
use crate::spec::ContainerSpec;
use crate::spool::{LINE_BYTES_MAX, SpoolWriter, Stream, pieces};

const READ_BYTES: usize = 64 * 1024;
const PIPE_BYTES: i32 = 256 * 1024;
/// After a read that did not bring much.
const REST: Duration = Duration::from_millis(2);
/// While a container is held up.
const LOOK_FOR_ROOM: Duration = Duration::from_millis(10);

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
    pub fn create(directory: &Path, container: &ContainerSpec) -> io::Result<Self> {
        let (name, spool) = (&container.name, &container.spool);
        Ok(if container.frames {
            Self::Frames(Rc::new(RefCell::new(FrameWriter::create(directory, name)?)))
        } else {
            Self::Lines(Rc::new(RefCell::new(SpoolWriter::create(
                directory, name, spool,
            )?)))
        })
    }

    fn say(&self, sentence: &str) {
        match self {
            Self::Lines(spool) => {
                let mut spool = spool.borrow_mut();
                let _ = spool
                    .line(now_ms(), Stream::Stderr, sentence.as_bytes())
                    .and_then(|()| spool.flush());
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
    // More than it has by itself, so that a container need not wait while we rest. A terminal has no such thing.
    let _ = fcntl(&source, FcntlArg::F_SETPIPE_SZ(PIPE_BYTES));
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
            Record::Lines(spool) => {
                take(&buffer[..count], &mut rest, stream, terminal, spool)?;
                if count < READ_BYTES / 2 {
                    // Lines that come one by one are kept together.
                    tokio::time::sleep(REST).await;
                }
                hold(source.get_ref(), spool).await?;
            }
            Record::Frames(frames) => frames.borrow_mut().write(now_ms(), stream, &buffer[..count])?,
        }
    };
    if let Record::Lines(spool) = record {
        let mut spool = spool.borrow_mut();
        if !rest.is_empty() {
            spool.line(now_ms(), stream, &rest)?;
            spool.flush()?;
        }
        tell_of_dropped(&mut spool);
    }
    ended
}

/// Waits until there is room, or nobody is left who could be held up.
async fn hold(source: &OwnedFd, spool: &SharedSpool) -> io::Result<()> {
    tell_of_dropped(&mut spool.borrow_mut());
    while spool.borrow_mut().holds()? {
        let mut end = [PollFd::new(source.as_fd(), PollFlags::empty())];
        poll(&mut end, PollTimeout::ZERO)?;
        if end[0]
            .revents()
            .is_some_and(|events| events.contains(PollFlags::POLLHUP))
        {
            break;
        }
        tokio::time::sleep(LOOK_FOR_ROOM).await;
    }
    Ok(())
}

fn tell_of_dropped(spool: &mut SpoolWriter) {
    if let Ok(dropped @ 1..) = spool.dropped() {
        // The shim's standard error is its log; if that is gone, nobody can be told.
        let _ = writeln!(
            io::stderr(),
            "{} {dropped} lines of output were dropped: the buffer was full",
            Timestamp::now()
        );
    }
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
    let mut begin = 0;
    for end in memchr::memchr_iter(b'\n', bytes) {
        let piece = &bytes[begin..end];
        begin = end + 1;
        let line = if rest.is_empty() {
            piece
        } else {
            rest.extend_from_slice(piece);
            rest.as_slice()
        };
        // A terminal ends its lines with both.
        let ended = if terminal { line.strip_suffix(b"\r") } else { None };
        spool.line(at_ms, stream, ended.unwrap_or(line))?;
        rest.clear();
    }
    rest.extend_from_slice(&bytes[begin..]);
    if rest.len() > LINE_BYTES_MAX {
        let length = pieces(rest).next().map_or(0, <[u8]>::len);
        spool.line(at_ms, stream, &rest[..length])?;
        rest.drain(..length);
    }
    spool.flush()
}

fn set_nonblocking(source: &OwnedFd) -> io::Result<()> {
    let flags = OFlag::from_bits_truncate(fcntl(source, FcntlArg::F_GETFL)?);
    fcntl(source, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    debug_assert!(source.as_raw_fd() > 2, "standard streams are not ours to change");
    Ok(())
}

pub(super) fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}
