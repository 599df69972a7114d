//! Frames that were read last: who reads a group page by page needs each several times.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

/// Decompressed, all together.
const CACHE_BYTES_MAX: usize = 48 << 20;

#[derive(Default)]
pub(crate) struct Cache(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    frames: HashMap<i64, Arc<Vec<u8>>>,
    /// By age.
    order: VecDeque<i64>,
    bytes: usize,
}

impl Cache {
    pub fn get(&self, frame: i64) -> Option<Arc<Vec<u8>>> {
        let kept = self.0.lock().expect("nothing panics while it holds the lock");
        kept.frames.get(&frame).cloned()
    }

    pub fn put(&self, frame: i64, bytes: Vec<u8>) {
        let mut kept = self.0.lock().expect("nothing panics while it holds the lock");
        let length = bytes.capacity();
        if kept.frames.insert(frame, Arc::new(bytes)).is_some() {
            return;
        }
        kept.order.push_back(frame);
        kept.bytes += length;
        while kept.bytes > CACHE_BYTES_MAX {
            let Some(oldest) = kept.order.pop_front() else {
                break;
            };
            if let Some(old) = kept.frames.remove(&oldest) {
                kept.bytes -= old.capacity();
            }
        }
    }
}
