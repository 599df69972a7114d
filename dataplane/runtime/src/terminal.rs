//! Sizes of terminals.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _};

use contract::exec::TerminalSize;

/// Tells a terminal, by either of its sides, how large its window is.
///
/// # Errors
/// When the descriptor is not a terminal.
pub(crate) fn resize(terminal: impl AsFd, size: TerminalSize) -> io::Result<()> {
    let size = libc::winsize {
        ws_row: size.rows,
        ws_col: size.columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: the size outlives the call and is what TIOCSWINSZ reads.
    let result = unsafe { libc::ioctl(terminal.as_fd().as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
