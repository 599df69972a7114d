//! The person's own terminal while they work inside a container.

use std::io::Read;
use std::os::fd::{AsFd, AsRawFd as _};
use std::thread;

use client_deploy::{TerminalSize, Typed};
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use tokio::sync::mpsc::Sender;

/// Bytes of input that are read at once.
const READ_BYTES: usize = 8 * 1024;

/// A terminal that hands over every key as it is pressed, Ctrl-C too, and shows none of them. It is as it was before
/// when this is dropped.
#[derive(Debug)]
pub(crate) struct RawMode<T: AsFd> {
    terminal: T,
    before: Termios,
}

impl<T: AsFd> RawMode<T> {
    /// `None` for what is no terminal.
    pub fn begin(terminal: T) -> Option<Self> {
        let before = tcgetattr(&terminal).ok()?;
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        tcsetattr(&terminal, SetArg::TCSADRAIN, &raw).ok()?;
        Some(Self { terminal, before })
    }
}

impl<T: AsFd> Drop for RawMode<T> {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing any more.
        let _ = tcsetattr(&self.terminal, SetArg::TCSADRAIN, &self.before);
    }
}

mod ioctl {
    nix::ioctl_read_bad!(window_size, nix::libc::TIOCGWINSZ, nix::libc::winsize);
}

/// `None` for what is no terminal, and for one that does not know.
pub(crate) fn size(terminal: impl AsFd) -> Option<TerminalSize> {
    let mut size = nix::libc::winsize {
        ws_row: 0,
        ws_col: 0,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: the descriptor is open, and the kernel writes no more than the one structure that is ours.
    unsafe { ioctl::window_size(terminal.as_fd().as_raw_fd(), &raw mut size) }.ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then(|| TerminalSize {
        columns: size.ws_col.into(),
        rows: size.ws_row.into(),
    })
}

/// Hands over what is typed until it ends, and then `last`.
///
/// In a thread of its own that nobody waits for: a read from a terminal cannot be called back.
pub(crate) fn read_in_background(mut input: impl Read + Send + 'static, typed: Sender<Typed>, last: Typed) {
    thread::spawn(move || {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            match input.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    let bytes = buffer[..count].to_vec();
                    if typed.blocking_send(Typed::Bytes(bytes.into())).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        // Whoever listened may have gone in the meantime.
        let _ = typed.blocking_send(last);
    });
}

#[cfg(test)]
mod tests;
