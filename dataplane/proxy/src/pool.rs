//! Connections to one target, kept for the next request: the one used last is used first.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;

/// Idle connections kept per target.
const IDLE_CONNECTIONS_MAX: usize = 128;

pub(crate) type Sender = SendRequest<Incoming>;

#[derive(Default)]
pub(crate) struct Pool {
    idle: Mutex<Vec<Sender>>,
    /// Connections opened for a request.
    pub(crate) fresh: AtomicU64,
    /// Requests that went over a connection kept from an earlier one.
    pub(crate) reused: AtomicU64,
}

impl Pool {
    /// An idle connection that still stands, if there is one.
    pub(crate) async fn take(&self) -> Option<Sender> {
        loop {
            let mut sender = self.idle.lock().expect("no holder of this lock panics").pop()?;
            // A connection given back a moment ago may need one more turn before it is ready.
            if sender.ready().await.is_ok() {
                self.reused.fetch_add(1, Ordering::Relaxed);
                return Some(sender);
            }
        }
    }

    pub(crate) fn give_back(&self, sender: Sender) {
        if sender.is_closed() {
            return;
        }
        let mut idle = self.idle.lock().expect("no holder of this lock panics");
        if idle.len() < IDLE_CONNECTIONS_MAX {
            idle.push(sender);
        }
    }

    pub(crate) fn clear(&self) {
        self.idle.lock().expect("no holder of this lock panics").clear();
    }
}
