//! SIGTERM and SIGINT set a flag; the standard library has no way to hear of them.

use std::net::TcpListener;
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;
const POLLIN: i16 = 1;

static REQUESTED: AtomicBool = AtomicBool::new(false);

#[repr(C)]
struct PollFd {
    fd: i32,
    events: i16,
    revents: i16,
}

unsafe extern "C" {
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
    fn poll(fds: *mut PollFd, count: u64, timeout_ms: i32) -> i32;
}

extern "C" fn on_signal(_number: i32) {
    REQUESTED.store(true, Ordering::SeqCst);
}

pub fn watch() {
    for number in [SIGTERM, SIGINT] {
        // SAFETY: the handler stores to an atomic and does nothing else, which is allowed at any point of the program;
        // the signature is that of signal(2) on 64-bit Linux.
        unsafe {
            signal(number, on_signal);
        }
    }
}

pub fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}

/// Returns when a connection waits, when a signal came, or after `timeout`.
pub fn wait_readable(listener: &TcpListener, timeout: Duration) {
    let mut waiting = PollFd {
        fd: listener.as_raw_fd(),
        events: POLLIN,
        revents: 0,
    };
    let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: one valid entry, and a count of one; the layout is that of poll(2) on 64-bit Linux.
    unsafe {
        poll(&raw mut waiting, 1, timeout_ms);
    }
}
