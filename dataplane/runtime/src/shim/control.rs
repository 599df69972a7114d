//! The socket at which a task's shim tells its status and takes orders: JSON lines both ways.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};

use super::task::Event;

pub(crate) const SOCKET_FILE: &str = "shim.sock";
/// Longest order that is listened to.
const ORDER_BYTES_MAX: u64 = 16 * 1024;

/// An order to a task's shim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Command {
    /// The stop signal, and SIGKILL after each container's stop timeout.
    Stop { reason: String },
    /// SIGKILL at once.
    Kill { reason: String },
    /// A signal for the first process of each container, by its name or number; the container's stop signal if absent.
    Signal { name: Option<String> },
}

/// A short address for a socket in a directory whose path may be longer than an address can be. Valid as long as
/// the file is open.
pub(crate) fn address(directory: &Path, file: &str) -> io::Result<(File, PathBuf)> {
    let directory = File::open(directory)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}/{file}", directory.as_raw_fd()));
    Ok((directory, path))
}

pub(super) fn listen(directory: &Path) -> io::Result<UnixListener> {
    let (_open, address) = address(directory, SOCKET_FILE)?;
    let _ = std::fs::remove_file(directory.join(SOCKET_FILE));
    UnixListener::bind(address)
}

/// Serves one listener until it goes away or the last status was sent.
pub(super) async fn serve(
    stream: UnixStream,
    mut status: watch::Receiver<Rc<str>>,
    orders: mpsc::UnboundedSender<Event>,
) {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    status.mark_changed();
    loop {
        let mut line = Vec::new();
        let mut limited = (&mut read).take(ORDER_BYTES_MAX);
        tokio::select! {
            // A line that was only half read when a status intervened would be lost, hence statuses come first and
            // orders are written in one piece.
            biased;
            changed = status.changed() => {
                if changed.is_err() {
                    return;
                }
                let text = format!("{}\n", &**status.borrow_and_update());
                if write.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
            }
            read = limited.read_until(b'\n', &mut line) => {
                if !matches!(read, Ok(1..)) {
                    return;
                }
                if let Ok(command) = serde_json::from_slice(&line) {
                    let _ = orders.send(Event::Order(command));
                }
            }
        }
    }
}
